"""The colour of the face, laid out on the grid of the relief.

Colours are linear light, (3, ROWS, COLUMNS); a colour seen on a screen is its square root.
"""

from __future__ import annotations

import numpy as np

from restore_recog.phantom.geometry import Brow, Eye, Features
from restore_recog.phantom.identity import Person, Shot
from restore_recog.phantom.numeric import Array, Draw, box_blur, bump, noise, step
from restore_recog.phantom.surface import COLUMNS, GRID_X, GRID_Y, ROWS, STEP, spot, window

Colour = tuple[float, float, float]

SKIN: tuple[Colour, ...] = (
    (242, 203, 180), (229, 182, 152), (210, 160, 125), (182, 132, 99), (134, 91, 66), (88, 58, 44)
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (26, 22, 22), (50, 36, 29), (88, 61, 42), (172, 134, 84), (142, 72, 38), (138, 134, 132),
    (205, 202, 198),
)  # fmt: skip
IRIS: tuple[Colour, ...] = (
    (52, 33, 22), (92, 62, 36), (120, 104, 62), (106, 128, 98), (98, 130, 152), (128, 164, 196)
)  # fmt: skip


def linear(colour: Colour) -> Colour:
    """Return a screen colour (0 to 255) as linear light."""
    r, g, b = (value / 255.0 for value in colour)
    return r * r, g * g, b * b


def between(colours: tuple[Colour, ...], place: float) -> Colour:
    """Return the linear colour at a fractional place in a list."""
    index = min(int(place), len(colours) - 2)
    part = place - index
    low, high = linear(colours[index]), linear(colours[index + 1])
    r, g, b = (p + (q - p) * part for p, q in zip(low, high, strict=True))
    return r, g, b


def skin_colour(person: Person) -> Colour:
    """Return the mean colour of a person's skin."""
    r, g, b = between(SKIN, person.tone)
    red = person.redness - 0.5
    return r * (1.0 + 0.05 * red), g * (1.0 - 0.10 * red), b * (1.0 - 0.10 * red)


def hair_colour(person: Person) -> Colour:
    """Return the mean colour of a person's hair."""
    r, g, b = linear(HAIR[person.hair_colour])
    k = person.hair_shade
    return r * k, g * k, b * k


def blend(canvas: Array, alpha: Array, colour: Colour | Array) -> None:
    """Lay a colour over a canvas in place."""
    for plane, value in zip(canvas, colour, strict=True):
        plane += alpha * (value - plane)


def part_of(canvas: Array, area: tuple[slice, slice]) -> Array:
    """Return a view of all three colours in a box."""
    return canvas[:, area[0], area[1]]


def tint(canvas: Array, amount: Array, gains: Colour) -> None:
    """Multiply the canvas in place by gains, as far as *amount* says."""
    for plane, gain in zip(canvas, gains, strict=True):
        plane *= 1.0 + amount * (gain - 1.0)


def _edge(distance: Array) -> Array:
    """Return cover of a grid cell whose signed distance inside an edge is given."""
    return np.minimum(np.maximum(0.5 + distance * (0.8 / STEP), 0.0), 1.0)


def _skin(person: Person, f: Features) -> Array:
    base = skin_colour(person)
    rng = np.random.default_rng([person.texture, 1])
    blotch = noise(rng, (ROWS, COLUMNS), (9, 7)) + 0.6 * noise(rng, (ROWS, COLUMNS), (26, 18))
    pores = noise(rng, (ROWS, COLUMNS), (90, 62))
    light = 1.0 + 0.035 * blotch + (0.012 + 0.012 * person.age_group) * pores
    canvas: Array = np.stack([np.float32(value) * light for value in base])
    red = 0.25 * blotch + 0.6 * spot(0.0, f.nose_tip, 0.18, 0.16)
    red += 0.3 * spot(0.0, f.chin - 0.2, 0.25, 0.15)
    for eye in f.eyes:
        red += (0.55 + 0.8 * person.redness) * spot(eye.side * 0.62, 0.58, 0.24, 0.2)
    tint(canvas, red, (1.0, 0.84, 0.83))
    for eye in f.eyes:
        ring = spot(eye.x - eye.side * 0.05, eye.y + 0.15, 0.2, 0.09)
        ring += 0.5 * spot(eye.x, eye.y - 0.1, 0.24, 0.08)
        tint(canvas, ring * (0.55 + 0.15 * person.age_group), (0.84, 0.74, 0.76))
    _marks(canvas, person, rng)
    return canvas


def _marks(canvas: Array, person: Person, rng: np.random.Generator) -> None:
    """Add freckles and moles, which are as lasting as the person."""
    if person.freckles > 0.12:
        grain = np.maximum(noise(rng, (ROWS, COLUMNS), (80, 54)) - 0.35, 0.0)
        where = bump(GRID_X * 1.7) * bump((GRID_Y - 0.42) * 3.2)
        tint(canvas, np.minimum(2.2 * person.freckles * grain * where, 1.0), (0.62, 0.45, 0.36))
    draw = Draw(person.texture, 2)
    for _ in range(draw.index((2, 3, 2, 1))):
        x, y = draw.uniform(-0.85, 0.85), draw.uniform(-0.75, 1.6)
        size = draw.uniform(0.014, 0.034)
        area = window(x - 0.15, x + 0.15, y - 0.15, y + 0.15)
        dx, dy = (GRID_X[:, area[1]] - x) / size, (GRID_Y[area[0]] - y) / size
        tint(part_of(canvas, area), 0.8 * bump(dx) * bump(dy), (0.38, 0.28, 0.25))


def _beard(canvas: Array, person: Person, shot: Shot, f: Features) -> None:
    if not person.gender:
        return
    m, kind = f.mouth, shot.beard
    x, y = GRID_X, GRID_Y
    jaw = step((y - 0.62 - 0.42 * (1.0 - x * x) + 0.12 * np.abs(x)) * 5.0)
    free = step((np.abs(x) - 0.62) * 6.0) + step((y - m.y - 0.18) * 7.0)
    lip = (
        bump((x - m.x) * (1.7 / m.half))
        * step((y - f.nose_base - 0.02) * 14.0)
        * step((m.y - y) * 12.0 + 1)
    )
    chin = bump(x * 3.0) * step((y - m.y - 0.2) * 7.0)
    full = jaw * np.minimum(free, 1.0)
    area = ((full + lip) * 0.55, (full + lip) * 0.9, 1.3 * lip, 1.2 * (chin + lip), full + lip)[
        kind
    ]
    strength = (0.13, 0.42, 0.8, 0.85, 0.92)[kind]
    rng = np.random.default_rng([person.texture, 3])
    hairs = 0.75 + 0.45 * noise(rng, (ROWS, COLUMNS), (60, 66))
    cover = np.minimum(np.maximum(area, 0.0), 1.0) * strength * hairs
    red, green, blue = hair_colour(person)
    base = skin_colour(person)
    if kind < 2:
        red, green, blue = (
            0.45 * h + 0.25 * s for h, s in zip((red, green, blue), base, strict=True)
        )
    blend(canvas, np.minimum(np.maximum(cover, 0.0), 0.97), (red, green, blue))


def _lips(canvas: Array, gloss: Array, person: Person, f: Features) -> None:
    m = f.mouth
    area = window(m.x - m.half - 0.1, m.x + m.half + 0.1, m.y - 0.4, m.y + 0.75)
    x, y, part = GRID_X[:, area[1]], GRID_Y[area[0]], part_of(canvas, area)
    u = m.along(x)
    top, inner_top, inner_low, low = m.edges(u)
    inside = step((1.0 - u * u) * 6.0)
    r, g, b = skin_colour(person)
    vivid = person.lip_colour * (1.0 if person.gender else 1.5)
    colour = (r * (0.88 - 0.05 * vivid), g * (0.46 - 0.16 * vivid), b * (0.50 - 0.14 * vivid))
    soft = 0.4 * STEP
    upper = np.minimum(_edge((y - top) * 0.6 - soft), _edge(inner_top - y)) * inside
    lower = np.minimum(_edge(y - inner_low), _edge((low - y) * 0.6 - soft)) * inside
    blend(part, 0.82 * upper, (0.86 * colour[0], 0.86 * colour[1], 0.86 * colour[2]))
    blend(part, 0.78 * lower, colour)
    gloss[area] += (0.25 + 0.5 * vivid * (1 - person.gender)) * lower
    gap = np.minimum(_edge(y - inner_top), _edge(inner_low - y)) * inside
    blend(part, gap, (0.055, 0.016, 0.016))
    # Upper teeth hang from the lip; their gaps are faint.
    reach = min(0.75 * (m.open_up + m.open_low), 0.115)
    teeth = np.minimum(gap, _edge(inner_top + reach - y))
    ridge = 1.0 - 0.25 * bump(((x * 9.0) - np.floor(x * 9.0) - 0.5) * 7.0)
    shade = 0.62 * step((1.0 - u * u) * 1.6) * ridge
    bite = teeth * step((m.open_up + m.open_low - 0.035 + 0 * y) * 30.0)
    blend(part, bite, np.stack([shade + 0 * y, 0.92 * shade + 0 * y, 0.8 * shade + 0 * y]))
    seam = bump((y - 0.5 * (inner_top + inner_low)) * 62.0) * step((1.06 - u * u) * 5.0)
    tint(part, 0.75 * seam * (1.0 - bite), (0.42, 0.25, 0.26))


def _eye(canvas: Array, gloss: Array, person: Person, shot: Shot, eye: Eye) -> None:
    area = window(eye.x - 0.45, eye.x + 0.45, eye.y - 0.4, eye.y + 0.35)
    x, y, part = GRID_X[:, area[1]], GRID_Y[area[0]], part_of(canvas, area)
    e = eye.along(x)
    upper, lower = eye.lids(e)
    inside = step((1.0 - e * e) * 8.0)
    white = np.minimum(_edge(y - upper), _edge(lower - y)) * inside
    dx, dy = x - eye.iris_x, y - eye.iris_y
    radius = np.sqrt(dx * dx + dy * dy)
    shadow = 1.0 - 0.45 * bump((y - upper) * 20.0)
    ball = np.stack([v * shadow * (1.0 - 0.3 * e * e) for v in (0.50, 0.465, 0.445)])
    tone = between(IRIS, person.iris * 4.99)
    ring = 0.45 + 0.7 * bump((radius - 0.055) * 34.0)
    iris = _edge(eye.iris - radius)
    blend(ball, iris, np.stack([v * ring * shadow for v in tone]))
    blend(ball, _edge(0.041 - radius), (0.006, 0.006, 0.006))
    corner = bump((e + 0.98) * 9.0)
    r, g, b = skin_colour(person)
    blend(ball, 0.7 * corner + 0 * y, (0.75 * r, 0.45 * g, 0.45 * b))
    glint_x, glint_y = eye.iris_x + 0.035 * shot.light[0], eye.iris_y - 0.035 + 0.02 * shot.light[1]
    glint = bump((x - glint_x) * 60.0) * bump((y - glint_y) * 60.0)
    blend(ball, np.minimum(0.85 * glint, 1.0), (0.95, 0.95, 0.95))
    blend(part, white, ball)
    gloss[area] *= 1.0 - white
    made = 0.25 + (0.25 if not person.gender else 0.0)
    lash = bump((y - upper + 0.004) * (62.0 - 16.0 * made)) * step((1.12 - e * e) * 4.0)
    tint(part, np.minimum(lash * (0.72 + made), 0.95), (0.12, 0.09, 0.09))
    tint(part, 0.4 * bump((y - lower - 0.004) * 75.0) * inside, (0.45, 0.34, 0.34))
    fold = upper - person.shape["lid_fold"] * (1.0 - 0.35 * e * e)
    crease = bump((y - fold) * 55.0) * step((1.2 - e * e) * 3.0)
    tint(part, 0.55 * crease, (0.6, 0.48, 0.48))


def _brow(canvas: Array, person: Person, brow: Brow, rng: np.random.Generator) -> None:
    near, far = brow.side * (brow.x - 0.12), brow.side * (brow.x + brow.length + 0.1)
    area = window(min(near, far), max(near, far), brow.y - 0.4, brow.y + 0.35)
    x, y, part = GRID_X[:, area[1]], GRID_Y[area[0]], part_of(canvas, area)
    t = brow.along(x)
    upper, lower = brow.edges(np.minimum(np.maximum(t, 0.0), 1.0))
    body = step((y - upper) * 28.0 + 0.45) * step((lower - y) * 34.0 + 0.45)
    ends = step((t + 0.06) * 7.0) * step((1.05 - t) * 6.0)
    # Hairs lean outwards, so the noise is sheared along the brow.
    grain = noise(rng, (y.shape[0], 2 * x.shape[1]), (y.shape[0] // 3, x.shape[1]))
    lean = np.arange(x.shape[1])[None, :] + (np.arange(y.shape[0])[:, None] // 2)
    hairs = np.take_along_axis(grain, lean, axis=1)
    cover = body * ends * (0.80 + 0.30 * hairs)
    r, g, b = hair_colour(person)
    if person.hair_colour >= 5:
        r, g, b = 0.35 * r, 0.34 * g, 0.34 * b
    blend(part, np.minimum(np.maximum(cover, 0.0), 0.95), (0.8 * r, 0.75 * g, 0.75 * b))


def _nostrils(canvas: Array, f: Features) -> None:
    for side in (-1.0, 1.0):
        x = f.nose_x + side * 0.46 * f.nose_half
        area = window(x - 0.2, x + 0.2, f.nose_base - 0.2, f.nose_base + 0.2)
        dx, dy = GRID_X[:, area[1]] - x, GRID_Y[area[0]] - f.nose_base + 0.015
        hole = bump(dx * (4.2 / f.nose_half)) * bump((dy + 0.12 * side * dx) * 38.0)
        tint(part_of(canvas, area), np.minimum(1.2 * hole, 0.95), (0.14, 0.07, 0.06))


def _glasses(canvas: Array, gloss: Array, person: Person, f: Features) -> None:
    draw = Draw(person.texture, 4)
    half, high, thick = draw.uniform(0.33, 0.40), draw.uniform(0.2, 0.29), draw.uniform(0.018, 0.04)
    dark = draw.uniform(0.01, 0.1)
    colour = (dark * draw.uniform(0.8, 1.6), dark, dark * draw.uniform(0.7, 1.2))
    cover = np.zeros((ROWS, COLUMNS), np.float32)
    for eye in f.eyes:
        dx, dy = (GRID_X - eye.x * 1.04) / half, (GRID_Y - 0.05) / high
        square = np.sqrt(dx * dx * dx * dx + dy * dy * dy * dy)
        distance = (np.sqrt(square) - 1.0) * high
        np.maximum(cover, _edge(thick - np.abs(distance)), out=cover)
        arm = step((np.abs(GRID_X) - 0.5 - half) * 30.0) * (GRID_X * eye.side > 0)
        np.maximum(cover, arm * _edge(thick - np.abs(GRID_Y + 0.06)), out=cover)
    bridge = _edge(thick - np.abs(GRID_Y - 0.0 + 0.05 * bump(GRID_X * 12.0))) * (
        np.abs(GRID_X) < 0.52 - half + 0.02
    )
    np.maximum(cover, bridge, out=cover)
    # The frame throws a soft shadow on the skin under it.
    soft = box_blur(cover, 3)
    tint(canvas, 0.45 * soft, (0.5, 0.45, 0.45))
    blend(canvas, cover, colour)
    gloss += 0.8 * cover


def face_paint(person: Person, shot: Shot, f: Features) -> tuple[Array, Array]:
    """Return colours (3, ROWS, COLUMNS) and gloss (ROWS, COLUMNS)."""
    canvas = _skin(person, f)
    gloss = np.full((ROWS, COLUMNS), 0.35 * person.gloss, np.float32)
    gloss += 0.3 * person.gloss * (spot(0.0, f.nose_tip, 0.15, 0.2) + spot(0.0, -0.7, 0.5, 0.25))
    _beard(canvas, person, shot, f)
    _nostrils(canvas, f)
    _lips(canvas, gloss, person, f)
    rng = np.random.default_rng([person.texture, 6])
    for eye, brow in zip(f.eyes, f.brows, strict=True):
        _eye(canvas, gloss, person, shot, eye)
        _brow(canvas, person, brow, rng)
    if shot.glasses:
        _glasses(canvas, gloss, person, f)
    return canvas, gloss
