"""Several tests read together: p-values corrected so that few families hold a false finding."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from restore_recog.metrics.inputs import numbers
from restore_recog.types import Vector


def holm(p: ArrayLike, weights: ArrayLike | None = None) -> Vector:
    """Return p-values corrected by Holm's method, whatever their dependence.

    Where only those below a level count, at most that share of families has any false finding
    (S. Holm, Scandinavian Journal of Statistics 6, 1979). A test of a higher weight needs less:
    the smallest of p / weight is multiplied by the weights of all tests, the next one by those of
    all but the first, and so on.

    Args:
        p: (n,) in [0, 1]; NaN where there was no test, which stays NaN and counts for nothing.
        weights: (n,) above 0; all the same by default.

    Raises:
        ValueError: Shapes disagree, a p is out of range or a weight is not above 0.
    """
    values = numbers(p, "p-values")
    shares = np.ones(values.shape) if weights is None else numbers(weights, "Weights")
    if values.ndim != 1 or shares.shape != values.shape:
        raise ValueError(f"p-values and weights must be as many, not {values.size}, {shares.size}.")
    known = np.flatnonzero(~np.isnan(values))
    if np.any((values[known] < 0) | (values[known] > 1)) or not np.all(shares > 0):
        raise ValueError("p-values lie between 0 and 1, weights above 0.")
    order = known[np.argsort(values[known] / shares[known], kind="stable")]
    left = np.cumsum(shares[order][::-1])[::-1]  # weights of the tests not yet decided
    stepped = np.maximum.accumulate(values[order] / shares[order] * left)
    corrected = np.full(values.shape, np.nan)
    # Rounding in the quotient must not make a corrected p smaller than the p itself.
    corrected[order] = np.clip(stepped, values[order], 1.0)
    return corrected
