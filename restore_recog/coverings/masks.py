"""Drawings of soft masks: surgical and cloth."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.patterns import PATTERNS, fabric
from restore_recog.coverings.shapes import (
    Points,
    ear_loops,
    hem,
    pleats,
    seam,
    side,
    tent,
    wrinkles,
)
from restore_recog.coverings.sheet import Canvas, Sheet, curve, finish, mirrored


def draw_surgical(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a pleated three-ply mask: nose wire, three pleats, bound edges, ear loops."""
    bridge, wide = rng.uniform(0.17, 0.32), rng.uniform(0.97, 1.12)
    chin = rng.uniform(1.93, 2.06)
    half: Points = [(0, bridge), (0.22, bridge + 0.05), (0.6, bridge + 0.13)]
    half += [(wide, rng.uniform(0.44, 0.56)), (wide, 0.95), (wide - 0.07, 1.32)]
    half += [(0.58, 1.78), (0.3, chin - 0.04), (0, chin)]
    body = canvas.fill(mirrored(half))
    loops = ear_loops(canvas, (wide - 0.03, 0.56), (wide - 0.1, 1.3), 0.035)
    height, crease = pleats(canvas, rng, wide)
    height += tent(canvas, 0.36) + wrinkles(canvas, rng, 7, 0.03)
    wire: Points = [(-0.42, bridge + 0.17), (-0.2, bridge + 0.1), (0, bridge + 0.06)]
    wire += side(wire[1::-1], -1)
    height += 0.02 * canvas.stroke(curve(wire), 0.05)
    crease *= 1 - 0.07 * seam(canvas, body, 0.055)
    layers = {"alpha": np.maximum(body, loops), "height": height, "crease": crease}
    layers |= {"second": hem(canvas, body, 0.05) * 0.5 * body, "third": loops * (1 - body)}
    return finish(canvas, layers)


def draw_cloth(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a sewn cloth mask of one colour."""
    return _cloth(canvas, rng, "plain")


def draw_cloth_patterned(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a sewn cloth mask with a printed pattern."""
    return _cloth(canvas, rng, str(rng.choice(PATTERNS)))


def _cloth(canvas: Canvas, rng: np.random.Generator, pattern: str) -> Sheet:
    top, wide, low = rng.uniform(0.16, 0.36), rng.uniform(0.96, 1.1), rng.uniform(1.9, 2.05)
    half: Points = [(0, top), (0.2, top + 0.08), (0.58, top + rng.uniform(0.12, 0.2))]
    half += [(wide, rng.uniform(0.5, 0.68)), (wide - 0.02, 0.95), (wide - 0.1, 1.28)]
    half += [(0.6, 1.72), (0.25, low - 0.03), (0, low)]
    body = canvas.fill(mirrored(half))
    if rng.random() < 0.4:  # cut in one piece: the cloth itself reaches behind the ears
        wing: Points = [
            (0.8, 0.5),
            (1.12, 0.36),
            (1.3, 0.16),
            (1.34, 0.5),
            (1.14, 0.86),
            (0.8, 1.3),
        ]
        body = np.maximum.reduce([body, *(canvas.fill(curve(side(wing, s))) for s in (-1, 1))])
        loops = np.zeros_like(body)
    else:
        loops = ear_loops(canvas, (wide - 0.04, 0.7), (wide - 0.1, 1.24), 0.05)
    height = tent(canvas, 0.4) + wrinkles(canvas, rng, 9, 0.045)
    height += 0.012 * canvas.noise(rng, 0.35, 0.2)
    crease = 1 - 0.16 * seam(canvas, body, 0.075) + 0.03 * canvas.noise(rng, 0.025, 0.025)
    if rng.random() < 0.6:  # two halves sewn together down the middle
        height -= 0.25 * np.sqrt(canvas.x**2 + 0.02**2)
        crease -= 0.3 * np.exp(-((canvas.x / 0.012) ** 2))
    second, third = fabric(canvas, rng, pattern, height)
    plain = 1 - loops * (body < 0.5)
    layers = {"alpha": np.maximum(body, loops), "height": height, "crease": crease}
    layers |= {"second": second * plain, "third": third * plain}
    return finish(canvas, layers, pattern)
