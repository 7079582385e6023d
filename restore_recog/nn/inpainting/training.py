"""What the trainings of inpainters share, as what the training engine drives.

A model says which networks and discriminators there are, which stages, and its losses; order,
options, optimisers, validation and previews are the same for all. The identity terms, what
teachers find the restored face to have lost of the clean one, are in no paper; they are 0 in every
``paper`` preset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from math import cos, pi
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.nn.adversarial import ENTROPY, Game, balance, frozen, judged
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.inpainting.family import Family
from restore_recog.nn.inpainting.restorer import InpaintingNets
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.masks import grow, pasted, truth_beyond
from restore_recog.nn.options import learnt, plain
from restore_recog.nn.stepping import adam, shares, start_from, update
from restore_recog.nn.teachers import Teachers
from restore_recog.types import FaceBatch


class InpainterTraining(ABC):
    """Everything that one training holds; satisfies ``restore_recog.api.Trainable``.

    A model is a child of this: it sets the attributes, makes its discriminators and its outputs,
    and says its losses. One whose stages are not all one step of each network writes ``step``.

    Attributes:
        family: Its options.
        model: Its networks.
        betas: Of Adam.
        game: What discriminator and generator play for.

    Args:
        preset: ``paper``, ``compact`` or ``tiny``.
        device: Where it trains.
        options: Overrides of the preset.

    Raises:
        TrainingError: An option does not fit, or a network that a loss needs is not available.
    """

    family: ClassVar[Family]
    model: ClassVar[type[InpaintingNets]]
    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    game: ClassVar[Game] = ENTROPY

    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = self.family.read(preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.nets = self.model(o)
        o["init"] = start_from(self.nets, o["init"], self.family.model)
        self.critics = nn.ModuleDict(self.make_critics())
        for net in (self.nets, self.critics):
            net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.identity: Teachers | None = None
        if o["identity"] or o["margin"]:
            self.identity = Teachers.of_options(o, str(device))
        self._learning = {**self.learners(), **dict(self.critics.items())}
        self.optimizers = {
            f"adam_{name}": self.optimizer(net, o["lr_critic" if name in self.critics else "lr"])
            for name, net in self._learning.items()
        }

    # What a model says of itself.

    @abstractmethod
    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return the discriminators by name: ``critic``, or ``critic_NAME`` of several."""

    def learners(self) -> Mapping[str, nn.Module]:
        """Return what learns by one loss and one optimiser, by name; here all networks do."""
        return {"nets": self.nets}

    def outputs(self, scene: Scene) -> Outputs:
        """Return what the networks make of a scene, in the mode that they are in."""
        return {"face": self.nets.fill(scene.occluded, scene.hole).float()}

    @abstractmethod
    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return the generator's losses, each named as the option that is its weight."""

    def judgement(self, critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
        """Return a discriminator's answers.

        Args:
            critic: One of :meth:`make_critics`.
            images: (M, 3, H, W) in [0, 1]: those of the scene, or several such sets end to end.
            scene: N images; M is a multiple of N.
        """
        return judged(critic, 2 * images - 1)

    def real(self, name: str, scene: Scene) -> Tensor:
        """Return what a discriminator should take for real, (N, 3, H, W)."""
        return scene.clean

    def shown(self, made: Outputs, scene: Scene) -> Tensor:
        """Return what a discriminator is shown of the outputs, (N, 3, H, W)."""
        return made["face"]

    def sketches(self, made: Outputs, scene: Scene) -> Sequence[Tensor]:
        """Return (N, 3, H, W) rows that a preview shows above all others; here none."""
        return ()

    def figures(self, made: Outputs, scene: Scene) -> dict[str, float]:
        """Return what a validation measures besides, without gradients; here nothing."""
        return {}

    def rules(self, scene: Scene) -> Game:
        """Return what discriminator and generator play for, which may depend on the scene."""
        return self.game

    def optimizer(self, net: nn.Module, lr: float) -> torch.optim.Optimizer:
        """Return a network's optimiser, whose groups know their ``initial_lr``."""
        return adam(net, lr, self.betas)

    def share(self, stage: str, progress: float) -> float:
        """Return the learning rates in a stage, as a share of the first."""
        decay: float = self.options["decay"]
        return decay + (1 - decay) * (1 + cos(pi * progress)) / 2

    def step(self, stage: str, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of each discriminator, then one of the networks; return the losses."""
        self.nets.train()
        self.critics.train()
        losses: dict[str, Tensor] = {}
        made = scene.counted(self.outputs(scene))
        if self.options["adv"]:
            for name in self.critics:
                losses |= self.teach(name, self.shown(made, scene), scene, share)
        terms = self.terms(made, scene)
        self.descend("nets", self.total(terms), share)
        return losses | terms

    # What all models do alike.

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Return the sum of losses times their weights."""
        return torch.stack(list(self.weighted(terms).values())).sum()

    def weighted(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses times their weights."""
        return {name: self.options[name] * loss for name, loss in terms.items()}

    def teach(self, name: str, face: Tensor, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of a discriminator; return its loss and how often it is right.

        Args:
            name: Which.
            face: (N, 3, H, W) what was generated, as the discriminator is shown it.
            scene: With the clean images.
            share: Of the first learning rate.
        """
        # One pass for both, so that spectral norm estimates its vectors once a step.
        both = torch.cat([self.real(name, scene), face.detach()])  # (2 N, 3, H, W)
        real, fake = self.judgement(self.critics[name], both, scene).chunk(2)
        loss = self.rules(scene).critic(real, fake)
        self.descend(name, loss, share)
        suffix = "" if name == "critic" else f"_{name.removeprefix('critic_')}"
        right = self.game.accuracies(real.detach(), fake.detach())
        return {f"critic{suffix}": loss, **{f"{k}{suffix}": v for k, v in right.items()}}

    def fooling(self, name: str, face: Tensor, scene: Scene) -> Tensor:
        """Return what the generator loses because a discriminator tells its faces."""
        with frozen(self.critics[name]) as critic:
            return self.rules(scene).generator(self.judgement(critic, face, scene))

    def recognised(self, face: Tensor, scene: Scene) -> dict[str, Tensor]:
        """Return the identity terms of (N, 3, H, W) faces; none without teachers."""
        if self.identity is None:
            return {}
        apart, excess = self.identity(face, scene.clean, scene.batch.attributes.get("subject"))
        return {"identity": apart.mean(), "margin": excess.mean()}

    def descend(self, name: str, loss: Tensor, share: float) -> None:
        """Take one step on a loss.

        Args:
            name: Of what learns by it: one of :meth:`learners`, or a discriminator.
            loss: To go down.
            share: Of the first learning rate.
        """
        net, optimizer = self._learning[name], self.optimizers[f"adam_{name}"]
        update(optimizer, net, loss, share, self.options["clip"])

    @property
    def phases(self) -> Sequence[Phase]:
        """Return a phase for each stage; one of no images is left out."""
        o = self.options
        phases = [
            Phase(stage, o[f"images_{stage}"], o["batch_size"], partial(self._step, stage))
            for stage in self.family.stages
        ]
        return [phase for phase in phases if phase.images]

    def state(self) -> Mapping[str, Stateful]:
        """Return networks, discriminators and optimisers."""
        return {"nets": self.nets, "critics": self.critics, **self.optimizers}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the tensors that restoring needs."""
        return plain(self.options), self.nets.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset and options."""
        return {
            "model": self.family.model,
            "preset": self.preset,
            "options": learnt(self.options),
        }

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of :meth:`sketches`, input, generated, final and truth."""
        scene = self._scene(batch, self.options["dilate"])
        self.nets.eval()
        made = self.outputs(scene)
        face, above = made["face"], self.sketches(made, scene)
        return torch.cat([*above, scene.occluded, face, self._final(face, scene), scene.clean])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return how alike the teachers find final and clean faces, which decides; or, without
        teachers, the PSNR inside the mask. Then PSNR over all, each loss term's share of the
        gradient at the generated face, and :meth:`figures`.
        """
        scene = self._scene(batch, self.options["dilate"])
        self.nets.eval()
        made = dict(scene.counted(self.outputs(scene)))
        final = truth_beyond(self._final(made["face"], scene), scene.clean, scene.batch.valid)
        figures = {} if self.identity is None else self.identity.genuine(final, scene.clean)
        figures |= psnr_figures(final, scene.clean, scene.mask, scene.batch.valid)
        self.critics.eval()
        with torch.enable_grad():
            made["face"].requires_grad_()
            terms = self.weighted(self.terms(made, scene))
            pulling = {name: term for name, term in terms.items() if term.requires_grad}
            figures |= shares(pulling, made["face"])
        self.critics.train()
        return figures | self.figures(made, scene)

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the networks that the steps call."""
        return {**dict(self.nets.named_children()), **dict(self.critics.items())}

    def _step(self, stage: str, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        o = self.options
        spread: int = o["dilate_spread"]
        scene = self._scene(batch, o["dilate"] + int(torch.randint(-spread, spread + 1, ())))
        losses = self.step(stage, scene, self.share(stage, progress))
        losses |= balance(losses)
        values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
        return dict(zip(losses, values, strict=True))

    def _scene(self, batch: FaceBatch, width: int) -> Scene:
        """Return a batch on the device, its mask widened by *width* pixels."""
        if batch.clean is None:
            raise ValueError(f"{self.family.model} trains on batches with the clean images.")
        batch = batch.to(self.device)
        assert batch.clean is not None
        occluded, clean = (
            images.contiguous(memory_format=torch.channels_last)
            for images in (batch.images, batch.clean)
        )
        return Scene(occluded, clean, batch.masks, grow(batch.masks, width), batch)

    def _final(self, face: Tensor, scene: Scene) -> Tensor:
        """Return faces as a restorer would make them."""
        if not self.options["composite"]:
            return face
        return pasted(face, scene.occluded, scene.mask, self.options["feather"])
