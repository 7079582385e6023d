"""Choose a covering, lay it on a face and photograph it with the face's light and camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.coverings.colours import COLOURS, parse_colour
from restore_recog.coverings.head import CHIN, Floats, Head, find_head
from restore_recog.coverings.kinds import KINDS, WARDROBE, choose_kind
from restore_recog.coverings.light import Light, read_light
from restore_recog.coverings.sheet import EXTENT, SLOPE, Canvas, Sheet
from restore_recog.errors import ImageError

__all__ = ["KINDS", "Covered", "cover"]

_SIZES = (80, 160, 320, 640)
"""Sheet sides in pixels; the first that is at least as fine as the picture is used."""
_VARIANTS = 16
"""Different drawings of each kind; place, colour and light vary with every picture."""
_FAINT = 10
"""Opacities below this (of 255) are dropped: they would widen the map and cannot be seen."""


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
            ``random``: every kind but ``rectangle``, by the weights in ``kinds.WARDROBE``.
        colour: A name in ``colours.COLOURS`` or ``#rrggbb``; a colour usual for the kind
            when None.
        seed: Chooses kind, colour, drawing and misplacement.

    Raises:
        DataError: Unknown kind or colour.
        ImageError: The landmarks are unusable, or the covering would miss the picture.
    """
    rng = np.random.default_rng(seed)
    name = choose_kind(kind, rng)
    head = find_head(landmarks, pixels.shape)
    if name == "rectangle":
        return _rectangle(pixels, head, colour, rng)
    garment = WARDROBE[name]
    shade = colour or garment.pick_colour(rng)
    main = parse_colour(shade)
    if colour is None:
        main = np.clip(main * rng.normal(1, 0.05) + rng.normal(0, 0.015, 3), 0, 1)
    palette = garment.palette(main.astype(np.float32), rng)
    sheet = _sheet(name, int(rng.integers(_VARIANTS)), _sheet_size(head))
    rows, columns = _block(head, pixels.shape)
    x, v = _misplace(*head.surface(rows, columns), garment.slips, rng)
    paint, form = sheet.lay(x, v)
    if garment.strapped and abs(head.yaw) > 0.12:
        paint[x * np.sign(head.yaw) > 1.1] = 0  # the far ear is behind the cheek
    light = read_light(pixels, head)
    layer = _photograph(paint, form, palette, (light, garment.gloss), rng)
    block, mask = _composite(pixels[rows, columns], layer, light.blur)
    if not mask.any():
        raise ImageError("No covering can be placed: it would lie outside the picture.")
    covered, map_ = pixels.copy(), np.zeros(pixels.shape[:2], dtype=np.uint8)
    covered[rows, columns], map_[rows, columns] = block, mask
    return Covered(covered, map_, name, shade)


@lru_cache(maxsize=2 * _VARIANTS * len(WARDROBE))
def _sheet(kind: str, variant: int, size: int) -> Sheet:
    """Return one drawing; its seed does not depend on what was drawn before."""
    rng = np.random.default_rng([list(WARDROBE).index(kind), variant])
    return WARDROBE[kind].draw(Canvas(size), rng)


def _sheet_size(head: Head) -> int:
    wanted = head.unit * EXTENT
    return next((size for size in _SIZES if size >= 0.95 * wanted), _SIZES[-1])


def _block(head: Head, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of the picture that a covering can reach."""
    corners = np.array([[-1.8, -0.4], [1.8, -0.4], [-1.8, 3.4], [1.8, 3.4]])
    corners = corners @ head.axes.T + head.origin
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 1, shape[1::-1]).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _misplace(x: Floats, v: Floats, slips: bool, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return sheet coordinates for a covering that sits a little off, or under the nose."""
    scale, turn = rng.normal(1, 0.035), rng.normal(0, 0.035)
    shift_x, shift_v = rng.normal(0, 0.035), rng.normal(0, 0.035)
    lowered = rng.uniform(0.42, 0.55) if slips and rng.random() < 0.06 else 0.0
    if lowered:
        bottom, top = CHIN + 0.1, 0.27
        v = bottom - (bottom - v) * np.float32((bottom - top) / (bottom - top - lowered))
    cosine, sine = np.float32(np.cos(turn) / scale), np.float32(np.sin(turn) / scale)
    x, v = x - np.float32(shift_x), v - np.float32(1 + shift_v)
    return cosine * x + sine * v, cosine * v - sine * x + np.float32(1)


def _photograph(
    paint: NDArray[np.uint8],
    form: NDArray[np.uint8],
    palette: Floats,
    light: tuple[Light, float],
    rng: np.random.Generator,
) -> Floats:
    """Return the (H, W, 5) lit covering: RGB in [0, 1], opacity, shadow."""
    scene, gloss = light
    grey = palette.mean(axis=1, keepdims=True)
    palette = grey + (palette - grey) * np.float32(scene.colourfulness)
    palette = palette * scene.white * np.float32(1.12 * rng.normal(1, 0.04))
    mixing = np.column_stack([np.zeros((3, 2)), (palette[1:] - palette[0]).T / 255, palette[0]])
    colour = cv2.transform(paint.astype(np.float32), mixing.astype(np.float32))
    slopes = (form[..., :2].astype(np.float32) - 127.5) * np.float32(2 * SLOPE / 255)
    # Lambert's cosine for light that comes from the camera's side and leans by its direction;
    # half of the light is ambient.
    lean_x, lean_v = scene.direction
    cosine = 1 - lean_x * slopes[..., 0] - lean_v * slopes[..., 1]
    cosine /= np.sqrt(1 + slopes[..., 0] ** 2 + slopes[..., 1] ** 2)
    shade = (0.32 + 0.68 * np.clip(cosine, 0, 1.5)) * form[..., 2] / np.float32(128)
    # The surface itself returns a little white light, so black is not a hole.
    colour = (colour + 0.02 * scene.white) * shade[..., None]
    if gloss:
        colour += (gloss * np.clip(cosine - 0.9, 0, 1) ** 2 * 4)[..., None] * scene.white
    if scene.noise > 0.002:
        colour += rng.normal(0, scene.noise, shade.shape).astype(np.float32)[..., None]
    cover_up = paint[..., :2].astype(np.float32) / 255
    return np.concatenate([colour, cover_up], axis=2)


def _composite(
    block: NDArray[np.uint8], layer: Floats, blur: tuple[float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a block of the picture with the layer over it, and the exact map."""
    if max(blur) > 0.35:
        sigmas = [max(1.1 * sigma, 0.2) for sigma in blur]
        layer = cv2.GaussianBlur(layer, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1])
    faint = np.float32(_FAINT / 255)
    opacity, shadow = layer[..., 3], 0.32 * layer[..., 4]
    opacity = np.where(opacity < faint, 0, opacity)
    shadow = np.where(shadow < 3 * faint, 0, shadow)
    opacity, shadow = opacity[..., None], shadow[..., None]
    mask = ((opacity + shadow) > 0)[..., 0].astype(np.uint8)
    skin = block.astype(np.float32) * (1 - shadow)
    mixed = skin + opacity * (255 * layer[..., :3] - skin)
    pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return np.where(mask[..., None] > 0, pixels, block), mask


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
