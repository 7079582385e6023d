"""The same figures for groups of probes, at thresholds that all groups share.

Groups are compared at one threshold because a system has one: a group that fares worse
there fares worse, whatever its own threshold would give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import Figure, FigureName, collected
from restore_recog.evaluation.figures.group_labels import UNKNOWN
from restore_recog.evaluation.figures.pairs import LEVEL, RESAMPLES, flipped_together
from restore_recog.evaluation.results import Cohort
from restore_recog.evaluation.scores.design import Design, Measured
from restore_recog.labels import KINDS
from restore_recog.metrics.flips import flip_interval
from restore_recog.metrics.permutation import largest_gap_test
from restore_recog.metrics.resampling import Interval, percentile_limits, resampled
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import sign_flip_test
from restore_recog.metrics.view2 import View2
from restore_recog.types import Mask, Vector

FLIPPING = ("rank1_gain", "accuracy_gain", *(f"{kind}_gain" for kind in KINDS))
"""Differences of right and wrong, which also have counts of flips."""


@dataclass(frozen=True, slots=True, eq=False)
class Breakdown:
    """One label's groups, and what shows how much they differ.

    Attributes:
        cohorts: The groups, sorted by value.
        gaps: (arm, figure) -> p of the gap between the best and the worst measured group
            (:func:`~restore_recog.metrics.permutation.largest_gap_test`).
    """

    cohorts: tuple[Cohort, ...]
    gaps: Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Breaks figures down by the values of labels.

    Attributes:
        people: (P,) the probes' subjects as numbers.
        further: Arm and (P,) mask of probes -> figures that are tested for no gap between groups.
        min_subjects: Groups of fewer people are named and counted, not measured.
    """

    measured: Sequence[Series]
    people: NDArray[np.intp]
    further: Callable[[str, Mask], Iterable[Figure | None]]
    seed: int
    min_subjects: int

    def breakdown(self, column: str, values: NDArray[np.str_]) -> Breakdown:
        """Return the groups of one label; values: (P,) of each probe."""
        kinds = np.unique(values).tolist()
        masks = np.stack([values == kind for kind in kinds], axis=1)
        draws = _draws(self.measured, masks, self.people, self.seed)
        cohorts = []
        for i, kind in enumerate(kinds):
            mask = masks[:, i]
            n_subjects = np.unique(self.people[mask]).size
            mine = {key: drawn[:, i] for key, drawn in draws.items()}
            arms = self._arms(mask, mine) if n_subjects >= self.min_subjects else {}
            cohorts.append(Cohort(column, kind, int(mask.sum()), n_subjects, arms))
        return Breakdown(tuple(cohorts), self._gaps(cohorts, values))

    def _gaps(
        self, cohorts: Sequence[Cohort], values: NDArray[np.str_]
    ) -> dict[tuple[str, str], float]:
        """Test how far apart the measured groups of a label are, in every figure."""
        compared = [cohort.value for cohort in cohorts if cohort.arms and cohort.value != UNKNOWN]
        inside = np.isin(values, compared)
        if len(compared) < 2:
            return {}
        table = np.zeros((2, len(values), len(self.measured)))
        for i, one in enumerate(self.measured):
            np.add.at(table[0, :, i], one.rows, one.values)
            np.add.at(table[1, :, i], one.rows, 1.0)
        sums, counts = table[:, inside]
        ps = largest_gap_test(sums, counts, values[inside], self.people[inside], seed=self.seed)
        return {(one.arm, one.figure): float(p) for one, p in zip(self.measured, ps, strict=True)}

    def _arms(
        self, mask: Mask, draws: Mapping[tuple[str, str], Vector]
    ) -> dict[str, dict[str, Figure]]:
        arms: dict[str, dict[str, Figure]] = {}
        for one in self.measured:
            figure = _figure(one, mask, self.people, draws[one.arm, one.figure], self.seed)
            if figure is not None:
                arms.setdefault(one.arm, {})[figure.name] = figure
        for name in arms:
            arms[name] |= collected(*self.further(name, mask))
        return arms


def _draws(
    measured: Sequence[Series], masks: NDArray[np.bool_], people: NDArray[np.intp], seed: int
) -> dict[tuple[str, str], Vector]:
    """Return every figure of every group, (B, groups), on the same draws of people."""
    n_people, width = int(people.max()) + 1, masks.shape[1]
    blocks = []
    for one in measured:
        inside = masks[one.rows]
        owner = people[one.rows]
        for weights in (inside * one.values[:, None], inside.astype(float)):
            block = np.zeros((n_people, width))
            np.add.at(block, owner, weights)
            blocks.append(block)
    table = np.concatenate(blocks, axis=1)
    sums = resampled(lambda w: w @ table, n_people, seed, RESAMPLES)
    sums = sums.reshape(-1, len(measured), 2, width)  # (B, figures, 2, groups)
    total, count = sums[:, :, 0], sums[:, :, 1]
    shares = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return {(one.arm, one.figure): shares[:, i] for i, one in enumerate(measured)}


def _figure(
    one: Series, mask: Mask, people: NDArray[np.intp], draws: Vector, seed: int
) -> Figure | None:
    inside = mask[one.rows]
    values = one.values[inside]
    if not values.size:
        return None
    owners = people[one.rows[inside]]
    n_subjects = np.unique(owners).size
    if one.figure in FLIPPING:
        units = owners if one.units is None else one.units[inside]
        return _flips(one.figure, values, owners, units, seed)
    limits = (math.nan, math.nan)
    if n_subjects > 1:
        limits = percentile_limits(draws[~np.isnan(draws)], LEVEL)
    interval = Interval(float(values.mean()), *limits, values.size, n_subjects, RESAMPLES)
    if one.errors is not None:
        ones = round(float(values.sum()))
        wrong = ones if one.errors else values.size - ones
        return Figure.of(one.figure, interval, flag(wrong, values.size, n_subjects))
    return Figure.of(one.figure, interval)


def _flips(
    name: str, values: Vector, owners: NDArray[np.intp], units: NDArray[np.intp], seed: int
) -> Figure:
    """Return a difference of right and wrong in one group, with its test over people."""
    return Figure.of(
        name,
        flip_interval(values, owners),
        rescued=int((values > 0).sum()),
        harmed=int((values < 0).sum()),
        p_sign_flip=sign_flip_test(values, units, seed),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One figure of one arm as values, each of one probe.

    Attributes:
        rows: (n,) the row of each value's probe.
        errors: Whether a value of 1 is an error; None where values are no successes or
            errors but differences.
        units: (n,) what the sign-flip test flips; None for the probes' people.
    """

    arm: str
    figure: str
    values: Vector
    rows: NDArray[np.intp]
    errors: bool | None
    units: NDArray[np.intp] | None = None


def series(
    arms: Sequence[Measured],
    bases: Mapping[str, str],
    views: Mapping[str, View2],
    design: Design,
    threshold: tuple[float, float] | None,
) -> list[Series]:
    """Return what is broken down, arm by arm; unknown values are left out.

    Args:
        bases: Arm -> the arm it is compared with, where there is one.
        views: Arm -> its decisions on the pairs, where the plan has folds.
        threshold: FMR of the shared operating point and its threshold, or None.
    """
    by_name = {arm.name: arm for arm in arms}
    every = []
    for arm in arms:
        base = bases.get(arm.name, "")
        columns = [*_by_probe(arm, by_name.get(base), threshold)]
        for figure, values, rows, errors in columns:
            known = np.isfinite(values)
            if known.any():
                every.append(Series(arm.name, figure, values[known], rows[known], errors))
        if arm.name in views:
            every += _by_pair(arm, views, by_name.get(base), design)
    return every


Column = tuple[str, Vector, NDArray[np.intp], bool | None]


def _by_probe(
    arm: Measured, base: Measured | None, threshold: tuple[float, float] | None
) -> Iterator[Column]:
    scores, probes = arm.scores, np.arange(len(arm.probes))
    yield "rank1", scores.hit(), probes, False
    yield "fta", scores.failed.astype(float), probes, True
    if threshold is not None:
        rejected = (scores.genuine.scores < threshold[1]).astype(float)
        yield FigureName("fnmr_frozen", threshold[0]), rejected, scores.genuine.probe, True
    if base is not None:
        yield "rank1_gain", scores.hit() - base.scores.hit(), probes, None
        yield "cosine_gain", scores.cosine - base.scores.cosine, probes, None
    if arm.labelled is not None:
        right = arm.labelled.right.astype(float)
        yield arm.labelled.kind, right, probes, False
        if base is not None and base.labelled is not None:
            yield f"{arm.labelled.kind}_gain", right - base.labelled.right, probes, None


def _by_pair(
    arm: Measured, views: Mapping[str, View2], base: Measured | None, design: Design
) -> Iterator[Series]:
    rows, right = design.pair_rows[:, 0], views[arm.name].correct.astype(float)
    yield Series(arm.name, "accuracy", right, rows, False)
    if base is not None:
        gain, units = right - views[base.name].correct, flipped_together(design, arm, base)
        yield Series(arm.name, "accuracy_gain", gain, rows, None, units)
