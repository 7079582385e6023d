"""Drawings of respirators: the moulded N95 cup and the folded KN95."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.shapes import (
    Points,
    dome,
    ear_loops,
    hem,
    imprint,
    rounded,
    seam,
    side,
    tent,
    wrinkles,
)
from restore_recog.coverings.sheet import Canvas, Floats, Sheet, curve, finish, mirrored


def draw_n95(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a moulded cup respirator: rim, ridge, head straps, sometimes a valve or print."""
    top, wide, low = rng.uniform(0.15, 0.32), rng.uniform(0.82, 0.97), rng.uniform(1.88, 2.02)
    half: Points = [(0, top), (0.2, top + 0.06), (0.55, 0.55), (wide, 0.98), (wide - 0.02, 1.3)]
    half += [(0.68, 1.68), (0.36, low - 0.06), (0, low)]
    body = canvas.fill(mirrored(half))
    upper: Points = [(wide - 0.08, 0.98), (1.1, 0.62), (1.38, 0.1)]
    lower: Points = [(wide - 0.1, 1.2), (1.05, 1.22), (1.3, 1.12)]
    lines = [curve(side(points, s)) for points in (upper, lower) for s in (-1, 1)]
    straps = np.maximum.reduce([canvas.stroke(line, 0.07) for line in lines])
    inside = np.clip(canvas.blur(body, 0.28) * 2 - 1, 0, 1)
    ring = np.abs(inside - rng.uniform(0.35, 0.5))
    height = 0.24 * inside + 0.34 * dome(canvas, 1.0, 0.95) + 0.015 * canvas.noise(rng, 0.5, 0.5)
    height += 0.025 * np.exp(-((ring / 0.06) ** 2)) + 0.0025 * canvas.noise(rng, 0.03, 0.03)
    crease = 1 - 0.06 * np.exp(-((ring / 0.035) ** 2)) - 0.1 * seam(canvas, body, 0.06)
    wire: Points = [(-0.36, 0.5), (-0.17, top + 0.13), (0, top + 0.07)]
    second = 0.7 * canvas.stroke(curve(wire + side(wire[1::-1], -1)), 0.06)
    if rng.random() < 0.45:
        plate, slits = valve(canvas, float(rng.choice([0.0, 0.34])), 1.12)
        height, crease = height + 0.1 * canvas.blur(plate, 0.015), crease - 0.4 * slits
        second = np.maximum(second, plate)
    elif rng.random() < 0.5:
        crease -= 0.55 * imprint(canvas, rng, "N95", (-0.2, 1.2))
    layers = {"alpha": np.maximum(body, straps), "height": height, "crease": crease}
    layers |= {"second": second * body, "third": straps * (1 - body)}
    return finish(canvas, layers)


def valve(canvas: Canvas, x: float, v: float) -> tuple[Floats, Floats]:
    """Return the coverage of an exhalation valve and of its three slits."""
    levels = [v - 0.07, v, v + 0.07]
    slits = [canvas.stroke(np.array([[x - 0.12, y], [x + 0.12, y]]), 0.022) for y in levels]
    return canvas.fill(rounded((x, v), 0.2, 0.17)), np.maximum.reduce(slits)


def draw_kn95(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a folded respirator: vertical centre fold, welded seams, ear loops."""
    top, wide, low = rng.uniform(0.15, 0.3), rng.uniform(0.97, 1.12), rng.uniform(1.95, 2.08)
    half: Points = [(0, top), (0.16, top + 0.08), (0.6, 0.46), (wide, 0.6), (wide + 0.01, 0.95)]
    half += [(wide - 0.08, 1.3), (0.55, 1.76), (0.16, low - 0.05), (0, low)]
    body = canvas.fill(mirrored(half))
    loops = ear_loops(canvas, (wide - 0.03, 0.66), (wide - 0.1, 1.26), 0.045)
    # Two planes meet in the fold: a roof seen from the front.
    height = -0.62 * np.sqrt(canvas.x**2 + 0.03**2)
    height += tent(canvas, 0.12) + wrinkles(canvas, rng, 4, 0.025)
    height += 0.0015 * canvas.noise(rng, 0.04, 0.04)
    crease = 1 + 0.05 * np.exp(-((canvas.x / 0.014) ** 2))
    crease -= 0.1 * np.exp(-(((np.abs(canvas.x) - 0.04) / 0.015) ** 2))
    crease -= 0.08 * seam(canvas, body, 0.07)
    for sign in (-1, 1):
        weld = curve(side([(0.03, 0.62), (0.5, 0.78), (wide, 0.86)], sign))
        crease -= 0.14 * canvas.stroke(weld, 0.02)
    dots = np.sin(canvas.x * 180) * np.sin(canvas.v * 180) > 0.4
    crease -= 0.08 * dots * hem(canvas, body, 0.06)
    if rng.random() < 0.4:
        crease -= 0.5 * imprint(canvas, rng, "KN95", (0.3, 1.3))
    layers = {"alpha": np.maximum(body, loops), "height": height, "crease": crease}
    return finish(canvas, layers | {"third": loops * (1 - body)})
