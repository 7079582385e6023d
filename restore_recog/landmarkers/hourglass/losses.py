"""The adaptive wing loss with its weighted map.

Source: Wang, Bo, Fuxin, ICCV 2019, section 4; the constants are the published ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ALPHA, OMEGA, EPSILON, THETA = 2.1, 14.0, 1.0, 0.5
"""The constants of the loss."""

WEIGHT = 10.0
"""By how much more than background the blobs and what is right beside them count."""

BLOB = 0.2
"""Where a target, or one right beside it, is above this, it counts as blob."""


def adaptive_wing(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the loss of every cell.

    Near the target it is a logarithm whose power goes with the target's height, beyond
    :data:`THETA` a straight line that meets it in value and slope.

    Args:
        predicted: Heat-maps, any shape.
        target: The same in [0, 1].
    """
    away = (predicted - target).abs()
    power = ALPHA - target
    ratio = THETA / EPSILON
    slope = OMEGA / (1 + ratio**power) * power * ratio ** (power - 1) / EPSILON
    offset = THETA * slope - OMEGA * (ratio**power).log1p()
    # The branch not taken must not spoil the gradient: a power of 0 has none at 0.
    near = away.clamp(min=1e-12, max=THETA)
    curved = OMEGA * ((near / EPSILON) ** power).log1p()
    return torch.where(away < THETA, curved, slope * away - offset)


def heatmap_loss(predicted: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Return the weighted mean of the loss over the heat-maps that are known; 0 where none is.

    In float32 whatever autocast does elsewhere.

    Args:
        predicted: (N, K, H, W) heat-maps.
        target: The same, in [0, 1]; finite where it is not known, too.
        known: (N, K) bool: of which maps the target is known.
    """
    with torch.autocast(predicted.device.type, enabled=False):
        predicted, target = predicted.float(), target.float()
        blob = (F.max_pool2d(target, 3, 1, 1) > BLOB).float()
        each = (adaptive_wing(predicted, target) * (WEIGHT * blob + 1)).mean((2, 3))  # (N, K)
        return torch.where(known, each, 0.0).sum() / known.sum().clamp(min=1)
