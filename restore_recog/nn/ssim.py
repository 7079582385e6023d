"""Structural similarity that gradients pass through, for reconstruction losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Return (N,) structural similarity of (N, C, H, W) images in [0, 1].

    11 x 11 Gaussian window with sigma 1.5, every channel, the mean over the places where the
    window lies wholly in the image: the same figure as ``metrics.quality.ssim``.

    Source: Wang et al. 2004, equation 13; GANMasker equation 14 with its misprint (the factors
    of the numerator are multiplied) corrected.

    Always in float32: variances are differences of nearly equal numbers, and in bfloat16 the
    gradient that is left of them points elsewhere.
    """
    with torch.autocast(a.device.type, enabled=False):
        return _ssim(a.float(), b.float())


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    steps = torch.arange(WINDOW, device=a.device, dtype=a.dtype) - WINDOW // 2
    line = torch.exp(-(steps**2) / (2 * SIGMA**2))
    line = line / line.sum()
    channels = a.shape[1]

    def smooth(x: Tensor) -> Tensor:
        across = line.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
        x = F.conv2d(x, across, groups=channels)
        return F.conv2d(x, across.transpose(2, 3), groups=channels)

    mean_a, mean_b = smooth(a), smooth(b)
    variance_a = smooth(a * a) - mean_a**2
    variance_b = smooth(b * b) - mean_b**2
    covariance = smooth(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    below = (mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2)
    return (above / below).flatten(1).mean(1)
