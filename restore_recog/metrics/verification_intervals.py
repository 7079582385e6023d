"""Subject-level intervals of the figures of a DET curve: EER and FNMR at an FMR."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.inputs import Subjects, people, same_kind
from restore_recog.metrics.resampling import (
    Interval,
    check_options,
    percentile_limits,
    resampled,
)
from restore_recog.metrics.verification import (
    both_sides,
    det_curve,
    equal_error_rate,
    fnmr_at_fmr,
)
from restore_recog.types import Vector


@dataclass(frozen=True, slots=True)
class VerificationIntervals:
    """Intervals of one arm's verification figures, from the same draws.

    Attributes:
        eer: Of the interpolated equal error rate.
        fnmr: Of FNMR at each FMR asked for.
    """

    eer: Interval
    fnmr: Mapping[float, Interval]


def bootstrap_verification(
    genuine: ArrayLike,
    impostor: ArrayLike,
    genuine_subjects: Subjects,
    impostor_subjects: Sequence[tuple[str, str]] | NDArray[np.generic],
    *,
    seed: int,
    fmr_targets: Sequence[float] = (0.01, 0.001),
    resamples: int = 2000,
    level: float = 0.95,
) -> VerificationIntervals:
    """Return EER and FNMR at FMR with intervals that draw people.

    A genuine comparison weighs how often its person was drawn, an impostor comparison the
    product for its two people; the threshold is found anew in every draw. Percentile
    intervals; NaN with fewer than two subjects, or where some draw has no genuine or no
    impostor comparison or so many failures that its rates do not meet (EER).

    Args:
        genuine, impostor: (M,) and (N,) scores; -inf = failed.
        genuine_subjects: (M,) whose comparison each is.
        impostor_subjects: (N, 2) the two people of each.
        seed: Of the draws.
        fmr_targets: FMRs at which FNMR is wanted.
        resamples: Number of draws.
        level: Coverage aimed at.

    Raises:
        ValueError: Shapes disagree, an impostor comparison is of one person, a score is
            NaN or +inf, or an option is out of range.
        DataError: There is no genuine or no impostor comparison.
    """
    check_options(resamples, level)
    values = [equal_error_rate(genuine, impostor).value]
    values += [fnmr_at_fmr(genuine, impostor, target).fnmr for target in fmr_targets]
    mated, other = both_sides(genuine, impostor)
    own, (first, second), n_subjects = _people(genuine_subjects, impostor_subjects)
    if own.size != mated.size or first.size != other.size:
        raise ValueError("Each genuine comparison needs one subject, each impostor one two.")
    thresholds = det_curve(mated, other).thresholds
    order_g, order_i = np.argsort(mated), np.argsort(other)
    below_g = np.searchsorted(mated[order_g], thresholds, side="left")
    below_i = np.searchsorted(other[order_i], thresholds, side="left")

    def figures(weights: Vector) -> Vector:
        below, total = _weight_below(weights[:, own[order_g]], below_g)
        fnmr = below / total
        pairs = weights[:, first[order_i]] * weights[:, second[order_i]]
        below, total = _weight_below(pairs, below_i)
        fmr = (total - below) / total
        columns = [_crossing(fmr, fnmr)]
        columns += [_lowest_fnmr(fmr, fnmr, target) for target in fmr_targets]
        return np.stack(columns, axis=1)

    # One draw holds a row of every comparison, so chunks are counted in comparisons.
    width = mated.size + other.size
    draws = resampled(figures, n_subjects, seed, resamples, width=width)
    intervals = [
        Interval(value, *_limits(draws, column, level), width, n_subjects, resamples)
        for column, value in enumerate(values)
    ]
    return VerificationIntervals(intervals[0], dict(zip(fmr_targets, intervals[1:], strict=True)))


def _people(
    genuine: Subjects, impostor: Sequence[tuple[str, str]] | NDArray[np.generic]
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return numbers for people: (M,), (2, N), and how many there are."""
    own = people(genuine, "The subjects of genuine comparisons")
    pairs = people(impostor, "The subjects of impostor comparisons")
    same_kind(own, pairs)
    if own.ndim != 1 or pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(
            f"Subjects of shape (M,) and (N, 2) needed, not {own.shape}, {pairs.shape}."
        )
    if np.any(pairs[:, 0] == pairs[:, 1]):
        raise ValueError("An impostor comparison is of two people; one is of the same person.")
    names, index = np.unique(np.concatenate([own, pairs.T.ravel()]), return_inverse=True)
    return index[: own.size], index[own.size :].reshape(2, -1), names.size


def _weight_below(weights: Vector, counts: NDArray[np.intp]) -> tuple[Vector, Vector]:
    """Return the weight of the first ``counts[k]`` columns, (B, K), and of all, (B, 1).

    All weights are whole numbers, so the sums are exact. A total of 0 is NaN.
    """
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    total = sums[:, -1:]
    return sums[:, counts], np.where(total > 0, total, np.nan)


def _crossing(fmr: Vector, fnmr: Vector) -> Vector:
    """Return (B,) interpolated EER of curves (B, K); NaN where the rates do not meet."""
    gap = fmr - fnmr
    rows = np.arange(len(gap))
    after = np.argmax(gap <= 0.0, axis=1)
    before = np.maximum(after - 1, 0)
    drop = gap[rows, before] - gap[rows, after]
    share = np.divide(gap[rows, before], drop, out=np.zeros(len(gap)), where=drop > 0)
    value = fmr[rows, before] + share * (fmr[rows, after] - fmr[rows, before])
    meets = (after > 0) | (gap[:, 0] == 0.0)
    return np.where(meets, value, np.nan)


def _lowest_fnmr(fmr: Vector, fnmr: Vector, target: float) -> Vector:
    """Return (B,) the FNMR at the first, and so lowest, threshold with FMR <= target."""
    first = np.argmax(fmr <= target, axis=1)
    return np.asarray(fnmr[np.arange(len(fnmr)), first])


def _limits(draws: Vector, column: int, level: float) -> tuple[float, float]:
    """Return the percentile interval of a column; NaN where a draw had no such figure."""
    if not draws.size or np.isnan(draws[:, column]).any():
        return math.nan, math.nan
    return percentile_limits(draws[:, column], level)
