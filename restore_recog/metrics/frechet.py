"""The Frechet distance between two sets of images, by the features of a network.

It is FID where the features are those of the Inception network that FID is defined with; of
other features it is another figure and must not be called FID.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.inputs import numbers

Features = NDArray[np.float64]


def frechet_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Return the squared Frechet distance of two normal distributions fitted to features.

    |mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)), covariances with n - 1. It
    is biased upwards where there are few images, the more so the more dimensions; with fewer
    images than dimensions the covariances are singular. Compare only figures of equal n.

    The trace of the root is the sum of the singular values of R_a R_b^T, where R is the
    triangle of the QR decomposition of the centred features (C = R^T R): no matrix root is
    taken, and singular covariances do no harm.

    Source: Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium, NeurIPS 2017, equation 6.

    Args:
        a, b: (N, D) and (M, D) finite features, N and M at least 2.

    Raises:
        ValueError: Shapes disagree, there are too few rows, or a value is not finite.
    """
    x, y = _features(a), _features(b)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"Features of {x.shape[1]} and {y.shape[1]} dimensions do not compare.")
    shift = x.mean(axis=0) - y.mean(axis=0)
    roots = [_root(features) for features in (x, y)]
    variances = sum(float(np.sum(root**2)) for root in roots)
    cross = float(np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum())
    return max(0.0, float(shift @ shift) + variances - 2 * cross)


def _features(values: ArrayLike) -> Features:
    features = numbers(values, "Features")
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"Features (N, D) of two or more images are needed, not {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError("Features must be finite numbers.")
    return features


def _root(features: Features) -> Features:
    """Return (min(N, D), D) R with R^T R = the covariance."""
    centred = features - features.mean(axis=0)
    triangle = np.asarray(np.linalg.qr(centred, mode="r"), dtype=np.float64)
    return np.asarray(triangle / np.sqrt(len(features) - 1))
