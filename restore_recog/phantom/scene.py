"""What surrounds the face: background, clothes, neck, ears and hair.

Each function lays linear light over the image (3, S, S) in place, from back to front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restore_recog.phantom.geometry import TOP, Features, table_row
from restore_recog.phantom.identity import HAIR_STYLES, Person, Shot
from restore_recog.phantom.numeric import Array, Draw, box_blur, bump, look_up, noise, sample, step
from restore_recog.phantom.paint import Colour, blend, hair_colour, part_of, skin_colour
from restore_recog.phantom.shading import Lamps, depth_normals, lambert
from restore_recog.phantom.surface import Pose, View, intersect


def background(shot: Shot, size: int) -> Array:
    """Return a blurred room or street."""
    draw = Draw(shot.texture, 1)
    rng = np.random.default_rng([shot.texture, 2])
    level, vary = draw.uniform(0.02, 0.6), draw.uniform(0.15, 0.75)
    grey = noise(rng, (size, size), (2, 2)) + 0.7 * noise(rng, (size, size), (4, 5))
    grey += draw.uniform(0.0, 0.9) * noise(rng, (size, size), (draw.index((1,) * 4) + 2, 9))
    grey += draw.uniform(0.0, 0.5) * noise(rng, (size, size), (12, draw.index((1,) * 9) + 3))
    warm = noise(rng, (size, size), (3, 3))
    tone = [draw.uniform(0.6, 1.3) for _ in range(3)]
    light = level * np.maximum(1.0 + vary * grey, 0.03)
    blue = 0.35 * vary * warm
    return np.stack(
        [light * tone[0] * (1.0 - blue), light * tone[1], light * tone[2] * (1.0 + blue)]
    )


def _plane(pose: Pose, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return image coordinates in units of the head, straight up, from the eyes."""
    rows, columns = np.arange(shape[0], dtype=np.float32), np.arange(shape[1], dtype=np.float32)
    return ((columns - pose.x) / pose.scale)[None, :], ((rows - pose.y) / pose.scale)[:, None]


def cover(distance: Array, pose: Pose) -> Array:
    """Return the share of a pixel that lies inside an edge *distance* units away."""
    return np.minimum(np.maximum(0.5 + distance * pose.scale, 0.0), 1.0)


def body(canvas: Array, person: Person, shot: Shot, f: Features, pose: Pose, light: Lamps) -> None:
    """Lay the neck, its shadow under the chin, and the clothes."""
    top = max(int(pose.y + 0.8 * pose.scale), 0)
    pose = pose.within(slice(top, None), slice(0, None))
    canvas = canvas[:, top:]
    x, y = _plane(pose, canvas.shape[1:])
    shift = 0.35 * pose.matrix[0][1]
    half, (r, g, b) = person.shape["neck"], skin_colour(person)
    centre = shift * (y - 1.0) - 0.25 * shot.yaw
    across = (x - centre) * (1.0 / (half * (1.0 + 0.35 * step((y - f.chin - 0.1) * 1.4))))
    nz = np.sqrt(np.maximum(1.0 - across * across, 0.0))
    lit = light.shade(across, 0.1 + 0.0 * across, nz)
    fall = 0.30 + 0.5 * step((y - f.chin - 0.05 + 0.15 * across) * 2.0)
    cords = 1.0 - 0.12 * bump((across - 0.35) * 8.0) - 0.12 * bump((across + 0.35) * 8.0)
    on_neck = cover((1.0 - np.abs(across)) * half, pose) * step((y - 0.9) * 6.0)
    shine = [k * fall * cords for k in lit]
    blend(canvas, on_neck, np.stack([r * shine[0], 0.94 * g * shine[1], 0.92 * b * shine[2]]))
    _clothes(canvas, shot, f, (x - centre, y), pose, light)


def _clothes(
    canvas: Array, shot: Shot, f: Features, place: tuple[Array, Array], pose: Pose, light: Lamps
) -> None:
    (x, y), shape = place, canvas.shape[1:]
    draw, rng = Draw(shot.texture, 3), np.random.default_rng([shot.texture, 4])
    grey, colour = draw.uniform(0.02, 0.75), [draw.uniform(0.25, 1.0) for _ in range(3)]
    collar, vee = draw.uniform(0.12, 0.45), draw.uniform(0.0, 0.9)
    edge = f.chin + collar + 0.28 * np.abs(x) - vee * np.maximum(0.45 - np.abs(x), -0.6) * -1.0
    edge = np.maximum(edge, f.chin + 0.2 + 0.06 * x * x)
    on = cover((y - edge) * 0.9, pose)
    nx = np.minimum(np.maximum(x * 0.38, -0.9), 0.9)
    lit = light.shade(nx, -0.35 + 0.0 * nx, np.sqrt(np.maximum(1.0 - nx * nx, 0.05)))
    weave = 1.0 + 0.25 * noise(rng, shape, (3, 7)) + 0.06 * noise(rng, shape, (30, 60))
    weave -= 0.35 * bump((y - edge - 0.07) * 26.0)
    blend(canvas, on, np.stack([grey * c * weave * k for c, k in zip(colour, lit, strict=True)]))


def ears(canvas: Array, person: Person, shot: Shot, f: Features, pose: Pose, light: Lamps) -> None:
    """Lay both ears; the head then hides what lies behind it, and long hair all of them."""
    if STYLES[HAIR_STYLES[shot.hair_style]].falls:
        return
    size, (r, g, b) = person.shape["ear"], skin_colour(person)
    half = float(look_up(f.width, table_row(np.array([0.2], np.float32)))[0])
    yaw, roll = pose.matrix[0][2], pose.matrix[0][1]
    for side in (-1.0, 1.0):
        at = pose.project(np.array([[side * (half + 0.015), 0.2, -0.05]], np.float32))[0]
        area = pose.area(float(at[0]), float(at[1]), 0.4, 0.6, canvas.shape[1])
        local = pose.within(*area)
        x, y = _plane(local, (area[0].stop - area[0].start, area[1].stop - area[1].start))
        dx = x - (float(at[0]) - pose.x) / pose.scale
        dy = y - (float(at[1]) - pose.y) / pose.scale
        dx, dy = dx - roll * dy, dy + roll * dx
        wide = max(0.115 - 0.3 * side * yaw, 0.07) * size
        high = 0.36 * size * (1.0 - 0.1 * (dy > 0).astype(np.float32))
        px, py = dx / wide + 0.25 * side * dy, dy / high
        radius = np.sqrt(px * px + py * py)
        hollow = 0.5 * bump((radius - 0.62) * 5.0) + 0.35 * bump(radius * 3.0)
        lit = light.shade(0.5 * px + 0.35 * side, 0.4 * py, 0.75 + 0.0 * radius)
        shade = [k * (0.85 - hollow) for k in lit]
        on = cover((1.0 - radius) * wide, pose)
        part = part_of(canvas, area)
        blend(part, on, np.stack([1.02 * r * shade[0], 0.88 * g * shade[1], 0.86 * b * shade[2]]))


@dataclass(frozen=True)
class Style:
    """How hair is worn.

    Attributes:
        volume: Thickness over the skull. side, back: Heights down to which it grows at the
            temples and behind. fringe: How far it falls over the forehead.
        frizz: Unevenness of its edges. strands: Noise cells around the head.
        falls: Whether it hangs down beside the neck.
    """

    volume: float
    side: float
    back: float
    fringe: float
    frizz: float
    strands: int
    falls: bool = False


STYLES: dict[str, Style] = {
    "bald": Style(0.0, 0.1, 0.9, -0.9, 0.05, 90),
    "crop": Style(0.035, 0.05, 0.8, 0.0, 0.05, 90),
    "short": Style(0.13, 0.15, 0.9, 0.12, 0.10, 64),
    "curly": Style(0.22, 0.25, 1.2, 0.06, 0.14, 30),
    "bob": Style(0.17, 1.25, 1.5, 0.16, 0.06, 60, True),
    "long": Style(0.15, 2.4, 3.0, 0.08, 0.08, 52, True),
    "tied": Style(0.06, 0.1, 0.9, -0.02, 0.04, 74),
}


@dataclass(frozen=True)
class Hair:
    """The hair of one image.

    Attributes:
        alpha: (S, S) cover. behind: (S, S) cover of what hangs behind the neck.
        colour: (3, S, S) linear light.
        shadow: (S, S) how much it shades the skin near it.
    """

    alpha: Array
    behind: Array
    colour: Array
    shadow: Array


def _tables(f: Features, style: Style) -> tuple[Array, Array, Array]:
    rows = len(f.width)
    y = np.linspace(TOP, 2.45, rows).astype(np.float32)
    # The skull's outline is shifted up by the volume, so that the crown grows too.
    row = table_row(y + 0.6 * style.volume * bump((y + 1.95) * 1.1))
    lifted, deep, centre = (look_up(table, row) for table in (f.width, f.depth, f.centre))
    base = float(look_up(f.width, table_row(np.array([-0.3], np.float32)))[0])
    hang = step((y + 0.35) * 2.5)
    full = base + 0.08 * np.minimum(np.maximum(y, 0.0), 1.2)
    grow = style.volume * (0.35 + 0.65 * step((y + 2.0) * 2.0)) * ((lifted > 0.0) | (y > 0.0))
    side = lifted + grow * 0.8
    if style.falls:
        wave = 0.05 * bump((y - 0.9) * 3.0) - 0.04 * bump((y - 1.7) * 4.0)
        side = side + hang * (np.maximum(full + wave + grow * 0.8, side) - side)
        deep = deep + hang * (base - deep)
        centre = centre + hang * (-0.05 - centre)
    return side, deep + grow, centre


def hair_line(person: Person, shot: Shot, style: Style, at: tuple[Array, Array, Array]) -> Array:
    """Return the height down to which hair grows at each point of the head."""
    x, _, z = at
    draw = Draw(person.texture, 7)
    part, temple = draw.uniform(-0.45, 0.45), draw.uniform(0.0, 0.24)
    recede = 0.12 * person.age_group * draw.uniform(0.0, 1.0) * person.gender
    top = person.shape["forehead"] + 0.05 + style.fringe * (0.6 + 0.9 * shot.hair_length) - recede
    front = top - (temple + recede) * bump((np.abs(x) - 0.52) * 5.5)
    if style.fringe > 0.05:
        front = front - 0.22 * bump((x - part) * 4.5)
    side = style.side + (0.25 * shot.hair_length - 0.1) * (1.0 if style.falls else 0.3)
    around = 1.0 - step((z - (0.3 if style.falls else 0.12)) * (1.0 / 0.42))
    behind = 1.0 - step((z + 0.45) * 2.5)
    line = front + (side - front) * around
    return line + (style.back - side) * behind * around


def hair(person: Person, shot: Shot, f: Features, pose: Pose, light: Lamps, size: int) -> Hair:
    """Return the hair, not yet laid over the image."""
    style = STYLES[HAIR_STYLES[shot.hair_style]]
    shell = intersect(pose, (size, size), _tables(f, style), None, 3)
    rng = np.random.default_rng([shot.texture, 5])
    cells = (18 if style.frizz > 0.2 else 5, style.strands)
    lattice = np.stack(
        [noise(rng, (128, 256), cells), noise(rng, (128, 256), (cells[0] * 2, cells[1] * 2))]
    )
    half = np.maximum(look_up(f.width, table_row(np.minimum(shell.y, 0.3))), 0.25)
    around = 128.0 + 78.0 * shell.x / half + 4.0 * shell.y * shell.x
    strands = sample(lattice, (shell.y + 2.3) * 26.0, around)
    coarse, fine = strands[0], strands[1]
    line = hair_line(person, shot, style, (shell.x, shell.y, shell.z))
    edge = line - shell.y + style.frizz * (0.5 * coarse + 0.7 * fine)
    outline = shell.reach * half * 0.5 + 0.35 * style.frizz * (fine + 0.6 * coarse - 0.4)
    inside = np.minimum(np.maximum(0.5 + outline * pose.scale * 0.6, 0.0), 1.0)
    alpha = inside * step(edge * 6.0 + 0.35)
    length = style.back + 0.6 * shot.hair_length
    behind = inside * step((length - shell.y + 0.15 * coarse) * 6.0) * (1.0 if style.falls else 0.0)
    colour = _hair_light(person, shell, (coarse, fine), pose, light)
    return Hair(alpha, behind, colour, _shadow(alpha, pose))


def _shadow(alpha: Array, pose: Pose) -> Array:
    """Return the hair's cover blurred and moved down: a contact shadow."""
    radius = max(int(0.07 * pose.scale), 1)
    return box_blur(np.concatenate([alpha[:1].repeat(radius, 0), alpha[:-radius]]), radius)


def _hair_light(
    person: Person, shell: View, strands: tuple[Array, Array], pose: Pose, light: Lamps
) -> Array:
    nx, ny, nz = depth_normals(shell.depth, pose.scale)
    coarse, fine = strands
    lit = light.shade(nx + 0.25 * fine, ny + 0.12 * coarse, nz)
    streak = np.maximum(0.78 + 0.42 * coarse + 0.38 * fine, 0.12)
    # Strands shine in a band across the head, where the light grazes them.
    ux, uy, uz = light.half
    along = ny * uz - nz * uy + 0.25 * coarse
    shine = (0.05 + 0.05 * person.gloss) * bump(along * 3.6) * np.maximum(0.6 + 0.7 * fine, 0.0)
    shine = shine * np.maximum(lambert(nx, ny, nz, (ux, uy, uz)), 0.0)
    r, g, b = hair_colour(person)
    rim: Colour = (r, g, b)
    return np.stack(
        [c * streak * k + shine * light.key * (0.4 + c) for c, k in zip(rim, lit, strict=True)]
    )
