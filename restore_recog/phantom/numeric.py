"""Arithmetic that gives the same bits on every machine.

Only operations that IEEE 754 rounds exactly are used on arrays (``+ - * / sqrt``,
comparisons, floor, minimum, maximum, selection), never ``exp``, ``sin``, ``power``, matrix
products or reductions of floats, whose last bit depends on the processor or the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""float32 wherever pixels depend on it."""


def bump(t: Array) -> Array:
    """Return about exp(-t^2 / 2) as a polynomial that ends at |t| = 4."""
    m: Array = np.maximum(1.0 - t * t * 0.0625, 0.0)
    m *= m
    m *= m
    m *= m
    return m


def step(t: Array) -> Array:
    """Return the smooth step from 0 (t <= 0) to 1 (t >= 1)."""
    c: Array = np.minimum(np.maximum(t, 0.0), 1.0)
    return c * c * (3.0 - 2.0 * c)


def polyline(x: Array, knots: Sequence[tuple[float, float]]) -> Array:
    """Return the piecewise linear curve through *knots* (sorted by their first value)."""
    out: Array = np.full_like(x, knots[0][1])
    for (x0, y0), (x1, y1) in pairwise(knots):
        out += np.minimum(np.maximum(x - x0, 0.0), x1 - x0) * ((y1 - y0) / (x1 - x0))
    return out


def smooth_line(values: Array, passes: int) -> Array:
    """Return a 1-D array smoothed *passes* times with (1, 2, 1) / 4; its ends stay."""
    for _ in range(passes):
        values = values.copy()
        values[1:-1] = 0.25 * (values[:-2] + values[2:]) + 0.5 * values[1:-1]
    return values


def _box_rows(values: Array, radius: int) -> Array:
    rows = len(values)
    padded = np.concatenate([values[:1].repeat(radius, 0), values, values[-1:].repeat(radius, 0)])
    total: Array = padded[:rows].copy()
    for shift in range(1, 2 * radius + 1):
        total += padded[shift : shift + rows]
    total *= 1.0 / (2 * radius + 1)
    return total


def box_blur(values: Array, radius: int) -> Array:
    """Return a 2-D array averaged over squares of side ``2 * radius + 1``; edges repeat."""
    return np.ascontiguousarray(_box_rows(_box_rows(values, radius).T, radius).T)


@lru_cache(maxsize=256)
def _fade(count: int, cells: int, smooth: bool) -> tuple[NDArray[np.intp], Array]:
    position = np.arange(count, dtype=np.float32) * np.float32(cells / count)
    index = np.floor(position).astype(np.intp)
    fraction = (position - index).astype(np.float32)
    return index, fraction * fraction * (3.0 - 2.0 * fraction) if smooth else fraction


def enlarge(lattice: Array, shape: tuple[int, int], smooth: bool = False) -> Array:
    """Return a lattice spread over *shape*; its last row and column lie just outside."""
    row, down = _fade(shape[0], lattice.shape[0] - 1, smooth)
    column, across = _fade(shape[1], lattice.shape[1] - 1, smooth)
    wide = lattice[:, column]
    wide += (lattice[:, column + 1] - wide) * across
    out = wide[row]
    out += (wide[row + 1] - out) * down[:, None]
    return out


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Array:
    """Return smooth value noise in [-1, 1].

    Args:
        rng: Of the lattice values.
        shape: Rows and columns of the result.
        cells: Lattice cells down and across.
    """
    lattice = (rng.random((cells[0] + 1, cells[1] + 1)) * 2.0 - 1.0).astype(np.float32)
    return enlarge(lattice, shape, smooth=True)


def sample(planes: Array, row: Array, column: Array) -> Array:
    """Return (K, ...) bilinear samples of (K, H, W) planes; outside, the border is repeated."""
    height, width = planes.shape[1:]
    row = np.minimum(np.maximum(row, 0.0), height - 1.001)
    column = np.minimum(np.maximum(column, 0.0), width - 1.001)
    r, c = np.floor(row), np.floor(column)
    fr, fc = row - r, column - c
    # Whole numbers this small are exact as float32.
    at = (r * width + c).astype(np.intp)
    out = np.empty((len(planes), *row.shape), np.float32)
    for plane, values in zip(out, planes.reshape(len(planes), -1), strict=True):
        # Shifted views of the same numbers stand for the neighbours to the right and below.
        top, low = values.take(at), values[width:].take(at)
        top += (values[1:].take(at) - top) * fc
        low += (values[width + 1 :].take(at) - low) * fc
        low -= top
        low *= fr
        np.add(top, low, out=plane)
    return out


def look_up(table: Array, position: Array) -> Array:
    """Return linear interpolation in a 1-D table; outside, its ends are repeated."""
    position = np.minimum(np.maximum(position, 0.0), len(table) - 1.001)
    whole = np.floor(position)
    fraction, index = position - whole, whole.astype(np.intp)
    low: Array = table.take(index)
    low += (table[1:].take(index) - low) * fraction
    return low


class Draw:
    """Random numbers that are the same everywhere: uniform ones and sums of them."""

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(list(seed))

    def uniform(self, low: float, high: float) -> float:
        """Return one number in [low, high)."""
        return low + (high - low) * float(self.rng.random())

    def normal(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """Return a nearly normal number within 3.5 deviations: a sum of four uniform ones."""
        a, b, c, d = self.rng.random(4).tolist()
        return float(mean + deviation * 1.7320508 * (a + b + c + d - 2.0))

    def index(self, weights: Sequence[float]) -> int:
        """Return an index drawn in proportion to *weights*."""
        left = self.uniform(0.0, sum(weights))
        for number, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return number
        return len(weights) - 1

    def chance(self, share: float) -> bool:
        """Return True with probability *share*."""
        return float(self.rng.random()) < share

    def whole(self) -> int:
        """Return one whole number from 0 to 2^31 - 1, to seed something else with."""
        return int(self.rng.integers(1 << 31))
