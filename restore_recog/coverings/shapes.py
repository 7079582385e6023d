"""Shapes that several coverings share: cloth over the nose, folds, ear loops, hems."""

from __future__ import annotations

import cv2
import numpy as np

from restore_recog.coverings.sheet import EXTENT, LEFT, TOP, Canvas, Floats, curve

Points = list[tuple[float, float]]


def tent(canvas: Canvas, nose: float) -> Floats:
    """Return the (S, S) height of cloth hung over nose and cheeks, in eye distances."""
    x, v = canvas.x, canvas.v
    cheeks = -0.55 * (np.sqrt(1 + 1.2 * x * x) - 1)
    peak = nose * np.exp(-(np.abs(x / 0.5) ** 1.5) - ((v - 0.75) / 0.5) ** 2)
    return cheeks + peak - 0.16 * np.maximum(v - 0.9, 0) ** 2


def dome(canvas: Canvas, v: float, radius: float) -> Floats:
    """Return the (S, S) height, 0 to 1, of a paraboloid around (0, v)."""
    reach = (canvas.x / radius) ** 2 + ((canvas.v - v) / radius) ** 2
    return np.clip(1 - reach, -1, 1)


def wrinkles(canvas: Canvas, rng: np.random.Generator, count: int, height: float) -> Floats:
    """Return random folds pulled from the ears towards the middle of the face."""
    total = np.zeros_like(canvas.x)
    for _ in range(count):
        sign = rng.choice([-1, 1])
        start = (sign * rng.uniform(0.75, 1.0), rng.uniform(0.6, 1.4))
        end = (sign * rng.uniform(-0.2, 0.4), start[1] + rng.uniform(-0.25, 0.35))
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + rng.normal(0, 0.06))
        crest = canvas.ridge(curve([start, middle, end]), rng.uniform(0.018, 0.05))
        total += height * rng.uniform(0.3, 1.0) * rng.choice([-1, 1]) * crest
    return total


def pleats(
    canvas: Canvas,
    rng: np.random.Generator,
    wide: float,
    levels: tuple[float, ...] = (0.86, 1.13, 1.4),
) -> tuple[Floats, Floats]:
    """Return height and crease of pleats at some levels, each a step with its shadow below."""
    height, crease = np.zeros_like(canvas.x), np.ones_like(canvas.x)
    for level in levels:
        level += rng.uniform(-0.04, 0.04)
        bow = rng.uniform(-0.03, 0.05)
        line: Points = [(-wide, level), (-0.5, level + bow), (0, level + 1.4 * bow)]
        line += [(0.5, level + bow + rng.uniform(-0.02, 0.02)), (wide, level)]
        below = canvas.v - np.interp(canvas.x, *curve(line).T).astype(np.float32)
        step = np.exp(-np.abs(below) / 0.1) * (below < 0) * 0.05
        height += canvas.blur(step.astype(np.float32), 0.014)
        under = np.exp(-np.maximum(below, 0) / 0.06) * (below > -0.01)
        crease -= canvas.blur(0.2 * under.astype(np.float32), 0.012)
    return height, crease


def ear_loops(
    canvas: Canvas, upper: tuple[float, float], lower: tuple[float, float], width: float
) -> Floats:
    """Return both ear loops from a mask's side corners to behind the ears."""
    high: Points = [upper, (1.13, upper[1] - 0.17), (1.27, upper[1] - 0.4)]
    deep: Points = [lower, (1.12, lower[1] - 0.18), (1.25, lower[1] - 0.5)]
    lines = [canvas.stroke(curve(side(p, s)), width) for p in (high, deep) for s in (-1, 1)]
    return np.maximum.reduce(lines)


def side(points: Points, sign: int) -> Points:
    """Return points of the right side (sign 1), or their mirror images (sign -1)."""
    return [(sign * x, v) for x, v in points]


def hem(canvas: Canvas, body: Floats, width: float) -> Floats:
    """Return the band of a width in eye distances along the inside of an outline."""
    return np.clip((1 - canvas.blur(body, width)) * 4 - 1, 0, 1) * body


def seam(canvas: Canvas, body: Floats, inset: float) -> Floats:
    """Return the stitched line at some distance inside an outline."""
    level = canvas.blur(body, inset)
    return np.exp(-(((level - 0.84) / 0.06) ** 2)) * body


def rounded(centre: tuple[float, float], width: float, height: float) -> Floats:
    """Return the outline of a box with round corners; width and height are half of the sides."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    x = centre[0] + width * np.sign(c) * np.abs(c) ** 0.5
    v = centre[1] + height * np.sign(s) * np.abs(s) ** 0.5
    return np.column_stack([x, v]).astype(np.float32)


def imprint(
    canvas: Canvas, rng: np.random.Generator, text: str, place: tuple[float, float]
) -> Floats:
    """Return the (S, S) coverage of a print: a name and two lines too small to read."""
    fine, scale = 2 * canvas.size, 2 * canvas.size / EXTENT
    ink = np.zeros((fine, fine), dtype=np.uint8)
    x, v = (np.array(place) - [LEFT, TOP]) * scale
    size, thick = rng.uniform(0.0055, 0.008) * scale, max(1, round(0.025 * scale))
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(ink, text, (int(x), int(v)), font, size, 255, thick, cv2.LINE_AA)
    for line in (0.1, 0.18):
        words = "".join(rng.choice(list("AEHILMNORST035 "), 10))
        spot = (int(x), int(v + line * scale))
        cv2.putText(ink, words, spot, font, 0.35 * size, 255, max(1, thick // 2), cv2.LINE_AA)
    return cv2.resize(ink, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) / np.float32(255)
