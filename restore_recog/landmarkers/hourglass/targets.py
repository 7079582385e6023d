"""What heat-maps should show: a blob for every landmark, and the lines of the face."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor

from restore_recog.landmarkers.hourglass.heatmaps import in_cells

REACH, SIGMA = 3, 1.75
"""A blob reaches so many cells from its middle, and is a Gaussian of this deviation in cells."""

LINE_REACH, LINE_SIGMA = 2, 1.0
"""The same of a line, whose blur is cut where it is three deviations away."""

CURVES: tuple[tuple[int, ...], ...] = (
    tuple(range(33)),
    (33, 34, 35, 36, 37),
    (42, 43, 44, 45, 46),
    (51, 52, 53, 54),
    (55, 56, 57, 58, 59),
    (60, 61, 62, 63, 64),
    (60, 67, 66, 65, 64),
    (68, 69, 70, 71, 72),
    (68, 75, 74, 73, 72),
    tuple(range(76, 83)),
    (76, 87, 86, 85, 84, 83, 82),
    (88, 89, 90, 91, 92),
    (88, 95, 94, 93, 92),
)
"""The lines of the face as landmarks in a row: outline, brows, nose, lids and lips."""

STEPS = 8
"""Places on a line from one landmark to the next."""


def targets(points: Tensor, side: int, stride: int, *, exact: bool) -> tuple[Tensor, Tensor]:
    """Return (N, 99, side, side) heat-maps in [0, 1], and (N, 99) bool which of them are known.

    Args:
        points: (N, 98, 2) pixels, NaN where not known.
        side: Of the heat-maps in cells.
        stride: Pixels to a cell.
        exact: Whether blobs lie where the points are, else in the middle of their cells.
    """
    cells = in_cells(points, stride)
    lines, drawn = boundary(cells, side)
    maps, inside = blobs(cells, side, exact=exact)
    return torch.cat([maps, lines], 1), torch.cat([inside, drawn], 1)


def blobs(cells: Tensor, side: int, *, exact: bool) -> tuple[Tensor, Tensor]:
    """Return (N, K, side, side) Gaussians, and (N, K) bool which points lie on the map.

    Args:
        cells: (N, K, 2) points in cells, NaN where not known.
        side, exact: As for :func:`targets`.
    """
    own = (cells + 0.5).floor()  # the cell that each lies in
    inside = ((own >= 0) & (own < side)).all(-1)  # NaN compares as False
    middle = (cells if exact else own).nan_to_num(-1e3)[..., None]  # (N, K, 2, 1)
    places = torch.arange(side, device=cells.device)
    profile = torch.exp(-((places - middle) ** 2) / (2 * SIGMA**2))
    profile = profile * ((places - own.nan_to_num(-1e3)[..., None]).abs() <= REACH)
    across, down = profile.unbind(2)  # (N, K, side) each
    return down[..., :, None] * across[..., None, :], inside


def boundary(cells: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return (N, 1, side, side) maps of the lines, and (N, 1) bool whether all lines are known.

    A line with gaps goes on between the points that are known.

    Args:
        cells: (N, 98, 2) points in cells, NaN where not known.
        side: Of the maps in cells.
    """
    count = len(cells)
    raster = cells.new_zeros(count, side * side + 1)  # the last cell takes what lies outside
    drawn = cells.new_ones(count, 1, dtype=torch.bool)
    for curve in CURVES:
        points = cells[:, list(curve)]  # (N, k, 2)
        known = points.isfinite().all(-1)
        for pattern in torch.unique(known, dim=0):
            rows = (known == pattern).all(1)
            places = tuple(pattern.nonzero().flatten().tolist())
            if len(places) < 2:
                drawn[rows] = False
                continue
            line = _spline(places).to(cells) @ points[rows][:, pattern]  # (n, steps, 2)
            x, y = (line + 0.5).floor().long().unbind(-1)
            outside = (x < 0) | (x >= side) | (y < 0) | (y >= side)
            index = (y * side + x).masked_fill(outside, side * side)
            raster[rows] = raster[rows].scatter(1, index, 1.0)
    return _blurred(raster[:, :-1].view(count, 1, side, side)), drawn


@lru_cache(maxsize=256)
def _spline(places: tuple[int, ...]) -> Tensor:
    """Return (steps, k) by which k points at these places of a row become a curve.

    Interpolation is linear in the points, so that one matrix serves all faces.
    """
    degree = min(3, len(places) - 1)
    curve = make_interp_spline(places, np.eye(len(places)), k=degree)
    steps = STEPS * (places[-1] - places[0]) + 1
    return torch.from_numpy(curve(np.linspace(places[0], places[-1], steps))).float()


def _blurred(raster: Tensor) -> Tensor:
    """Return how near the closest marked cell is: the highest of Gaussians around all of them.

    Args:
        raster: (N, 1, H, W) in {0, 1}.
    """
    for dim in (2, 3):
        length = raster.shape[dim]
        pad = (0, 0, LINE_REACH, LINE_REACH) if dim == 2 else (LINE_REACH, LINE_REACH)
        wide = torch.nn.functional.pad(raster, pad)
        shifted = [
            wide.narrow(dim, LINE_REACH + by, length) * np.exp(-(by**2) / (2 * LINE_SIGMA**2))
            for by in range(-LINE_REACH, LINE_REACH + 1)
        ]
        raster = torch.stack(shifted).amax(0)
    return raster
