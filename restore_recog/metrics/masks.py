"""What a predicted mask gets wrong, one figure per mask; Dice, IoU and accuracy are in ``quality``.

Masks are (H, W) of zeros and ones, 1 = occluded. A figure that has nothing to compare is NaN:
count those and print how many there are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from restore_recog.types import Mask


def precision(predicted: ArrayLike, true: ArrayLike) -> float:
    """Return the share of the predicted pixels that are occluded; NaN where none is predicted.

    Raises:
        ValueError: Shapes differ, or values other than 0 and 1.
    """
    x, y = _masks(predicted, true)
    return _share(int((x & y).sum()), int(x.sum()))


def recall(predicted: ArrayLike, true: ArrayLike) -> float:
    """Return the share of the occluded pixels that are predicted; NaN where none is occluded.

    Raises ValueError as :func:`precision`.
    """
    x, y = _masks(predicted, true)
    return _share(int((x & y).sum()), int(y.sum()))


def boundary_error(predicted: ArrayLike, true: ArrayLike) -> float:
    """Return the mean distance between the outlines of two masks, in pixels.

    From every pixel of either outline to the nearest pixel of the other, averaged over all of
    them (average symmetric surface distance). A pixel is on the outline if it is occluded and
    one of its four neighbours is free; beyond the image's border nothing is free. NaN where
    either mask has no outline.

    Raises ValueError as :func:`precision`.
    """
    outlines = [_outline(one) for one in _masks(predicted, true)]
    if not all(line.any() for line in outlines):
        return math.nan
    a, b = outlines
    away = [ndimage.distance_transform_edt(~line) for line in outlines]
    return float(np.concatenate([away[1][a], away[0][b]]).mean())


def _outline(mask: Mask) -> Mask:
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=1))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _masks(predicted: ArrayLike, true: ArrayLike) -> tuple[Mask, Mask]:
    x, y = np.asarray(predicted), np.asarray(true)
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"Two masks (H, W) of one shape are needed, not {x.shape} and {y.shape}.")
    if not (np.isin(x, (0, 1)).all() and np.isin(y, (0, 1)).all()):
        raise ValueError("Masks must hold 0 and 1 only; threshold them first.")
    return x.astype(bool), y.astype(bool)
