"""Drawings of what is no mask: respirator with canisters, scarf, sunglasses."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.patterns import fabric
from restore_recog.coverings.sheet import Canvas, Floats, Sheet, curve, finish, mirrored

Points = list[tuple[float, float]]


def draw_gas(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a rubber half-face gas mask: nose cup, two filter canisters, outlet, broad straps."""
    top, wide, low = rng.uniform(0.12, 0.22), rng.uniform(0.76, 0.86), rng.uniform(1.92, 2.02)
    half: Points = [(0, top), (0.16, top + 0.06), (0.42, 0.52), (wide, 1.0), (wide - 0.04, 1.38)]
    half += [(0.56, 1.76), (0.3, low - 0.03), (0, low)]
    body = canvas.fill(mirrored(half))
    high: Points = [(0.45, 0.72), (0.95, 0.5), (1.45, 0.1)]
    deep: Points = [(0.6, 1.35), (1.0, 1.35), (1.4, 1.2)]
    lines = [curve([(s * x, v) for x, v in p]) for p in (high, deep) for s in (-1, 1)]
    straps = np.maximum.reduce([canvas.stroke(line, 0.12) for line in lines])
    inside = np.clip(canvas.blur(body, 0.22) * 2 - 1, 0, 1)
    height = 0.6 * np.sqrt(inside + 0.02)
    crease = 1 - 0.25 * np.exp(-(((inside - 0.25) / 0.06) ** 2))
    filters, rim = canisters(
        canvas, rng.uniform(0.58, 0.7), rng.uniform(1.12, 1.26), rng.uniform(0.3, 0.37)
    )
    height = np.where(filters > 0.5, 0.75, height) + 0.06 * rim
    height = canvas.blur(height, 0.015)
    crease = np.where(filters > 0.5, 1 - 0.35 * rim, crease)
    outlet = _disc(canvas, 0.0, 1.3, 0.22)
    height += 0.12 * canvas.blur(outlet, 0.02)
    for level in (1.2, 1.27, 1.34, 1.41):
        crease -= 0.35 * canvas.stroke(np.array([[-0.13, level], [0.13, level]]), 0.025)
    layers = {"alpha": np.maximum.reduce([body, straps, filters]), "height": height}
    layers |= {"crease": crease, "second": filters, "third": straps * (1 - body) * (1 - filters)}
    return finish(canvas, layers)


def canisters(canvas: Canvas, x: float, v: float, radius: float) -> tuple[Floats, Floats]:
    """Return coverage and ribs of the left and right filter canister."""
    filters = np.maximum(_disc(canvas, -x, v, radius), _disc(canvas, x, v, radius))
    distance = np.hypot(np.abs(canvas.x) - x, canvas.v - v) / radius
    rings = sum(np.exp(-(((distance - r) / 0.045) ** 2)) for r in (0.35, 0.62, 0.86))
    return filters, (rings * filters).astype(np.float32)


def _disc(canvas: Canvas, x: float, v: float, radius: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return canvas.fill(np.column_stack([x + radius * np.cos(angle), v + radius * np.sin(angle)]))


def draw_scarf(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw a scarf wound over the nose, round the head and down over the neck."""
    top, ear = rng.uniform(0.26, 0.45), rng.uniform(0.45, 0.8)
    bulk = rng.uniform(1.3, 1.5)
    right: Points = [(0, top), (0.45, top + 0.1), (0.9, 0.85 * ear + 0.05), (1.22, ear)]
    right += [(1.3, ear + 0.3), (1.2, 1.5), (bulk, 2.0), (bulk + 0.05, 2.6), (bulk + 0.3, 3.7)]
    left = [(-x * rng.normal(1, 0.03), v + rng.normal(0, 0.05)) for x, v in right[:0:-1]]
    outline = curve(left + right)
    body = canvas.fill(outline)
    height = -0.8 * (np.sqrt(1 + 1.2 * canvas.x**2) - 1)
    height += 0.25 * np.exp(-((canvas.x / 0.45) ** 2) - ((canvas.v - 0.7) / 0.4) ** 2)
    crease = 1 + 0.04 * canvas.noise(rng, 0.03, 0.03)
    for level in np.arange(top + 0.18, 3.4, 0.19):
        sag = rng.uniform(0.05, 0.3) * min(1.0, level / 1.5)
        tilt, start = rng.normal(0, 0.12), level + rng.normal(0, 0.04)
        line = curve(
            [
                (-1.5, start - sag - tilt),
                (-0.6, start - tilt / 2),
                (0, start + sag * 0.4),
                (0.6, start + tilt / 2),
                (1.5, start - sag + tilt),
            ]
        )
        line = line + np.array([rng.uniform(-0.5, 0.5), 0], dtype=np.float32)
        crest = canvas.ridge(line, rng.uniform(0.03, 0.06))
        height += rng.uniform(0.03, 0.08) * crest
        crease -= 0.24 * canvas.shift_down(crest, 0.07)
    weave = str(rng.choice(["plain", "plain", "stripes", "tartan", "dots"]))
    second, third = fabric(canvas, rng, weave, height)
    layers = {"alpha": body, "height": height, "crease": np.clip(crease, 0.45, 1.2)}
    return finish(canvas, layers | {"second": second, "third": third}, weave)


def draw_sunglasses(canvas: Canvas, rng: np.random.Generator) -> Sheet:
    """Draw dark glasses: two lenses in a frame, the bridge between them, arms to the ears."""
    wide, high = rng.uniform(0.40, 0.46), rng.uniform(0.30, 0.37)
    square, drop = rng.uniform(2.2, 3.6), rng.uniform(0.04, 0.10)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    across = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / square)
    along = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / square)
    # The lower rim is narrower than the upper one.
    taper = 1 - rng.uniform(0.05, 0.2) * np.maximum(along, 0)
    lens = np.column_stack([0.52 + wide * across * taper, drop + high * along])
    mirror = lens * np.array([-1, 1])
    lenses = np.maximum(canvas.fill(lens), canvas.fill(mirror))
    thick = rng.uniform(0.03, 0.06)
    rims = [canvas.stroke(np.concatenate([rim, rim[:1]]), thick) for rim in (lens, mirror)]
    brow = drop - 0.55 * high
    bridge = canvas.stroke(curve([(-0.16, brow), (0, brow - 0.04), (0.16, brow)]), 1.3 * thick)
    arms = [
        canvas.stroke(np.array([[s * (0.5 + wide), brow], [s * 1.3, brow + 0.04]]), 1.4 * thick)
        for s in (-1, 1)
    ]
    frame = np.maximum.reduce([*rims, bridge, *arms])
    shine = np.abs(canvas.x) - 0.52
    height = -0.25 * (shine**2 + (canvas.v - drop) ** 2) * lenses + 0.04 * frame
    layers = {"alpha": np.maximum(lenses, frame), "height": canvas.blur(height, 0.012)}
    return finish(canvas, layers | {"second": frame})
