"""Edges of images, found where something is known: never along the rim of a covering."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

LUMINANCE = (0.2125, 0.7154, 0.0721)
"""Shares of red, green and blue in grey (ITU-R BT.709)."""

LOW, HIGH = 0.1, 0.2
"""Answers of a Sobel filter to images in [0, 1]: from the second on a pixel is one of an edge, from
the first on if it continues one."""

FINE = 4096
"""OpenCV wants whole numbers: steps are counted in this part of 1."""


def greyed(images: Tensor) -> Tensor:
    """Return the (N, 1, H, W) grey of (N, 3, H, W) images in [0, 1]."""
    return (images * images.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)


@torch.no_grad()
def canny(grey: Tensor, sigma: float, hole: Tensor | None = None) -> Tensor:
    """Return Canny's edges, (N, 1, H, W) in {0, 1}; on the CPU, by OpenCV.

    What lies in the hole has no influence: the image is smoothed over known pixels alone, and
    pixels that touch the hole, or the image's own rim, are none of an edge.

    Source: Canny, "A Computational Approach to Edge Detection", 1986; thresholds and treatment of
    masks are those of ``skimage.feature.canny``, with which the works that learn edges made them.

    Args:
        grey: (N, 1, H, W) in [0, 1].
        sigma: Of the Gaussian that smooths, in pixels.
        hole: (N, 1, H, W) in {0, 1}; None for none.
    """
    known = torch.ones_like(grey) if hole is None else 1 - hole
    pairs = zip(_arrays(grey), _arrays(known), strict=True)
    edges = np.stack([_canny(image, where, sigma) for image, where in pairs])
    return torch.from_numpy(edges).unsqueeze(1).to(grey)


def edge_entropy(made: Tensor, true: Tensor) -> Tensor:
    """Return the mean cross-entropy of edges, in float32 and outside autocast.

    Args:
        made: (N, 1, H, W) in (0, 1).
        true: (N, 1, H, W) in {0, 1}.
    """
    with torch.autocast(made.device.type, enabled=False):
        return F.binary_cross_entropy(made.float(), true.float())


def _arrays(images: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(images[:, 0].float().cpu().numpy())


def _canny(
    image: NDArray[np.float32], known: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    smooth = _blurred(image * known, sigma) / np.maximum(_blurred(known, sigma), 1e-6)
    square = np.ones((3, 3), np.uint8)
    inside = cv2.erode(known, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    # Pixels beside those that count stay in, since an edge is where neighbours are less steep.
    near = cv2.dilate(inside, square)
    down, across = (
        np.rint(FINE * near * cv2.Sobel(smooth, cv2.CV_32F, x, y)).astype(np.int16)
        for x, y in ((0, 1), (1, 0))
    )
    edges = cv2.Canny(across, down, LOW * FINE, HIGH * FINE, L2gradient=True)
    return (edges > 0) * inside


def _blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    side = 2 * int(4 * sigma + 0.5) + 1
    blurred: NDArray[np.float32] = cv2.GaussianBlur(
        image, (side, side), sigma, borderType=cv2.BORDER_CONSTANT
    ).astype(np.float32)
    return blurred
