"""The training of GLCIC (section 3.4): the completion network, the discriminator, then both."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from restore_recog.nn.adversarial import ENTROPY, judged
from restore_recog.nn.critic_branch import check_view
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.restorers.glcic.networks import ContextCritic, GLCICNets
from restore_recog.restorers.glcic.presets import FAMILY


class GLCICTraining(InpainterTraining):
    """Everything that one training of GLCIC holds; arguments as for its base."""

    family = FAMILY
    model = GLCICNets
    game = ENTROPY
    nets: GLCICNets

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return the discriminator of both views.

        Raises:
            TrainingError: The local view is larger than the image, or too small.
        """
        o = self.options
        check_view(self.family.model, o["local"], o["size"], len(o["local_widths"]))
        critic = ContextCritic(
            o["critic_widths"],
            o["local_widths"],
            hidden=o["critic_hidden"],
            size=o["size"],
            local=o["local"],
            norm=o["critic_norm"],
        )
        return {"critic": critic}

    def optimizer(self, net: nn.Module, lr: float) -> torch.optim.Optimizer:
        """Return Adadelta as the paper does, or Adam."""
        if self.options["optimizer"] == "adam":
            return super().optimizer(net, lr)
        parameters = [{"params": list(net.parameters()), "initial_lr": lr}]
        return torch.optim.Adadelta(parameters, lr=lr)

    def step(self, stage: str, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of what the stage trains; return the losses."""
        if stage == "both":
            return super().step(stage, scene, share)
        if stage == "critic":
            self.nets.eval()
            self.critics.train()
            with torch.no_grad():
                made = scene.counted(self.outputs(scene))
            return self.teach("critic", self.shown(made, scene), scene, share)
        self.nets.train()
        losses = {"pixel": squares(scene.counted(self.outputs(scene))["face"], scene)}
        self.descend("nets", self.total(losses), share)
        return losses

    def judgement(self, critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
        """Return how real images look, whole and around the hole, (M, 1) logits."""
        return judged(critic, 2 * images - 1, scene.beside(scene.hole, images))

    def shown(self, made: Outputs, scene: Scene) -> Tensor:
        """Return the faces in their images, (N, 3, H, W)."""
        return scene.pasted(made["face"])

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return equation 2, the adversarial loss and the identity terms."""
        pasted = self.shown(made, scene)
        losses = {"pixel": squares(made["face"], scene)}
        if self.options["adv"]:
            losses["adv"] = self.fooling("critic", pasted, scene)
        return losses | self.recognised(pasted, scene)


def squares(face: Tensor, scene: Scene) -> Tensor:
    """Return the squared difference inside the hole, the mean over the image (equation 2).

    The paper prints a sum, at which its weight of the adversarial loss would mean nothing.
    """
    return ((face.float() - scene.clean.float()).square() * scene.hole).mean()
