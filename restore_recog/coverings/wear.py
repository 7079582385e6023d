"""Choose a covering, lay it on a face and photograph it with the face's light and camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.coverings import rectangle, template
from restore_recog.coverings.choice import Choice, choose
from restore_recog.coverings.colours import COLOURS, parse_colour
from restore_recog.coverings.head import Floats, Head, find_head
from restore_recog.coverings.kinds import KINDS, WARDROBE, Garment
from restore_recog.coverings.light import Light, read_light
from restore_recog.coverings.photograph import illuminate, merge
from restore_recog.coverings.sheet import EXTENT, Bytes, Canvas, Sheet
from restore_recog.coverings.wearing import LEVELS, USUAL, Wearing
from restore_recog.errors import ImageError

__all__ = ["KINDS", "Covered", "cover"]

_SIZES = (80, 160, 320, 640)
"""Sheet sides in pixels; the first that is at least as fine as the image is used."""
_SHEETS = 384
"""Drawings kept, enough for every kind. A sheet takes 7 bytes a pixel: those of ``random`` 20 MB
for crops of 128 pixels and 80 MB for 256, those of ``all`` 60 MB and 240 MB."""
_MARGIN = 8
"""Pixels around the drawn covering within which the image's blur may spread it."""
_TEMPLATE = Garment(WARDROBE["cloth"].draw, 0, {}, strapped=False, printable=False)
"""How a user's template is worn: it brings its straps, so none is cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """An image with a covering on the face.

    Attributes:
        pixels: (H, W, 3) uint8 RGB; equal to the input wherever ``mask`` is 0.
        mask: (H, W) uint8, 1 where the covering or its shadow touches the image.
        kind: Which of KINDS was drawn, ``rectangle:ARGUMENT`` or ``template:NAME``.
        colour: Its main colour, a name or ``#rrggbb``; ``own`` for a template's own colours.
        pattern: What is printed on it.
        difficulty: How it is worn, of ``wearing.LEVELS``.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    kind: str
    colour: str
    pattern: str = "plain"
    difficulty: str = USUAL


@dataclass(frozen=True, slots=True)
class _Scene:
    """The image, its face, and how the covering is worn there."""

    pixels: Bytes
    head: Head
    level: str
    rng: np.random.Generator

    @property
    def wearing(self) -> Wearing:
        return LEVELS[self.level]


def cover(
    pixels: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    *,
    kind: str = "random",
    colour: str | None = None,
    pattern: str | None = None,
    difficulty: str | None = None,
    seed: int = 0,
) -> Covered:
    """Put a covering on the face of an image.

    The same arguments always give the same result.

    Args:
        pixels: (H, W, 3) uint8 RGB, any size; it is not changed.
        landmarks: (5, 2) or (98, 2) pixels of that face.
        kind: ``random`` (what hides mouth and nose, by the weights in ``kinds.WARDROBE``), or
            one or several separated by commas (one is drawn): a name in KINDS, a set (``all``,
            ``fmor``), ``rectangle:64`` or ``template:FILE_OR_FOLDER``.
        colour: A name in ``colours.COLOURS``, ``skin`` or ``#rrggbb``; a colour usual for the
            kind when None.
        pattern: ``plain`` or what to print on it (``patterns.PRINTS``), one or several; the
            kind's own when None. Kinds that nothing can be printed on stay as they are.
        difficulty: ``easy``, ``medium``, ``hard`` or ``usual``, one or several; ``usual`` when
            None.
        seed: Chooses kind, colour, drawing and misplacement.

    Raises:
        DataError: Unknown kind, colour, pattern or difficulty, or an unusable template.
        ImageError: The image is not (H, W, 3) uint8, the landmarks are unusable, or the
            covering would miss the image.
    """
    _check_image(pixels)
    rng = np.random.default_rng(seed)
    choice = choose(kind, colour, pattern, difficulty)
    name = choice.kind(rng)
    head = find_head(landmarks, pixels.shape)
    plain, _, argument = name.partition(":")
    if plain == "rectangle":
        return _flat(name, argument, _Scene(pixels, head, USUAL, rng), colour)
    scene = _Scene(pixels, head, choice.level(rng), rng)
    if plain == "template":
        return _wear_template(Path(argument), scene, colour)
    return _dress(name, scene, choice)


def _check_image(pixels: Bytes) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ImageError(
            f"No covering can be placed: the image is {pixels.dtype} {pixels.shape}, "
            "and uint8 (height, width, 3) is expected."
        )


def _dress(name: str, scene: _Scene, choice: Choice) -> Covered:
    """Draw a garment of the WARDROBE on a head."""
    garment, rng = WARDROBE[name], scene.rng
    shade = choice.colour or garment.pick_colour(rng)
    light = read_light(scene.pixels, scene.head)
    main = parse_colour(shade, light.skin)
    if choice.colour is None:
        main = np.clip(main * rng.normal(1, 0.02, 3) * rng.normal(1, 0.05), 0, 1)
    pattern = choice.pattern(name, rng)
    palette = garment.palette(main.astype(np.float32), rng, free=bool(pattern))
    if choice.colour is None:
        palette = scene.wearing.paled(palette, light)
    sheet = _sheet(name, int(rng.integers(garment.variants)), _sheet_size(scene.head), pattern)
    pixels, mask = _photograph(scene, sheet, garment, palette, light)
    return Covered(pixels, mask, name, shade, sheet.pattern, scene.level)


def _wear_template(path: Path, scene: _Scene, colour: str | None) -> Covered:
    """Lay a user's template on a head."""
    sheet = template.sheet(path, _sheet_size(scene.head))
    light = read_light(scene.pixels, scene.head)
    main = None if colour is None else parse_colour(colour, light.skin)
    pixels, mask = _photograph(scene, sheet, _TEMPLATE, main, light)
    return Covered(pixels, mask, f"template:{path.stem}", colour or "own", "own", scene.level)


def _photograph(
    scene: _Scene, sheet: Sheet, garment: Garment, palette: Floats | None, light: Light
) -> tuple[Bytes, Bytes]:
    """Return the image with a sheet on the face, and the mask.

    Args:
        scene: Where it is laid.
        sheet: What is laid.
        garment: How it is fixed, and how it shines.
        palette: (3, 3) colours; of a sheet with an image, the (3,) colour to tint it, or None.
        light: Of the image.
    """
    pixels, rng = scene.pixels, scene.rng
    block, paint, form, image = _lay(sheet, garment, scene)
    colours: Floats | Bytes | None = palette
    if image is not None:
        colours = image if palette is None else template.tinted(image, palette)
    assert colours is not None
    layer = illuminate(paint, form, colours, light, garment.shine)
    layer = scene.wearing.dim(layer, rng)
    covered, mask = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.uint8)
    seen = scene.wearing.seen(light, scene.head)
    covered[block], mask[block] = merge(pixels[block], layer, seen, rng)
    if not mask.any():
        raise ImageError("No covering can be placed: it would lie outside the image.")
    return covered, mask


def _lay(
    sheet: Sheet, garment: Garment, scene: _Scene
) -> tuple[tuple[slice, slice], Bytes, Bytes, Bytes | None]:
    """Return the part of the image that a covering touches, and its layers there."""
    head = scene.head
    rows, columns = _reach(head, scene.pixels.shape)
    x, v = scene.wearing.misplace(*head.surface(rows, columns), garment.slips, scene.rng)
    paint, form, image = sheet.lay(x, v)
    if garment.strapped and abs(head.yaw) > 0.12:
        paint[x * np.float32(np.sign(head.yaw)) > 1.1] = 0  # the far ear is behind the cheek
    left, top, width, height = cv2.boundingRect(cv2.max(paint[..., 0], paint[..., 1]))
    # Room for the blur that is still to come.
    inner = (
        slice(max(top - _MARGIN, 0), min(top + height + _MARGIN, paint.shape[0])),
        slice(max(left - _MARGIN, 0), min(left + width + _MARGIN, paint.shape[1])),
    )
    outer = tuple(
        slice(whole.start + part.start, whole.start + part.stop)
        for whole, part in zip((rows, columns), inner, strict=True)
    )
    shown = None if image is None else image[inner]
    return (outer[0], outer[1]), paint[inner], form[inner], shown


@lru_cache(maxsize=_SHEETS)
def _sheet(kind: str, variant: int, size: int, pattern: str | None) -> Sheet:
    """Return one drawing; its seed does not depend on what was drawn before."""
    rng = np.random.default_rng([list(WARDROBE).index(kind), variant])
    return WARDROBE[kind].sheet(Canvas(size), rng, pattern)


def _sheet_size(head: Head) -> int:
    wanted = head.unit * EXTENT
    return next((size for size in _SIZES if size >= 0.95 * wanted), _SIZES[-1])


def _reach(head: Head, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of the image that a covering can reach."""
    corners = np.array([[-1.8, -0.4], [1.8, -0.4], [-1.8, 3.4], [1.8, 3.4]])
    corners = corners @ head.axes.T + head.origin
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 1, shape[1::-1]).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _flat(name: str, argument: str, scene: _Scene, colour: str | None) -> Covered:
    """Cover a square with one colour."""
    shade = colour or str(scene.rng.choice(list(COLOURS)))
    pixels = scene.pixels
    block = rectangle.block(argument, pixels.shape, scene.head, scene.rng)
    covered, mask = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.uint8)
    covered[block] = np.rint(parse_colour(shade) * 255).astype(np.uint8)
    mask[block] = 1
    return Covered(covered, mask, name, shade)
