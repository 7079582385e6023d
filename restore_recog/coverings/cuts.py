"""Cuts of coverings as data: an outline, folds, seams, trims, and what holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restore_recog.coverings.shapes import (
    Points,
    dome,
    ear_loops,
    pleats,
    seam,
    side,
    tent,
    wrinkles,
)
from restore_recog.coverings.sheet import Canvas, Floats, Sheet, curve, finish, mirrored
from restore_recog.coverings.trims import TRIMS

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seam:
    """A seam, weld or fold on the right half; its mirror image is drawn too.

    Attributes:
        points: From the middle outwards, in eye distances.
        dark: How much darker the line is.
        ridge: How far it stands out (or in, below 0), in eye distances.
        width: Of the ridge, in eye distances.
    """

    points: tuple[Point, ...]
    dark: float = 0.15
    ridge: float = 0.0
    width: float = 0.03


@dataclass(frozen=True, slots=True)
class Cut:
    """The shape of a covering; called with a canvas, it draws one.

    Attributes:
        outline: The right half's edge, from the nose to the chin, in eye distances.
        hold: What holds it, of HOLDS.
        corners: Where the upper and the lower holds begin.
        nose: Height of the tent over the nose.
        cup: Height of a stiff cup.
        roof: Slope of the two halves away from a fold down the middle.
        folds: How many random wrinkles, and their height.
        levels: Of pleats.
        lines: Seams.
        hang: Height of folds that hang down.
        stitched: Darkness of the seam along the edge.
        trims: Names in ``trims.TRIMS``.
    """

    outline: tuple[Point, ...]
    hold: str = "loops"
    corners: tuple[Point, Point] = ((1.0, 0.58), (0.94, 1.28))
    nose: float = 0.38
    cup: float = 0.0
    roof: float = 0.0
    folds: tuple[int, float] = (7, 0.035)
    levels: tuple[float, ...] = ()
    lines: tuple[Seam, ...] = ()
    hang: float = 0.0
    stitched: float = 0.12
    trims: tuple[str, ...] = ()

    def __call__(self, canvas: Canvas, rng: np.random.Generator) -> Sheet:
        """Draw one; every drawing is a little different."""
        wider, points = self._outline(rng)
        body = canvas.fill(mirrored(points))
        (x, v), (low_x, low_v) = self.corners
        hold = HOLDS[self.hold](canvas, (wider * x, v), (wider * low_x, low_v))
        height, crease = self._relief(canvas, rng, body)
        layers = {"alpha": np.maximum(body, hold), "height": height, "crease": crease}
        layers |= {"second": np.zeros_like(body), "third": hold * (1 - body)}
        for trim in self.trims:
            TRIMS[trim](canvas, rng, body, layers)
        layers["crease"] = np.clip(layers["crease"], 0.3, 1.3)
        return finish(canvas, layers)

    def _outline(self, rng: np.random.Generator) -> tuple[float, Points]:
        """Return a factor on the width, and the outline with its width, top and chin varied."""
        wider, top, low = rng.normal(1, 0.03), rng.normal(0, 0.035), rng.normal(0, 0.03)
        first, last = self.outline[0][1], self.outline[-1][1]
        shares = [(v - first) / (last - first) for _, v in self.outline]
        points = [
            (wider * x, v + top * (1 - t) + low * t)
            for (x, v), t in zip(self.outline, shares, strict=True)
        ]
        return float(wider), points

    def _relief(
        self, canvas: Canvas, rng: np.random.Generator, body: Floats
    ) -> tuple[Floats, Floats]:
        """Return height and crease of the covering."""
        height, crease = np.zeros_like(canvas.x), np.ones_like(canvas.x)
        if self.levels:
            height, crease = pleats(canvas, rng, self.outline[3][0], self.levels)
        height += tent(canvas, self.nose) + wrinkles(canvas, rng, *self.folds)
        if self.cup:
            inside = np.clip(canvas.blur(body, 0.25) * 2 - 1, 0, 1)
            height += self.cup * (0.6 * inside + 0.8 * dome(canvas, 1.05, 0.95)) - 0.5 * tent(
                canvas, self.nose
            )
        if self.roof:
            height -= self.roof * np.sqrt(canvas.x**2 + 0.02**2)
        if self.hang:
            height += self._hanging(canvas, rng, crease)
        for line in self.lines:
            for sign in (-1, 1):
                path = curve(side(list(line.points), sign))
                crease -= line.dark * canvas.stroke(path, 0.022)
                height += line.ridge * canvas.ridge(path, line.width)
        crease -= self.stitched * seam(canvas, body, 0.06)
        return height, crease

    def _hanging(self, canvas: Canvas, rng: np.random.Generator, crease: Floats) -> Floats:
        """Return the height of folds that hang from cheeks to neck, and darken their hollows."""
        total = np.zeros_like(canvas.x)
        for place in np.arange(-1.5, 1.6, 0.3):
            x = place + rng.normal(0, 0.08)
            start, end = rng.uniform(0.7, 1.4), rng.uniform(2.4, 3.4)
            path = curve([(0.75 * x, start), (x, (start + end) / 2), (1.15 * x, end)])
            crest = canvas.ridge(path, rng.uniform(0.04, 0.08))
            total += self.hang * rng.uniform(0.5, 1.0) * crest
            crease -= 0.18 * np.roll(crest, round(0.05 * canvas.size / 4), axis=1)
        return total


def _head_straps(canvas: Canvas, upper: Point, lower: Point) -> Floats:
    high: Points = [upper, (1.04, upper[1] - 0.34), (1.2, upper[1] - 0.72)]
    deep: Points = [lower, (1.0, lower[1] + 0.01), (1.14, lower[1] - 0.04)]
    return _both(canvas, (high, deep), 0.06)


def _band(canvas: Canvas, upper: Point, lower: Point) -> Floats:
    middle = (upper[1] + lower[1]) / 2
    path: Points = [(upper[0], middle), (0.98, middle - 0.16), (1.18, middle - 0.42)]
    return _both(canvas, (path,), 0.035)


def _ties(canvas: Canvas, upper: Point, lower: Point) -> Floats:
    high: Points = [upper, (1.12, upper[1] - 0.2), (1.22, upper[1] - 0.65)]
    deep: Points = [lower, (1.04, lower[1] - 0.02), (1.14, lower[1] - 0.06)]
    return _both(canvas, (high, deep), 0.045)


def _both(canvas: Canvas, paths: tuple[Points, ...], width: float) -> Floats:
    lines = [canvas.stroke(curve(side(p, s)), width) for p in paths for s in (-1, 1)]
    return np.maximum.reduce(lines)


HOLDS: dict[str, Callable[[Canvas, Point, Point], Floats]] = {
    "loops": lambda canvas, upper, lower: ear_loops(canvas, upper, lower, 0.04),
    "straps": _head_straps,
    "band": _band,
    "ties": _ties,
    "none": lambda canvas, upper, lower: np.zeros_like(canvas.x),
}
"""What holds a covering: ear loops, two straps, one band, four ties, or its own cloth. All but
the loops end at the side of the usual face, so that little floats beside a narrow one."""

_EDGE = ((0.0, 0.24), (0.22, 0.29), (0.6, 0.37), (1.04, 0.5), (1.04, 0.95), (0.97, 1.32))
_SHAPED = (
    (0.0, 0.26), (0.2, 0.34), (0.58, 0.43), (1.03, 0.58), (1.01, 0.95), (0.93, 1.28), (0.6, 1.72),
    (0.25, 1.94), (0.0, 1.97),
)  # fmt: skip
_FALL = ((1.05, 1.6), (0.98, 2.1), (1.05, 2.7), (1.2, 3.6), (0.0, 3.6))
_CENTRE = Seam(((0.0, 0.26), (0.0, 1.97)), 0.25)

PLEATED = Cut(
    (*_EDGE, (0.58, 1.78), (0.3, 1.95), (0.0, 1.99)),
    levels=(0.86, 1.13, 1.4), trims=("wire", "edge"),
)  # fmt: skip
TIED = Cut(
    PLEATED.outline, hold="ties", levels=(0.8, 1.02, 1.24, 1.46), folds=(6, 0.03),
    trims=("wire", "edge"),
)  # fmt: skip
FLAT = Cut(
    ((0, 0.36), (0.25, 0.4), (0.6, 0.44), (0.96, 0.5), (0.98, 0.95), (0.93, 1.34), (0.6, 1.66),
     (0.3, 1.78), (0, 1.8)),
    corners=((0.93, 0.56), (0.9, 1.3)), folds=(5, 0.05), stitched=0.05,
)  # fmt: skip
CUP = Cut(
    ((0, 0.22), (0.2, 0.28), (0.55, 0.55), (0.9, 0.98), (0.88, 1.3), (0.68, 1.68), (0.36, 1.9),
     (0, 1.95)),
    hold="straps", corners=((0.82, 0.98), (0.8, 1.2)), cup=0.4, folds=(0, 0.0),
    trims=("wire", "valve"),
)  # fmt: skip
SMALL_CUP = Cut(
    ((0, 0.34), (0.2, 0.4), (0.5, 0.66), (0.76, 1.02), (0.74, 1.3), (0.58, 1.6), (0.3, 1.78),
     (0, 1.82)),
    hold="band", corners=((0.7, 1.0), (0.7, 1.2)), cup=0.36, folds=(2, 0.02), stitched=0.2,
    trims=("wire", "staples"),
)  # fmt: skip
BOAT = Cut(
    ((0, 0.2), (0.2, 0.27), (0.55, 0.48), (0.95, 0.72), (1.08, 0.95), (0.97, 1.22), (0.62, 1.7),
     (0.26, 1.98), (0, 2.03)),
    corners=((1.0, 0.8), (0.97, 1.16)), folds=(3, 0.02), nose=0.42,
    lines=(Seam(((0, 0.66), (0.5, 0.74), (1.06, 0.93)), 0.22, 0.05),
           Seam(((0, 1.46), (0.45, 1.36), (1.03, 1.02)), 0.22, 0.05)),
)  # fmt: skip
DUCKBILL = Cut(
    ((0, 0.24), (0.25, 0.32), (0.6, 0.6), (0.9, 0.95), (0.9, 1.2), (0.7, 1.62), (0.36, 1.9),
     (0, 1.95)),
    hold="straps", corners=((0.84, 0.96), (0.84, 1.14)), nose=0.2, folds=(3, 0.025),
    lines=(Seam(((0, 1.16), (0.5, 1.14), (0.9, 1.07)), 0.3, 0.22, 0.13),), trims=("wire",),
)  # fmt: skip
HALF_MASK = Cut(
    ((0, 0.16), (0.16, 0.22), (0.42, 0.55), (0.72, 1.0), (0.7, 1.38), (0.5, 1.74), (0.26, 1.92),
     (0, 1.95)),
    hold="straps", corners=((0.6, 0.8), (0.6, 1.3)), cup=0.5, folds=(0, 0.0),
    trims=("filters", "outlet"),
)  # fmt: skip
COTTON = Cut(PLEATED.outline, levels=(0.98, 1.26), folds=(9, 0.045), stitched=0.2, trims=("edge",))
SHAPED = Cut(_SHAPED, roof=0.25, folds=(8, 0.04), lines=(_CENTRE,))
SEAMLESS = Cut(_SHAPED, folds=(8, 0.04), nose=0.4, stitched=0.2)
SATEEN = Cut(_SHAPED, folds=(12, 0.06), nose=0.42)
TWO_TONE = Cut(_SHAPED, folds=(7, 0.04), trims=("panel", "edge"))
MOUTHED = Cut(_SHAPED, folds=(5, 0.03), trims=("mouth",))
WINDOWED = Cut(_SHAPED, folds=(5, 0.035), stitched=0.15, trims=("window",))
ONE_PIECE = Cut(
    ((0, 0.3), (0.2, 0.37), (0.55, 0.46), (0.95, 0.46), (1.26, 0.18), (1.34, 0.5), (1.12, 0.95),
     (0.9, 1.35), (0.55, 1.75), (0.25, 1.93), (0, 1.96)),
    hold="none", roof=0.28, folds=(3, 0.02), lines=(Seam(((0, 0.3), (0, 1.96)), 0.12),),
    stitched=0.0,
)  # fmt: skip
SPORT = Cut(
    ONE_PIECE.outline, hold="none", roof=0.2, folds=(3, 0.03), stitched=0.25,
    lines=(Seam(((0, 0.3), (0, 1.96)), 0.2), Seam(((0.3, 0.42), (0.85, 0.8), (1.1, 0.9)), 0.25)),
    trims=("valves",),
)  # fmt: skip
SHIELD = Cut(
    ((0, 0.66), (0.35, 0.7), (0.66, 0.88), (0.7, 1.25), (0.58, 1.7), (0.28, 1.98), (0, 2.02)),
    corners=((0.64, 1.45), (0.64, 1.5)), cup=0.3, folds=(0, 0.0), stitched=0.0, trims=("rim",),
    hold="band",
)  # fmt: skip
TUBE = Cut(
    ((0, 0.3), (0.5, 0.4), (0.95, 0.6), (1.2, 0.72), (1.19, 1.1), *_FALL),
    hold="none", folds=(12, 0.05), hang=0.035,
)  # fmt: skip
TRIANGLE = Cut(
    ((0, 0.28), (0.5, 0.38), (1.0, 0.52), (1.26, 0.56), (1.12, 0.98), (0.82, 1.6), (0.45, 2.3),
     (0.12, 2.8), (0, 2.85)),
    hold="none", folds=(10, 0.05), hang=0.04, stitched=0.15,
)  # fmt: skip
VEIL = Cut(
    ((0, 0.2), (0.5, 0.26), (1.0, 0.28), (1.34, 0.2), (1.4, 0.8), (1.4, 1.6), (1.5, 2.6),
     (1.6, 3.6), (0, 3.6)),
    hold="none", folds=(6, 0.04), nose=0.45, hang=0.07,
)  # fmt: skip
COLLAR = Cut(
    ((0, 0.58), (0.45, 0.6), (0.9, 0.68), (1.24, 0.66), (1.32, 1.4), (1.36, 2.2), (1.5, 3.6),
     (0, 3.6)),
    hold="none", folds=(8, 0.05), nose=0.3, trims=("zip",),
)  # fmt: skip
