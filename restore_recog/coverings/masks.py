"""Drawings of masks: surgical, N95, KN95 and cloth."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.patterns import PATTERNS, fabric
from restore_recog.coverings.sheet import Canvas, Floats, Sheet, curve, finish, mirrored

Points = list[tuple[float, float]]


def draw_surgical(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a pleated three-ply mask: nose wire, three pleats, bound edges, ear loops."""
    bridge, side = 0.27 + rng.uniform(-0.05, 0.05), rng.uniform(0.97, 1.06)
    chin = rng.uniform(1.93, 2.06)
    half: Points = [(0, bridge), (0.22, bridge + 0.05), (0.6, 0.4), (side, 0.53), (side, 0.95)]
    half += [(side - 0.07, 1.32), (0.58, 1.78), (0.3, chin - 0.04), (0, chin)]
    body = canvas.fill(mirrored(half))
    loops = _loops(canvas, (side - 0.03, 0.56), (side - 0.1, 1.3), 0.035)
    height = tent(canvas, 0.36) + _wrinkles(canvas, rng, 7, 0.03)
    crease = np.ones_like(height)
    for level in (0.86, 1.13, 1.4):
        level += rng.uniform(-0.04, 0.04)
        bow = rng.uniform(-0.03, 0.05)
        pleat: Points = [(-side, level), (-0.5, level + bow), (0, level + 1.4 * bow)]
        pleat += [(0.5, level + bow + rng.uniform(-0.02, 0.02)), (side, level)]
        below = canvas.v - np.interp(canvas.x, *curve(pleat).T).astype(np.float32)
        step = np.exp(-np.abs(below) / 0.1) * (below < 0) * 0.05
        height += canvas.blur(step.astype(np.float32), 0.014)
        under = np.exp(-np.maximum(below, 0) / 0.06) * (below > -0.01)
        crease -= canvas.blur(0.2 * under.astype(np.float32), 0.012)
    wire = curve(
        [
            (-0.42, bridge + 0.17),
            (-0.2, bridge + 0.1),
            (0, bridge + 0.06),
            (0.2, bridge + 0.1),
            (0.42, bridge + 0.17),
        ]
    )
    height += 0.02 * canvas.stroke(wire, 0.05)
    hem = _hem(canvas, body, 0.05)
    crease *= 1 - 0.07 * _hem_seam(canvas, body, 0.055)
    layers = {"alpha": np.maximum(body, loops), "height": height, "crease": crease}
    layers |= {"second": hem * 0.5 * body, "third": _only(loops, body)}
    return finish(canvas, layers)


def draw_n95(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a moulded cup respirator: rim, ridge, head straps and sometimes a valve."""
    top, wide, low = rng.uniform(0.2, 0.32), rng.uniform(0.82, 0.93), rng.uniform(1.88, 2.02)
    half: Points = [(0, top), (0.2, top + 0.06), (0.55, 0.55), (wide, 0.98), (wide - 0.02, 1.3)]
    half += [(0.68, 1.68), (0.36, low - 0.06), (0, low)]
    body = canvas.fill(mirrored(half))
    upper: Points = [(wide - 0.08, 0.98), (1.1, 0.62), (1.38, 0.1)]
    lower: Points = [(wide - 0.1, 1.2), (1.05, 1.22), (1.3, 1.12)]
    straps = np.maximum.reduce(
        [canvas.stroke(curve(_side(p, s)), 0.07) for p in (upper, lower) for s in (-1, 1)]
    )
    inside = np.clip(canvas.blur(body, 0.28) * 2 - 1, 0, 1)
    height = 0.24 * inside + 0.34 * dome(canvas, 1.0, 0.95) + 0.015 * canvas.noise(rng, 0.5, 0.5)
    ring = np.abs(inside - rng.uniform(0.35, 0.5))
    height += 0.025 * np.exp(-((ring / 0.06) ** 2))
    height += 0.0025 * canvas.noise(rng, 0.03, 0.03)
    crease = 1 - 0.06 * np.exp(-((ring / 0.035) ** 2)) - 0.1 * _hem_seam(canvas, body, 0.06)
    nose = curve(
        [(-0.36, 0.5), (-0.17, top + 0.13), (0, top + 0.07), (0.17, top + 0.13), (0.36, 0.5)]
    )
    wire = canvas.stroke(nose, 0.06)
    valve, second = np.zeros_like(height), 0.7 * wire
    if rng.random() < 0.4:
        centre = (rng.choice([0.0, 0.34]), 1.12)
        valve = canvas.fill(_rounded(centre, 0.2, 0.17))
        height += 0.1 * canvas.blur(valve, 0.015)
        for level in (-0.07, 0.0, 0.07):
            slit = canvas.stroke(
                np.array(
                    [[centre[0] - 0.12, centre[1] + level], [centre[0] + 0.12, centre[1] + level]]
                ),
                0.022,
            )
            crease -= 0.4 * slit
    layers = {"alpha": np.maximum(body, straps), "height": height, "crease": crease}
    layers |= {"second": np.maximum(second, valve) * body, "third": _only(straps, body)}
    return finish(canvas, layers)


def draw_kn95(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a folded respirator: vertical centre fold, welded seams, ear loops."""
    top, wide, low = rng.uniform(0.18, 0.3), rng.uniform(0.97, 1.06), rng.uniform(1.95, 2.08)
    half: Points = [(0, top), (0.16, top + 0.08), (0.6, 0.5), (wide, 0.62), (wide + 0.01, 0.95)]
    half += [(wide - 0.08, 1.3), (0.55, 1.76), (0.16, low - 0.05), (0, low)]
    body = canvas.fill(mirrored(half))
    loops = _loops(canvas, (wide - 0.03, 0.66), (wide - 0.1, 1.26), 0.045)
    # Two planes meet in the fold: a roof seen from the front.
    bend = np.sqrt(canvas.x**2 + 0.03**2)
    height = -0.62 * bend + tent(canvas, 0.12) + _wrinkles(canvas, rng, 4, 0.025)
    height += 0.0015 * canvas.noise(rng, 0.04, 0.04)
    fold = np.exp(-((canvas.x / 0.014) ** 2))
    crease = 1 + 0.05 * fold - 0.1 * np.exp(-(((np.abs(canvas.x) - 0.04) / 0.015) ** 2))
    crease -= 0.08 * _hem_seam(canvas, body, 0.07)
    for sign in (-1, 1):
        weld = curve(_side([(0.03, 0.62), (0.5, 0.78), (wide, 0.86)], sign))
        crease -= 0.14 * canvas.stroke(weld, 0.02)
    dots = (np.sin(canvas.x * 180) * np.sin(canvas.v * 180) > 0.4) * _hem(canvas, body, 0.06)
    crease -= 0.08 * dots
    layers = {"alpha": np.maximum(body, loops), "height": height, "crease": crease}
    layers |= {"third": _only(loops, body)}
    return finish(canvas, layers)


def draw_cloth(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a sewn cloth mask of one colour."""
    return _cloth(canvas, rng, "plain")


def draw_cloth_patterned(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a sewn cloth mask with a printed pattern."""
    return _cloth(canvas, rng, str(rng.choice(PATTERNS)))


def _cloth(canvas: Canvas, rng: np.random.Generator, pattern: str) -> Sheet:
    top, wide, low = rng.uniform(0.22, 0.36), rng.uniform(0.94, 1.05), rng.uniform(1.9, 2.05)
    half: Points = [(0, top), (0.2, top + 0.08), (0.58, rng.uniform(0.42, 0.5)), (wide, 0.66)]
    half += [(wide - 0.02, 0.95), (wide - 0.1, 1.28), (0.6, 1.72), (0.25, low - 0.03), (0, low)]
    body = canvas.fill(mirrored(half))
    loops = _loops(canvas, (wide - 0.04, 0.7), (wide - 0.1, 1.24), 0.05)
    height = tent(canvas, 0.4) + _wrinkles(canvas, rng, 9, 0.045)
    height += 0.012 * canvas.noise(rng, 0.35, 0.2)
    crease = 1 - 0.16 * _hem_seam(canvas, body, 0.075) + 0.03 * canvas.noise(rng, 0.025, 0.025)
    if rng.random() < 0.6:  # two halves sewn together down the middle
        height -= 0.25 * np.sqrt(canvas.x**2 + 0.02**2)
        crease -= 0.3 * np.exp(-((canvas.x / 0.012) ** 2))
    second, third = fabric(canvas, rng, pattern, height)
    stretch = 1 - loops * (body < 0.5)
    layers = {"alpha": np.maximum(body, loops), "height": height, "crease": crease}
    layers |= {"second": second * stretch, "third": third * stretch}
    return finish(canvas, layers)


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


def _wrinkles(canvas: Canvas, rng: np.random.Generator, count: int, height: float) -> Floats:
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


def _loops(
    canvas: Canvas, upper: tuple[float, float], lower: tuple[float, float], width: float
) -> Floats:
    """Return both ear loops from a mask's side corners to behind the ears."""
    high: Points = [upper, (1.13, upper[1] - 0.17), (1.27, upper[1] - 0.4)]
    deep: Points = [lower, (1.12, lower[1] - 0.18), (1.25, lower[1] - 0.5)]
    lines = [canvas.stroke(curve(_side(p, s)), width) for p in (high, deep) for s in (-1, 1)]
    return np.maximum.reduce(lines)


def _side(points: Points, sign: int) -> Points:
    return [(sign * x, v) for x, v in points]


def _hem(canvas: Canvas, body: Floats, width: float) -> Floats:
    """Return the band of a width in eye distances along the inside of an outline."""
    return np.clip((1 - canvas.blur(body, width)) * 4 - 1, 0, 1) * body


def _hem_seam(canvas: Canvas, body: Floats, inset: float) -> Floats:
    """Return the stitched line at some distance inside an outline."""
    level = canvas.blur(body, inset)
    return np.exp(-(((level - 0.84) / 0.06) ** 2)) * body


def _only(part: Floats, body: Floats) -> Floats:
    return part * (1 - body)


def _rounded(centre: tuple[float, float], width: float, height: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    x = centre[0] + width * np.sign(c) * np.abs(c) ** 0.5
    v = centre[1] + height * np.sign(s) * np.abs(s) ** 0.5
    return np.column_stack([x, v]).astype(np.float32)
