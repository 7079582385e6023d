"""The face as a surface in space, and which point of it every pixel sees.

The head is a stack of ellipses (tables over height) that a height map displaces towards
the viewer: z = centre(y) + depth(y) sqrt(1 - x^2 / width(y)^2) + relief(x, y).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from restore_recog.phantom.geometry import Features, table_row
from restore_recog.phantom.identity import Person, Shot
from restore_recog.phantom.numeric import (
    Array,
    Draw,
    box_blur,
    bump,
    enlarge,
    look_up,
    sample,
    step,
)

LEFT, UPPER, STEP, COLUMNS, ROWS = -1.26, -1.62, 0.018, 141, 212
"""The grid on which relief and paint are laid out."""

GRID_X = (LEFT + STEP * np.arange(COLUMNS)).astype(np.float32)[None, :]
GRID_Y = (UPPER + STEP * np.arange(ROWS)).astype(np.float32)[:, None]


def grid_place(x: Array, y: Array) -> tuple[Array, Array]:
    """Return (row, column) of points in the grid."""
    return (y - UPPER) * (1.0 / STEP), (x - LEFT) * (1.0 / STEP)


def window(x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
    """Return the part of the grid that holds a box."""
    rows = slice(max(int((y0 - UPPER) / STEP), 0), min(int((y1 - UPPER) / STEP) + 2, ROWS))
    columns = slice(max(int((x0 - LEFT) / STEP), 0), min(int((x1 - LEFT) / STEP) + 2, COLUMNS))
    return rows, columns


def spot(x: float, y: float, wide: float, high: float) -> Array:
    """Return a bell over the grid with deviations *wide* and *high*."""
    return bump((GRID_X - x) * (1.0 / wide)) * bump((GRID_Y - y) * (1.0 / high))


def line_distance(x: Array, y: Array, a: tuple[float, float], b: tuple[float, float]) -> Array:
    """Return the distance of points to the segment from *a* to *b*."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    t = ((x - a[0]) * dx + (y - a[1]) * dy) * (1.0 / (dx * dx + dy * dy))
    t = np.minimum(np.maximum(t, 0.0), 1.0)
    ex, ey = x - a[0] - t * dx, y - a[1] - t * dy
    return np.sqrt(ex * ex + ey * ey)


def _nose(height: Array, shape: dict[str, float], f: Features) -> None:
    area = window(-0.6, 0.6, -0.6, 1.0)
    x, y = GRID_X[:, area[1]] - f.nose_x * step((GRID_Y[area[0]] + 0.2) * 1.2), GRID_Y[area[0]]
    bridge = shape["nose_bridge"]
    rise = bridge * step((y + 0.42) * (1.0 / 0.45)) + (1.0 - bridge) * step(
        (y - 0.0) * (1.0 / f.nose_tip)
    )
    fall = 1.0 - step((y - f.nose_tip + 0.05 + 0.8 * x * x) * (1.0 / 0.30))
    ridge = shape["nose_height"] * rise * fall + shape["nose_hump"] * bump((y - 0.3) * 8.0)
    spread = shape["nose_ridge"] * (0.95 + 0.5 * step((y - 0.1) * 2.0))
    height[area] += ridge * bump(x / spread)
    ball = shape["nose_ball"]
    height[area] += (
        0.45 * ball * bump(x * (1.0 / ball)) * bump((y - f.nose_tip + 0.01) * (0.95 / ball))
    )
    for side in (-1.0, 1.0):
        wing = side * (f.nose_half - 0.075)
        height[area] += 0.13 * bump((x - wing) * 12.0) * bump((y - f.nose_base + 0.085) * 11.0)
        crease = bump((x - wing - side * 0.115) * 26.0) * bump((y - f.nose_base + 0.08) * 11.0)
        height[area] -= 0.03 * crease


def _mouth(height: Array, shape: dict[str, float], f: Features) -> None:
    m = f.mouth
    area = window(m.x - m.half - 0.3, m.x + m.half + 0.3, m.y - 0.4, m.y + 0.8)
    x, y = GRID_X[:, area[1]], GRID_Y[area[0]]
    u = m.along(x)
    top, inner_top, inner_low, low = m.edges(u)
    arch = np.maximum(1.0 - u * u, 0.0)
    for first, last, full in ((top, inner_top, 0.05), (inner_low, low, 0.065)):
        middle, half = 0.5 * (first + last), 0.5 * (last - first) + 0.02
        height[area] += full * arch * bump((y - middle) / half)
    gap = step((y - inner_top) * 30.0 + 0.5) * step((inner_low - y) * 30.0 + 0.5)
    height[area] -= 0.07 * gap * arch
    seam = bump((y - 0.5 * (inner_top + inner_low)) * 45.0) * step((1.12 - u * u) * 4.0)
    height[area] -= 0.03 * seam
    height[area] -= 0.05 * bump((y - low - 0.12) * 13.0) * bump(u * 1.5)
    height[area] -= (
        0.018 * bump((x - f.nose_x) * 20.0) * step((y - f.nose_base) * 8.0) * step((top - y) * 12.0)
    )


def _folds(height: Array, person: Person, shot: Shot, f: Features) -> None:
    """Groove what age and expression groove: cheeks, brow, corners of the eyes."""
    age, act, m = person.age_group / 3.0, shot.actions, f.mouth
    depth = 0.012 + 0.022 * age + 0.035 * act["smile"] + 0.03 * act["sneer"]
    for side in (-1.0, 1.0):
        a = (side * (f.nose_half + 0.03), f.nose_base - 0.1)
        b = (m.x + side * (m.half + 0.13), m.y - 0.06)
        area = window(min(a[0], b[0]) - 0.25, max(a[0], b[0]) + 0.25, a[1] - 0.2, b[1] + 0.3)
        distance = line_distance(GRID_X[:, area[1]], GRID_Y[area[0]], a, b)
        height[area] -= depth * bump(distance * 20.0)
        height[area] += 0.6 * depth * bump(
            line_distance(GRID_X[:, area[1]], GRID_Y[area[0]], (a[0] + side * 0.1, a[1]),
                          (b[0] + side * 0.09, b[1])) * 11.0
        )  # fmt: skip
        outer = side * (abs(f.eyes[0].x) + f.eyes[0].half + 0.04)
        crow = 0.008 * age + 0.01 * act["squint"] * (0.3 + age)
        for drop in (-0.07, 0.0, 0.07):
            end = (outer + side * 0.16, f.eyes[0].y + 2.0 * drop)
            near = window(min(outer, end[0]) - 0.1, max(outer, end[0]) + 0.1, -0.25, 0.25)
            height[near] -= crow * bump(
                line_distance(GRID_X[:, near[1]], GRID_Y[near[0]], (outer, drop), end) * 60.0
            )
    lines = 0.009 * age + 0.014 * act["brow_up"] * (0.4 + age)
    draw = Draw(person.texture, 5)
    for number in range(3):
        y = person.shape["forehead"] + 0.25 + 0.16 * number + draw.uniform(-0.03, 0.03)
        sag = draw.uniform(0.0, 0.08)
        height -= lines * bump((GRID_Y - y - sag * GRID_X * GRID_X) * 45.0) * bump(GRID_X * 1.9)
    for side in (-1.0, 1.0):
        height -= (0.02 * act["frown"] + 0.006 * age) * spot(side * 0.085, -0.3, 0.022, 0.1)


def relief(person: Person, shot: Shot, f: Features) -> Array:
    """Return the (ROWS, COLUMNS) displacement towards the viewer."""
    shape, act = person.shape, shot.actions
    height = shape["brow_ridge"] * bump((GRID_Y + 0.31) * 9.0) * bump(GRID_X * 1.7)
    height += 0.05 * bump((GRID_Y + 0.9) * 2.6) * bump(GRID_X * 1.6)
    for eye in f.eyes:
        side = eye.side
        height -= shape["eye_depth"] * spot(eye.x - side * 0.03, eye.y - 0.02, 0.21, 0.13)
        height -= 0.07 * spot(side * 0.24, eye.y - 0.02, 0.08, 0.1)
        height += 0.085 * spot(eye.x, eye.y, 0.15, 0.11)
        height -= (0.012 + 0.012 * person.age_group) * spot(
            eye.x - side * 0.05, eye.y + 0.21, 0.16, 0.04
        )
        height += shape["cheekbone"] * spot(side * 0.7, 0.47 - 0.04 * act["cheek"], 0.24, 0.17)
        height += (0.05 + 0.06 * act["cheek"]) * spot(
            side * 0.52, 0.62 - 0.06 * act["cheek"], 0.2, 0.17
        )
        height += shape["cheek_fat"] * spot(side * 0.6, 0.95, 0.22, 0.24)
        height -= 0.04 * spot(side * 0.78, 1.05, 0.16, 0.25)
        height -= 0.05 * spot(side * 0.95, -0.35, 0.15, 0.3)
    height += shape["muzzle"] * spot(0.0, f.mouth.y - 0.03, 0.36, 0.25)
    height += shape["chin_bump"] * spot(0.0, f.chin - 0.2, 0.22, 0.13)
    height -= shape["chin_cleft"] * spot(0.0, f.chin - 0.16, 0.035, 0.08)
    _nose(height, shape, f)
    _mouth(height, shape, f)
    _folds(height, person, shot, f)
    return height


def cavity(height: Array) -> Array:
    """Return how much of the sky each point misses: its depth below its surroundings."""
    coarse = np.ascontiguousarray(height[::3, ::3])
    around = 3.0 * box_blur(coarse, 1) + 2.8 * box_blur(coarse, 5)
    # The lattice's steps are 3 cells; 213 x 141 cells are all but the last row of the grid.
    spread = enlarge(around, (3 * (len(around) - 1), COLUMNS - 3))
    spread = np.pad(spread, ((0, ROWS - len(spread)), (0, 3)), mode="edge")
    return np.minimum(np.maximum(spread - 5.8 * height, -0.15), 0.45)


@dataclass(frozen=True)
class Pose:
    """Rotation of the head and its place in the image.

    Attributes:
        matrix: Rows of the rotation that turns head axes into image axes.
        scale: Pixels a unit. x, y: Pixel of the origin.
    """

    matrix: tuple[tuple[float, float, float], ...]
    scale: float
    x: float
    y: float

    def within(self, rows: slice, columns: slice) -> Pose:
        """Return the same pose in the pixels of a part of the image."""
        return Pose(self.matrix, self.scale, self.x - columns.start, self.y - rows.start)

    def area(self, x: float, y: float, wide: float, high: float, size: int) -> tuple[slice, slice]:
        """Return the rows and columns of a box around a pixel; its half sides are in units."""
        dx, dy = wide * self.scale, high * self.scale
        rows = slice(min(max(int(y - dy), 0), size - 2), max(min(int(y + dy) + 2, size), 2))
        columns = slice(min(max(int(x - dx), 0), size - 2), max(min(int(x + dx) + 2, size), 2))
        return rows, columns

    def project(self, points: Array) -> Array:
        """Return (N, 2) pixels of (N, 3) points."""
        a, b, _ = self.matrix
        px, py, pz = points[:, 0], points[:, 1], points[:, 2]
        column = self.x + self.scale * (a[0] * px + a[1] * py + a[2] * pz)
        row = self.y + self.scale * (b[0] * px + b[1] * py + b[2] * pz)
        return np.stack([column, row], axis=1)


def pose_of(shot: Shot, size: int) -> Pose:
    """Return the pose; the head turns about an axis one unit behind the eyes."""
    sy, sp, sr = shot.yaw, shot.pitch, shot.roll
    cy, cp, cr = (math.sqrt(1.0 - s * s) for s in (sy, sp, sr))
    turned = ((cy, 0.0, sy), (sp * -sy, cp, sp * cy), (-sy * cp, -sp, cy * cp))
    a, b, c = turned
    matrix = (
        tuple(cr * p - sr * q for p, q in zip(a, b, strict=True)),
        tuple(sr * p + cr * q for p, q in zip(a, b, strict=True)),
        c,
    )
    scale, depth = shot.scale * size, 0.75
    return Pose(
        matrix,  # type: ignore[arg-type]
        scale,
        shot.centre[0] * size - 0.5 - scale * matrix[0][2] * depth,
        shot.centre[1] * size - 0.5 - scale * matrix[1][2] * depth,
    )


@dataclass(frozen=True)
class View:
    """What each pixel sees: the point (x, y, z) in head axes, its depth, how surely it hits.

    Attributes:
        reach: 1 - squared miss distance over width: positive inside the outline.
    """

    x: Array
    y: Array
    z: Array
    depth: Array
    reach: Array


def rays(
    pose: Pose, shape: tuple[int, int]
) -> tuple[tuple[Array, Array, Array], tuple[float, float, float]]:
    """Return where each pixel's ray crosses the plane of depth 0, and its direction."""
    column = (np.arange(shape[1], dtype=np.float32) - pose.x) * (1.0 / pose.scale)
    row = ((np.arange(shape[0], dtype=np.float32) - pose.y) * (1.0 / pose.scale))[:, None]
    a, b, c = pose.matrix
    origin = tuple(a[k] * column[None, :] + b[k] * row for k in range(3))
    return origin, c  # type: ignore[return-value]


def intersect(
    pose: Pose,
    shape: tuple[int, int],
    tables: tuple[Array, Array, Array],
    height: Array | None,
    rounds: int,
) -> View:
    """Return the front point of the displaced stack of ellipses under each pixel.

    A fixed-point search: the ellipse at the last height, moved by the last relief, is met in
    closed form. Heights settle within three rounds. It converges where the relief is less steep
    than the ray (all but the flank of a high nose in half profile), and averaging two rounds
    damps the rest.
    """
    (ox, oy, oz), (dx, dy, dz) = rays(pose, shape)
    t = np.full_like(oy, 0.9)
    lift: Array | float = 0.0
    for turn in range(rounds):
        y = oy + t * dy
        if turn < 3:
            row = table_row(y)
            iw = 1.0 / np.maximum(look_up(tables[0], row), 0.02)
            deep = 1.0 / np.maximum(look_up(tables[1], row), 0.02)
            behind = oz - look_up(tables[2], row)
            ax, ad, bd = ox * iw, dx * iw, dz * deep
            qa = ad * ad + bd * bd
            ia = 1.0 / qa
            rest = ax * ax - 1.0
        if height is not None:
            lift = sample(height[None], *grid_place(ox + t * dx, y))[0]
        bx = (behind - lift) * deep
        qb = ax * ad + bx * bd
        inside = qb * qb - qa * (rest + bx * bx)
        hit = (np.sqrt(np.maximum(inside, 0.0)) - qb) * ia
        t = hit if turn < 2 else 0.5 * (hit + t) if turn % 2 else 0.7 * hit + 0.3 * t
    x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
    return View(x, y, z, t, inside * ia)


def front(f: Features, height: Array, x: Array, y: Array) -> Array:
    """Return z of the surface at (x, y) seen from the front."""
    row = table_row(y)
    w = np.maximum(look_up(f.width, row), 0.02)
    across = np.sqrt(np.maximum(1.0 - (x / w) * (x / w), 0.0))
    lift = sample(height[None], *grid_place(x, y))[0]
    z: Array = look_up(f.centre, row) + look_up(f.depth, row) * across + lift
    return z
