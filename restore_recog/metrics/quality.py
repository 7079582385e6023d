"""Full-reference quality of images, and agreement of masks: one figure per image.

Images are float RGB in [0, 1], ``(H, W, 3)`` or ``(N, H, W, 3)``; the result has the
leading shape, ``()`` or ``(N,)``. With ``mask`` (``(H, W)`` or ``(N, H, W)``, 1 = counts)
only the pixels inside it count; an empty mask gives NaN, for there is nothing to compare.
Average such figures over the images that have one, and print how many have none.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.inputs import alike, as_array

Figures = NDArray[np.float64]

WINDOW = 11  # pixels, SSIM
SIGMA = 1.5  # pixels, SSIM
_INNER = slice(WINDOW // 2, -(WINDOW // 2))
_TOLERANCE = 1e-6  # float32 networks overshoot [0, 1] by rounding


def psnr(a: ArrayLike, b: ArrayLike, mask: ArrayLike | None = None) -> Figures:
    """Return the peak signal-to-noise ratio in dB, peak 1, over all three channels.

    -10 log10 of the mean squared difference; inf for identical images.

    Raises:
        ValueError: Shapes differ, or values are not float in [0, 1].
    """
    return _decibels(l2_error(a, b, mask))


def ssim(a: ArrayLike, b: ArrayLike, mask: ArrayLike | None = None) -> Figures:
    """Return the structural similarity on RGB: 11 x 11 Gaussian window, sigma 1.5.

    The SSIM map is averaged over channels and over the pixels whose window lies wholly in the
    image, that is, without a frame of 5 pixels; with ``mask``, over those of them that
    the mask marks. NaN where it marks none. Constants 0.01 and 0.03, range 1.

    Source: Wang et al., Image quality assessment: from error visibility to structural
    similarity, IEEE TIP 13(4), 2004, equation 13.

    Raises:
        ValueError: As :func:`psnr`, or an image is smaller than the window.
    """
    x, y = _images(a, b)
    return _inner_mean(_similarity(x, y), _mask_or_none(mask, x.shape))


def l1_error(
    a: ArrayLike, b: ArrayLike, mask: ArrayLike | None = None, *, data_range: float = 1.0
) -> Figures:
    """Return the mean absolute difference, for images on a scale of width ``data_range``.

    ``data_range=2`` gives the figure of images on [-1, 1], as the FMODR paper's tables
    have it. Raises ValueError as :func:`psnr`.
    """
    x, y = _images(a, b)
    return _pixel_mean(np.abs(x - y), _mask_or_none(mask, x.shape)) * data_range


def l2_error(
    a: ArrayLike, b: ArrayLike, mask: ArrayLike | None = None, *, data_range: float = 1.0
) -> Figures:
    """Return the mean squared difference, for images on a scale of width ``data_range``.

    ``data_range=2`` multiplies by 4: images on [-1, 1], as in the FMODR paper's tables.
    Raises ValueError as :func:`psnr`.
    """
    x, y = _images(a, b)
    return _pixel_mean((x - y) ** 2, _mask_or_none(mask, x.shape)) * data_range**2


def whole_and_inside(a: ArrayLike, b: ArrayLike, mask: ArrayLike | None) -> dict[str, Figures]:
    """Return :func:`psnr`, :func:`ssim`, ``l1`` and ``l2`` by name, sharing their work.

    With *mask*, also ``psnr_mask`` and so on: the same inside it.

    Raises ValueError as :func:`ssim`.
    """
    x, y = _images(a, b)
    apart = x - y
    squared, difference = (v.mean(axis=-1) for v in (apart**2, np.abs(apart)))
    similarity = _similarity(x, y)[..., _INNER, _INNER, :].mean(axis=-1)
    values, inside = {}, _mask_or_none(mask, x.shape)
    for ending, chosen in [("", None)] if inside is None else [("", None), ("_mask", inside)]:
        values["l2" + ending] = _mean(squared, chosen)
        values["psnr" + ending] = _decibels(values["l2" + ending])
        values["ssim" + ending] = _mean(similarity, _inner(chosen))
        values["l1" + ending] = _mean(difference, chosen)
    return values


def sharpness(a: ArrayLike, b: ArrayLike, mask: ArrayLike) -> Figures:
    """Return how sharp an image is inside a mask, 1 where it is as sharp as the true one.

    The standard deviation of the Laplacian of the grey values (mean of the channels) of *a*, over
    that of *b*: below 1 it is smoother than the truth, above 1 it has edges or noise that the
    truth has not. Pixels with a neighbour outside the mask do not count, for the mask's own edge
    is none of the face. NaN where nothing is left, or the truth is flat.

    Source: Pech-Pacheco et al., ICPR 2000 (variance of the Laplacian).

    Raises ValueError as :func:`psnr`.
    """
    x, y = _images(a, b)
    inside = _cross(_mask(mask, x.shape), np.logical_and)
    spreads = []
    for image in (x, y):
        grey = image.mean(axis=-1)  # (..., H, W)
        edges = _cross(grey, np.add) - 5 * grey[..., 1:-1, 1:-1]
        mean = _share(np.sum(edges, axis=(-2, -1), where=inside), _size(inside))
        squares = np.sum((edges - mean[..., None, None]) ** 2, axis=(-2, -1), where=inside)
        spreads.append(np.sqrt(_share(squares, _size(inside))))
    mine, truth = spreads
    return _share(mine, truth)


def _cross(values: NDArray[Any], join: Any) -> NDArray[Any]:
    """Return what joining a pixel with its four neighbours gives, (..., H - 2, W - 2)."""
    inner = slice(1, -1)
    rows = join(values[..., :-2, inner], values[..., 2:, inner])
    columns = join(values[..., inner, :-2], values[..., inner, 2:])
    return np.asarray(join(join(rows, columns), values[..., inner, inner]))


def dice(a: ArrayLike, b: ArrayLike) -> Figures:
    """Return 2 |A and B| / (|A| + |B|) of two masks; 1 where both are empty.

    Raises:
        ValueError: Shapes differ, or values other than 0 and 1 (threshold first).
    """
    x, y = _masks(a, b)
    return _share(2 * _size(x & y), _size(x) + _size(y), 1.0)


def iou(a: ArrayLike, b: ArrayLike) -> Figures:
    """Return |A and B| / |A or B| of two masks; 1 where both are empty.

    Raises ValueError as :func:`dice`.
    """
    x, y = _masks(a, b)
    return _share(_size(x & y), _size(x | y), 1.0)


def pixel_accuracy(a: ArrayLike, b: ArrayLike) -> Figures:
    """Return the share of pixels on which two masks agree. Raises as :func:`dice`."""
    x, y = _masks(a, b)
    return np.asarray(np.mean(x == y, axis=(-2, -1)))


def precision(predicted: ArrayLike, true: ArrayLike) -> Figures:
    """Return the share of the predicted pixels that are occluded; NaN where none is predicted.

    Raises ValueError as :func:`dice`.
    """
    x, y = _masks(predicted, true)
    return _share(_size(x & y), _size(x))


def recall(predicted: ArrayLike, true: ArrayLike) -> Figures:
    """Return the share of the occluded pixels that are predicted; NaN where none is occluded.

    Raises ValueError as :func:`dice`.
    """
    return precision(true, predicted)


def boundary_error(predicted: ArrayLike, true: ArrayLike) -> Figures:
    """Return the mean distance between the outlines of two masks, in pixels.

    From every pixel of either outline to the nearest pixel of the other, averaged over all of
    them (average symmetric surface distance). A pixel is on the outline if it is occluded and one
    of its four neighbours is free; beyond the border nothing is. NaN where a mask has no outline.

    Raises ValueError as :func:`dice`.
    """
    x, y = _masks(predicted, true)
    if x.ndim == 3:
        return np.array([boundary_error(*pair) for pair in zip(x, y, strict=True)])
    from scipy import ndimage  # slow to import, and seldom needed

    a, b = (one & ~ndimage.binary_erosion(one, border_value=1) for one in (x, y))
    if not (a.any() and b.any()):
        return np.asarray(np.nan)
    to_a, to_b = (ndimage.distance_transform_edt(~outline) for outline in (a, b))
    return np.asarray(np.concatenate([to_b[a], to_a[b]]).mean())


def _images(a: ArrayLike, b: ArrayLike) -> tuple[Figures, Figures]:
    """Return both as float64 after checking kind, shape and range."""
    x, y = as_array(a, "Images"), as_array(b, "Images")
    if x.shape != y.shape or x.ndim not in (3, 4) or x.shape[-1] != 3:
        raise ValueError(
            f"Two images (H, W, 3) or batches (N, H, W, 3) of one shape are needed, "
            f"not {x.shape} and {y.shape}."
        )
    for image in (x, y):
        if image.dtype.kind != "f":
            raise ValueError(f"Images must be float in [0, 1], not {image.dtype}.")
        inside = (image >= -_TOLERANCE) & (image <= 1 + _TOLERANCE)
        if not inside.all():  # NaN is not inside either
            raise ValueError("Images must lie in [0, 1]; some pixels do not.")
    first, second = alike(x, y, what="Images")
    return first, second


def _binary(values: ArrayLike) -> NDArray[np.bool_]:
    mask = as_array(values, "Masks")
    if mask.dtype.kind not in "biuf" or (
        mask.dtype.kind != "b" and not ((mask == 0) | (mask == 1)).all()
    ):
        raise ValueError("Masks must hold 0 and 1 only; threshold them first.")
    return mask.astype(bool)


def _masks(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    x, y = _binary(a), _binary(b)
    if x.shape != y.shape or x.ndim not in (2, 3):
        raise ValueError(
            f"Two masks (H, W) or (N, H, W) of one shape are needed, not {x.shape} and {y.shape}."
        )
    return x, y


def _mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the mask as bool, one mask per image."""
    chosen = _binary(mask)
    if chosen.shape not in (shape[:-1], shape[-3:-1]):
        raise ValueError(f"A mask of shape {shape[:-1]} is needed, not {chosen.shape}.")
    return np.broadcast_to(chosen, shape[:-1])


def _mask_or_none(mask: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    return None if mask is None else _mask(mask, shape)


def _pixel_mean(values: Figures, mask: NDArray[np.bool_] | None) -> Figures:
    """Average (..., H, W, 3) over pixels and channels; NaN where the mask is empty."""
    return _mean(values.mean(axis=-1), mask)


def _mean(values: Figures, mask: NDArray[np.bool_] | None) -> Figures:
    """Average (..., H, W) over pixels; NaN where the mask is empty."""
    if mask is None:
        return np.asarray(values.mean(axis=(-2, -1)))
    return _share(np.sum(values, axis=(-2, -1), where=mask), _size(mask))


def _inner_mean(values: Figures, mask: NDArray[np.bool_] | None) -> Figures:
    """Average as :func:`_pixel_mean` over those whose SSIM window lies in the image."""
    return _pixel_mean(values[..., _INNER, _INNER, :], _inner(mask))


def _inner(mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return None if mask is None else mask[..., _INNER, _INNER]


def _decibels(squared: Figures) -> Figures:
    with np.errstate(divide="ignore"):
        return np.asarray(-10.0 * np.log10(squared))


def _share(part: Figures, whole: Figures, empty: float = np.nan) -> Figures:
    """Return part / whole, and *empty* where the whole is 0."""
    return np.divide(part, whole, out=np.full_like(whole, empty), where=whole > 0)


def _size(mask: NDArray[np.bool_]) -> Figures:
    return np.asarray(np.count_nonzero(mask, axis=(-2, -1)), dtype=np.float64)


def _similarity(x: Figures, y: Figures) -> Figures:
    """Return the SSIM maps of images (..., H, W, 3)."""
    if min(x.shape[-3:-1]) < WINDOW:
        raise ValueError(f"SSIM needs images of at least {WINDOW} x {WINDOW} pixels.")
    similarity = np.empty_like(x)
    for index in np.ndindex(x.shape[:-3]):
        similarity[index] = _ssim_map(x[index], y[index])
    return similarity


def _ssim_map(x: Figures, y: Figures) -> Figures:
    """Return the SSIM of two images at every pixel; only _INNER of it is valid."""
    mean_x, mean_y = _smooth(x), _smooth(y)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = _smooth(x * y) - product
    variances = _smooth(x * x + y * y) - squares
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * product + c1) / (squares + c1)
    return np.asarray(luminance * (2 * covariance + c2) / (variances + c2))


def _smooth(image: Figures) -> Figures:
    return np.asarray(cv2.GaussianBlur(image, (WINDOW, WINDOW), SIGMA), dtype=np.float64)
