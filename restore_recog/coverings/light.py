"""What the image tells about light, exposure, sharpness and noise around the face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.coverings.head import Head

Floats = NDArray[np.floating]

_PATCH = 24
_GRID = (np.arange(_PATCH, dtype=np.float32) + 0.5) / _PATCH * 2 - 1
_X, _V = np.meshgrid(_GRID, _GRID)
_FACE = (_X**2 + _V**2) < 0.9
_FIT = np.linalg.pinv(np.column_stack([np.ones(_FACE.sum()), _X[_FACE], _V[_FACE]]))


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """How the face is lit and photographed.

    Attributes:
        direction: (2,) slope of the light along x and v of the face frame: how much a
            surface brightens that is inclined by one unit towards it.
        white: (3,) the RGB in [0, 1] at which a white surface facing the camera appears.
        colourfulness: 0 for grey images to 1.
        blur: (2,) standard deviations in pixels of the image's blur along x and y.
        noise: Standard deviation of the image's noise, in [0, 1] brightness.
        skin: (3,) the RGB in [0, 1] that a cloth must have to look like the face.
    """

    direction: Floats
    white: Floats
    colourfulness: float
    blur: tuple[float, float]
    noise: float
    skin: Floats


def read_light(pixels: NDArray[np.uint8], head: Head) -> Light:
    """Estimate light and camera from the face's own pixels.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        head: Where the face lies.
    """
    patch = _face_patch(pixels, head)
    luminance = patch @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    mean, along_x, along_v = _FIT @ luminance[_FACE]
    slopes = np.clip(np.array([along_x, along_v]) / max(mean, 0.05), -0.45, 0.45)
    skin = float(np.median(luminance[_FACE]))
    bright = float(np.quantile(luminance, 0.95))
    level = 0.7 * (0.46 + 0.82 * skin) + 0.3 * max(1.15 * bright, 0.35)
    chroma = float((patch.max(axis=2) - patch.min(axis=2)).mean())
    blur, noise = _camera(pixels, head)
    white = np.clip(level * _cast(pixels), 0.08, 1.1).astype(np.float32)
    return Light(
        # Faces are lit from above more often than their own gradient shows.
        direction=(1.2 * slopes + [0, -0.25]).astype(np.float32),
        white=white,
        colourfulness=float(np.clip(chroma / 0.1, 0, 1)),
        blur=blur,
        noise=noise,
        skin=np.clip(np.median(patch[_FACE], axis=0) / (1.1 * white), 0, 1),
    )


def _cast(pixels: NDArray[np.uint8]) -> Floats:
    """Return the (3,) tint of the light: that of the image's bright and nearly grey parts."""
    sparse = pixels[:: max(1, pixels.shape[0] // 24), :: max(1, pixels.shape[1] // 24)]
    coarse = sparse.reshape(-1, 3).astype(np.float32) / 255
    top = coarse.max(axis=1)
    saturation = (top - coarse.min(axis=1)) / np.maximum(top, 0.05)
    weight = top**2 * np.exp(-((saturation / 0.2) ** 2))
    # As much evidence for a neutral light as a twentieth of the image would give.
    tint = (weight @ coarse + 0.05 * len(coarse) * 0.6) / (weight.sum() + 0.05 * len(coarse))
    return (1 + 0.6 * (tint / tint.mean() - 1)).astype(np.float32)


def _face_patch(pixels: NDArray[np.uint8], head: Head) -> Floats:
    """Return the face from brow to chin as a small square in [0, 1]."""
    corners = np.array([[-0.95, -0.3], [0.95, -0.3], [-0.95, 1.7]]) @ head.axes.T + head.origin
    target = np.array([[0, 0], [_PATCH, 0], [0, _PATCH]], dtype=np.float32) - 0.5
    step = max(1, int(head.unit / 12))
    coarse = pixels[::step, ::step]
    matrix = cv2.getAffineTransform((corners / step).astype(np.float32), target)
    patch = cv2.warpAffine(
        np.ascontiguousarray(coarse), matrix, (_PATCH, _PATCH), borderMode=cv2.BORDER_REPLICATE
    )
    return patch.astype(np.float32) / 255


def _camera(pixels: NDArray[np.uint8], head: Head) -> tuple[tuple[float, float], float]:
    """Estimate blur along x and y, and noise, from the face.

    For an edge blurred by a Gaussian of s pixels the first differences' energy over the second
    differences' is 2 s^2, whatever its height. Noise: mean absolute response of the 3 x 3
    difference-of-Laplacians mask (Immerkaer, CVIU 64(2), 1996, eq. 2), of the quieter half.
    """
    centre, reach = head.origin + head.axes[:, 1] * 0.8, 1.3 * head.unit
    low = np.maximum(centre - reach, 0).astype(int)
    high = np.maximum((centre + reach).astype(int) + 1, low + 8)
    if (np.minimum(high, pixels.shape[1::-1]) - low).min() < 3:
        return (0.0, 0.0), 0.0
    grey = cv2.cvtColor(pixels[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    grey = grey.astype(np.float32)
    sigmas = []
    for axis in (1, 0):
        first = np.diff(grey, axis=axis)
        second = np.diff(first, axis=axis)
        energy = float(np.mean(second * second)) + 0.1
        variance = float(np.mean(first * first)) / (2 * energy)
        sigmas.append(float(np.sqrt(np.clip(variance - 0.25, 0, 16))))
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    response = np.abs(cv2.filter2D(grey, -1, kernel))
    noise = float(np.median(response)) / (6 * 0.6745 * 255)
    return (sigmas[0], sigmas[1]), min(noise, 0.04)
