"""ECGAN's losses (section 3.4), means over the batch; the adversarial ones are shared with others.

Equations 3 and 6 are printed with slips. A discriminator minimises
-log D(real) - log(1 - D(made)), with a minus where equation 3 has a plus; and of equation 6 the
generator minimises all but the discriminators' own terms, which each discriminator minimises
by itself: in one sum they would cancel the generator's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.adversarial import frozen, generator_loss, judged
from restore_recog.nn.perceptual import LAYERS, relative_loss
from restore_recog.nn.ssim import ssim
from restore_recog.nn.teachers import Teachers
from restore_recog.restorers.ecgan.expert import Expert


@dataclass(frozen=True, eq=False)
class Scene:
    """A batch on the device: images (N, 3, H, W) in [0, 1], masks (N, 1, H, W), labels (N,).

    Attributes:
        mask, hole: The true mask, and what the networks are shown of it: a wider one.
        people: (N,), or None.
        valid: Of the batch.
    """

    occluded: Tensor
    clean: Tensor
    mask: Tensor
    hole: Tensor
    labels: Tensor
    people: Tensor | None
    valid: Tensor | None = None


def reconstruction_loss(made: Tensor, clean: Tensor, *, half: bool = False) -> Tensor:
    """Return L1 + (1 - SSIM) (equation 2), L1 on [-1, 1] and SSIM on [0, 1].

    Deviation: the paper adds SSIM itself, which would make images less alike.

    Args:
        made, clean: (N, 3, H, W) in [0, 1].
        half: Whether to take the mean of the two, as the published code does.
    """
    made, clean = made.float(), clean.float()  # close images differ by less than bfloat16 can tell
    loss = 2 * F.l1_loss(made, clean) + (1 - ssim(made, clean)).mean()
    return loss / 2 if half else loss


def perceptual_loss(
    made: Sequence[Tensor], clean: Sequence[Tensor], *, squared: bool = False
) -> Tensor:
    """Return the sum over layers of the mean difference of features.

    Deviation: equation 5 has squared norms (*squared*; here their means); the published code, by
    which alone the loss's weight can be understood, takes absolute differences.
    """
    distance = F.mse_loss if squared else F.l1_loss
    pairs = zip(made, clean, strict=True)
    return torch.stack([distance(a.float(), b.float().detach()) for a, b in pairs]).sum()


def logits(critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
    """Return a discriminator's (M, places) logits.

    Args:
        critic: A :class:`restore_recog.restorers.ecgan.networks.Discriminator`.
        images: (M, 3, H, W) in [0, 1]: those of the scene, or several such sets end to end.
        scene: N images; M is a multiple of N.
    """
    times = len(images) // len(scene.clean)
    given = (scene.hole, scene.labels, 2 * scene.occluded - 1)
    repeated = [part.repeat(times, *[1] * (part.dim() - 1)) for part in given]
    return judged(critic, 2 * images - 1, *repeated).flatten(1)


class GeneratorTerms:
    """The generator's losses, each named as the option that is its weight.

    Args:
        options: Of the training.
        critics: The discriminators by name.
        features: (N, 3, H, W) -> a list of feature maps; None for no perceptual loss.
        identity: Of the identity terms, or None.
        expert: Tells expressions, or None.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        critics: nn.ModuleDict,
        features: nn.Module | None,
        identity: Teachers | None,
        expert: Expert | None,
    ) -> None:
        self.options, self.critics = options, critics
        self.features, self.identity, self.expert = features, identity, expert

    def __call__(self, made: Tensor, scene: Scene, opponents: Sequence[str]) -> dict[str, Tensor]:
        """Return the losses of (N, 3, H, W) images in [0, 1].

        Args:
            made: What the generator made of the scene.
            scene: Where from.
            opponents: Names of the discriminators that it plays against.
        """
        o, clean = self.options, scene.clean
        losses = {"rec": reconstruction_loss(made, clean, half=o["rec_half"])}
        if self.features is not None:
            with torch.no_grad():
                wanted = self.features(clean)
            if o["perceptual"] == LAYERS:
                losses["per"] = relative_loss(self.features(made), wanted).mean()
            else:
                losses["per"] = perceptual_loss(self.features(made), wanted, squared=o["squared"])
        for name in opponents:
            if o[f"adv_{name}"]:
                with frozen(self.critics[name]) as critic:
                    losses[f"adv_{name}"] = generator_loss(logits(critic, made, scene)).mean()
        if self.identity is not None:
            apart, excess = self.identity(made, clean, scene.people)
            losses |= {"identity": apart.mean(), "margin": excess.mean()}
        if self.expert is not None:
            losses["expression"] = self.expert(made, scene.labels)
        return losses
