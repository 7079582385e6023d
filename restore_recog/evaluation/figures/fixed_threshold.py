"""Thresholds fixed once, on unoccluded faces, and used for every arm.

NIST's face-mask tests do the same (NISTIR 8311): a system in use has one threshold, and
neither a covering nor its restoration changes that. At the fixed threshold a restorer can do
harm in two ways: genuine comparisons fall below it (FNMR), or restored faces become more like
other people's and rise above it (FMR).

Impostor comparisons are those of every probe with every reference of other people, genuine
ones those of every probe with every reference of its own subject. Where a protocol is a list
of pairs, the genuine comparisons are its genuine pairs (an image may be on both sides, and must
not be compared with itself); the impostor side stays whole, since the few hundred impostors
of a list are too few to fix a threshold on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.single import rate_figure
from restore_recog.evaluation.scores.design import ArmScores, Design, Measured
from restore_recog.evaluation.scores.search import AcceptedCounts, count_accepted, search
from restore_recog.metrics.flips import flip_interval
from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import bootstrap_two_way_counts, sign_flip_test
from restore_recog.metrics.verification import largest_count
from restore_recog.types import Mask

TARGETS = (1e-2, 1e-3, 1e-4)
"""False match rates at which thresholds are fixed."""

TOO_FEW = "too few impostors"
"""Flag of a figure whose threshold allows not one false match."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fixed thresholds.

    Attributes:
        on: What they were fixed on, in words.
        n_impostor: Impostor comparisons that they were fixed on.
        thresholds: Target FMR -> threshold.
        budgets: Target FMR -> false accepts that it allows, floor(FMR x n_impostor).
        exact: Whether the thresholds are the lowest possible; else they are at most the
            stream's width higher.
    """

    on: str
    n_impostor: int
    thresholds: Mapping[float, float]
    budgets: Mapping[float, int]
    exact: bool

    def facts(self) -> dict[str, Any]:
        """Return the calibration as plain JSON values."""
        return {
            "on": self.on,
            "n_impostor": self.n_impostor,
            "exact": self.exact,
            "thresholds": {f"{target:g}": value for target, value in self.thresholds.items()},
            "false_accept_budgets": {f"{target:g}": n for target, n in self.budgets.items()},
        }


def calibrate(
    design: Design, clean: Measured | None, floor: Measured, unoccluded: Mask
) -> Calibration | None:
    """Fix the thresholds; None where there is no impostor comparison to fix them on.

    They are fixed on the impostor comparisons of the clean arm: all clean probes with all
    references of other people. Where the data has no clean counterparts, they are fixed on the
    comparisons of unoccluded references of different people, each pair once; with averaged
    references, each image with the averages of others.

    Args:
        clean: The clean arm, or None.
        floor: The occluded arm, with the references as given.
        unoccluded: (R,) which of them show a bare face.
    """
    if clean is None:
        compared = _among_references(design, floor, unoccluded)
        return None if compared is None else _calibration("unoccluded references", *compared)
    stream = _all_impostors(design, clean)
    return _calibration("clean arm", stream) if stream.count else None


def _all_impostors(design: Design, arm: Measured) -> ScoreStream:
    if arm.scores.search is not None:
        return arm.scores.search.impostor
    gallery, owners = design.gallery(arm.references)
    sides = arm.probes, gallery, design.probe_subjects, owners
    return search(*sides, compare=arm.compare, block=design.block, streams=True).impostor


def _among_references(
    design: Design, floor: Measured, unoccluded: Mask
) -> tuple[ScoreStream, int] | None:
    """Return their comparisons and how often each is among them; None without two people."""
    gallery, owners = floor.references[unoccluded], design.column_subjects[unoccluded]
    if np.unique(owners).size < 2:
        return None
    enrolled, people = design.pooled(gallery, np.flatnonzero(unoccluded))
    times = 2 if design.enrolment == "max" else 1
    sides = gallery, enrolled, owners, people
    result = search(*sides, compare=floor.compare, block=design.block, streams=True)
    return result.impostor, times


def _calibration(on: str, stream: ScoreStream, times: int = 1) -> Calibration:
    """Return the thresholds of a stream that holds every comparison *times* times."""
    n = stream.count // times
    thresholds = {target: stream.threshold_at(target) for target in TARGETS}
    return Calibration(
        on=on,
        n_impostor=n,
        thresholds={target: threshold for target, (threshold, _) in thresholds.items()},
        budgets={target: largest_count(target, n) for target in TARGETS},
        exact=all(exact for _, exact in thresholds.values()),
    )


def impostors(
    design: Design,
    calibration: Calibration,
    arm: Measured,
    rows: Mask | None = None,
) -> AcceptedCounts:
    """Count the impostor comparisons of an arm that reach the threshold of each target FMR.

    Args:
        rows: (P,) mask of the probes to count; None for all.
    """
    chosen = np.ones(len(arm.probes), dtype=bool) if rows is None else rows
    gallery, owners = design.gallery(arm.references)
    return count_accepted(
        arm.probes[chosen],
        gallery,
        design.probe_subjects[chosen],
        owners,
        calibration.thresholds,
        compare=arm.compare,
        block=design.block,
    )


def rates_at_fixed(
    design: Design, calibration: Calibration, scores: ArmScores, counted: AcceptedCounts, seed: int
) -> Iterator[Figure | None]:
    """Return FMR and FNMR of one arm at the fixed thresholds, over all comparisons.

    The interval of the FMR draws the people on both sides, that of the FNMR on one.
    """
    genuine, people = scores.genuine, design.people[scores.genuine.probe]
    done = np.isfinite(genuine.scores)
    for target, threshold in calibration.thresholds.items():
        facts = {
            "threshold": threshold,
            "calibrated_on": calibration.on,
            "calibration_impostors": calibration.n_impostor,
            "false_accept_budget": calibration.budgets[target],
        }
        yield _with_budget(fmr_figure(counted, target, seed), calibration, facts)
        rejected = genuine.scores < threshold
        facts["fnmr_completed"] = float(rejected[done].mean()) if done.any() else np.nan
        fnmr = rate_figure(FigureName("fnmr_frozen", target), rejected, people, seed, errors=True)
        yield _with_budget(fnmr, calibration, facts)


def fmr_figure(counted: AcceptedCounts, target: float, seed: int) -> Figure | None:
    """Return an FMR with an interval that draws both people; None without a comparison."""
    if not counted.n:
        return None
    accepted = counted.accepted[target]
    errors = int(accepted.sum())
    interval = bootstrap_two_way_counts(accepted, counted.compared, seed=seed)
    # Every comparison is of two people: few pairs can have more people than there are pairs.
    why = flag(errors, counted.n, min(counted.n, interval.n_subjects))
    return Figure.of(FigureName("fmr_frozen", target), interval, why, accepted=errors)


def fmr_changes(arm: AcceptedCounts, floor: AcceptedCounts, seed: int) -> Iterator[Figure]:
    """Return the change of the FMR at each fixed threshold from one arm to another.

    Paired: every draw of people is the same for both. After a rise, restored faces look more
    like other people's. The sign-flip test flips the people of the probes, whose images are
    what differs between the arms.
    """
    for target in arm.accepted if arm.n else ():
        now, before = arm.accepted[target], floor.accepted[target]
        changes = np.asarray((now - before).sum(axis=1), dtype=float).ravel()  # by probe's person
        yield Figure.of(
            FigureName("fmr_frozen_change", target),
            bootstrap_two_way_counts(now - before, arm.compared, seed=seed),
            accepted=int(now.sum()),
            before=int(before.sum()),
            p_sign_flip=sign_flip_test(changes, arm.subjects, seed),
        )


def _with_budget(
    figure: Figure | None, calibration: Calibration, facts: Mapping[str, Any]
) -> Figure | None:
    """Add what the threshold is based on, and flag where the impostors are too few to fix it."""
    if figure is None:
        return None
    enough = calibration.budgets[figure.name.target]
    return replace(figure.with_details(**facts), flag=figure.flag if enough else TOO_FEW)


def fnmr_changes(
    design: Design,
    calibration: Calibration,
    arm: ArmScores,
    floor: ArmScores,
    seed: int,
    kind: str = "fnmr_frozen_change",
) -> Iterator[Figure]:
    """Return the change of the FNMR at each fixed threshold, paired; below 0 is better.

    Interval and test are those of :func:`~.paired.flips`.

    ``rescued`` counts the genuine comparisons that only the arm accepts, ``harmed`` those
    that only the floor accepts.
    """
    people = design.people[arm.genuine.probe]
    for target, threshold in calibration.thresholds.items():
        now, before = arm.genuine.scores < threshold, floor.genuine.scores < threshold
        if now.size:
            yield Figure.of(
                FigureName(kind, target),
                flip_interval(now.astype(float) - before, people),
                p_sign_flip=sign_flip_test(now.astype(float) - before, people, seed),
                rescued=int((before & ~now).sum()),
                harmed=int((now & ~before).sum()),
            )
