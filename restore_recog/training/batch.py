"""A batch of training images on its way to the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from restore_recog.types import FaceBatch


@dataclass(frozen=True, slots=True, eq=False)
class PackedBatch:
    """A batch as bytes: a quarter of the memory on its way to the device.

    Attributes:
        images, clean: (N, S, S, 3) uint8.
        masks: (N, S, S) uint8, 1 = occluded.
        landmarks: (N, 5, 2) float32 pixels.
        subjects: (N,) int64.
        labels: kind -> (N,) int64 codes, see :mod:`restore_recog.labels`.
    """

    images: Tensor
    clean: Tensor
    masks: Tensor
    landmarks: Tensor
    subjects: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)

    def unpack(self, device: str = "cpu") -> FaceBatch:
        """Return the batch as floats on a device, where the bytes become floats."""
        images, clean, masks, landmarks, subjects = (
            tensor.to(device, non_blocking=True) for tensor in self._tensors()
        )
        labels = {kind: codes.to(device, non_blocking=True) for kind, codes in self.labels.items()}
        return FaceBatch(
            _floats(images),
            masks.unsqueeze(1).float(),
            landmarks,
            _floats(clean),
            {"subject": subjects, **labels},
        )

    def pin_memory(self) -> PackedBatch:
        """Return the batch in pinned memory, from which a GPU copies while it computes."""
        images, clean, masks, landmarks, subjects = (
            tensor.pin_memory() for tensor in self._tensors()
        )
        labels = {kind: codes.pin_memory() for kind, codes in self.labels.items()}
        return PackedBatch(images, clean, masks, landmarks, subjects, labels)

    def _tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        return self.images, self.clean, self.masks, self.landmarks, self.subjects


def _floats(pixels: Tensor) -> Tensor:
    """Return (N, 3, S, S) float32 in [0, 1] of (N, S, S, 3) bytes."""
    planes = pixels.permute(0, 3, 1, 2)
    # One pass for order and type: with .float() first it takes five times as long.
    floats = torch.empty(planes.shape, dtype=torch.float32, device=pixels.device)
    return floats.copy_(planes).div_(255)
