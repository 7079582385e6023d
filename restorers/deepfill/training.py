"""The training of DeepFill v2 (section 3.4): both stages at once by L1, the second by hinge too."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.adversarial import HINGE, judged
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.restorers.deepfill.networks import DeepFillNets, SNPatchGAN
from restore_recog.restorers.deepfill.presets import FAMILY


class DeepFillTraining(InpainterTraining):
    """Everything that one training of DeepFill holds; arguments as for its base."""

    family = FAMILY
    model = DeepFillNets
    game = HINGE
    nets: DeepFillNets

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return SN-PatchGAN on image and mask."""
        return {"critic": SNPatchGAN(self.options["critic_widths"])}

    def outputs(self, scene: Scene) -> Outputs:
        """Return the refined faces and the coarse ones, (N, 3, H, W) each."""
        coarse, fine = self.nets.stages(scene.occluded, scene.hole)
        return {"face": fine, "coarse": coarse}

    def judgement(self, critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
        """Return how real images look inside their holes, (M, C, h, w) logits."""
        return judged(critic, 2 * images - 1, scene.beside(scene.hole, images))

    def shown(self, made: Outputs, scene: Scene) -> Tensor:
        """Return the refined faces in the image, (N, 3, H, W)."""
        return scene.pasted(made["face"])

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return L1 of both stages on images in [-1, 1], hinge, and the identity terms."""
        pasted = self.shown(made, scene)
        losses = {
            "coarse": 2 * F.l1_loss(made["coarse"], scene.clean),
            "pixel": 2 * F.l1_loss(made["face"], scene.clean),
        }
        if self.options["adv"]:
            losses["adv"] = self.fooling("critic", pasted, scene)
        return losses | self.recognised(pasted, scene)
