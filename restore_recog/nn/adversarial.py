"""The non-saturating adversarial losses, on logits, one value a sample."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return (N,) -log D(real) - log(1 - D(fake)), the mean over the heads.

    Args:
        real, fake: (N, heads) logits of real pictures and of generated ones.
    """
    return (F.softplus(-real) + F.softplus(fake)).mean(1)


def generator_loss(fake: Tensor) -> Tensor:
    """Return (N,) -log D(fake), the mean over the heads.

    Args:
        fake: (N, heads) logits of generated pictures.
    """
    return F.softplus(-fake).mean(1)
