"""The training of CTSDG (sections 3.3 and 4.1).

The true edges are what structure stream and edge detector should give, and what the discriminator
takes for real; the generator is never shown them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.errors import TrainingError
from restore_recog.nn.adversarial import ENTROPY, frozen, judged
from restore_recog.nn.edges import edge_entropy
from restore_recog.nn.inpainting.features import FeatureTerms, Layers
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.sketched import SketchedScene, edges_of
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.restorers.ctsdg.critics import TwoStreams
from restore_recog.restorers.ctsdg.networks import CTSDGNets
from restore_recog.restorers.ctsdg.presets import FAMILY
from restore_recog.types import FaceBatch

VGG16 = Layers("vgg16", (5, 10, 17), (0, 1, 2), (0, 1, 2), signed=True)
"""The first three pooled maps, for what is seen and for style."""


class CTSDGTraining(InpainterTraining):
    """Everything that one training of CTSDG holds; arguments as for its base.

    Raises:
        TrainingError: As for its base, or there are too many levels for images of that size.
    """

    family = FAMILY
    model = CTSDGNets
    betas = (0.9, 0.999)
    game = ENTROPY
    nets: CTSDGNets

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        super().__init__(preset, device, **options)
        most = self.image_size.bit_length() - 2
        if self.options["levels"] > most:
            raise TrainingError(
                f"ctsdg's option 'levels' cannot be {self.options['levels']} at {self.image_size} "
                f"pixels, where the innermost map would have one place; choose {most} or less."
            )
        self.features = FeatureTerms(self.options, device, VGG16)

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return the discriminator of two streams."""
        return {"critic": TwoStreams(self.options["base_critic"])}

    def share(self, stage: str, progress: float) -> float:
        """Return the learning rates in a stage, as a share of the first."""
        share = super().share(stage, progress)
        return share * float(self.options["lr_finetune"]) if stage == "finetune" else share

    def outputs(self, scene: Scene) -> Outputs:
        """Return ``face``, and what each stream makes by itself: ``image`` and ``edges``."""
        assert isinstance(scene, SketchedScene)
        made = self.nets.made(scene.occluded, scene.hole, scene.known)
        return {name: one.float() for name, one in made.items()}

    def step(self, stage: str, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of the discriminator and one of the generator."""
        self.nets.still = stage == "finetune"
        return super().step(stage, scene, share)

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return the generator's losses (equations 10 to 15) and the identity terms.

        L1 is that of images in [-1, 1], to which the weights belong.
        """
        assert isinstance(scene, SketchedScene)
        face, clean, hole = made["face"], scene.clean, scene.hole
        off = 2 * (face - clean).abs()
        losses = {"hole": (off * hole).mean(), "valid": (off * (1 - hole)).mean()}
        faces = [scene.pasted(face), *([face] if self.options["compared"] == "both" else [])]
        for one in faces:
            for name, loss in self.features(one, clean, hole).items():
                losses[name] = losses[name] + loss if name in losses else loss
        if self.options["adv"]:
            losses["adv"] = self.fooling("critic", face, scene)
        edges = edge_entropy(made["edges"], scene.true)
        losses["intermediate"] = edges + 2 * (made["image"] - clean).abs().mean()
        return losses | self.recognised(scene.pasted(face), scene)

    def teach(self, name: str, face: Tensor, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of the discriminator, whose edge detector learns the true edges."""
        assert isinstance(scene, SketchedScene)
        both = torch.cat([scene.clean, face.detach()])  # (2 N, 3, H, W)
        grey = scene.grey.repeat(2, 1, 1, 1)
        answers, edges = judged(self.critics[name], 2 * both - 1, grey, scene.true)
        real, fake = answers.chunk(2)
        detecting = 2 * edge_entropy(edges, scene.true.repeat(2, 1, 1, 1))
        loss = self.game.critic(real, fake)
        self.descend(name, loss + detecting, share)
        right = self.game.accuracies(real.detach(), fake.detach())
        return {name: loss, "detecting": detecting, **right}

    def fooling(self, name: str, face: Tensor, scene: Scene) -> Tensor:
        """Return what the generator loses because its face is told, or its edges are not true."""
        assert isinstance(scene, SketchedScene)
        with frozen(self.critics[name]) as critic:
            answers, edges = judged(critic, 2 * face - 1, scene.grey)
            return self.game.generator(answers) + edge_entropy(edges, scene.true)

    def sketches(self, made: Outputs, scene: Scene) -> Sequence[Tensor]:
        """Return rows of what each stream makes, edges and image."""
        return made["edges"].expand(-1, 3, -1, -1), made["image"]

    def _scene(self, batch: FaceBatch, width: int) -> SketchedScene:
        return SketchedScene(**edges_of(super()._scene(batch, width), self.nets.sigma))
