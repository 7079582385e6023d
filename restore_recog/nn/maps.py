"""What every mask detector does with its maps in the end."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

ISLAND = 0.1
"""Share of the largest piece of a map under which a piece is dropped."""


def tidied(maps: Tensor) -> Tensor:
    """Return (N, 1, H, W) maps in {0, 1} without holes and without islands.

    A covering has no holes, and what is smaller than :data:`ISLAND` of the largest piece is
    seldom part of it.
    """
    return torch.stack([_tidied(one[0]) for one in maps]).unsqueeze(1)


def _tidied(one: Tensor) -> Tensor:
    filled = ndimage.binary_fill_holes(one.cpu().numpy() > 0)
    pieces, _ = ndimage.label(filled)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    kept = (areas >= ISLAND * areas.max()) & (areas > 0)
    return torch.from_numpy(kept[pieces]).to(one)
