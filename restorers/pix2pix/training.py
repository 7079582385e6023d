"""The training of pix2pix (section 3): L1 and a discriminator that sees input and output."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.adversarial import ENTROPY, judged
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.nn.patchgan import PatchGAN
from restore_recog.restorers.pix2pix.networks import Pix2PixNets
from restore_recog.restorers.pix2pix.presets import FAMILY


class Pix2PixTraining(InpainterTraining):
    """Everything that one training of pix2pix holds; arguments as for its base."""

    family = FAMILY
    model = Pix2PixNets
    game = ENTROPY
    nets: Pix2PixNets

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return the 70 x 70 PatchGAN on input and output."""
        return {"critic": PatchGAN(6, self.options["base_critic"], norm="batch", bias=True)}

    def judgement(self, critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
        """Return how real images look beside what they were made of, (M, 1, h, w) logits."""
        given = scene.beside(self.nets.given(scene.occluded, scene.hole), images)
        return judged(critic, 2 * given - 1, 2 * images - 1)

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return L1 (equation 3), the adversarial loss (equation 2) and the identity terms."""
        face = made["face"]
        losses = {"pixel": 2 * F.l1_loss(face, scene.clean)}  # as in the paper's [-1, 1]
        if self.options["adv"]:
            losses["adv"] = self.fooling("critic", face, scene)
        return losses | self.recognised(scene.pasted(face), scene)
