"""The training of Pluralistic (section 3): two paths, of which only one is shown the truth.

The reconstructive path draws from the posterior, which has seen what is hidden; the generative
one from the prior, which has not and is drawn towards it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.adversarial import SQUARES, frozen
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.nn.masks import smaller
from restore_recog.restorers.pluralistic.networks import (
    Discriminator,
    Normal,
    PluralisticNets,
    outside,
)
from restore_recog.restorers.pluralistic.presets import FAMILY

PATHS = {"face": "critic", "rec": "critic_rec"}
"""What the generative and the reconstructive path make, and the discriminator of each."""


class PluralisticTraining(InpainterTraining):
    """Everything that one training of Pluralistic holds; arguments as for its base."""

    family = FAMILY
    model = PluralisticNets
    betas = (0.0, 0.999)
    game = SQUARES
    nets: PluralisticNets

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return one discriminator for the faces of each path."""
        o = self.options
        return {name: Discriminator(o["base_critic"], o["layers"]) for name in PATHS.values()}

    def outputs(self, scene: Scene) -> Outputs:
        """Return the faces of both paths, at all sizes, and how far their distributions are.

        In training both paths draw; else both take the means. ``face`` and ``rec`` are whole,
        ``face 1``, ``face 2``, ... a half, a quarter, ... as large.
        """
        truth = torch.where(scene.hole > 0, 2 * scene.clean - 1, 0.0)
        maps, prior, posterior = self.nets.encoder(outside(scene.occluded, scene.hole), truth)
        two = (posterior, prior)
        drawn = [one.drawn() if self.nets.training else one.mean for one in two]
        images = self.nets.decoder(torch.cat(drawn), maps, scene.hole)
        made: dict[str, Tensor] = {"kl": distances(prior, posterior, scene.hole)}
        for step, both in enumerate(reversed(images)):
            rec, face = (both.float() / 2 + 0.5).chunk(2)
            suffix = f" {step}" if step else ""
            made |= {f"face{suffix}": face, f"rec{suffix}": rec}
        return made

    def step(self, stage: str, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of each discriminator, then one of the networks; return the losses."""
        self.nets.train()
        self.critics.train()
        losses: dict[str, Tensor] = {}
        made = scene.counted(self.outputs(scene))
        for (path, critic), weight in zip(PATHS.items(), ("adv", "match"), strict=True):
            if self.options[weight]:
                losses |= self.teach(critic, made[path], scene, share)
        terms = self.terms(made, scene)
        self.descend("nets", self.total(terms), share)
        return losses | terms

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return the losses of equation 8, and the identity terms of the generative path."""
        o, face = self.options, made["face"]
        seen = 1 - scene.hole if o["compared"] == "visible" else torch.ones_like(scene.hole)
        scales = range(o["scales"])
        losses = {
            "pixel": apart(sizes(made, "rec", scales), scene.clean)
            + apart(sizes(made, "face", scales), scene.clean, seen),
            # As often as images are compared: once for each of their sizes.
            "kl": o["scales"] * made["kl"],
        }
        if o["adv"]:
            losses["adv"] = self.fooling("critic", face, scene)
        if o["match"]:
            losses["match"] = self.matching(made["rec"], scene)
        return losses | self.recognised(scene.pasted(face), scene)

    def matching(self, rec: Tensor, scene: Scene) -> Tensor:
        """Return how differently the discriminator answers for reconstructed and true images.

        Equation 11: the mean squared difference; gradients reach *rec* alone.
        """
        with frozen(self.critics["critic_rec"]) as critic:
            both = torch.cat([scene.clean, rec])  # (2 N, 3, H, W)
            real, fake = self.judgement(critic, both, scene).chunk(2)
        return F.mse_loss(fake, real.detach())


def sizes(made: Outputs, path: str, scales: Sequence[int]) -> list[Tensor]:
    """Return a path's faces, the whole first, each half as large as the one before."""
    return [made[f"{path} {step}" if step else path] for step in scales]


def apart(faces: Sequence[Tensor], clean: Tensor, seen: Tensor | None = None) -> Tensor:
    """Return the sum over sizes of the mean absolute difference, on images in [-1, 1].

    Args:
        faces: (N, 3, h, w) in [0, 1] each.
        clean: (N, 3, H, W) in [0, 1].
        seen: (N, 1, H, W) in [0, 1] where they are compared; None for everywhere.
    """
    losses = []
    for face in faces:
        difference = 2 * (face - smaller(clean, face)).abs()
        losses.append((difference if seen is None else smaller(seen, face) * difference).mean())
    return torch.stack(losses).sum()


def distances(prior: Normal, posterior: Normal, hole: Tensor) -> Tensor:
    """Return the mean of KL(posterior || N(0, sigma)) and of KL(posterior || prior), added.

    Equations 5 and 6. The second moves the prior alone. In float32.

    Args:
        prior, posterior: Of N images.
        hole: (N, 1, H, W), which gives the deviations: :func:`spread`.
    """
    assumed = Normal(torch.zeros_like(posterior.mean), spread(hole).expand_as(posterior.mean))
    return divergence(posterior, assumed) + divergence(posterior.detached(), prior)


def spread(hole: Tensor) -> Tensor:
    """Return the (N, 1, 1, 1) deviations that are assumed: the larger, the larger the hole.

    1 / (1 + exp(8 (v - 0.8))) for the visible share v: what a small hole hides is nearly known.
    Source: the published code; the paper says that it depends on the number of hidden pixels.
    """
    visible = 1 - hole.flatten(1).mean(1)  # (N,)
    return torch.sigmoid(8 * (0.8 - visible)).view(-1, 1, 1, 1)


def divergence(one: Normal, other: Normal) -> Tensor:
    """Return the mean over all numbers of KL(one || other)."""
    ratio = (one.deviation / other.deviation).square()
    away = ((one.mean - other.mean) / other.deviation).square()
    return (ratio + away - 1 - ratio.log()).mean() / 2
