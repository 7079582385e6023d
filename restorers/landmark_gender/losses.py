"""The inpainting losses (section III.D), means over the batch; least squares are shared.

The equations are printed with slips. The style loss names the network where the Gram matrix of
its features is meant; the discriminator's loss lacks the half that the published code of the same
losses has; the weight of the perceptual term is printed as the term's own value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.nn.adversarial import SQUARES, frozen, judged
from restore_recog.nn.inpainting.features import FeatureTerms
from restore_recog.nn.inpainting.losses import over_hole, variation
from restore_recog.nn.masks import truth_beyond
from restore_recog.nn.teachers import Teachers


@dataclass(frozen=True, eq=False)
class Scene:
    """A batch on the device: images (N, 3, H, W) in [0, 1], masks (N, 1, H, W), labels (N,).

    Attributes:
        mask, hole: The true mask, and what the networks are shown of it: a wider one.
        dots: (N, 1, H, W) the landmarks; None for networks without.
        labels: Codes of the genders, below 0 where unknown.
        people: (N,), or None.
        valid: (N, 1, H, W) where the photograph is; None where that is everywhere.
    """

    occluded: Tensor
    clean: Tensor
    mask: Tensor
    hole: Tensor
    dots: Tensor | None
    labels: Tensor
    people: Tensor | None
    valid: Tensor | None = None

    def counted(self, made: Tensor) -> Tensor:
        """Return what was made, with the truth beyond the photograph: no loss counts that."""
        return truth_beyond(made, self.clean, self.valid)

    def pasted(self, made: Tensor) -> Tensor:
        """Return what was made in the hole and the image around it, (N, 3, H, W)."""
        return torch.where(self.hole > 0, made, self.occluded)


class GeneratorTerms:
    """The generator's losses, each named as the option that is its weight.

    Args:
        options: Of the training.
        features: The losses on features.
        identity: Of the identity terms, or None.
    """

    def __init__(
        self, options: Mapping[str, Any], features: FeatureTerms, identity: Teachers | None
    ) -> None:
        self.options, self.features, self.identity = options, features, identity

    def __call__(self, made: Tensor, scene: Scene, critic: nn.Module) -> dict[str, Tensor]:
        """Return the losses of (N, 3, H, W) images in [0, 1].

        Args:
            made: The generator's faces, pasted or not, as the training judges them.
            scene: Where from.
            critic: The discriminator that it plays against.
        """
        o, clean = self.options, scene.clean
        smoothed = made if o["tv_on"] == "made" else scene.pasted(made)
        losses = {"pixel": over_hole(made, clean, scene.hole), "tv": variation(smoothed.float())}
        losses |= self.features(made, clean, scene.hole)
        if o["adv"]:
            with frozen(critic):
                losses["adv"] = SQUARES.generator(judgement(critic, made, scene))
        if self.identity is not None:
            apart, excess = self.identity(made, clean, scene.people)
            losses |= {"identity": apart.mean(), "margin": excess.mean()}
        return losses

    def weighted(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses times their weights."""
        return {name: self.options[name] * loss for name, loss in losses.items()}


def judgement(critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
    """Return a discriminator's (M, 1, h, w) answers, in (0, 1).

    Args:
        critic: A :class:`restore_recog.restorers.landmark_gender.networks.Discriminator`.
        images: (M, 3, H, W) in [0, 1]: those of the scene, or several such sets end to end.
        scene: N images; M is a multiple of N.
    """
    if scene.dots is None:
        return judged(critic, images)
    times = len(images) // len(scene.dots)
    return judged(critic, images, scene.dots.repeat(times, 1, 1, 1))
