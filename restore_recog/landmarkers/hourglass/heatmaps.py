"""From landmarks to heat-maps and back.

Cell c of a heat-map shows the pixels 4 c to 4 c + 3, whose middle is 4 c + 1.5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from restore_recog.landmarks import COUNT

QUARTER = 0.25
"""Cells by which a point is moved towards the higher neighbour of the highest cell."""


def in_cells(points: Tensor, stride: int) -> Tensor:
    """Return points in pixels as points in cells; whole numbers are the middles of cells."""
    return (points + 0.5) / stride - 0.5


def in_pixels(cells: Tensor, stride: int) -> Tensor:
    """Return points in cells as points in pixels; the other way round than :func:`in_cells`."""
    return (cells + 0.5) * stride - 0.5


def read(maps: Tensor, stride: int, *, exact: bool, least: float) -> Tensor:
    """Return the (N, 98, 2) points in pixels that heat-maps show, NaN where there is no face.

    Args:
        maps: (N, 98 or 99, H, W); a boundary map behind the landmarks' is not looked at.
        stride: Pixels to a cell.
        exact: Whether the top of a blob is sought between the cells, else a quarter step is taken.
        least: Mean height of the better half of the maps from which there is a face.
    """
    maps = maps[:, :COUNT].float()
    count, width = maps.shape[0], maps.shape[-1]
    heights, places = maps.flatten(2).max(2)  # (N, 98)
    x, y = places % width, places // width
    offset = torch.stack([_offset(maps, x, y, axis, exact) for axis in (0, 1)], -1)
    points = in_pixels(torch.stack([x, y], -1) + offset, stride)
    better = heights.sort(1).values[:, COUNT // 2 :].mean(1)
    return points.where((better >= least).view(count, 1, 1), torch.nan)


def _offset(maps: Tensor, x: Tensor, y: Tensor, axis: int, exact: bool) -> Tensor:
    """Return by how much of a cell the top lies beside the highest one, (N, 98).

    Args:
        maps: (N, 98, H, W).
        x, y: (N, 98) the highest cells.
        axis: 0 across, 1 down.
        exact: As for :func:`read`.
    """
    height, width = maps.shape[-2:]
    at, end = ((x, width), (y, height))[axis]
    step = (1, width)[axis]
    inside = (at > 0) & (at < end - 1)
    place = y * width + x
    flat = maps.flatten(2)  # (N, 98, H W)

    def value(shift: int) -> Tensor:
        moved = (place + shift).where(inside, place)
        return flat.gather(2, moved.unsqueeze(2)).squeeze(2)

    before, top, behind = (value(shift) for shift in (-step, 0, step))
    if not exact:
        return QUARTER * (behind - before).sign()
    # The logarithm of a Gaussian blob is a parabola, whose top three values give away.
    low, middle, high = (one.clamp(min=1e-3).log() for one in (before, top, behind))
    bend = (2 * middle - low - high).clamp(min=1e-3)
    return ((high - low) / (2 * bend)).clamp(-0.5, 0.5)
