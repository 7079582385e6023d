"""Discriminators' answers, the losses on them and their balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

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


def hinge_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return what D(real) lacks of 1 plus what D(fake) exceeds -1 by, means over all places.

    Source: Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral Normalization for
    Generative Adversarial Networks", ICLR 2018, equation 16.

    Args:
        real, fake: Logits of real images and of generated ones, any shape.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator_loss(fake: Tensor) -> Tensor:
    """Return -D(fake), the mean over all places; source and argument as above."""
    return -fake.mean()


@dataclass(frozen=True)
class Game:
    """What discriminator and generator play for.

    Attributes:
        critic: (real, fake answers) -> the discriminator's loss.
        generator: (fake answers) -> the generator's.
        even: The answer above which an image passes for real.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    even: float

    def accuracies(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Return the shares of real and of generated places that the discriminator tells."""
        right = {"real_accuracy": real > self.even, "fake_accuracy": fake <= self.even}
        return {name: told.float().mean() for name, told in right.items()}


ENTROPY = Game(
    lambda real, fake: discriminator_loss(real.flatten(1), fake.flatten(1)).mean(),
    lambda fake: generator_loss(fake.flatten(1)).mean(),
    0.0,
)
SQUARES = Game(squares_discriminator_loss, squares_generator_loss, 0.5)
HINGE = Game(hinge_discriminator_loss, hinge_generator_loss, 0.0)


@contextmanager
def frozen(critic: nn.Module) -> Iterator[nn.Module]:
    """Let gradients flow through a discriminator without any for its own parameters."""
    critic.requires_grad_(False)
    try:
        yield critic
    finally:
        critic.requires_grad_(True)


def balance(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``balance``, to be watched: the generator's adversarial loss over the critic's.

    It grows when the discriminator wins and shrinks when it is fooled.

    Args:
        losses: ``adv`` and ``critic``; where one is missing nothing is returned.
    """
    if not {"adv", "critic"} <= losses.keys():
        return {}
    return {"balance": losses["adv"].detach() / losses["critic"].detach().clamp_min(1e-6)}
