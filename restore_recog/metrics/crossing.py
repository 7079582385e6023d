"""Where FMR and FNMR cross, without sorting all scores."""

from __future__ import annotations

import math

import numpy as np

from restore_recog.types import Vector

SAMPLE = 1 << 14
"""Impostor scores by which the crossing is looked for where there are many more."""


def rates_around_crossing(mated: Vector, other: Vector) -> tuple[Vector, Vector]:
    """Return FMR and FNMR at the distinct scores around FMR = FNMR, the same as in the curve.

    Where there are many impostor scores only those near the crossing are sorted. A sample says
    where that is; a part that does not hold the crossing is given up for the whole.

    Args:
        mated: (M,) rising.
        other: (N,) in any order.
    """
    low, high = -math.inf, math.inf
    step = other.size // SAMPLE
    if step > 1:
        sample = np.sort(other[::step])
        fnmr = np.searchsorted(mated, sample, side="left") / mated.size
        middle = int(np.argmax(fnmr >= np.arange(sample.size, 0, -1) / sample.size))
        margin = 4 * math.isqrt(sample.size)
        low = float(sample[max(0, middle - margin)])
        high = float(sample[min(sample.size - 1, middle + margin)])
    top = other[other >= low]
    above = int(np.count_nonzero(top >= high))
    if not _gap(mated, other, low, top.size) > 0.0 >= _gap(mated, other, high, above):
        low, high, above, top = -math.inf, math.inf, 0, other
    near = np.sort(top[top < high])
    first, last = np.searchsorted(mated, [low, high], side="left")
    scores = np.unique(np.concatenate([near, mated[first:last]]))
    thresholds = np.append(scores[np.isfinite(scores)], high)
    accepted = near.size - np.searchsorted(near, thresholds, side="left") + above
    return accepted / other.size, np.searchsorted(mated, thresholds, side="left") / mated.size


def _gap(mated: Vector, other: Vector, threshold: float, accepted: int) -> float:
    """Return FMR - FNMR at a threshold that so many impostors reach."""
    fnmr = float(np.searchsorted(mated, threshold, side="left")) / mated.size
    return accepted / other.size - fnmr
