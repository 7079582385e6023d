"""Random changes to aligned crops in training: mild, since evaluation crops are aligned too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog import landmarks
from restore_recog.alignment import transform_points

MIRRORED: Mapping[int, Sequence[int] | NDArray[np.int64]] = {
    4: [1, 0, 3, 2],  # corners of a photograph
    5: [1, 0, 2, 4, 3],
    98: landmarks.MIRRORED,
}
"""How many points -> their order in a mirrored image: what is paired changes sides."""

TIGHT = 0.15
"""Share of the images that are framed as tightly as many real collections are."""


def augment(
    pixels: NDArray[np.uint8],
    points: Sequence[NDArray[np.float32]],
    size: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], list[NDArray[np.float32]]]:
    """Return one randomly changed crop and where its points are then.

    Args:
        pixels: (S + 2m, S + 2m, 3) uint8: the crop with a margin of m pixels of
            real image, so that a small rotation shows no invented border.
        points: (4, 2), (5, 2) or (98, 2) float32 pixels each, of the crop without the margin:
            a photograph's corners, or landmarks.
        size: S, in pixels.
        rng: Source of every choice.
    """
    margin = (pixels.shape[0] - size) // 2
    mirror = rng.random() < 0.5
    matrix = _jitter(size, mirror, rng)
    from_wide = matrix.copy()
    from_wide[:, 2] -= matrix[:, :2] @ np.array([margin, margin], dtype=np.float64)
    warped = cv2.warpAffine(
        pixels, from_wide, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    moved = [transform_points(matrix, one) for one in points]
    if mirror:
        moved = [one[MIRRORED[len(one)]] for one in moved]
    return _recolour(warped, rng), moved  # type: ignore[arg-type]


def tighten(
    images: Sequence[NDArray[np.uint8]], valid: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return the images as crops of a photograph that ends close to the face, now and then.

    Where a photograph ends, alignment repeats its border; the same lines are cut in all
    images, so that they stay aligned. Unchanged but for a share :data:`TIGHT` of the cases.

    Args:
        images: (S, S) or (S, S, 3) uint8 each.
        valid: (S, S) uint8, 0 = lies beyond the photograph already.
        rng: Source of every choice.

    Returns:
        The images, and which of their pixels show the photograph.
    """
    if rng.random() >= TIGHT:
        return list(images), valid
    side = images[0].shape[0]
    left, top, right, bottom = rng.uniform(0, (0.2, 0.15, 0.2, 0.22)) * side
    angle = np.deg2rad(np.clip(rng.normal(0, 8), -20, 20))
    centre = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - centre
    turned_x = x * np.cos(angle) + y * np.sin(angle)
    turned_y = y * np.cos(angle) - x * np.sin(angle)
    along = np.clip(turned_x, left - centre, centre - right)
    across = np.clip(turned_y, top - centre, centre - bottom)
    inside = (along == turned_x) & (across == turned_y)
    from_x = (along * np.cos(angle) - across * np.sin(angle) + centre).astype(np.float32)
    from_y = (along * np.sin(angle) + across * np.cos(angle) + centre).astype(np.float32)
    *cut, shown = (
        cv2.remap(image, from_x, from_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        for image in (*images, valid)
    )
    return cut, shown * inside  # type: ignore[return-value]


def _jitter(size: int, mirror: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a (2, 3) matrix of crop pixels: turn by about 4 degrees, scale 5 %, shift 1.8 %.

    As far as landmarks are off that were found under a covering.
    """
    angle = np.deg2rad(np.clip(rng.normal(0, 4), -12, 12))
    scale = np.exp(np.clip(rng.normal(0, 0.05), -0.12, 0.12))
    shift = np.clip(rng.normal(0, 0.018, 2), -0.05, 0.05) * size
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    centre = np.full(2, (size - 1) / 2)
    offset = centre + shift - linear @ centre
    if mirror:
        linear[0] *= -1
        offset[0] = size - 1 - offset[0]
    return np.column_stack([linear, offset])


def _recolour(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return other brightness, contrast, gamma and colour balance, by one table per channel."""
    contrast = np.exp(rng.normal(0, 0.1))
    gamma = np.exp(rng.normal(0, 0.1))
    brightness = rng.normal(0, 0.03)
    balance = np.exp(rng.normal(0, 0.03, 3))
    values = np.linspace(0, 1, 256)[:, None] ** gamma
    table = ((values - 0.5) * contrast + 0.5 + brightness) * balance
    lookup = np.clip(table * 255 + 0.5, 0, 255).astype(np.uint8)[None]
    if rng.random() < 0.03:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        pixels = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    return cv2.LUT(pixels, lookup)  # type: ignore[return-value]


def degrade(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return, in about a third of the cases, a softer, coarser or noisier image.

    It is what a camera and a file do to the whole photograph, so it comes after the covering.
    """
    choice = rng.random()
    side = pixels.shape[0]
    if choice < 0.08:
        return cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.0))  # type: ignore[return-value]
    if choice < 0.16:
        small = round(side / rng.uniform(1.2, 2.0))
        coarse = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
        return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
    if choice < 0.26:
        quality = int(rng.integers(50, 95))
        bgr = np.ascontiguousarray(pixels[..., ::-1])
        _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[return-value, arg-type]
    if choice < 0.34:
        noise = rng.normal(0, rng.uniform(1, 5), pixels.shape)
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return pixels
