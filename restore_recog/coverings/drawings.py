"""Drawings of the first kinds: soft masks, respirators, a gas mask, a scarf and sunglasses."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.patterns import PATTERNS, fabric
from restore_recog.coverings.shapes import (
    Points,
    dome,
    ear_loops,
    hem,
    imprint,
    pleats,
    rounded,
    seam,
    side,
    tent,
    wrinkles,
)
from restore_recog.coverings.sheet import Canvas, Floats, Sheet, curve, finish, mirrored


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
