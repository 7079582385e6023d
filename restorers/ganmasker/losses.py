"""GANMasker's losses (section 3.3), means over the batch; equations as the paper means them.

The adversarial ones (equations 5 and 10) are those of least squares in
:mod:`restore_recog.nn.adversarial`, with 1 for real and 0 for fake, which the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.nn.ssim import ssim


def segmentation_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return binary cross-entropy + Dice loss (equations 1 to 3).

    Dice is taken on probabilities, an image at a time, with 1 added above and below so that an
    empty mask has a loss.

    Args:
        logits, mask: (N, 1, H, W).
    """
    entropy = F.binary_cross_entropy_with_logits(logits, mask)
    p, m = logits.sigmoid().flatten(1), mask.flatten(1)
    dice = (2 * (p * m).sum(1) + 1) / (p.sum(1) + m.sum(1) + 1)
    return entropy + (1 - dice).mean()


def reconstruction_loss(restored: Tensor, clean: Tensor, beta: float = 1.0) -> Tensor:
    """Return (smooth L1 + 1 - SSIM) / 2 (equations 6 to 8), on images in [0, 1].

    Args:
        restored, clean: (N, 3, H, W).
        beta: The difference at which smooth L1 turns from a parabola into a line. Equation 7 has 1,
            which no two images in [0, 1] differ by: there an error of 0.1 weighs 0.005, next to
            nothing beside SSIM, and the covering's colour shines through.
    """
    pixels = F.smooth_l1_loss(restored, clean, beta=beta)
    return (pixels + (1 - ssim(restored, clean)).mean()) / 2


def perceptual_loss(restored: Sequence[Tensor], clean: Sequence[Tensor]) -> Tensor:
    """Return the sum over layers of smooth L1 of features.

    Source: equation 9, which leaves the features out, and section 3.2.2, which names them.
    """
    losses = [F.smooth_l1_loss(a, b.detach()) for a, b in zip(restored, clean, strict=True)]
    return torch.stack(losses).sum()
