"""FMODR's staged training (sections 4.4 and 5.1), as what the training engine drives.

The coarse stage first, then the refine stage on the frozen coarse network, each with a
discriminator of its own; the detector learns alongside the coarse stage and, in the preset
``compact``, in a leg before it. Two optimisers play the adversarial game: where the paper
writes a phase with lambda_adv = 1 and all else 0, only the discriminator learns.

Losses, all as means (the paper prints sums, at which its weights would make no sense):

* reconstruction (equation 2): mean |output - clean| on [-1, 1] images, whole image;
  plus, weighted by the option ``hole``, the same mean over the hole alone;
* perceptual (equation 3): mean squared difference of relu3_3 features;
* adversarial (equation 5 with its signs corrected): the discriminator minimises
  -log D(clean) - log(1 - D(output)), the generator -log D(output), on logits, the mean over
  the heads; outputs are pasted into the image first;
* identity and margin (not in the paper): what recognisers find the pasted output to have lost of
  the clean image, and what it lacks in lead over the most similar other person;
* detector (equation 1): mean (p - mask)^2.

Deviation: the paper's rule that an image with a coarse loss under 0.1 skips refinement is
off by default (``gate``), since the whole-image loss is always below that; where it is on, it is
judged an image at a time on the hole's mean.
Deviation: the coarse stage is trained first, then the refine stage on the frozen coarse network;
"at the same time" in the paper leaves the order open. In legs marked ``joint`` (preset ``compact``)
both learn together, the coarse image by ``coarse_rec`` of its own reconstruction loss as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.nn import distributed
from restore_recog.nn.adversarial import balance, discriminator_loss, judged
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.masks import covering, grow, pasted, truth_beyond
from restore_recog.nn.options import learnt, plain
from restore_recog.nn.perceptual import feature_net
from restore_recog.nn.stepping import adam, shares, start_from, update
from restore_recog.nn.teachers import Teachers
from restore_recog.restorers.fmodr.losses import (
    Generated,
    GeneratorTerms,
    Scene,
    hole_l1,
    weighted_mean,
)
from restore_recog.restorers.fmodr.model import FMODRNets, paste
from restore_recog.restorers.fmodr.networks import GlobalMaskedDiscriminator
from restore_recog.restorers.fmodr.presets import ScheduleLeg, legs, read_options
from restore_recog.types import FaceBatch

GATE = 0.1
"""Coarse loss under which an image skips refinement, where the rule is on (section 4.4)."""


class FMODRTraining:
    """Everything that one training of FMODR holds; satisfies ``restore_recog.api.Trainable``.

    Args:
        preset: ``paper``, ``compact``, ``standard`` or ``tiny``.
        device: Where it trains.
        options: Overrides of the preset: :data:`restore_recog.restorers.fmodr.presets.PRESETS`.

    Raises:
        TrainingError: An option does not fit, or the perceptual network is not available.
    """

    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = read_options(preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.legs = legs(preset, o)
        self.nets = FMODRNets(o)
        o["init"] = start_from(self.nets, o["init"], "fmodr", o["fresh"])
        self.critics = nn.ModuleDict(
            {stage: _critic(o) for stage in ("coarse", "refine") if _adversarial(self.legs, stage)}
        )
        for net in (self.nets, self.critics):
            net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        weights = Path(o["perceptual_weights"]) if o["perceptual_weights"] else None
        needed = any(leg.per for leg in self.legs)
        self.features = feature_net(o["perceptual"] if needed else "none", weights, str(device))
        self.identity: Teachers | None = None
        if any(leg.identity or leg.margin for leg in self.legs):
            self.identity = Teachers.of_options(o, str(device))
        self.terms = GeneratorTerms(o, self.critics, self.features, self.identity)
        self.optimizers = {
            name: adam(net, o["lr_detector"] if name == "detector" else o["lr"])
            for name, net in self.nets.named_children()
        } | {f"critic_{name}": adam(net, o["lr"]) for name, net in self.critics.items()}
        # The same networks again: legs in which both learn have moments of their own.
        self.both = nn.ModuleList(
            net for name, net in self.nets.named_children() if name != "detector"
        )
        if any(leg.joint for leg in self.legs):
            self.optimizers["both"] = adam(self.both, o["lr"])

    @property
    def phases(self) -> Sequence[Phase]:
        """Return the legs in order."""
        size = self.options["batch_size"]
        return [Phase(leg.name, leg.images, size, partial(self._step, leg)) for leg in self.legs]

    def state(self) -> Mapping[str, Stateful]:
        """Return networks, discriminators and optimisers."""
        parts: dict[str, Stateful] = {"nets": self.nets, "critics": self.critics}
        parts.update(self.optimizers)
        return parts

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the tensors that restoring needs."""
        return plain(self.options), self.nets.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset, options, and the legs with their weights."""
        return {
            "model": "fmodr",
            "preset": self.preset,
            "options": learnt(self.options),
            "legs": [{**asdict(leg), "rate": list(leg.rate)} for leg in self.legs],
        }

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of input, coarse, refined, truth and, in grey, the detector's mask."""
        scene = self._scene(batch)
        coarse, final = self._final(scene)
        detected = self.nets.detector(scene.occluded).expand(-1, 3, -1, -1)
        before, clean = ((x / 2 + 0.5).clamp(0, 1) for x in (scene.occluded, scene.clean))
        return torch.cat([before, coarse, final, clean, detected])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return how alike the teachers find final and clean images, which decides; or, without
        teachers, the PSNR inside the mask. Then the PSNR over the whole image, and each loss
        term's share of the gradient in the last leg.
        """
        scene = self._scene(batch)
        clean = scene.clean / 2 + 0.5
        final = truth_beyond(self._final(scene)[1], clean, scene.valid)
        figures = {} if self.identity is None else self.identity.genuine(final, clean)
        figures |= psnr_figures(final, clean, scene.mask, scene.valid)
        last = self.legs[-1]
        if last.generator:
            self.critics.eval()
            with torch.enable_grad():
                output = (2 * final - 1).requires_grad_()
                terms = self.terms(last, scene, Generated(output))
                figures |= shares({n: weight * loss for n, (loss, weight) in terms.items()}, output)
            self.critics.train()
        return figures

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the networks that the steps call."""
        critics = {f"critic_{name}": net for name, net in self.critics.items()}
        return {**dict(self.nets.named_children()), **critics}

    def _scene(self, batch: FaceBatch) -> Scene:
        if batch.clean is None:
            raise ValueError("FMODR trains on batches with the clean images.")
        batch = batch.to(self.device)
        assert batch.clean is not None
        occluded, clean = (
            (2 * images - 1).contiguous(memory_format=torch.channels_last)
            for images in (batch.images, batch.clean)
        )
        given = batch.masks
        if self.options["mask_source"] == "detector":
            self.nets.detector.eval()
            with torch.no_grad():
                given = covering(self.nets.detector(occluded))
        hole = grow(given, self.options["dilate"])
        people = batch.attributes.get("subject")
        return Scene(occluded, clean, batch.masks, given, hole, people, batch.valid)

    def _final(self, scene: Scene) -> tuple[Tensor, Tensor]:
        """Return coarse and final images in [0, 1] as a restorer would make them."""
        self.nets.eval()
        before = scene.occluded / 2 + 0.5
        coarse, final = (
            pasted(image.float() / 2 + 0.5, before, scene.given, self.options["feather"])
            for image in self.nets(scene.occluded, scene.hole)
        )
        return coarse, final

    def _step(self, leg: ScheduleLeg, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        """Take one step of a leg and return its losses."""
        scene = self._scene(batch)
        share = leg.rate[1] + (leg.rate[0] - leg.rate[1]) * (1 + cos(pi * progress)) / 2
        losses: dict[str, Tensor] = {}
        if leg.detects:
            losses |= self._detector_step(scene, share)
        if leg.generator or leg.critic:
            made = self._generate(leg, scene)
            if leg.generator:
                losses |= self._generator_step(leg, scene, made, share)
            if leg.critic:
                losses |= self._critic_step(leg, scene, made, share)
        losses |= balance(losses)
        values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
        return dict(zip(losses, values, strict=True))

    def _detector_step(self, scene: Scene, share: float) -> dict[str, Tensor]:
        self.nets.detector.train()
        found = truth_beyond(self.nets.detector(scene.occluded).float(), scene.mask, scene.valid)
        loss = F.mse_loss(found, scene.mask)
        self._update("detector", self.nets.detector, loss, share)
        return {"pixel": loss}

    def _generate(self, leg: ScheduleLeg, scene: Scene) -> Generated:
        net: Any = self.nets.coarse if leg.coarse else self.nets.refine
        together = leg.joint and leg.generator
        self.nets.coarse.train((leg.coarse and leg.generator) or together)
        net.train(leg.generator)
        keep = None
        with torch.set_grad_enabled(leg.generator):
            visible = scene.occluded * (1 - scene.hole)
            if leg.coarse:
                return Generated(
                    truth_beyond(net(visible, scene.hole).float(), scene.clean, scene.valid)
                )
            with torch.set_grad_enabled(together):
                coarse = self.nets.coarse(visible, scene.hole).float()
            if self.options["gate"]:
                keep = (hole_l1(coarse.detach(), scene.clean, scene.hole) >= GATE).float()
            image = paste(coarse, scene.occluded, scene.hole)
            output, coarse = (
                truth_beyond(made, scene.clean, scene.valid)
                for made in (net(image, scene.hole).float(), coarse)
            )
            return Generated(output, coarse if together else None, keep)

    def _generator_step(
        self, leg: ScheduleLeg, scene: Scene, made: Generated, share: float
    ) -> dict[str, Tensor]:
        losses = self.terms(leg, scene, made)
        # The loss that the leg is not trained by is still worth watching.
        total = torch.stack([weight * loss for loss, weight in losses.values() if weight]).sum()
        values = {name: loss for name, (loss, _) in losses.items()}
        keep = made.keep
        if keep is not None:
            values["kept"] = keep.mean()
        if keep is None or bool(distributed.total(keep.sum())):
            if leg.joint:
                self._update("both", self.both, total, share)
            else:
                stage = "coarse" if leg.coarse else "refine"
                self._update(stage, getattr(self.nets, stage), total, share)
        return values

    def _critic_step(
        self, leg: ScheduleLeg, scene: Scene, made: Generated, share: float
    ) -> dict[str, Tensor]:
        stage, keep = "coarse" if leg.coarse else "refine", made.keep
        fake = paste(made.output.detach(), scene.occluded, scene.hole)
        # One pass for both, so that spectral norm estimates its vectors once a step.
        images, holes = torch.cat([scene.clean, fake]), torch.cat([scene.hole, scene.hole])
        real_logits, fake_logits = judged(self.critics[stage], images, holes).chunk(2)
        loss = weighted_mean(discriminator_loss(real_logits, fake_logits), keep)
        if keep is None or bool(distributed.total(keep.sum())):
            self._update(f"critic_{stage}", self.critics[stage], loss, share)
        return {
            "critic": loss,
            "real_accuracy": (real_logits > 0).float().mean(),
            "fake_accuracy": (fake_logits <= 0).float().mean(),
        }

    def _update(self, name: str, net: nn.Module, loss: Tensor, share: float) -> None:
        update(self.optimizers[name], net, loss, share, self.options["clip"])


def _adversarial(schedule: Sequence[ScheduleLeg], stage: str) -> bool:
    """Return whether a stage has a discriminator."""
    return any(leg.critic and leg.coarse == (stage == "coarse") for leg in schedule)


def _critic(options: Mapping[str, Any]) -> GlobalMaskedDiscriminator:
    return GlobalMaskedDiscriminator(
        options["critic_widths"],
        hidden=options["critic_hidden"],
        size=options["size"],
        heads=options["heads"],
        share=options["share"],
    )
