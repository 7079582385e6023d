"""Light a covering that lies on a face, and merge it into the image."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from restore_recog.coverings.head import Floats
from restore_recog.coverings.light import Light
from restore_recog.coverings.sheet import SLOPE, Bytes

_FAINT = np.float32(0.04)
"""Less opacity than this is dropped: it would widen the mask and cannot be seen."""
_SHADOW = np.float32(0.32)
"""How much of the light on the skin the covering's own shadow takes."""
_AMBIENT = np.float32(0.32)
"""Share of the light that comes from everywhere."""


def illuminate(
    paint: Bytes, form: Bytes, palette: Floats | Bytes, light: Light, gloss: float
) -> Floats:
    """Return the (H, W, 5) lit covering: RGB in [0, 1], opacity, shadow.

    Args:
        paint, form: Layers of a sheet laid on the face (see ``sheet.Sheet``), (H, W, 4 or 3).
        palette: (3, 3) RGB of the three colours in [0, 1], or the (H, W, 3) uint8 image that
            the covering shows.
        light: Of the image.
        gloss: Strength of the highlight, 0 for cloth.
    """
    slope_x, slope_v, crease = (plane.astype(np.float32) for plane in cv2.split(form))
    slope_x = (slope_x - np.float32(127.5)) * np.float32(2 * SLOPE / 255)
    slope_v = (slope_v - np.float32(127.5)) * np.float32(2 * SLOPE / 255)
    # Lambert's cosine for light from the camera's side that leans by its direction.
    cosine = 1 - light.direction[0] * slope_x - light.direction[1] * slope_v
    cosine /= np.sqrt(1 + slope_x * slope_x + slope_v * slope_v)
    shade = (_AMBIENT + (1 - _AMBIENT) * np.clip(cosine, 0, 1.5)) * crease * np.float32(1 / 128)
    shine = np.float32(4 * gloss) * np.clip(cosine - np.float32(0.9), 0, 1) ** 2 if gloss else None
    planes = []
    plain = palette.ndim == 2
    surface = _mixed(paint, palette, light) if plain else _shown(palette, light)  # type: ignore[arg-type]
    for channel, plane in enumerate(surface):
        plane *= shade
        planes.append(plane if shine is None else plane + shine * light.white[channel])
    planes += [plane.astype(np.float32) / 255 for plane in cv2.split(paint)[:2]]
    return cv2.merge(planes)  # type: ignore[return-value]


def _mixed(paint: Bytes, palette: Floats, light: Light) -> Iterator[Floats]:
    """Yield the red, green and blue of a surface of three colours in the image's light."""
    grey = palette.mean(axis=1, keepdims=True)
    seen = (grey + (palette - grey) * np.float32(light.colourfulness)) * light.white
    # The surface itself returns a little white light, so black is not a hole.
    seen = 1.1 * seen + 0.02 * light.white
    second, third = (plane.astype(np.float32) / 255 for plane in cv2.split(paint)[2:])
    for first, step, leap in (seen - [[0], [1], [1]] * seen[:1]).T:
        yield (np.float32(first) + second * np.float32(step)) + third * np.float32(leap)


def _shown(image: Bytes, light: Light) -> Iterator[Floats]:
    """Yield the red, green and blue of a surface with an image on it, in the image's light."""
    colours = image.astype(np.float32) / 255
    grey = colours.mean(axis=2)
    for channel, white in enumerate(light.white):
        plane = grey + (colours[..., channel] - grey) * np.float32(light.colourfulness)
        yield (np.float32(1.1) * plane + np.float32(0.02)) * white


def merge(
    block: Bytes, layer: Floats, light: Light, rng: np.random.Generator
) -> tuple[Bytes, Bytes]:
    """Return a block of the image with the covering, as sharp and noisy as the image.

    Args:
        block: (H, W, 3) uint8 RGB.
        layer: (H, W, 5) of ``illuminate``.
        light: Its blur and noise are those of the image.
        rng: Draws the noise.

    Returns:
        Pixels, equal to *block* where the mask is 0; and the (H, W) uint8 mask.
    """
    if max(light.blur) > 0.35:
        sigmas = [max(sigma, 0.2) for sigma in light.blur]
        layer = cv2.GaussianBlur(layer, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1])  # type: ignore[assignment]
    *colour, opacity, shadow = cv2.split(layer)
    _, opacity = cv2.threshold(opacity, float(_FAINT), 0, cv2.THRESH_TOZERO)
    _, shadow = cv2.threshold(shadow * _SHADOW, float(_FAINT), 0, cv2.THRESH_TOZERO)
    mask = ((opacity > 0) | (shadow > 0)).astype(np.uint8)
    skin_share, cloth_share = (1 - shadow) * (1 - opacity), 255 * opacity
    grain = np.float32(0)
    if light.noise > 0.002:
        grain = rng.standard_normal(mask.shape, dtype=np.float32) * np.float32(light.noise)
    planes = [
        skin * skin_share + cloth_share * (cloth + grain)
        for skin, cloth in zip(cv2.split(block), colour, strict=True)
    ]
    # convertScaleAbs rounds and clips to uint8; below 0 nothing real is left of the colour.
    mixed = cv2.convertScaleAbs(np.maximum(cv2.merge(planes), 0))
    cv2.copyTo(mixed, mask, pixels := block.copy())
    return pixels, mask
