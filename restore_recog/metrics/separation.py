"""How far genuine and impostor scores lie apart: means, spreads, d', overlap.

Means leave failed comparisons (score ``-inf``) out, for they have no value; their number
stands beside the figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.verification import both_sides, det_curve


@dataclass(frozen=True, slots=True)
class CosineSummary:
    """Means and spread of completed comparisons, with the failures beside them.

    Attributes:
        genuine_mean, genuine_sd, impostor_mean, impostor_sd: Over finite scores; sample
            standard deviation (n - 1). NaN where there are too few.
        d_prime: See :func:`d_prime`.
        overlap: Smallest FMR + FNMR over all thresholds, completed comparisons only:
            0 where the two are apart, 1 where they are alike. NaN where one is empty.
        n_genuine, n_impostor: Comparisons attempted.
        failed_genuine, failed_impostor: Those among them with the score ``-inf``.
    """

    genuine_mean: float
    genuine_sd: float
    impostor_mean: float
    impostor_sd: float
    d_prime: float
    overlap: float
    n_genuine: int
    n_impostor: int
    failed_genuine: int
    failed_impostor: int


def d_prime(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """Return |mean_g - mean_i| / sqrt((var_g + var_i) / 2) over the finite scores.

    Variances are sample variances (n - 1). NaN where a side has fewer than two finite
    scores or where both are constant and equal; inf where both are constant and differ.
    """
    mated, other = both_sides(genuine, impostor)
    mated, other = mated[np.isfinite(mated)], other[np.isfinite(other)]
    if min(mated.size, other.size) < 2:
        return math.nan
    distance = abs(float(mated.mean() - other.mean()))
    spread = math.sqrt((_variance(mated) + _variance(other)) / 2)
    if spread == 0.0:
        return math.inf if mated[0] != other[0] else math.nan
    return distance / spread


def d_prime_of(mean: float, sd: float, other_mean: float, other_sd: float) -> float:
    """Return d' of two distributions by their moments, where there are too many scores to hold.

    NaN where a spread is unknown or both are points and equal; inf where they are points apart.
    """
    spread = math.sqrt((sd**2 + other_sd**2) / 2)
    if not spread > 0.0:
        return math.inf if spread == 0.0 and mean != other_mean else math.nan
    return abs(mean - other_mean) / spread


def cosine_summary(genuine: ArrayLike, impostor: ArrayLike) -> CosineSummary:
    """Return means, standard deviations, d', overlap and counts of the scores.

    Failed comparisons (-inf) are counted and left out of the means; an empty side gives
    NaN. Raises ValueError as :func:`det_curve`.
    """
    mated, other = both_sides(genuine, impostor)
    good, bad = mated[np.isfinite(mated)], other[np.isfinite(other)]
    overlap = math.nan
    if good.size and bad.size:
        curve = det_curve(good, bad)
        overlap = float(np.min(curve.fmr + curve.fnmr))
    return CosineSummary(
        genuine_mean=float(good.mean()) if good.size else math.nan,
        genuine_sd=math.sqrt(_variance(good)) if good.size > 1 else math.nan,
        impostor_mean=float(bad.mean()) if bad.size else math.nan,
        impostor_sd=math.sqrt(_variance(bad)) if bad.size > 1 else math.nan,
        d_prime=d_prime(good, bad),
        overlap=overlap,
        n_genuine=mated.size,
        n_impostor=other.size,
        failed_genuine=mated.size - good.size,
        failed_impostor=other.size - bad.size,
    )


def _variance(values: NDArray[np.float64]) -> float:
    """Return the sample variance; exactly 0 for constant values."""
    if np.all(values == values[0]):
        return 0.0  # the mean of equal floats need not be that float
    return float(values.var(ddof=1))
