"""Pictures, maps and landmarks at the size that a network wants."""

from __future__ import annotations

import torch
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


def unfitted(restored: Tensor, batch: FaceBatch, small: FaceBatch) -> Tensor:
    """Return restored pictures at the size of *batch*; what was left alone comes back as it was.

    Args:
        restored: (N, 3, h, w) what a restorer made of *small*.
        batch: As it came.
        small: :func:`fitted` of it.

    Returns:
        (N, 3, H, W). Where a restorer changed nothing outside the map, exactly the pixels of
        the map as given are replaced; else those that its changes touch.
    """
    size = (int(batch.images.shape[-2]), int(batch.images.shape[-1]))
    if restored.shape[-2:] == batch.images.shape[-2:]:
        return restored
    images, given = batch.images.to(restored.device), small.images.to(restored.device)
    changed = (restored != given).any(1, keepdim=True).float()
    inside = (changed <= small.masks.to(changed.device)).flatten(1).all(1)[:, None, None, None]
    mask = batch.masks.to(changed.device) > 0.5
    region = torch.where(inside, mask, resize(changed, size) > 0)
    return torch.where(region, resize(restored, size), images)


def _rescaled(
    landmarks: Tensor | None, size: tuple[int, ...], wanted: tuple[int, int]
) -> Tensor | None:
    if landmarks is None or size == tuple(wanted):
        return landmarks
    ratio = landmarks.new_tensor([wanted[1] / size[1], wanted[0] / size[0]])
    return (landmarks + 0.5) * ratio - 0.5
