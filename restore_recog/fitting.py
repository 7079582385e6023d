"""Pictures, maps and landmarks at the size that a network wants."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from restore_recog.types import FaceBatch


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, C, H, W) images of another size, smoothed before they shrink."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def fitted(batch: FaceBatch, size: tuple[int, int]) -> FaceBatch:
    """Return pictures, maps and landmarks at another size; every touched pixel is occluded."""
    return FaceBatch(
        resize(batch.images, size),
        (resize(batch.masks, size) > 0).float(),
        _rescaled(batch.landmarks, tuple(batch.images.shape[-2:]), size),
    )


def _rescaled(
    landmarks: Tensor | None, size: tuple[int, ...], wanted: tuple[int, int]
) -> Tensor | None:
    if landmarks is None or size == tuple(wanted):
        return landmarks
    ratio = landmarks.new_tensor([wanted[1] / size[1], wanted[0] / size[0]])
    return (landmarks + 0.5) * ratio - 0.5
