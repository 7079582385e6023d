"""A batch of training images on its way to the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        landmarks98: (N, 98, 2) float32 pixels, NaN for points that are not known.
        valid: (N, S, S) uint8, 0 = lies beyond the photograph; None where no pixel does.
    """

    images: Tensor
    clean: Tensor
    masks: Tensor
    landmarks: Tensor
    subjects: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    landmarks98: Tensor | None = None
    valid: Tensor | None = None

    def unpack(self, device: str = "cpu") -> FaceBatch:
        """Return the batch as floats on a device, where the bytes become floats."""
        on = self._each(lambda tensor: tensor.to(device, non_blocking=True))
        return FaceBatch(
            _floats(on.images),
            on.masks.unsqueeze(1).float(),
            on.landmarks,
            _floats(on.clean),
            {"subject": on.subjects, **on.labels},
            valid=None if on.valid is None else on.valid.unsqueeze(1).float(),
            landmarks98=on.landmarks98,
        )

    def pin_memory(self) -> PackedBatch:
        """Return the batch in pinned memory, from which a GPU copies while it computes."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> PackedBatch:
        """Return the batch with every tensor changed."""
        return PackedBatch(
            change(self.images),
            change(self.clean),
            change(self.masks),
            change(self.landmarks),
            change(self.subjects),
            {kind: change(codes) for kind, codes in self.labels.items()},
            None if self.landmarks98 is None else change(self.landmarks98),
            None if self.valid is None else change(self.valid),
        )


def _floats(pixels: Tensor) -> Tensor:
    """Return (N, 3, S, S) float32 in [0, 1] of (N, S, S, 3) bytes."""
    planes = pixels.permute(0, 3, 1, 2)
    # One pass for order and type: with .float() first it takes five times as long.
    floats = torch.empty(planes.shape, dtype=torch.float32, device=pixels.device)
    return floats.copy_(planes).div_(255)
