"""ECGAN's training by phases (section 4.2), as what the training engine drives.

``visible`` teaches the classifier of the visible half; ``pretrain`` is the training without
labels; in ``whole`` the labelled generator plays against D_whole, in ``mask`` against D_mask too.
Generator and discriminators have an optimiser each. DeepGAN's is the same without labels.

Deviation: the paper pretrains a network of its own without label planes and copies it. Here the
planes of an unknown label are zeros, so that one network serves both: pretraining leaves the
label's columns as they were drawn, and all others are carried over.
Deviation: where the fill is pasted (``composite``), every loss sees the pasted image.
Deviation: the identity terms, what teachers find the image to have lost, and the expression term
are not in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import cos, pi
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.labels import UNKNOWN
from restore_recog.nn.adversarial import balance, discriminator_loss
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.masks import grow, pasted, truth_beyond
from restore_recog.nn.options import Configuration, learnt, plain
from restore_recog.nn.perceptual import layer_net
from restore_recog.nn.stepping import adam, shares, start_from, update
from restore_recog.nn.teachers import Teachers, colourless
from restore_recog.restorers.ecgan.expert import Expert
from restore_recog.restorers.ecgan.losses import GeneratorTerms, Scene, logits
from restore_recog.restorers.ecgan.model import ECGANNets, plane_side
from restore_recog.restorers.ecgan.networks import Discriminator
from restore_recog.restorers.ecgan.presets import (
    CONFIGURATION,
    DEEPGAN_CONFIGURATION,
    DEEPGAN_PRESETS,
    PRESETS,
    read_options,
)
from restore_recog.types import FaceBatch

BETAS = (0.9, 0.999)
"""Of Adam: PyTorch's own, since the paper names none."""

VGG = {"ends": (4, 9, 16, 23), "side": 224}
"""relu1_2, relu2_2, relu3_3 and relu4_2 of images resized to 224, as the published code has it."""

OPPONENTS = {"pretrain": ("whole", "mask"), "whole": ("whole",), "mask": ("whole", "mask")}
"""Discriminators by phase."""


class ECGANTraining:
    """Everything that one training of ECGAN holds; satisfies ``restore_recog.api.Trainable``.

    Args:
        preset: ``paper``, ``compact`` or ``tiny``.
        device: Where it trains.
        options: Overrides: :data:`restore_recog.restorers.ecgan.presets.PRESETS`.

    Raises:
        TrainingError: An option does not fit, or a network that a loss needs is not available.
    """

    model: ClassVar[str] = "ecgan"
    configuration: ClassVar[Configuration] = CONFIGURATION
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = read_options(self.configuration, self.presets, preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.nets = ECGANNets(o)
        o["init"] = start_from(self.nets, o["init"], self.model)
        self.critics = nn.ModuleDict({"whole": _critic(o, False), "mask": _critic(o, True)})
        for net in (self.nets, self.critics):
            net.to(self.device)
        file = Path(o["perceptual_weights"]) if o["perceptual_weights"] else None
        wanted = o["perceptual"] if o["per"] else "none"
        self.features = layer_net(wanted, file, str(device), normalised=o["vgg_norm"], **VGG)
        self.identity: Teachers | None = None
        if o["identity"] or o["margin"]:
            self.identity = Teachers.of_options(o, str(device))
        expert = Expert(o["expert"], str(device)) if o["expression"] and o["label"] else None
        o["expert"] = "" if expert is None else expert.name  # a record tells not where it lay
        self.terms = GeneratorTerms(o, self.critics, self.features, self.identity, expert)
        self.fields = nn.ModuleList([self.nets.generator])
        if self.nets.planes is not None:
            self.fields.append(self.nets.planes)
        self.optimizers = {"adam_generator": adam(self.fields, o["lr"], BETAS)}
        if self.nets.visible is not None:
            self.optimizers["adam_visible"] = adam(self.nets.visible, o["lr_visible"], BETAS)
        for name, critic in self.critics.items():
            self.optimizers[f"adam_{name}"] = adam(critic, o[f"lr_{name}"], BETAS)
        self._judgements: dict[str, Tensor] = {}

    @property
    def phases(self) -> Sequence[Phase]:
        """Return the phases in order; one of no images is left out.

        With a label ``visible`` and those of the option ``balanced`` draw images of known
        expressions, of each equally many.
        """
        o, size, phases = self.options, self.options["batch_size"], []
        if o["label"]:
            many, step = o["batch_visible"], self._visible_step
            phases.append(Phase("visible", o["images_visible"], many, step, "expression"))
        for name in OPPONENTS:
            kind = "expression" if o["label"] and name in o["balanced"] else ""
            step = partial(self._step, name)
            phases.append(Phase(name, o[f"images_{name}"], size, step, kind))
        return [phase for phase in phases if phase.images]

    def state(self) -> Mapping[str, Stateful]:
        """Return networks, discriminators and optimisers."""
        return {"nets": self.nets, "critics": self.critics, **self.optimizers}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the tensors that restoring needs."""
        return plain(self.options), self.nets.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset and options."""
        return {"model": self.model, "preset": self.preset, "options": learnt(self.options)}

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of input, generated, final and truth."""
        scene = self._scene(batch)
        generated, final = self._final(scene)
        return torch.cat([scene.occluded, generated, final, scene.clean])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return how alike the teachers find final and clean faces, which decides; or, without
        teachers, the PSNR inside the mask. Then PSNR over all; the share of the faces whose
        expression is known, and of those whose is predicted rightly; and each loss term's share
        of the gradient. The generator is told what the classifier predicts.
        """
        scene = self._scene(batch)
        final = truth_beyond(self._final(scene)[1], scene.clean, scene.valid)
        figures = {} if self.identity is None else self.identity.genuine(final, scene.clean)
        figures |= psnr_figures(final, scene.clean, scene.mask, scene.valid)
        told = self.nets.predicted(scene.occluded, scene.hole)
        if told is not None:
            known = scene.labels >= 0
            figures["labelled"] = float(known.float().mean())
            figures["predicted_right"] = float((known & (told == scene.labels)).float().mean())
        self.critics.eval()
        with torch.enable_grad():
            final.requires_grad_()
            figures |= shares(self._weighted(self.terms(final, scene, OPPONENTS["mask"])), final)
        self.critics.train()
        return figures

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the networks that the steps call."""
        critics = {f"critic_{name}": net for name, net in self.critics.items()}
        return {**dict(self.nets.named_children()), **critics}

    def _scene(self, batch: FaceBatch, width: int | None = None, *, labelled: bool = True) -> Scene:
        """Return a batch on the device.

        Args:
            batch: With the clean images.
            width: Pixels by which the mask is widened; None for as many as in use.
            labelled: Whether its labels are told.
        """
        if batch.clean is None:
            raise ValueError("ECGAN trains on batches with the clean images.")
        batch = batch.to(self.device)
        assert batch.clean is not None
        labels = torch.full((len(batch.images),), UNKNOWN, device=self.device)
        if labelled:
            labels = batch.attributes.get("expression", labels)
        return Scene(
            batch.images,
            batch.clean,
            batch.masks,
            grow(batch.masks, self.options["dilate"] if width is None else width),
            labels,
            batch.attributes.get("subject"),
            batch.valid,
        )

    def _width(self) -> int:
        """Return by how many pixels to widen the mask of a step."""
        spread: int = self.options["dilate_spread"]
        return self.options["dilate"] + int(torch.randint(-spread, spread + 1, ()))

    def _visible_step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        scene, net = self._scene(batch, self._width()), self.nets.visible
        assert net is not None
        net.train()
        seen = colourless(scene.occluded, self.options["grey"])
        logits = net(seen, scene.hole).float()  # (N, 7)
        loss = F.cross_entropy(logits, scene.labels, ignore_index=UNKNOWN)
        self._update("visible", net, loss, (1 + cos(pi * progress)) / 2)
        right = (logits.detach().argmax(1) == scene.labels).float().mean()
        return {"cross_entropy": float(loss.detach()), "accuracy": float(right)}

    def _step(self, phase: str, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        """Take one step of the generator, and one of its opponents where it is their turn."""
        o, share = self.options, self._share(phase, progress)
        scene = self._scene(batch, self._width(), labelled=phase != "pretrain")
        self.nets.generator.train()
        made = self.nets.generate(scene.occluded, scene.hole, scene.labels).float()
        if o["composite"]:
            made = torch.where(scene.hole > 0, made, scene.occluded)
        made = truth_beyond(made, scene.clean, scene.valid)
        number = round(progress * o[f"images_{phase}"] / o["batch_size"])
        if number % o["d_every"] == 0:
            self._judgements = {}
            for name in OPPONENTS[phase]:
                self._judgements |= self._critic_step(name, made.detach(), scene, share)
        terms = self.terms(made, scene, OPPONENTS[phase])
        total = torch.stack(list(self._weighted(terms).values())).sum()
        self._update("generator", self.fields, total, share)
        # Between their turns the discriminators' last figures stand, so that means stay means.
        losses = terms | self._judgements
        for name in OPPONENTS[phase]:
            pair = {"adv": f"adv_{name}", "critic": f"critic_{name}"}
            ratio = balance({key: losses[of] for key, of in pair.items() if of in losses})
            losses |= {f"balance_{name}": value for value in ratio.values()}
        values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
        return dict(zip(losses, values, strict=True))

    def _final(self, scene: Scene) -> tuple[Tensor, Tensor]:
        """Return the generator's face, and the face as a restorer would make it."""
        o = self.options
        self.nets.eval()
        told = self.nets.predicted(scene.occluded, scene.hole)
        made = self.nets.generate(scene.occluded, scene.hole, told).float()
        if not o["composite"]:
            return made, made
        return made, pasted(made, scene.occluded, scene.mask, o["feather"])

    def _weighted(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: self.options[name] * loss for name, loss in losses.items()}

    def _critic_step(
        self, name: str, made: Tensor, scene: Scene, share: float
    ) -> dict[str, Tensor]:
        if not self.options[f"adv_{name}"]:
            return {}
        critic = self.critics[name]
        # One pass for both, so that spectral norm estimates its vectors once a step.
        real, fake = logits(critic, torch.cat([scene.clean, made]), scene).chunk(2)
        loss = discriminator_loss(real, fake, self.options["smooth"]).mean()
        self._update(name, critic, self.options[name] * loss, share)
        right = [(real > 0).float().mean(), (fake <= 0).float().mean()]
        return {f"critic_{name}": loss, f"{name}_real": right[0], f"{name}_fake": right[1]}

    def _share(self, phase: str, progress: float) -> float:
        """Return the learning rate in a phase, as a share of the first."""
        o = self.options
        if phase == "pretrain":
            return 1.0
        before = o["images_whole"] if phase == "mask" else 0
        seen = before + progress * o[f"images_{phase}"]
        done = seen / (o["images_whole"] + o["images_mask"])
        return float(o["decay"] + (1 - o["decay"]) * (1 + cos(pi * done)) / 2)

    def _update(self, name: str, net: nn.Module, loss: Tensor, share: float) -> None:
        update(self.optimizers[f"adam_{name}"], net, loss, share, self.options["clip"])


class DeepGANTraining(ECGANTraining):
    """The same without labels: no classifier, no label planes, no balanced drawing."""

    model = "deepgan"
    configuration = DEEPGAN_CONFIGURATION
    presets = DEEPGAN_PRESETS


TRAININGS: Mapping[str, type[ECGANTraining]] = {
    one.model: one for one in (ECGANTraining, DeepGANTraining)
}


def _critic(options: Mapping[str, Any], region: bool) -> Discriminator:
    return Discriminator(
        region=region,
        label=options["label"],
        see_masked=options["see_masked"],
        base=options["base_critic"],
        side=plane_side(options),
        spectral=options["spectral"],
    )
