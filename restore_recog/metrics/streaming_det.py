"""The DET curve and its operating points from streams of scores; curves with fewer points.

See :mod:`restore_recog.metrics.streaming` for what a stream knows exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from restore_recog.errors import DataError
from restore_recog.metrics.inputs import coarsest, numbers, precision, rate, rounded_up
from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.verification import DetCurve, OperatingPoint, largest_count

STEP = 0.005
"""Least distance, in normal deviates, between two points that are both kept."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamedDet:
    """A DET curve of which every point is exact; below :attr:`floor` some steps are missing.

    Where a stream counted scores up to an error only, a point at or below ``floor`` is in the
    middle of what it may be.

    Attributes:
        curve: FMR and FNMR at its thresholds, all of them exact: every distinct score above
            ``floor``, the occupied edges of bins at or below it, and +inf.
        floor: -inf where no step is missing, so that ``curve`` is the one of
            :func:`~.verification.det_curve`.
        width: Spacing of the edges, and two errors. Between two neighbouring points the true curve
            stays within the rectangle that they span, where they are exact.
        fmr_bound, fnmr_bound: The longest sides of such rectangles at or below ``floor``, with
            what the points themselves leave open; 0 where no step is missing.
    """

    curve: DetCurve
    floor: float
    width: float
    fmr_bound: float
    fnmr_bound: float


@dataclass(frozen=True, slots=True)
class StreamedPoint:
    """An operating point and what is sure of it.

    Attributes:
        point: As :func:`~.verification.fnmr_at_fmr` has it. Its FMR never exceeds the
            target; where it is not exact, its rates are too high, never too low.
        exact: Whether threshold, FMR and FNMR are those of the scores themselves.
        fnmr_bound: The most by which FNMR may be too high; 0 where exact.
        threshold_bound: The same of the threshold.
    """

    point: OperatingPoint
    exact: bool
    fnmr_bound: float
    threshold_bound: float


def streaming_det(
    genuine: ScoreStream | ArrayLike, impostor: ScoreStream | ArrayLike
) -> StreamedDet:
    """Return FMR and FNMR at every distinct score of the tail and every bin below it.

    Args:
        genuine, impostor: Streams with equal bins, or scores as for
            :func:`~.verification.det_curve`, all of which are then kept.

    Raises:
        ValueError: The bins of two streams differ, or a score is refused.
        DataError: There is no genuine or no impostor comparison.
    """
    mated, other = _streams(genuine, impostor)
    floor = max(mated.floor, other.floor)
    edges = [stream.occupied_edges() for stream in (mated, other)]
    below = [known[known <= floor] for known in edges]
    tails = [stream.kept[stream.kept > floor] for stream in (mated, other)]
    thresholds = np.append(np.unique(np.concatenate(below + tails)), np.inf)
    fmr_low, fmr_high = (counts / other.count for counts in other.counts_at(thresholds))
    fnmr_high, fnmr_low = (
        (mated.count - counts) / mated.count for counts in mated.counts_at(thresholds)
    )
    coarse = np.count_nonzero(thresholds <= floor)
    fmr, fnmr = (fmr_low + fmr_high) / 2, (fnmr_low + fnmr_high) / 2
    return StreamedDet(
        curve=DetCurve(thresholds, fmr, fnmr, mated.count, other.count),
        floor=floor,
        width=max(mated.width, other.width),
        fmr_bound=float(np.max((fmr_high[:-1] - fmr_low[1:])[:coarse], initial=0.0)),
        fnmr_bound=float(np.max((fnmr_high[1:] - fnmr_low[:-1])[:coarse], initial=0.0)),
    )


def streaming_fnmr_at_fmr(
    genuine: ScoreStream | ArrayLike, impostor: ScoreStream | ArrayLike, fmr: float
) -> StreamedPoint:
    """Return the lowest FNMR whose FMR is at most ``fmr``, and whether it is exact.

    Args, Raises: As :func:`streaming_det`; ValueError also for ``fmr`` outside [0, 1].
    """
    mated, other = _streams(genuine, impostor)
    threshold, sharp = other.threshold_at(fmr)
    budget = largest_count(rate(fmr, "The target FMR"), other.count)
    if budget >= other.count - other.failed:
        threshold = min(threshold, mated.least)
    threshold = rounded_up(threshold, coarsest(*other.kinds))
    slack = 0.0 if sharp else other.width
    fewest = int(mated.counts_at([threshold])[0][0])
    most = fewest if threshold == np.inf else int(mated.counts_at([threshold - slack])[1][0])
    certain, accepted = (int(count[0]) for count in other.counts_at([threshold]))
    fnmr = (mated.count - fewest) / mated.count
    point = OperatingPoint(fnmr, threshold, accepted / other.count, budget, supported=budget > 0)
    bound = (most - fewest) / mated.count
    exact = sharp and most == fewest and certain == accepted
    return StreamedPoint(point, exact, bound, slack)


def thinned(curve: DetCurve, step: float = STEP) -> DetCurve:
    """Return a curve with fewer points, each of them a point of the given one.

    A point is dropped where both its rates lie closer than *step* normal deviates to those of
    a point that is kept; no rate is changed and none invented. The end points stay.
    """
    x, y = (
        ndtri(np.clip(rate, 0.5 / n, 1 - 0.5 / n)) / step
        for rate, n in ((curve.fmr, curve.n_impostor), (curve.fnmr, curve.n_genuine))
    )
    cell = np.stack([np.floor(x), np.floor(y)], axis=1)
    keep = np.ones(len(cell), dtype=bool)
    keep[1:] = (cell[1:] != cell[:-1]).any(axis=1)
    keep[-1] = True
    return DetCurve(
        curve.thresholds[keep], curve.fmr[keep], curve.fnmr[keep], curve.n_genuine, curve.n_impostor
    )


def _streams(
    genuine: ScoreStream | ArrayLike, impostor: ScoreStream | ArrayLike
) -> tuple[ScoreStream, ScoreStream]:
    """Return both as streams; both must hold something."""
    given = [side for side in (genuine, impostor) if isinstance(side, ScoreStream)]
    if len({(stream.bins, stream.limit) for stream in given}) > 1:
        raise ValueError("Streams with different bins have no curve in common.")
    like = given[0] if given else ScoreStream()
    listed = [side for side in (genuine, impostor) if not isinstance(side, ScoreStream)]
    kind = coarsest(precision(*listed), *(kind for stream in given for kind in stream.kinds))
    sides = []
    for name, side in (("genuine", genuine), ("impostor", impostor)):
        if isinstance(side, ScoreStream):
            stream = side
        else:
            scores = numbers(side, "Scores").astype(kind, copy=False)
            stream = ScoreStream(max(1, scores.size), like.bins, like.limit)
            stream.add(scores)
        if not stream.count:
            raise DataError(
                f"There is no {name} comparison, so error rates cannot be computed: "
                "give at least two subjects with two images each."
            )
        sides.append(stream)
    kinds = sides[0].kinds | sides[1].kinds
    if len(kinds) > 1:
        raise ValueError(
            f"Scores of {' and '.join(sorted(map(str, kinds)))} do not compare, for equal ones "
            "differ by rounding; convert both sides to one type before they are added."
        )
    return sides[0], sides[1]
