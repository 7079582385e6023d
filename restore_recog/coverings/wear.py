"""Choose a covering, lay it on a face and photograph it with the face's light and camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.coverings.colours import COLOURS, parse_colour
from restore_recog.coverings.head import CHIN, Floats, Head, find_head
from restore_recog.coverings.kinds import KINDS, WARDROBE, Garment, choose_kind
from restore_recog.coverings.light import read_light
from restore_recog.coverings.photograph import illuminate, merge
from restore_recog.coverings.sheet import EXTENT, Bytes, Canvas, Sheet
from restore_recog.errors import ImageError

__all__ = ["KINDS", "Covered", "cover"]

_SIZES = (80, 160, 320, 640)
"""Sheet sides in pixels; the first that is at least as fine as the picture is used."""
_VARIANTS = 16
"""Different drawings of each kind; place, colour and light vary with every picture."""
_MARGIN = 8
"""Pixels around the drawn covering within which the picture's blur may spread it."""


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """A picture with a covering on the face.

    Attributes:
        pixels: (H, W, 3) uint8 RGB; equal to the input wherever ``mask`` is 0.
        mask: (H, W) uint8, 1 where the covering or its shadow touches the picture.
        kind: Which of KINDS was drawn.
        colour: Its main colour, a name or ``#rrggbb``.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    kind: str
    colour: str


def cover(
    pixels: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    *,
    kind: str = "random",
    colour: str | None = None,
    seed: int = 0,
) -> Covered:
    """Put a covering on the face of a picture.

    The same arguments always give the same result.

    Args:
        pixels: (H, W, 3) uint8 RGB, any size; it is not changed.
        landmarks: (5, 2) or (98, 2) pixels of that face.
        kind: One of KINDS, several separated by commas (one is drawn at random), or
            ``random``: whatever hides mouth and nose, by the weights in ``kinds.WARDROBE``.
        colour: A name in ``colours.COLOURS`` or ``#rrggbb``; a colour usual for the kind
            when None.
        seed: Chooses kind, colour, drawing and misplacement.

    Raises:
        DataError: Unknown kind or colour.
        ImageError: The picture is not (H, W, 3) uint8, the landmarks are unusable, or the
            covering would miss the picture.
    """
    _check_picture(pixels)
    rng = np.random.default_rng(seed)
    name = choose_kind(kind, rng)
    head = find_head(landmarks, pixels.shape)
    draw = _rectangle if name == "rectangle" else partial(_dress, name)
    return draw(pixels, head, colour, rng)


def _check_picture(pixels: Bytes) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ImageError(
            f"No covering can be placed: the picture is {pixels.dtype} {pixels.shape}, "
            "and uint8 (height, width, 3) is expected."
        )


def _dress(
    name: str, pixels: Bytes, head: Head, colour: str | None, rng: np.random.Generator
) -> Covered:
    """Draw a garment of the WARDROBE on a head."""
    garment = WARDROBE[name]
    shade = colour or garment.pick_colour(rng)
    main = parse_colour(shade)
    if colour is None:
        main = np.clip(main * rng.normal(1, 0.02, 3) * rng.normal(1, 0.05), 0, 1)
    palette = garment.palette(main.astype(np.float32), rng)
    sheet = _sheet(name, int(rng.integers(_VARIANTS)), _sheet_size(head))
    light = read_light(pixels, head)
    block, paint, form = _lay(sheet, head, garment, pixels.shape, rng)
    layer = illuminate(paint, form, palette, light, garment.gloss)
    covered, mask = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.uint8)
    covered[block], mask[block] = merge(pixels[block], layer, light, rng)
    if not mask.any():
        raise ImageError("No covering can be placed: it would lie outside the picture.")
    return Covered(covered, mask, name, shade)


def _lay(
    sheet: Sheet, head: Head, garment: Garment, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[tuple[slice, slice], Bytes, Bytes]:
    """Return the part of the picture that a covering touches, and its layers there."""
    rows, columns = _reach(head, shape)
    x, v = _misplace(*head.surface(rows, columns), garment.slips, rng)
    paint, form = sheet.lay(x, v)
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
    return (outer[0], outer[1]), paint[inner], form[inner]


@lru_cache(maxsize=_VARIANTS * len(WARDROBE))
def _sheet(kind: str, variant: int, size: int) -> Sheet:
    """Return one drawing; its seed does not depend on what was drawn before.

    A sheet takes 7 bytes a pixel: all of them 20 MB for crops of 128 pixels, 80 MB for 256.
    """
    rng = np.random.default_rng([list(WARDROBE).index(kind), variant])
    return WARDROBE[kind].draw(Canvas(size), rng)


def _sheet_size(head: Head) -> int:
    wanted = head.unit * EXTENT
    return next((size for size in _SIZES if size >= 0.95 * wanted), _SIZES[-1])


def _reach(head: Head, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of the picture that a covering can reach."""
    corners = np.array([[-1.8, -0.4], [1.8, -0.4], [-1.8, 3.4], [1.8, 3.4]])
    corners = corners @ head.axes.T + head.origin
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 1, shape[1::-1]).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _misplace(x: Floats, v: Floats, slips: bool, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return sheet coordinates for a covering that sits a little off, or under the nose."""
    scale, turn = rng.normal(1, 0.045), rng.normal(0, 0.035)
    shift_x, shift_v = rng.normal(0, 0.035), rng.normal(0, 0.035)
    lowered = rng.uniform(0.42, 0.55) if slips and rng.random() < 0.06 else 0.0
    if lowered:
        bottom, top = CHIN + 0.1, 0.27
        v = bottom - (bottom - v) * np.float32((bottom - top) / (bottom - top - lowered))
    cosine, sine = np.float32(np.cos(turn) / scale), np.float32(np.sin(turn) / scale)
    x, v = x - np.float32(shift_x), v - np.float32(1 + shift_v)
    return cosine * x + sine * v, cosine * v - sine * x + np.float32(1)


def _rectangle(
    pixels: NDArray[np.uint8], head: Head, colour: str | None, rng: np.random.Generator
) -> Covered:
    """Cover a square of a quarter of the picture's side, somewhere on the lower face.

    Source: FMODR, "Rec" occlusions, 64 x 64 of 256 x 256.
    """
    shade = colour or str(rng.choice(list(COLOURS)))
    side = max(1, round(min(pixels.shape[:2]) / 4))
    place = np.array([rng.uniform(-0.4, 0.4), rng.uniform(0.7, 1.5)])
    centre = head.axes @ place + head.origin
    limit = np.array(pixels.shape[1::-1]) - side
    left, top = np.clip(np.rint(centre - side / 2), 0, limit).astype(int)
    block = (slice(top, top + side), slice(left, left + side))
    covered, mask = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.uint8)
    covered[block] = np.rint(parse_colour(shade) * 255).astype(np.uint8)
    mask[block] = 1
    return Covered(covered, mask, "rectangle", shade)
