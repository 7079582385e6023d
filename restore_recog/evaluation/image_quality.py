"""How close an image is to its clean counterpart, and a mask to the true one."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from restore_recog.metrics.quality import dice, iou, sharpness, whole_and_inside


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """An image against its clean counterpart, and its mask against the true one; NaN = unknown.

    Attributes:
        psnr, ssim, l1, l2: Whole image (dB; SSIM in [-1, 1]; mean absolute and mean squared
            difference of [0, 1] values); ``*_mask`` inside the true mask only.
        sharpness: Of what is inside the true mask, over that of the counterpart; 1 = as sharp.
        dice, iou: The mask that was used against the true mask.
        lpips: Perceptual distance to the clean counterpart; lower is better.
        niqe, brisque: Of the image alone; lower is better.
        perceptual: Perceptual loss of VGG-19 to the clean counterpart; lower is better.
    """

    psnr: float = np.nan
    ssim: float = np.nan
    l1: float = np.nan
    l2: float = np.nan
    psnr_mask: float = np.nan
    ssim_mask: float = np.nan
    l1_mask: float = np.nan
    l2_mask: float = np.nan
    sharpness: float = np.nan
    dice: float = np.nan
    iou: float = np.nan
    lpips: float = np.nan
    niqe: float = np.nan
    brisque: float = np.nan
    perceptual: float = np.nan


QUALITIES = tuple(field.name for field in fields(ImageQuality))


def measure(
    image: NDArray[np.uint8],
    clean: NDArray[np.uint8] | None,
    true_mask: NDArray[np.uint8] | None,
    used_mask: NDArray[np.uint8] | None,
) -> ImageQuality:
    """Return how close an image is to its clean counterpart, whole and inside the true mask.

    Args:
        image, clean: (S, S, 3) uint8.
        true_mask, used_mask: (S, S), not 0 where the face is occluded.
    """
    values: dict[str, float] = {}
    if clean is not None:
        measured = whole_and_inside(image / 255.0, clean / 255.0, true_mask)
        values = {name: float(value) for name, value in measured.items()}
        if true_mask is not None:
            values["sharpness"] = float(sharpness(image / 255.0, clean / 255.0, true_mask))
    if true_mask is not None and used_mask is not None:
        values |= {
            "dice": float(dice(used_mask, true_mask)),
            "iou": float(iou(used_mask, true_mask)),
        }
    return ImageQuality(**values)
