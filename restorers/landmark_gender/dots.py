"""The map of the landmarks that guides generator and discriminator: a dot for each point."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from restore_recog.landmarks import OF_68

SCHEMES = ("98", "68", "none")
"""Which landmarks the networks are shown."""


def dot_map(points: Tensor, size: Sequence[int], scheme: str = "98") -> Tensor:
    """Return (N, 1, H, W) zeros with a 1 for every landmark: one pixel each.

    Points are rounded to the nearest pixel and clamped into the frame; those that are not known
    are left out.

    Args:
        points: (N, 98, 2) pixels, x then y, NaN for points that are not known.
        size: H and W.
        scheme: ``98``, or ``68`` for those of them that are iBUG's.
    """
    if scheme == "68":
        points = points[:, torch.from_numpy(OF_68).to(points.device)]  # (N, 68, 2)
    height, width = size
    known = points.isfinite().all(2)  # (N, L)
    pixels = points.nan_to_num(0.0, 0.0, 0.0).round().long()
    places = pixels[:, :, 1].clamp(0, height - 1) * width + pixels[:, :, 0].clamp(0, width - 1)
    counts = torch.zeros(points.shape[0], height * width, device=points.device)
    counts = counts.scatter_add(1, places, known.float())  # several points may share a pixel
    return counts.clamp(max=1).view(-1, 1, height, width)


def known(points: Tensor) -> Tensor:
    """Return (N,) whether any landmark of a face is known."""
    return points.isfinite().all(2).any(1)
