"""Discriminators' answers, the losses on them (non-saturating, least squares), their balance."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def judged(critic: nn.Module, *inputs: Tensor) -> Tensor:
    """Return a discriminator's logits, in float32 whatever the training computes in.

    Real images and restored ones are nearly the same, and what a discriminator learns is the
    difference: in bfloat16 too little is left of it.

    Args:
        critic: Takes the inputs.
        inputs: Images, and masks where it looks at them.
    """
    with torch.autocast(inputs[0].device.type, enabled=False):
        return critic(*(given.float() for given in inputs))  # type: ignore[no-any-return]


def discriminator_loss(real: Tensor, fake: Tensor, smooth: float = 1.0) -> Tensor:
    """Return (N,) -log D(real) - log(1 - D(fake)), the mean over the heads.

    Args:
        real, fake: (N, heads) logits of real images and of generated ones.
        smooth: What D(real) should be; below 1, the first term is the cross-entropy to that.
    """
    return (F.softplus(-real) + (1 - smooth) * real + F.softplus(fake)).mean(1)


def generator_loss(fake: Tensor) -> Tensor:
    """Return (N,) -log D(fake), the mean over the heads.

    Args:
        fake: (N, heads) logits of generated images.
    """
    return F.softplus(-fake).mean(1)


def squares_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return half of (D(real) - 1)^2 + D(fake)^2, the mean over all places.

    Source: Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017, equation 9.

    Args:
        real, fake: What the discriminator says of real images and of generated ones, any shape.
    """
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def squares_generator_loss(fake: Tensor) -> Tensor:
    """Return (D(fake) - 1)^2, the mean over all places; source and argument as above."""
    return (fake - 1).square().mean()


def balance(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``balance``, to be watched: the generator's adversarial loss over the critic's.

    It grows when the discriminator wins and shrinks when it is fooled.

    Args:
        losses: ``adv`` and ``critic``; where one is missing nothing is returned.
    """
    if not {"adv", "critic"} <= losses.keys():
        return {}
    return {"balance": losses["adv"].detach() / losses["critic"].detach().clamp_min(1e-6)}
