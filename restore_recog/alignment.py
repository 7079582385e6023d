"""Five-point alignment: one similarity transform from image to square crop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import ImageError
from restore_recog.landmarks import OF_68
from restore_recog.types import FaceCrop, FaceImage, Pixels

TEMPLATE = np.array(
    [[0.35, 0.37], [0.65, 0.37], [0.50, 0.55], [0.367, 0.70], [0.633, 0.70]], dtype=np.float64
)
"""(5, 2) where the five points lie in a crop, in units of its side.

The eyes are 0.3 of the side apart, which leaves room for chin, cheeks and the
hairline: a covering must lie inside the crop. The proportions are the median of
8,098 labelled faces (eye to mouth 1.1 eye distances, eye to nose tip 0.6).
"""

WFLW_FIVE = {"left_eye": 96, "right_eye": 97, "nose": 54, "left_mouth": 76, "right_mouth": 82}
"""Where the five points stand among the 98 WFLW landmarks."""


def five_points(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the (5, 2) alignment points of (5, 2) or (98, 2) landmarks.

    Where the pupils are not known, as of faces with 68 landmarks, the eyes are the means of the
    points around them that are.

    Raises:
        ValueError: Any other number of landmarks.
    """
    if landmarks.shape == (5, 2):
        return landmarks.astype(np.float32)
    if landmarks.shape == (98, 2):
        five = landmarks[list(WFLW_FIVE.values())]
        if np.isnan(five[:2]).any():
            return five_of_68(landmarks[OF_68])
        return five.astype(np.float32)
    raise ValueError(f"Landmarks have shape {landmarks.shape}; (5, 2) or (98, 2) is expected.")


def five_of_68(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the (5, 2) alignment points of the (68, 2) landmarks of iBUG and dlib.

    The eyes are the means of their six points each; nose tip and mouth corners are points of
    the scheme. Those further left in an upright image go first.

    Raises:
        ValueError: Any other number of landmarks.
    """
    if landmarks.shape != (68, 2):
        raise ValueError(f"Landmarks have shape {landmarks.shape}; (68, 2) is expected.")
    eyes = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    return np.stack([*eyes, *landmarks[[30, 48, 54]]]).astype(np.float32)


def in_pixels(template: NDArray[np.floating], size: int | tuple[int, int]) -> NDArray[np.float64]:
    """Return where the points of a template lie in a crop.

    Whole numbers are the centres of pixels, so pixel u of W is at (u + 0.5) / W of the width.

    Args:
        template: (L, 2) in the unit square, x in units of the width and y of the height.
        size: Of the crop in pixels, a side or (H, W).

    Returns:
        (L, 2) pixels, x then y.
    """
    height, width = (size, size) if isinstance(size, int) else size
    return np.asarray(template, np.float64) * (width, height) - 0.5


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the (2, 3) rotation-scale-shift that maps *source* to *target* with least squares.

    Source: Umeyama, IEEE TPAMI 13(4), 1991, without reflection; in two dimensions it is the
    closed form below with complex numbers.

    Raises:
        ValueError: All source points coincide.
    """
    a = source.astype(np.float64) @ np.array([1, 1j])
    b = target.astype(np.float64) @ np.array([1, 1j])
    spread = (np.abs(a - a.mean()) ** 2).sum()
    if not np.isfinite(spread) or spread < 1e-9:
        raise ValueError("The landmarks coincide, so no alignment exists.")
    z = (np.conj(a - a.mean()) * (b - b.mean())).sum() / spread
    shift = b.mean() - z * a.mean()
    return np.array([[z.real, -z.imag, shift.real], [z.imag, z.real, shift.imag]])


def transform_points(
    matrix: NDArray[np.float64], points: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return (L, 2) points mapped by a (2, 3) affine matrix."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def align(image: FaceImage, size: int, template: NDArray[np.floating] = TEMPLATE) -> FaceCrop:
    """Return the aligned square crop of an image with known landmarks.

    Args:
        image: ``landmarks`` must be known.
        size: Side of the crop in pixels.
        template: (5, 2) in units of the side.

    Raises:
        ImageError: The landmarks are unknown or cannot be aligned.
    """
    if image.landmarks is None:
        raise ImageError("The image has no landmarks, so it cannot be aligned.")
    try:
        matrix = similarity(five_points(image.landmarks), in_pixels(template, size))
    except ValueError as error:
        raise ImageError(str(error)) from error
    pixels = warp(image.pixels, matrix, size)
    mask = None
    if image.mask is not None:
        warped = cv2.warpAffine(image.mask, matrix, (size, size), flags=cv2.INTER_NEAREST)
        mask = np.asarray(warped, dtype=np.uint8)
    valid = within(image.pixels.shape, matrix, size)
    return FaceCrop(pixels, transform_points(matrix, image.landmarks), mask, matrix, valid=valid)


def within(
    shape: tuple[int, ...], matrix: NDArray[np.float64], size: int
) -> NDArray[np.uint8] | None:
    """Return (S, S) which pixels of a crop show the image, or None where all of them do.

    Args:
        shape: Of the image, height first.
        matrix: (2, 3), maps pixels of the image to pixels of the crop.
        size: S, side of the crop.
    """
    back = inverse(matrix)
    steps = np.arange(size)
    x, y = back[:, 0, None] * steps, back[:, 1, None] * steps  # (2, S): along the rows, down
    places = x[:, None, :] + y[:, :, None] + back[:, 2, None, None]  # (2, S, S), x then y
    last = np.array(shape[1::-1])[:, None, None] - 0.5
    inside = ((places >= -0.5) & (places <= last)).all(axis=0)  # (S, S)
    return None if inside.all() else np.asarray(inside, np.uint8)


def corners(shape: tuple[int, ...], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the (4, 2) corners of an image in the pixels of a crop.

    Args:
        shape: Of the image, height first.
        matrix: (2, 3), maps pixels of the image to pixels of the crop.

    Returns:
        Those of the outermost pixels' outer edges: top left first, then clockwise in the image.
    """
    box = np.array([[0, 0], [shape[1], 0], [shape[1], shape[0]], [0, shape[0]]]) - 0.5
    return transform_points(matrix, box)


def between(corners: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """Return (S, S) which pixels of a crop lie between the corners of an image: 1 = they do.

    Args:
        corners: (4, 2) pixels, once around the image in either direction; NaN where the image
            holds the whole crop.
        size: S, side of the crop.
    """
    if np.isnan(corners).any():
        return np.ones((size, size), np.uint8)
    first = corners.astype(np.float64)[:, :, None, None]  # (4, 2, 1, 1)
    along = np.roll(first, -1, axis=0) - first
    y, x = np.mgrid[:size, :size]
    side = along[:, 0] * (y - first[:, 1]) - along[:, 1] * (x - first[:, 0])  # (4, S, S)
    return np.asarray((side >= 0).all(axis=0) | (side <= 0).all(axis=0), np.uint8)


def nearest_valid(valid: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return (S S,) for each pixel of a crop the number of the nearest one that shows the image.

    What a crop shows beyond the image is the image's border repeated; so it shows there what it
    shows at that pixel.

    Args:
        valid: (S, S), as in :class:`~restore_recog.types.FaceCrop`.
    """
    if not valid.any():
        return np.arange(valid.size)
    from scipy.ndimage import distance_transform_edt  # slow to import, and seldom needed

    rows, columns = distance_transform_edt(valid == 0, return_distances=False, return_indices=True)
    return np.asarray(rows * valid.shape[1] + columns, np.int64).ravel()


def on_image(mask: NDArray[np.uint8], valid: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return a (S, S) mask without what lies beyond the image."""
    return mask if valid is None else mask * valid


def repeated(mask: NDArray[np.uint8], valid: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return a (S, S) mask that goes on beyond the image as the image's border does."""
    return mask if valid is None else mask.ravel()[nearest_valid(valid)].reshape(mask.shape)


def after(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that applies *first* and then *second*."""
    linear, shift = second[:, :2], second[:, 2]
    return np.column_stack([linear @ first[:, :2], linear @ first[:, 2] + shift])


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that leads back."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def warp(
    pixels: NDArray[Any], matrix: NDArray[np.float64], size: int | tuple[int, int]
) -> NDArray[Any]:
    """Return the crop of *size*, a side or (H, W); outside the image its border is repeated.

    Where the crop is more than twice coarser than the image the image is shrunk
    first, since bilinear sampling would alias.

    Args:
        pixels: (H, W, 3) or (H, W), uint8 or float32; the crop has the same type.
        matrix: (2, 3), maps pixels of the image to pixels of the crop.
        size: Of the crop.
    """
    height, width = (size, size) if isinstance(size, int) else size
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        pixels, matrix = shrunk(pixels, matrix, 0.5 / scale)
    crop = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=pixels.dtype)


def shrunk(
    pixels: NDArray[Any], matrix: NDArray[np.float64], factor: float
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return an image *factor* times smaller, each pixel a mean, and what its matrix becomes.

    Args:
        pixels: (H, W, 3) or (H, W).
        matrix: (2, 3), maps its pixels to those of something else.
        factor: Above 1; the sides are rounded.
    """
    size = (max(1, round(pixels.shape[1] / factor)), max(1, round(pixels.shape[0] / factor)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)
    # Pixel centres: u' = (u + 0.5) * ratio - 0.5, and the matrix undoes it.
    ratio = np.array([small.shape[1] / pixels.shape[1], small.shape[0] / pixels.shape[0]])
    shift = matrix[:, 2] + matrix[:, :2] @ (0.5 / ratio - 0.5)
    return small, np.column_stack([matrix[:, :2] / ratio, shift])


GREY = 128
"""What stands in place of the rest of a face where a part is shown."""

PARTS: Mapping[str, Callable[[float, float], float]] = {
    "upper": lambda eyes, nose: nose,
    "eyes": lambda eyes, nose: (eyes + nose) / 2,
}
"""Parts of a face -> where they end, of the heights of the eyes and of the nose tip."""


def part_of(image: Pixels, part: str) -> Pixels:
    """Return the (S, S, 3) crop with everything below a part of the face made grey.

    Args:
        image: The crop.
        part: One of :data:`PARTS`.
    """
    result: Pixels = image.copy()
    end = PARTS[part](float(TEMPLATE[0, 1]), float(TEMPLATE[2, 1]))
    result[round(end * image.shape[0]) :] = GREY
    return result
