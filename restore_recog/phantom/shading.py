"""Lamps on surfaces: normals, two lamps over a sky, shine and cast shadows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from restore_recog.phantom.identity import Shot
from restore_recog.phantom.numeric import Array

Vector = tuple[float, float, float]


def unit(vector: Vector) -> Vector:
    """Return a vector of length one."""
    x, y, z = vector
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def lambert(nx: Array, ny: Array, nz: Array, towards: Vector) -> Array:
    """Return the cosine between normals and a direction."""
    return nx * towards[0] + ny * towards[1] + nz * towards[2]


@dataclass(frozen=True)
class Lamps:
    """The light of one image, in image axes (y down, z to the viewer).

    Attributes:
        towards: To the key light. half: Half way between it and the viewer.
        opposite: To the fill light. key, fill, ambient: Powers.
    """

    towards: Vector
    half: Vector
    opposite: Vector
    key: float
    fill: float
    ambient: float

    def shade(
        self, nx: Array, ny: Array, nz: Array, lit: Array | float = 1.0
    ) -> tuple[Array, Array, Array]:
        """Return red, green and blue light on matt skin-like surfaces.

        Lamps that has wandered under the skin softens the edge of the shade, red most.

        Args:
            lit: Share of the key light that is not shadowed.
        """
        cosine = lambert(nx, ny, nz, self.towards)
        soft = self.fill * np.maximum(0.25 + 0.75 * lambert(nx, ny, nz, self.opposite), 0.0)
        sky = soft + self.ambient * (0.84 - 0.14 * ny)
        out = []
        for wrap in (0.26, 0.15, 0.11):
            hard = np.maximum((cosine + wrap) * (1.0 / (1.0 + wrap)), 0.0)
            out.append(self.key * hard * lit + sky)
        return out[0], out[1], out[2]

    def shine(self, nx: Array, ny: Array, nz: Array) -> Array:
        """Return the highlight of a slightly oily skin, 0 to 1."""
        c = np.maximum(lambert(nx, ny, nz, self.half), 0.0)
        c = c * c
        c = c * c
        c = c * c
        broad = c * c
        sharp = broad * broad
        mixed: Array = 0.45 * broad + 0.55 * sharp
        return mixed


def light_of(shot: Shot) -> Lamps:
    """Return the light of an image."""
    towards = unit(shot.light)
    half = unit((towards[0], towards[1], towards[2] + 1.0))
    opposite = unit((-shot.light[0] - 0.3, 0.15, 0.8))
    return Lamps(towards, half, opposite, shot.key, shot.fill, shot.ambient)


def depth_normals(depth: Array, scale: float) -> tuple[Array, Array, Array]:
    """Return unit normals of a depth map by central differences."""
    gx, gy = np.zeros_like(depth), np.zeros_like(depth)
    gx[:, 1:-1] = (depth[:, :-2] - depth[:, 2:]) * (0.5 * scale)
    gy[1:-1] = (depth[:-2] - depth[2:]) * (0.5 * scale)
    inverse = 1.0 / np.sqrt(1.0 + gx * gx + gy * gy)
    return gx * inverse, gy * inverse, inverse


def moved(values: Array, rows: int, columns: int) -> Array:
    """Return values[r + rows, c + columns]; the border is repeated."""
    out = values
    if rows:
        edge = out[-1:] if rows > 0 else out[:1]
        fill = edge.repeat(min(abs(rows), len(out)), axis=0)
        out = np.concatenate([out[rows:], fill] if rows > 0 else [fill, out[:rows]])
    if columns:
        edge = out[:, -1:] if columns > 0 else out[:, :1]
        fill = edge.repeat(min(abs(columns), out.shape[1]), axis=1)
        out = np.concatenate(
            [out[:, columns:], fill] if columns > 0 else [fill, out[:, :columns]], axis=1
        )
    return out


def cast_shadow(depth: Array, scale: float, light: Lamps) -> Array:
    """Return the share of key light, 0 to 1, that reaches each pixel past the surface itself.

    The way to the light is walked in growing steps over the depth map; how far the surface
    stands above it, for the distance walked, gives a soft edge.
    """
    lx, ly, lz = light.towards
    blocked = np.zeros_like(depth)
    for distance in (0.06, 0.11, 0.17, 0.25, 0.36, 0.5):
        columns, rows = (int(np.floor(distance * scale * v + 0.5)) for v in (lx, ly))
        if not rows and not columns:
            continue
        above = moved(depth, rows, columns) - depth - distance * lz - 0.02
        # What towers far above is another body's outline, not a neighbour on the face.
        np.maximum(
            blocked,
            np.where(above < 0.6, above * (1.0 / (0.25 * distance + 0.03)), 0.0),
            out=blocked,
        )
    return 1.0 - 0.7 * np.minimum(blocked, 1.0)
