"""The figures of single probes, in columns that can be cut into groups of probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.comparisons import Vector
from restore_recog.evaluation.scoring import Board, Measured
from restore_recog.metrics.view2 import View2

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One figure of one arm as values, each of one probe.

    Attributes:
        rows: (n,) the row of each value's probe.
        errors: Whether a value of 1 is an error; None where values are no successes or
            errors but differences.
    """

    arm: str
    figure: str
    values: Vector
    rows: NDArray[np.intp]
    errors: bool | None


def series(
    arms: Sequence[Measured],
    bases: Mapping[str, str],
    views: Mapping[str, View2],
    board: Board,
    threshold: tuple[str, float] | None,
) -> list[Series]:
    """Return what is broken down, arm by arm; values that are not known are left out.

    Args:
        bases: Arm -> the arm it is held against, where there is one.
        views: Arm -> its answers on the pairs, where the plan has folds.
        threshold: Name of the shared operating point and its threshold, or None.
    """
    by_name = {arm.name: arm for arm in arms}
    found = []
    for arm in arms:
        base = by_name.get(bases.get(arm.name, ""))
        columns = [*_alone(arm, board, threshold), *_against(arm, base)]
        columns += _pairs(arm.name, bases.get(arm.name, ""), views, board)
        for figure, values, rows, errors in columns:
            known = np.isfinite(values)
            if known.any():
                found.append(Series(arm.name, figure, values[known], rows[known], errors))
    return found


Column = tuple[str, Vector, Rows, bool | None]


def _alone(arm: Measured, board: Board, threshold: tuple[str, float] | None) -> Iterator[Column]:
    scores, probes = arm.scores, np.arange(len(board.plan.probes))
    yield "rank1", scores.hit(), probes, False
    yield "fta", scores.failed.astype(float), probes, True
    if threshold is not None:
        rejected = (scores.genuine.scores < threshold[1]).astype(float)
        yield f"fnmr_frozen@{threshold[0]}", rejected, scores.genuine.probe, True


def _against(arm: Measured, base: Measured | None) -> Iterator[Column]:
    if base is not None:
        mine, theirs, probes = arm.scores, base.scores, np.arange(len(arm.probes))
        yield "rank1_gain", mine.hit() - theirs.hit(), probes, None
        yield "cosine_gain", mine.cosine - theirs.cosine, probes, None


def _pairs(name: str, base: str, views: Mapping[str, View2], board: Board) -> Iterator[Column]:
    if name in views:
        rows, mine = board.pair_rows[:, 0], views[name].correct.astype(float)
        yield "accuracy", mine, rows, False
        if base in views:
            yield "accuracy_gain", mine - views[base].correct, rows, None
