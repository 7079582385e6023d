"""The training of AOT-GAN (sections 3.2 and 3.3): L1, features, and a discriminator of patches.

The discriminator does not say whether an image is generated but where: of a restored face it
should call the patches of the hole false and all others real. The published code has these targets
inverted in one version and mixed in another; here they are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from restore_recog.errors import TrainingError
from restore_recog.nn.adversarial import SQUARES, Game
from restore_recog.nn.inpainting.features import FeatureTerms
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.nn.patchgan import PatchGAN
from restore_recog.restorers.aotgan.networks import AOTGANNets
from restore_recog.restorers.aotgan.presets import FAMILY


class AOTGANTraining(InpainterTraining):
    """Everything that one training of AOT-GAN holds; arguments as for its base."""

    family = FAMILY
    model = AOTGANNets
    game = SQUARES
    nets: AOTGANNets

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        super().__init__(preset, device, **options)
        o = self.options
        if max(o["rates"]) >= o["size"] // 4:
            raise TrainingError(
                f"aotgan's option 'rates' cannot hold {max(o['rates'])} at a size of {o['size']}: "
                f"its blocks work on maps of {o['size'] // 4}."
            )
        self.features = FeatureTerms(o, device)

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return the 70 x 70 PatchGAN on the image alone.

        Deviation: its last convolution is spectrally normalised too.
        """
        return {"critic": PatchGAN(3, self.options["base_critic"], last_bias=True)}

    def shown(self, made: Outputs, scene: Scene) -> Tensor:
        """Return the faces in their images, (N, 3, H, W)."""
        return scene.pasted(made["face"])

    def rules(self, scene: Scene) -> Game:
        """Return least squares whose targets know the scene's holes."""
        blur: float = self.options["blur"]
        return Game(
            lambda real, fake: critic_loss(real, fake, scene.hole, blur),
            lambda fake: generator_loss(fake, scene.hole),
            self.game.even,
        )

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return L1 on images in [-1, 1], features, the adversarial loss and the identity terms."""
        face = made["face"]
        pasted = self.shown(made, scene)
        losses = {"pixel": 2 * F.l1_loss(face, scene.clean)}
        losses |= self.features(face, scene.clean, scene.hole)
        if self.options["adv"]:
            losses["adv"] = self.fooling("critic", pasted, scene)
        return losses | self.recognised(pasted, scene)


def critic_loss(real: Tensor, fake: Tensor, hole: Tensor, blur: float) -> Tensor:
    """Return how far answers are from 1 in real images, and from :func:`soft_target` in others.

    Args:
        real, fake: (N, 1, h, w) answers.
        hole: (N, 1, H, W) in {0, 1}.
        blur: Of the target.
    """
    target = soft_target(hole, (fake.shape[2], fake.shape[3]), blur)
    return (real - 1).square().mean() + (fake - target).square().mean()


def generator_loss(fake: Tensor, hole: Tensor) -> Tensor:
    """Return how far (N, 1, h, w) answers are from 1 inside the holes; 0 without any."""
    share = F.adaptive_avg_pool2d(hole, (fake.shape[2], fake.shape[3]))  # (N, 1, h, w)
    return ((fake - 1).square() * share).sum() / share.sum().clamp_min(1e-6)


def soft_target(hole: Tensor, size: tuple[int, int], blur: float) -> Tensor:
    """Return what a discriminator should say of restored faces: 1 far from the hole, 0 deep in it.

    Args:
        hole: (N, 1, H, W) in {0, 1}.
        size: (h, w) of the answers.
        blur: Deviation of the Gaussian in pixels of the image.
    """
    side = 2 * ceil(3.5 * blur) + 1
    soft = gaussian_blur(hole, [side, side], [blur, blur])
    return 1 - F.adaptive_avg_pool2d(soft, size)  # (N, 1, h, w)
