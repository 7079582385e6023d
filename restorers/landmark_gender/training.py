"""The training of the generators (section IV.D.3), as what the training engine drives.

A phase for each generator, with a discriminator of its own: ``pooled`` on all images, ``male`` and
``female`` on those of that gender. A step is one of the discriminator and one of the generator.

Deviation: with ``start=pooled`` the two begin where the pooled one ends, since a compact training
is too short to learn a face three times. They follow it while it learns.
Deviation: the discriminator is shown the landmarks that the generator is shown, which the paper
writes as the true ones: half of them are what the landmarker finds on the occluded face, because
nothing else is there in use.
Deviation: the identity terms, what teachers find the image to have lost, are not in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import cos, pi
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.api import Landmarker, Phase, Stateful
from restore_recog.labels import GENDER, UNKNOWN
from restore_recog.nn.adversarial import SQUARES, balance
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.inpainting.features import FeatureTerms
from restore_recog.nn.masks import grow, pasted
from restore_recog.nn.options import learnt, plain
from restore_recog.nn.stepping import adam, shares, start_from, update
from restore_recog.nn.teachers import Teachers
from restore_recog.restorers.landmark_gender.dots import dot_map, known
from restore_recog.restorers.landmark_gender.losses import (
    GeneratorTerms,
    Scene,
    judgement,
)
from restore_recog.restorers.landmark_gender.model import POOLED, LandmarkGenderNets
from restore_recog.restorers.landmark_gender.networks import Discriminator
from restore_recog.restorers.landmark_gender.presets import read_options
from restore_recog.restoring.landmarking import located, teaching_landmarker
from restore_recog.types import FaceBatch

MODEL = "landmark_gender"

BETAS = (0.0, 0.9)
"""Of Adam (section IV.D.3)."""

UNTOLD = 0.1
"""Share of the images whose gender is not told where it is an input: in use it may be unsure."""


class LandmarkGenderTraining:
    """Everything that one training holds; satisfies ``restore_recog.api.Trainable``.

    Args:
        preset: ``paper``, ``compact`` or ``tiny``.
        device: Where it trains.
        options: Overrides: :data:`restore_recog.restorers.landmark_gender.presets.PRESETS`.

    Raises:
        TrainingError: An option does not fit, or a network that it needs is not available.
    """

    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = read_options(preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.nets = LandmarkGenderNets(o)
        o["init"] = start_from(self.nets, o["init"], MODEL)
        inputs = 3 + (o["landmarks"] != "none")
        self.critics = nn.ModuleDict(
            {
                name: Discriminator(inputs, o["base_critic"], attention=o["attention"])
                for name in self.nets.generators
            }
        )
        for net in (self.nets, self.critics):
            net.to(self.device)
        self.landmarker: Landmarker | None = None
        if o["landmarks"] != "none" and o["landmark_source"] != "zeros":
            self.landmarker = teaching_landmarker(
                o, device, "train without landmarks: --set landmarks=none"
            )
        self.identity: Teachers | None = None
        if o["identity"] or o["margin"]:
            self.identity = Teachers.of_options(o, device)
        self.terms = GeneratorTerms(o, FeatureTerms(o, device), self.identity)
        self.optimizers = {}
        for name, generator in self.nets.generators.items():
            self.optimizers[f"adam_{name}"] = adam(generator, o["lr"], BETAS)
            critic = self.critics[name]
            self.optimizers[f"adam_critic_{name}"] = adam(critic, o["lr_critic"], BETAS)

    @property
    def phases(self) -> Sequence[Phase]:
        """Return a phase for each generator; one of no images is left out."""
        o, phases = self.options, []
        for name in self.nets.generators:
            only = None if name == POOLED else (GENDER, name)
            step, many = partial(self._step, name), o[f"images_{name}"]
            phases.append(Phase(name, many, o["batch_size"], step, only=only))
        return [phase for phase in phases if phase.images]

    def state(self) -> Mapping[str, Stateful]:
        """Return generators, discriminators and optimisers."""
        return {"nets": self.nets, "critics": self.critics, **self.optimizers}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the tensors that restoring needs."""
        return plain(self.options), self.nets.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset and options."""
        return {"model": MODEL, "preset": self.preset, "options": learnt(self.options)}

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of input, landmarks found, generated, final and truth."""
        scene = self._scene(batch, in_use=True)
        generated, final = self._final(scene, scene.dots)
        dots = torch.zeros_like(scene.hole) if scene.dots is None else scene.dots
        shown = grow(dots, 1).expand(-1, 3, -1, -1)
        return torch.cat([scene.occluded, shown, generated, final, scene.clean])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return how alike the teachers find final and clean faces, which decides; or, without
        teachers, the PSNR inside the mask. Then PSNR over all; by how many decibels the landmarks
        and a generator of one's own gender raise the PSNR inside the mask; and each loss term's
        share of the gradient. Genders are the true ones, landmarks those that are found.
        """
        scene = self._scene(batch, in_use=True)
        final = scene.counted(self._final(scene, scene.dots)[1])
        figures = {} if self.identity is None else self.identity.genuine(final, scene.clean)
        figures |= psnr_figures(final, scene.clean, scene.mask, scene.valid)
        if scene.dots is not None:
            figures["by landmarks"] = self._gain(figures, scene, None, scene.labels)
        if len(self.nets.generators) > 1:
            pooled = torch.full_like(scene.labels, UNKNOWN)
            figures["by gender"] = self._gain(figures, scene, scene.dots, pooled)
        critic = self.critics[POOLED].eval()
        with torch.enable_grad():
            final.requires_grad_()
            terms = self.terms(final, scene, critic)
            figures |= shares(self.terms.weighted(terms), final)
        critic.train()
        return figures

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the networks that the steps call."""
        critics = {f"critic_{name}": net for name, net in self.critics.items()}
        return {**dict(self.nets.generators.items()), **critics}

    def _scene(self, batch: FaceBatch, width: int | None = None, *, in_use: bool = False) -> Scene:
        """Return a batch on the device.

        Args:
            batch: With the clean images.
            width: Pixels by which the mask is widened; None for as many as in use.
            in_use: Whether landmarks are only those that a restorer would find.
        """
        if batch.clean is None:
            raise ValueError("The landmark-gender model trains on batches with the clean images.")
        batch = batch.to(self.device)
        assert batch.clean is not None
        unknown = torch.full((len(batch.images),), UNKNOWN, device=self.device)
        points, scheme = self._points(batch, in_use), self.options["landmarks"]
        dots = None if scheme == "none" else torch.zeros_like(batch.masks)
        if points is not None:
            dots = dot_map(points, batch.images.shape[2:], scheme)
        return Scene(
            batch.images,
            batch.clean,
            batch.masks,
            grow(batch.masks, self.options["dilate"] if width is None else width),
            dots,
            batch.attributes.get(GENDER, unknown),
            batch.attributes.get("subject"),
            batch.valid,
        )

    @torch.no_grad()
    def _points(self, batch: FaceBatch, in_use: bool) -> Tensor | None:
        """Return the (N, 98, 2) landmarks that the networks are shown; None for none at all."""
        if self.landmarker is None:
            return None
        assert batch.clean is not None
        count, source = len(batch.images), self.options["landmark_source"]
        points = batch.landmarks98
        if points is None:
            points = torch.full((count, 98, 2), torch.nan, device=self.device)
        seen = torch.ones(count, dtype=torch.bool, device=self.device)
        if not in_use and source != "predicted":
            seen = torch.rand(count, device=self.device) < (0.5 if source == "mixed" else 0)
        asked = seen | ~known(points)
        if bool(asked.any()):
            looked = torch.where(seen[:, None, None, None], batch.images, batch.clean)[asked]
            with torch.autocast(self.device.type, enabled=False):
                points = points.masked_scatter(
                    asked[:, None, None], located(self.landmarker, looked)
                )
        return points

    def _step(self, name: str, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        """Take one step of a generator and of its discriminator."""
        o = self.options
        spread: int = o["dilate_spread"]
        scene = self._scene(batch, o["dilate"] + int(torch.randint(-spread, spread + 1, ())))
        share = o["decay"] + (1 - o["decay"]) * (1 + cos(pi * progress)) / 2
        generator, critic = self.nets.generators[name].train(), self.critics[name]
        told = torch.where(torch.rand(scene.labels.shape) < UNTOLD, UNKNOWN, scene.labels.cpu())
        made = self.nets.made_by(
            name, scene.occluded, scene.hole, scene.dots, told.to(scene.labels)
        ).float()
        if o["judged"] == "pasted":
            made = scene.pasted(made)
        made = scene.counted(made)
        losses = self._critic_step(name, made.detach(), scene, share)
        terms = self.terms(made, scene, critic)
        total = torch.stack(list(self.terms.weighted(terms).values())).sum()
        update(self.optimizers[f"adam_{name}"], generator, total, share, o["clip"])
        if name == POOLED and o["start"] == POOLED:
            self._follow()
        losses |= terms
        losses |= balance(losses)
        values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
        return dict(zip(losses, values, strict=True))

    def _critic_step(
        self, name: str, made: Tensor, scene: Scene, share: float
    ) -> dict[str, Tensor]:
        if not self.options["adv"]:
            return {}
        critic = self.critics[name]
        # One pass for both, so that spectral norm estimates its vectors once a step.
        real, fake = judgement(critic, torch.cat([scene.clean, made]), scene).chunk(2)
        loss = SQUARES.critic(real, fake)
        optimizer = self.optimizers[f"adam_critic_{name}"]
        update(optimizer, critic, loss, share, self.options["clip"])
        return {"critic": loss, **SQUARES.accuracies(real, fake)}

    @torch.no_grad()
    def _follow(self) -> None:
        """Bring the generators of a gender, and their discriminators, to where the pooled is.

        Step by step rather than at the end, so that weights are of use at any time of a run, and
        an average over the steps holds nothing of what the networks were drawn as.
        """
        for nets in (self.nets.generators, self.critics):
            leader = nets[POOLED].state_dict()
            for name in nets:
                if name != POOLED:
                    nets[name].load_state_dict(leader)

    def _final(
        self, scene: Scene, dots: Tensor | None, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the generators' faces, and the faces as a restorer would make them."""
        self.nets.eval()
        labels = scene.labels if labels is None else labels
        made = self.nets.made(scene.occluded, scene.hole, dots, labels).float()
        if not self.options["composite"]:
            return made, made
        return made, pasted(made, scene.occluded, scene.mask, self.options["feather"])

    def _gain(
        self, figures: Mapping[str, float], scene: Scene, dots: Tensor | None, labels: Tensor
    ) -> float:
        """Return by how many decibels the final faces are better than with other inputs."""
        other = self._final(scene, dots, labels)[1]
        others = psnr_figures(other, scene.clean, scene.mask, scene.valid)
        return figures["psnr_mask"] - others["psnr_mask"]
