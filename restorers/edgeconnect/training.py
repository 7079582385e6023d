"""The training of EdgeConnect (sections 3 and 4.2): the lines, the image, then both together.

The true edges are what the edge generator should have drawn; no network is ever shown them. What
it is shown are the edges of the occluded image.

Deviation: the paper trains the inpainting generator with the true edges and lets it meet predicted
ones at the end. Here, as in the published code's third step, it is shown predicted ones in the
hole from the start, those of the edge generator that is trained by then.
Deviation: ``entropy`` compares pixel by pixel, since a compact training is too short to learn lines
from a discriminator alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.nn.adversarial import ENTROPY, frozen, judged
from restore_recog.nn.edges import edge_entropy
from restore_recog.nn.inpainting.features import FeatureTerms
from restore_recog.nn.inpainting.losses import feature_loss, over_hole
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.sketched import SketchedScene, edges_of
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.nn.patchgan import PatchGAN
from restore_recog.restorers.edgeconnect.networks import EdgeConnectNets
from restore_recog.restorers.edgeconnect.presets import FAMILY
from restore_recog.types import FaceBatch

THRESHOLD = 0.5
"""Probability from which a pixel counts as one of an edge when edges are counted."""


@dataclass(frozen=True, eq=False)
class LinedScene(SketchedScene):
    """A scene with what the edge generator made of it.

    Attributes:
        lines: (N, 1, H, W) known edges and in the hole sketched ones, in [0, 1]; None before.
    """

    lines: Tensor | None = None


class EdgeConnectTraining(InpainterTraining):
    """Everything that one training of EdgeConnect holds; arguments as for its base."""

    family = FAMILY
    model = EdgeConnectNets
    betas = (0.0, 0.9)
    game = ENTROPY
    nets: EdgeConnectNets

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        super().__init__(preset, device, **options)
        self.features = FeatureTerms(self.options, device)

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return a 70 x 70 PatchGAN each for grey and edges, and for image and edges."""
        base = self.options["base_critic"]
        return {"critic_edge": PatchGAN(2, base), "critic": PatchGAN(4, base)}

    def learners(self) -> Mapping[str, nn.Module]:
        """Return the generators, each of which learns in a stage of its own, and both."""
        return {"edges": self.nets.edges, "inpainter": self.nets.inpainter, "both": self.nets}

    def share(self, stage: str, progress: float) -> float:
        """Return the learning rates in a stage, as a share of the first."""
        share = super().share(stage, progress)
        return share * float(self.options["lr_joint"]) if stage == "joint" else share

    def sketched(self, scene: LinedScene) -> Tensor:
        """Return what the edge generator draws, (N, 1, H, W) in (0, 1)."""
        return self.nets.sketched(scene.occluded, scene.hole, scene.known).float()

    def outputs(self, scene: Scene) -> Outputs:
        """Return ``face``, and ``lines``: known edges and in the hole sketched ones."""
        assert isinstance(scene, LinedScene)
        lines = torch.where(scene.hole > 0, self.sketched(scene), scene.known)
        return self._painted(scene, lines)

    def step(self, stage: str, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take a step of what learns in that stage and of its discriminator."""
        assert isinstance(scene, LinedScene)
        self.nets.train()
        self.critics.train()
        if stage == "edge":
            return self._sketch(scene, share)
        joint = stage == "joint"
        self.nets.edges.train(joint)
        with torch.set_grad_enabled(joint):
            lines = torch.where(scene.hole > 0, self.sketched(scene), scene.known)
        made = scene.counted(self._painted(scene, lines))
        losses: dict[str, Tensor] = {}
        if self.options["adv"]:
            shown = replace(scene, lines=lines.detach())
            losses |= self.teach("critic", made["face"], shown, share)
        terms = self.terms(made, scene)
        self.descend("both" if joint else "inpainter", self.total(terms), share)
        return losses | terms

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return the inpainting generator's losses (equations 8 to 11) and the identity terms."""
        assert isinstance(scene, LinedScene)
        face = made["face"]
        losses = {"pixel": over_hole(face, scene.clean, scene.hole)}
        losses |= self.features(face, scene.clean, scene.hole)
        if self.options["adv"]:
            losses["adv"] = self.fooling("critic", face, replace(scene, lines=made["lines"]))
        return losses | self.recognised(scene.pasted(face), scene)

    def sketch_terms(self, sketched: Tensor, scene: LinedScene) -> dict[str, Tensor]:
        """Return the edge generator's losses (equations 2 to 5).

        Args:
            sketched: (N, 1, H, W) in (0, 1).
            scene: Where from.
        """
        both = torch.cat([scene.true, sketched])  # (2 N, 1, H, W)
        grey = scene.grey.repeat(2, 1, 1, 1)
        with (
            frozen(self.critics["critic_edge"]) as critic,
            torch.autocast(both.device.type, enabled=False),
        ):
            assert isinstance(critic, PatchGAN)
            halves = [maps.chunk(2) for maps in critic.features(grey, both)]
        true, made = zip(*halves, strict=True)
        losses = {"matching": feature_loss(made, true)}
        if self.options["entropy"]:
            losses["entropy"] = edge_entropy(sketched, scene.true)
        if self.options["adv_edge"]:
            losses["adv_edge"] = self.game.generator(made[-1])
        return losses

    def real(self, name: str, scene: Scene) -> Tensor:
        """Return what a discriminator should take for real: true edges, or clean images."""
        assert isinstance(scene, LinedScene)
        return scene.true if name == "critic_edge" else scene.clean

    def judgement(self, critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
        """Return how real edges look beside the grey image, or an image beside its edges."""
        assert isinstance(scene, LinedScene)
        if critic is self.critics["critic_edge"]:
            return judged(critic, scene.beside(scene.grey, images), images)
        assert scene.lines is not None
        return judged(critic, images, scene.beside(scene.lines, images))

    def sketches(self, made: Outputs, scene: Scene) -> Sequence[Tensor]:
        """Return a row of lines."""
        return (made["lines"].expand(-1, 3, -1, -1),)

    def figures(self, made: Outputs, scene: Scene) -> dict[str, float]:
        """Return how good the edges in the hole are."""
        assert isinstance(scene, LinedScene)
        drawn = (made["lines"] > THRESHOLD) & (scene.hole > 0)
        true = (scene.true > 0) & (scene.hole > 0)
        right = float((drawn & true).sum())
        return {
            "edge_precision": right / max(float(drawn.sum()), 1),
            "edge_recall": right / max(float(true.sum()), 1),
        }

    def _painted(self, scene: LinedScene, lines: Tensor) -> Outputs:
        face = self.nets.painted(scene.occluded, scene.hole, lines).float()
        return {"face": face, "lines": lines}

    def _sketch(self, scene: LinedScene, share: float) -> dict[str, Tensor]:
        """Take a step of the edge generator and of its discriminator."""
        sketched = self.sketched(scene)
        losses = self.teach("critic_edge", sketched, scene, share)
        terms = self.sketch_terms(sketched, scene)
        self.descend("edges", self.total(terms), share)
        return losses | terms

    def _scene(self, batch: FaceBatch, width: int) -> LinedScene:
        return LinedScene(**edges_of(super()._scene(batch, width), self.nets.sigma))
