"""GANMasker's training in two stages (section 4.2), as what the training engine drives.

First M-Seg, then FU-Net with its discriminator; the two share no weights. FU-Net is given the
saved masks, as in the paper (``map_source``: ``mseg`` gives it what M-Seg finds). Every loss sees
the fused image, since MURF is the generator's last operation. The identity terms, what teachers
find the fused image to have lost of the clean one, are not in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.nn.adversarial import SQUARES, balance, frozen, judged
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.masks import covering, grow, pasted, truth_beyond
from restore_recog.nn.options import learnt, plain
from restore_recog.nn.perceptual import LAYERS, layer_net, relative_loss
from restore_recog.nn.stepping import adam, shares, start_from, update
from restore_recog.nn.teachers import Teachers
from restore_recog.restorers.ganmasker.losses import (
    perceptual_loss,
    reconstruction_loss,
    segmentation_loss,
)
from restore_recog.restorers.ganmasker.model import GANMaskerNets
from restore_recog.restorers.ganmasker.networks import Discriminator, murf
from restore_recog.restorers.ganmasker.presets import read_options
from restore_recog.types import FaceBatch

CERTAIN = 20.0
"""Logit of the right answer, which is put where M-Seg's counts for nothing."""


class GANMaskerTraining:
    """Everything that one training of GANMasker holds; satisfies ``restore_recog.api.Trainable``.

    Args:
        preset: ``paper``, ``paper512``, ``compact``, ``standard`` or ``tiny``.
        device: Where it trains.
        options: Overrides: :data:`restore_recog.restorers.ganmasker.presets.PRESETS`.

    Raises:
        TrainingError: An option does not fit, or a network that a loss needs is not available.
    """

    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = read_options(preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.nets = GANMaskerNets(o)
        o["init"] = start_from(self.nets, o["init"], "ganmasker")
        self.critic = Discriminator(o["base_critic"])
        for net in (self.nets, self.critic):
            net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.features = _features(o, str(device)) if o["per"] else None
        self.identity: Teachers | None = None
        if o["identity"] or o["margin"]:
            self.identity = Teachers.of_options(o, str(device))
        self.optimizers = {
            "adam_funet": adam(self.nets.funet, o["lr"]),
            "adam_critic": adam(self.critic, o["lr_critic"]),
        }
        if self.nets.mseg is not None:
            self.optimizers["adam_mseg"] = adam(self.nets.mseg, o["lr"])

    @property
    def phases(self) -> Sequence[Phase]:
        """Return M-Seg's phase, unless there is one stage only, and FU-Net's.

        One of no images is left out.
        """
        o = self.options
        funet = Phase("FU-Net", o["images_funet"], o["batch_size"], self._funet_step)
        mseg = Phase("M-Seg", o["images_mseg"], o["batch_size"], self._mseg_step)
        stages = [mseg, funet] if o["two_stage"] else [funet]
        return [stage for stage in stages if stage.images]

    def state(self) -> Mapping[str, Stateful]:
        """Return networks, discriminator and optimisers."""
        return {"nets": self.nets, "critic": self.critic, **self.optimizers}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the tensors that restoring needs."""
        return plain(self.options), self.nets.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset and options."""
        return {"model": "ganmasker", "preset": self.preset, "options": learnt(self.options)}

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of input, generated, fused, truth and, in grey, M-Seg's mask."""
        occluded, clean, true, _ = self._scene(batch)
        generated, fused = self._final(occluded, true)
        seen = true if self.nets.mseg is None else self.nets.mseg.probability(occluded)
        return torch.cat([occluded, generated, fused, clean, seen.expand(-1, 3, -1, -1)])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return how alike the teachers find fused and clean faces, which decides; or, without
        teachers, the PSNR inside the mask. Then PSNR over all, M-Seg's Dice, and each loss
        term's share of the gradient.
        """
        occluded, clean, true, valid = self._scene(batch)
        fused = truth_beyond(self._final(occluded, true)[1], clean, valid)
        figures = {} if self.identity is None else self.identity.genuine(fused, clean)
        figures |= psnr_figures(fused, clean, true, valid)
        if self.nets.mseg is not None:
            found = covering(self.nets.mseg.probability(occluded))
            figures["dice"] = float(_overlap(truth_beyond(found, true, valid), true))
        self.critic.eval()
        with torch.enable_grad():
            fused.requires_grad_()
            figures |= shares(self._weighted(self._terms(fused, clean, batch)), fused)
        self.critic.train()
        return figures

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the networks that the steps call."""
        return {**dict(self.nets.named_children()), "critic": self.critic}

    def _scene(self, batch: FaceBatch) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return (occluded, clean, true mask, what shows the photograph) on the device."""
        if batch.clean is None:
            raise ValueError("GANMasker trains on batches with the clean images.")
        batch = batch.to(self.device)
        assert batch.clean is not None
        occluded, clean = (
            images.contiguous(memory_format=torch.channels_last)
            for images in (batch.images, batch.clean)
        )
        return occluded, clean, batch.masks, batch.valid

    def _mseg_step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        occluded, _, mask, valid = self._scene(batch)
        net = self.nets.mseg
        assert net is not None
        net.train()
        logits = truth_beyond(net(occluded).float(), CERTAIN * (2 * mask - 1), valid)
        loss = segmentation_loss(logits, mask)
        self._update("mseg", net, loss, self._share("mseg", progress))
        overlap = _overlap((logits.detach() > 0).float(), mask)
        return {"segmentation": float(loss.detach()), "dice": float(overlap)}

    def _funet_step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        occluded, clean, true, valid = self._scene(batch)
        mask = grow(self._mask(occluded, true), self._width())
        share = self._share("funet", progress)
        self.nets.funet.train()
        fused = self._fused(self.nets.generate(occluded, mask).float(), occluded, mask)
        fused = truth_beyond(fused, clean, valid)
        losses = self._critic_step(fused.detach(), clean, share)
        terms = self._terms(fused, clean, batch)
        total = torch.stack(list(self._weighted(terms).values())).sum()
        self._update("funet", self.nets.funet, total, share)
        losses |= terms
        losses |= balance(losses)
        values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
        return dict(zip(losses, values, strict=True))

    def _width(self) -> int:
        """Return by how many pixels to widen the mask of a step."""
        spread: int = self.options["dilate_spread"]
        return self.options["dilate"] + int(torch.randint(-spread, spread + 1, ()))

    def _mask(self, occluded: Tensor, true: Tensor) -> Tensor:
        if self.options["map_source"] == "gt" or self.nets.mseg is None:
            return true
        self.nets.mseg.eval()
        with torch.no_grad():
            return covering(self.nets.mseg.probability(occluded))

    def _final(self, occluded: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        """Return FU-Net's face, and the face as a restorer would make it."""
        self.nets.eval()
        given = self._mask(occluded, true)
        generated = self.nets.generate(occluded, grow(given, self.options["dilate"])).float()
        if not self.options["two_stage"]:
            return generated, generated
        return generated, pasted(generated, occluded, given, self.options["feather"])

    def _fused(self, generated: Tensor, occluded: Tensor, mask: Tensor) -> Tensor:
        return murf(generated, occluded, mask) if self.options["two_stage"] else generated

    def _terms(self, fused: Tensor, clean: Tensor, batch: FaceBatch) -> dict[str, Tensor]:
        """Return the generator's losses, each named as the option that is its weight."""
        o = self.options
        losses = {"rec": reconstruction_loss(fused, clean, o["beta"])}
        if o["adv"]:
            with frozen(self.critic) as critic:
                losses["adv"] = SQUARES.generator(judged(critic, 2 * fused - 1))
        if self.features is not None:
            with torch.no_grad():
                wanted = self.features(clean)
            if o["perceptual"] == LAYERS:
                losses["per"] = relative_loss(self.features(fused), wanted).mean()
            else:
                losses["per"] = perceptual_loss(self.features(fused), wanted)
        if self.identity is not None:
            people = batch.attributes.get("subject")
            apart, excess = self.identity(
                fused, clean, None if people is None else people.to(self.device)
            )
            losses |= {"identity": apart.mean(), "margin": excess.mean()}
        return losses

    def _weighted(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: self.options[name] * loss for name, loss in losses.items()}

    def _critic_step(self, fused: Tensor, clean: Tensor, share: float) -> dict[str, Tensor]:
        if not self.options["adv"]:
            return {}
        # One pass for both, so that spectral norm estimates its vectors once a step.
        real, fake = judged(self.critic, 2 * torch.cat([clean, fused]) - 1).chunk(2)
        loss = SQUARES.critic(real, fake)
        self._update("critic", self.critic, loss, share)
        return {"critic": loss, **SQUARES.accuracies(real, fake)}

    def _share(self, stage: str, progress: float) -> float:
        """Return the learning rate in a stage, as a share of the first."""
        seen = progress * self.options[f"images_{stage}"]
        drops = self.options["drops_mseg" if stage == "mseg" else "drops"]
        return float(0.1 ** sum(seen >= drop for drop in drops))

    def _update(self, name: str, net: nn.Module, loss: Tensor, share: float) -> None:
        update(self.optimizers[f"adam_{name}"], net, loss, share, self.options["clip"])


def _overlap(masks: Tensor, mask: Tensor) -> Tensor:
    """Return the Dice coefficient of a whole batch's masks."""
    return 2 * (masks * mask).sum() / (masks.sum() + mask.sum()).clamp_min(1)


def _features(options: Mapping[str, Any], device: str) -> nn.Module | None:
    file = Path(options["perceptual_weights"]) if options["perceptual_weights"] else None
    return layer_net(options["perceptual"], file, device)
