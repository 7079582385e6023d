"""Between a photograph and the crops of its face: what is cut out, and what is put back.

A restorer works on a crop of its own; a recogniser is fed from the photograph, at its own template
and resolution. So what a restorer (or a drawn covering) changes in the crop is put back into the
photograph, and the recogniser's crop is cut from that by one resampling.

Matrices map centres of pixels, which lie at whole numbers (:func:`alignment.in_pixels`).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import (
    TEMPLATE,
    after,
    align,
    five_points,
    in_pixels,
    inverse,
    nearest_valid,
    shrunk,
    similarity,
    transform_points,
    warp,
)
from restore_recog.types import FaceCrop, FaceImage, Photo, Pixels

REACH = 1.5
"""Side of what is kept of a photograph, in sides of the crop: a template whose eyes are at least
0.25 of its width apart finds its whole crop in it. Beyond, the border is repeated."""

LONGEST = 768
"""What is kept of a photograph is halved until it is no longer than that. In an upright face the
eyes are then at least 77 pixels apart, as many as in the largest crops of known recognisers."""


def photographed(
    image: FaceImage, size: int, template: NDArray[np.floating] = TEMPLATE, *, aligned: bool = False
) -> FaceCrop:
    """Return the aligned crop of an image with known landmarks, and what it was cut from.

    Args:
        image, size, template: As for :func:`restore_recog.alignment.align`.
        aligned: Whether the image came as an aligned crop.

    Raises:
        ImageError: The landmarks are unknown or cannot be aligned.
    """
    crop = align(image, size, template)
    return replace(crop, photo=around(image.pixels, crop.matrix, size, aligned=aligned))


def around(
    pixels: Pixels, matrix: NDArray[np.float64], size: int, *, aligned: bool = False
) -> Photo:
    """Return the part of a photograph around a face.

    Args:
        pixels: (H, W, 3) uint8, the photograph.
        matrix: (2, 3), maps its pixels to those of the aligned crop.
        size: Side of that crop.
        aligned: Whether the photograph is itself an aligned crop; then all of it is kept.
    """
    if aligned:
        return Photo(pixels, matrix, aligned=True)
    low, high = (1 - REACH) / 2 * size - 0.5, (1 + REACH) / 2 * size - 0.5
    rows, columns = _box(matrix, low, high, pixels.shape)
    part = pixels[rows, columns]
    shifted = after(matrix, np.array([[1.0, 0.0, columns.start], [0.0, 1.0, rows.start]]))
    while max(part.shape[:2]) > LONGEST:
        height, width = part.shape[0] // 2 * 2, part.shape[1] // 2 * 2
        part, shifted = shrunk(part[:height, :width], shifted, 2)
    return Photo(part.copy(), shifted)  # a view would keep the whole photograph


def own_crop(template: NDArray[np.floating] | None) -> bool:
    """Return whether a recogniser's template is that of the project's own crops."""
    return template is None or np.array_equal(template, TEMPLATE)


def reaches_beyond(template: NDArray[np.floating], size: tuple[int, int]) -> bool:
    """Return whether a recogniser wants to see more than what is kept of a photograph.

    Args:
        template: (5, 2) where the five points go, in the unit square.
        size: (H, W) of its crops.
    """
    matrix = similarity(in_pixels(template, size), TEMPLATE)  # to sides of the project's own crop
    height, width = size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - 0.5
    return bool((np.abs(transform_points(matrix, corners) - 0.5) > REACH / 2).any())


def recut(
    crop: FaceCrop,
    pixels: Pixels,
    template: NDArray[np.floating],
    size: tuple[int, int],
    *,
    beyond: bool = False,
) -> Pixels:
    """Return another crop of the same face, cut from its photograph by one resampling.

    A photograph that came as an aligned crop is not aligned again: it is scaled to the height of
    the result, its middle in the middle. Where it has that size already, no pixel is sampled.

    Args:
        crop: The aligned crop as it was photographed.
        pixels: (S, S, 3) uint8, the same after something was done to it: what differs is put
            back into the photograph first.
        template: (5, 2) where the five points go, in the unit square.
        size: (H, W) of the result.
        beyond: As for :func:`paste`.

    Returns:
        (H, W, 3) uint8.
    """
    photo = repainted(crop, pixels, beyond=beyond)
    if photo.aligned:
        return warp(photo.pixels, _middle(photo.pixels.shape, size), size)
    target = in_pixels(template, size)
    matrix = similarity(five_points(crop.landmarks), target)  # crop -> result
    return warp(photo.pixels, after(matrix, photo.matrix), size)


def repainted(crop: FaceCrop, pixels: Pixels, *, beyond: bool = False) -> Photo:
    """Return a crop's photograph after something was done to the crop.

    Args:
        crop: As it was photographed. Where nothing is kept of the photograph, the crop is all
            that there is of it.
        pixels: (S, S, 3) uint8, the same after something was done to it.
        beyond: As for :func:`paste`.
    """
    photo = crop.photo or Photo(crop.pixels, np.eye(2, 3))
    changed = (pixels != crop.pixels).any(axis=2)  # (S, S)
    if not changed.any():
        return photo
    painted = paste(photo.pixels, pixels, changed, photo.matrix, beyond=beyond)
    return replace(photo, pixels=painted)


def carried_on(crop: FaceCrop, pixels: Pixels) -> Pixels:
    """Return a crop with a drawn covering as a crop of the covered photograph shows it.

    Where the photograph ends, its border is repeated, and so is the covering's colour there.

    Args:
        crop: Before.
        pixels: (S, S, 3) uint8, after.
    """
    if crop.valid is None:
        return pixels
    nearest = nearest_valid(crop.valid)  # (S S,)
    changed = (pixels != crop.pixels).any(axis=2).ravel()[nearest]
    before, after_it = crop.pixels.reshape(-1, 3), pixels.reshape(-1, 3)
    return np.where(changed[:, None], after_it[nearest], before).reshape(pixels.shape)


def paste(
    photograph: Pixels,
    pixels: Pixels,
    changed: NDArray[np.generic],
    matrix: NDArray[np.float64],
    *,
    beyond: bool = False,
    exact: Pixels | None = None,
) -> Pixels:
    """Return a photograph into which the changed part of a crop is put back.

    Only pixels inside the changed part are touched. The crop is often coarser than the photograph,
    so the edge of that part fades over half a pixel of the crop, inwards; where the part is
    known at the photograph's own resolution it is filled up to its edge and not left.

    Args:
        photograph: (H, W, 3) uint8; it is not changed.
        pixels: (S, S, 3) uint8, the crop after the change.
        changed: (S, S), nonzero in the changed part.
        matrix: (2, 3), maps pixels of the photograph to those of the crop.
        beyond: Whether a change at the crop's edge goes on outside of it, as a covering does
            that the crop's edge cuts off. A restorer has seen nothing there.
        exact: (H, W), nonzero in the changed part at the photograph's resolution, where known.
    """
    result = photograph.copy()
    side = len(pixels)
    rows, columns = slice(0, len(result)), slice(0, result.shape[1])
    if not beyond:
        rows, columns = _box(matrix, -1, side, result.shape)
    alpha = _alpha(changed, inverse(matrix), rows, columns, beyond=beyond)
    if exact is None:
        alpha = np.clip(2 * alpha - 1, 0, 1)
    else:
        alpha = np.clip(2 * alpha, 0, 1) * (exact[rows, columns] > 0)
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if not width:
        return result
    alpha = alpha[top : top + height, left : left + width]
    top, left = rows.start + top, columns.start + left
    under = result[top : top + height, left : left + width]
    over = warp(pixels, _shifted(inverse(matrix), left, top), (height, width))
    under[:] = cv2.blendLinear(over, under, alpha, 1 - alpha)
    return result


def _middle(shape: tuple[int, ...], size: tuple[int, int]) -> NDArray[np.float64]:
    """Return what maps an image to one of *size* (H, W) of equal height, middle on middle."""
    scale = size[0] / shape[0]
    shift = 0.5 * np.array([size[1] - scale * shape[1], 0.0]) + 0.5 * scale - 0.5
    return np.column_stack([scale * np.eye(2), shift])


def _alpha(
    changed: NDArray[np.generic],
    back: NDArray[np.float64],
    rows: slice,
    columns: slice,
    *,
    beyond: bool,
) -> NDArray[np.float32]:
    """Return how far the changed part of a crop reaches into each pixel of a photograph.

    Args:
        changed: (S, S).
        back: (2, 3), maps pixels of the crop to those of the photograph.
        rows, columns: The part of the photograph that is asked for.
        beyond: Whether the crop's border is repeated; else nothing is changed outside of it.

    Returns:
        (h, w) in [0, 1]: 0.5 at the edge.
    """
    inside = (changed != 0).astype(np.float32)
    if not beyond:
        inside = np.pad(inside, 1)  # this border is repeated then
        back = after(back, np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]]))
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return warp(inside, _shifted(back, columns.start, rows.start), shape)


def _shifted(matrix: NDArray[np.float64], left: int, top: int) -> NDArray[np.float64]:
    """Return a matrix whose target has lost so many pixels on its left and at its top."""
    return after(np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]]), matrix)


def _box(
    matrix: NDArray[np.float64], low: float, high: float, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Return the rows and columns of an image where both crop coordinates are within bounds.

    Outside the image it is the row and the column that are nearest.

    Args:
        matrix: (2, 3), maps pixels of the image to those of the crop.
        low, high: The bounds.
        shape: Of the image, height first.
    """
    corners = np.array([[low, low], [high, low], [low, high], [high, high]])
    back = inverse(matrix)
    places = corners @ back[:, :2].T + back[:, 2]
    limit = np.array(shape[1::-1])
    first = np.clip(np.floor(places.min(axis=0)).astype(int), 0, limit - 1)
    last = np.clip(np.ceil(places.max(axis=0)).astype(int) + 1, first + 1, limit)
    return slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))
