"""How differently groups of people fare: ratios and gaps of their error rates.

Every function takes one rate per group, all at **one shared threshold**. Leave out groups
too small to have a rate of their own; each figure grows with the number of groups and
with their noise, so print the groups' sizes and intervals beside it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.inputs import number, numbers


def worst_best_ratio(rates: ArrayLike) -> float:
    """Return the highest rate over the lowest.

    inf where only the lowest is 0. NaN where all are 0, or with fewer than two groups.

    Args:
        rates: (G,) one rate in [0, 1] per group.

    Raises:
        ValueError: A rate is NaN or outside [0, 1], or the shape is not (G,).
    """
    values = _rates(rates)
    if values.size < 2 or values.max() == 0.0:
        return math.nan
    lowest = float(values.min())
    return float(values.max()) / lowest if lowest else math.inf


def fairness_discrepancy_rate(fmr: ArrayLike, fnmr: ArrayLike, alpha: float = 0.5) -> float:
    """Return FDR = 1 - (alpha A + (1 - alpha) B); 1 where all groups fare alike.

    A and B are the largest differences between two groups' FMR and FNMR.

    Source: de Freitas Pereira and Marcel, Fairness in biometrics, IEEE TBIOM 4(1), 2022.

    Args:
        fmr, fnmr: (G,) rates of the same groups in the same order.
        alpha: Weight of the FMR in [0, 1].

    Returns:
        A number in [0, 1]; NaN with fewer than two groups.

    Raises:
        ValueError: As :func:`worst_best_ratio`, lengths differ, or ``alpha`` is out of range.
    """
    accepts, rejects = _pair(fmr, fnmr, alpha)
    if accepts.size < 2:
        return math.nan
    return 1.0 - (alpha * float(np.ptp(accepts)) + (1.0 - alpha) * float(np.ptp(rejects)))


def garbe(fmr: ArrayLike, fnmr: ArrayLike, alpha: float = 0.5) -> float:
    """Return alpha Gini(FMR) + (1 - alpha) Gini(FNMR); 0 where all groups fare alike.

    The Gini coefficient is the mean difference of two groups over twice their mean, with
    the factor G / (G - 1) for few groups.

    Source: Howard et al., Evaluating proposed fairness models for face recognition
    algorithms, ICPR workshops 2022.

    Returns:
        A number in [0, 1]; NaN with fewer than two groups, or where a weighted rate is 0
        in all of them.

    Args, Raises: As :func:`fairness_discrepancy_rate`.
    """
    accepts, rejects = _pair(fmr, fnmr, alpha)
    parts = [(alpha, accepts), (1.0 - alpha, rejects)]
    return sum(weight * _gini(values) for weight, values in parts if weight)


def _gini(values: NDArray[np.float64]) -> float:
    groups = values.size
    if groups < 2 or not values.any():
        return math.nan
    gaps = float(np.abs(values[:, None] - values).sum())
    return gaps / (2.0 * groups * (groups - 1) * float(values.mean()))


def _rates(rates: ArrayLike) -> NDArray[np.float64]:
    values = numbers(rates, "Rates")
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("One rate in [0, 1] per group is needed; leave groups without one out.")
    return values


def _pair(
    fmr: ArrayLike, fnmr: ArrayLike, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    accepts, rejects = _rates(fmr), _rates(fnmr)
    if accepts.shape != rejects.shape or not 0.0 <= number(alpha, "Alpha") <= 1.0:
        raise ValueError("FMR and FNMR of the same groups and alpha in [0, 1] are needed.")
    return accepts, rejects
