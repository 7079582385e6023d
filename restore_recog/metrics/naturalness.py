"""How natural an image looks without anything to compare it with: NIQE and BRISQUE.

Both describe an image by the statistics of its locally normalised brightness, of itself and
of products of neighbours, at two scales; they differ in what they compare them with. The
models are those of the authors and come as files; nothing is downloaded here.

Sources: Mittal, Soundararajan, Bovik, Making a "completely blind" image quality analyzer, IEEE
SPL 20(3), 2013 (NIQE); Mittal, Moorthy, Bovik, No-reference image quality assessment in the
spatial domain, IEEE TIP 21(12), 2012 (BRISQUE).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.special import gamma

Plane = NDArray[np.float64]

WINDOW, SIGMA = 7, 7 / 6  # pixels
BLOCK = 96
"""Side of NIQE's blocks at the first scale, in pixels; half of it at the second."""

SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))
"""Neighbours whose products are looked at: right, below, and the two diagonals."""

_SHAPES = np.arange(0.2, 10.0005, 0.001)
_GAUSS_RATIO = gamma(1 / _SHAPES) * gamma(3 / _SHAPES) / gamma(2 / _SHAPES) ** 2


def luminance(image: NDArray[np.uint8]) -> Plane:
    """Return (H, W) brightness of an (H, W, 3) image, whole numbers in [0, 255] (BT.601)."""
    weights = np.array([0.298936, 0.587043, 0.114021])
    return np.asarray(np.round(np.asarray(image, dtype=np.float64) @ weights))


def brisque_features(plane: Plane) -> Plane:
    """Return BRISQUE's 36 features of an (H, W) image in [0, 255].

    At each scale: shape and variance of the normalised brightness, then for each neighbour
    shape, mean, left and right variance of the products.
    """
    features: list[float] = []
    for scale in (plane, half(plane)):
        normal = normalised(scale, cv2.BORDER_CONSTANT)
        shape, deviation = symmetric(normal)
        features += [shape, deviation**2]
        for product in products(normal):
            shape, left, right = asymmetric(product)
            features += [shape, _mean(shape, left, right), left**2, right**2]
    return np.array(features)


def niqe_features(plane: Plane) -> Plane:
    """Return (blocks, 36) NIQE's features of an (H, W) image in [0, 255].

    What does not fill a block of :data:`BLOCK` at the right and lower edge is cut off.

    Raises:
        ValueError: The image is smaller than a block.
    """
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    if not rows * columns:
        raise ValueError(f"NIQE needs images of at least {BLOCK} x {BLOCK} pixels.")
    scale = plane[: rows * BLOCK, : columns * BLOCK]
    features = []
    for side in (BLOCK, BLOCK // 2):
        normal = normalised(scale, cv2.BORDER_REPLICATE)
        blocks = normal.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
        features.append(np.array([_niqe_block(block) for block in blocks]))
        scale = half(scale)
    return np.concatenate(features, axis=1)


def _niqe_block(block: Plane) -> list[float]:
    shape, left, right = asymmetric(block)
    widths = [_width(shape, left), _width(shape, right)]
    features = [shape, sum(widths) / 2]
    for product in products(block):
        shape, left, right = asymmetric(product)
        widths = [_width(shape, left), _width(shape, right)]
        mean = (widths[1] - widths[0]) * gamma(2 / shape) / gamma(1 / shape)
        features += [shape, float(mean), *widths]
    return features


def niqe(features: Plane, mean: Plane, covariance: Plane) -> float:
    """Return NIQE: how far an image's blocks lie from those of undistorted images.

    Args:
        features: (blocks, 36).
        mean, covariance: (36,) and (36, 36) of undistorted images.

    Returns:
        The distance, lower is better; NaN with one block, which has no covariance.
    """
    if len(features) < 2:
        return float("nan")
    shift = np.asarray(mean) - np.nanmean(features, axis=0)
    sound = features[np.isfinite(features).all(axis=1)]
    if len(sound) < 2:
        return float("nan")
    pooled = (np.asarray(covariance) + np.cov(sound, rowvar=False)) / 2
    return float(np.sqrt(max(0.0, shift @ np.linalg.pinv(pooled) @ shift)))


def normalised(plane: Plane, border: int) -> Plane:
    """Return brightness less its local mean, over its local deviation plus 1."""

    def smooth(values: Plane) -> Plane:
        blurred = cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA, borderType=border)
        return np.asarray(blurred, dtype=np.float64)

    mean = smooth(plane)
    deviation = np.sqrt(np.abs(smooth(plane * plane) - mean * mean))
    return np.asarray((plane - mean) / (deviation + 1))


def products(plane: Plane) -> list[Plane]:
    """Return the products of every pixel with its neighbours, the image closed to a ring."""
    return [plane * np.roll(plane, shift, axis=(0, 1)) for shift in SHIFTS]


def half(plane: Plane) -> Plane:
    """Return the image at half its size (rounded up), bicubic with a wider kernel."""
    height, width = ((side + 1) // 2 for side in plane.shape)
    small = Image.fromarray(plane.astype(np.float32)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.asarray(small, dtype=np.float64)


def symmetric(values: Plane) -> tuple[float, float]:
    """Return (shape, deviation) of the generalised normal distribution, by its moments."""
    square, absolute = float(np.mean(values**2)), float(np.mean(np.abs(values)))
    if absolute == 0:
        return float(_SHAPES[0]), 0.0
    ratio = square / absolute**2
    return float(_SHAPES[np.argmin(np.abs(ratio - _GAUSS_RATIO))]), float(np.sqrt(square))


def asymmetric(values: Plane) -> tuple[float, float, float]:
    """Return (shape, left, right deviation) of the asymmetric one, by its moments.

    NaN where all values lie on one side: an image without any texture.
    """
    below, above = values[values < 0], values[values > 0]
    if not (below.size and above.size):
        return float("nan"), float("nan"), float("nan")
    left, right = (float(np.sqrt(np.mean(side**2))) for side in (below, above))
    skew = left / right
    ratio = float(np.mean(np.abs(values))) ** 2 / float(np.mean(values**2))
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    return float(_SHAPES[np.argmin((1 / _GAUSS_RATIO - ratio) ** 2)]), left, right


def _width(shape: float, deviation: float) -> float:
    return float(deviation * np.sqrt(gamma(1 / shape) / gamma(3 / shape)))


def _mean(shape: float, left: float, right: float) -> float:
    return (_width(shape, right) - _width(shape, left)) * float(gamma(2 / shape) / gamma(1 / shape))
