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

from restore_recog.nn.adversarial import judged, squares_generator_loss
from restore_recog.nn.inpainting.losses import feature_loss, over_hole, style_loss, variation
from restore_recog.nn.teachers import Teachers

VGG_ENDS = (2, 7, 9, 12, 18, 21, 27, 30, 32)
"""Where VGG-19's feature maps end: those of the perceptual and of the style loss."""

LAYERS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "vgg19": ((0, 1, 3, 5, 7), (2, 4, 6, 8)),
    "recognizer": ((0,), (0,)),
}
"""Feature network -> which of its maps the perceptual and the style loss compare: of VGG-19
relu1_1, 2_1, 3_1, 4_1, 5_1 and relu2_2, 3_4, 4_4, 5_2."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A batch on the device: images (N, 3, H, W) in [0, 1], masks (N, 1, H, W), labels (N,).

    Attributes:
        mask, hole: The true mask, and what the networks are shown of it: a wider one.
        dots: (N, 1, H, W) the landmarks; None for networks without.
        labels: Codes of the genders, below 0 where unknown.
        people: (N,), or None.
    """

    occluded: Tensor
    clean: Tensor
    mask: Tensor
    hole: Tensor
    dots: Tensor | None
    labels: Tensor
    people: Tensor | None

    def pasted(self, made: Tensor) -> Tensor:
        """Return what was made in the hole and the image around it, (N, 3, H, W)."""
        return torch.where(self.hole > 0, made, self.occluded)


class GeneratorTerms:
    """The generator's losses, each named as the option that is its weight.

    Args:
        options: Of the training.
        features: (N, 3, H, W) -> a list of feature maps; None for neither loss of features.
        identity: Of the identity terms, or None.
    """

    def __init__(
        self, options: Mapping[str, Any], features: nn.Module | None, identity: Teachers | None
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
        if self.features is not None:
            losses |= self._of_features(made, scene)
        if o["adv"]:
            critic.requires_grad_(False)
            losses["adv"] = squares_generator_loss(judgement(critic, made, scene))
            critic.requires_grad_(True)
        if self.identity is not None:
            apart, excess = self.identity(made, clean, scene.people)
            losses |= {"identity": apart.mean(), "margin": excess.mean()}
        return losses

    def weighted(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses times their weights."""
        return {name: self.options[name] * loss for name, loss in losses.items()}

    def _of_features(self, made: Tensor, scene: Scene) -> dict[str, Tensor]:
        o = self.options
        seen, wanted = self._maps(made, scene.clean)
        wholes = (seen, wanted)
        if o["style"] and o["style_on_hole"]:
            seen, wanted = self._maps(made * scene.hole, scene.clean * scene.hole)
        losses = {}
        for name, loss, pair, layers in (
            ("per", feature_loss, wholes, LAYERS[o["perceptual"]][0]),
            ("style", style_loss, (seen, wanted), LAYERS[o["perceptual"]][1]),
        ):
            if o[name]:
                losses[name] = loss(*([maps[n] for n in layers] for maps in pair))
        return losses

    def _maps(self, made: Tensor, clean: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        assert self.features is not None
        with torch.no_grad():
            wanted = self.features(clean)
        return self.features(made), wanted


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
