"""The training of GCF (section 3.5): the parser, then the generator by pixels alone, with the local
discriminator, and with both and the parser.

What the parser should see in a completed face is what it sees in the true one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VGG19_Weights

from restore_recog import weights as weights_file
from restore_recog.api import Stateful
from restore_recog.errors import TrainingError
from restore_recog.nn import torchvision_files
from restore_recog.nn.adversarial import ENTROPY, frozen
from restore_recog.nn.critic_branch import around, check_view
from restore_recog.nn.inpainting.scene import Outputs, Scene
from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.nn.stepping import adam
from restore_recog.restorers.gcf.networks import Discriminator, GCFNets, Parser
from restore_recog.restorers.gcf.presets import FAMILY
from restore_recog.restorers.gcf.regions import PARTS, UNKNOWN, regions
from restore_recog.restoring.landmarking import located, teaching_landmarker

WITHOUT = "train without the parser: --set parsing=0"


class GCFTraining(InpainterTraining):
    """Everything that one training of GCF holds; arguments as for its base.

    Raises:
        TrainingError: As for its base, or the parser cannot be taught.
    """

    family = FAMILY
    model = GCFNets
    betas = (0.9, 0.999)
    game = ENTROPY
    nets: GCFNets

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        super().__init__(preset, device, **options)
        o = self.options
        self.landmarker = None
        if o["parsing"]:
            self.landmarker = teaching_landmarker(o, device, WITHOUT)

    def make_critics(self) -> Mapping[str, nn.Module]:
        """Return the discriminators of the surroundings of the hole and of the whole image.

        Raises:
            TrainingError: A view is larger than the image, or too small.
        """
        o = self.options
        check_view(self.family.model, o["local"], o["size"], len(o["local_widths"]))
        return {
            "critic_local": Discriminator(o["local_widths"], o["local"], o["critic_norm"]),
            "critic_global": Discriminator(o["critic_widths"], o["size"], o["critic_norm"]),
        }

    def learners(self) -> Mapping[str, nn.Module]:
        """Return the generator and, where its loss counts, the parser."""
        o = self.options
        if not o["parsing"]:
            o["images_parser"] = 0  # nobody would ask it
            return super().learners()
        if o["images_both"] and not o["images_parser"]:
            raise TrainingError(
                "gcf's option 'images_parser' is 0, and the loss 'parsing' would follow a parser "
                f"that has learnt nothing; teach it, or {WITHOUT}."
            )
        self.parser = Parser(len(PARTS), o["parser_base"])
        start(self.parser, o["parser_weights"])
        self.parser.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return {**super().learners(), "parser": self.parser}

    def optimizer(self, net: nn.Module, lr: float) -> torch.optim.Optimizer:
        """Return Adam, for the parser at its own rate."""
        taught = isinstance(net, Parser)
        return adam(net, self.options["lr_parser"] if taught else lr, self.betas)

    def state(self) -> Mapping[str, Stateful]:
        """Return networks, discriminators, parser and optimisers."""
        parser = {"parser": self.parser} if self.options["parsing"] else {}
        return {**super().state(), **parser}

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the networks that the steps call."""
        parser = {"parser": self.parser} if self.options["parsing"] else {}
        return {**super().networks(), **parser}

    def step(self, stage: str, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of what the stage trains; return the losses."""
        if stage == "parser":
            return self._teach_parser(scene, share)
        self.nets.train()
        self.critics.train()
        made = scene.counted(self.outputs(scene))
        losses: dict[str, Tensor] = {}
        for name in self._judging(stage):
            losses |= self.teach(name, self._seen(name, made, scene), scene, share)
        terms = self._terms(stage, made, scene)
        self.descend("nets", self.total(terms), share)
        return losses | terms

    def judgement(self, critic: nn.Module, images: Tensor, scene: Scene) -> Tensor:
        """Return how real images look, the whole or what lies around their holes, (M, 1) logits."""
        if critic is self.critics["critic_local"]:
            images = around(images, scene.beside(scene.hole, images), self.options["local"])
        return super().judgement(critic, images, scene)

    def terms(self, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        """Return the losses of the last stage (equations 1 to 4) and the identity terms."""
        return self._terms("both", made, scene)

    def sketches(self, made: Outputs, scene: Scene) -> Sequence[Tensor]:
        """Return rows of the parts that the parser sees in completed and in clean faces."""
        if not self.options["parsing"]:
            return ()
        self.parser.eval()
        return tuple(painted(self._parts(one)) for one in (scene.pasted(made["face"]), scene.clean))

    def figures(self, made: Outputs, scene: Scene) -> dict[str, float]:
        """Return in which share of the hole the parser sees the same in completed and clean faces,
        and in which share of the clean image what the landmarks say.
        """
        if not self.options["parsing"]:
            return {}
        self.parser.eval()
        seen, wanted = self._parts(scene.pasted(made["face"])), self._parts(scene.clean)
        told, inside = self._labels(scene), scene.hole[:, 0] > 0
        known = told != UNKNOWN
        return {
            "same parts": float((seen == wanted)[inside].float().mean()) if inside.any() else 1.0,
            "parser right": float((wanted == told)[known].float().mean()) if known.any() else 0.0,
        }

    def _judging(self, stage: str) -> Sequence[str]:
        """Return which discriminators take part in a stage."""
        o = self.options
        weights = {"local": ("adv_local",), "both": ("adv_local", "adv")}.get(stage, ())
        names = {"adv_local": "critic_local", "adv": "critic_global"}
        return [names[weight] for weight in weights if o[weight]]

    def _seen(self, name: str, made: Outputs, scene: Scene) -> Tensor:
        """Return what a discriminator is shown, (N, 3, H, W): of the image as a whole what was
        made in the hole, of its surroundings all that was made.
        """
        return made["face"] if name == "critic_local" else scene.pasted(made["face"])

    def _terms(self, stage: str, made: Outputs, scene: Scene) -> dict[str, Tensor]:
        off = 2 * (made["face"] - scene.clean)  # of images in [-1, 1]
        squares = self.options["distance"] == "squares"
        losses = {"pixel": (off.square() / 2 if squares else off.abs()).mean()}
        for name in self._judging(stage):
            term = "adv_local" if name == "critic_local" else "adv"
            losses[term] = self.fooling(name, self._seen(name, made, scene), scene)
        if stage != "both":
            return losses
        pasted = scene.pasted(made["face"])
        if self.options["parsing"]:
            losses["parsing"] = self._parsed(pasted, scene)
        return losses | self.recognised(pasted, scene)

    def _parsed(self, images: Tensor, scene: Scene) -> Tensor:
        """Return the cross-entropy of what the parser sees to what it sees in the clean images."""
        self.parser.eval()
        with frozen(self.parser) as parser:
            logits = parser(2 * images - 1).float()
        return F.cross_entropy(logits, self._parts(scene.clean))

    def _teach_parser(self, scene: Scene, share: float) -> dict[str, Tensor]:
        """Take one step of the parser on the clean images whose landmarks are known."""
        labels = self._labels(scene)
        known = labels != UNKNOWN
        logits = self.parser.train()(2 * scene.clean - 1).float()
        apart = F.cross_entropy(logits, labels, ignore_index=UNKNOWN, reduction="sum")
        loss = apart / known.sum().clamp_min(1)
        self.descend("parser", loss, share)
        right = ((logits.argmax(1) == labels) & known).sum() / known.sum().clamp_min(1)
        return {"entropy": loss, "right": right}

    @torch.no_grad()
    def _parts(self, images: Tensor) -> Tensor:
        """Return the (N, H, W) part that the parser sees in each pixel of images in [0, 1]."""
        parts: Tensor = self.parser(2 * images - 1).argmax(1)
        return parts

    @torch.no_grad()
    def _labels(self, scene: Scene) -> Tensor:
        """Return (N, H, W) labels by annotated landmarks, or found ones where one is missing."""
        assert self.landmarker is not None
        points = scene.batch.landmarks98
        if points is None:
            points = scene.clean.new_full((len(scene.clean), 98, 2), torch.nan)
        asked = ~points.isfinite().all(2).all(1)
        if asked.any():
            with torch.autocast(self.device.type, enabled=False):
                answered = located(self.landmarker, scene.clean[asked])
            points = points.masked_scatter(asked[:, None, None], answered)
        return regions(points, (scene.clean.shape[2], scene.clean.shape[3]))


def start(parser: Parser, weights: str) -> None:
    """Bring a parser's encoder to where VGG-19 is.

    Args:
        parser: Changed in place.
        weights: ``imagenet`` for torchvision's, a file of the same kind, or ``""`` for nothing.

    Raises:
        TrainingError: They are not available, or do not fit.
    """
    if not weights:
        return
    what, option = "VGG-19's weights", "parser_weights"
    instead = f"leave them out (--set {option}=)"
    if weights == "imagenet":
        known = VGG19_Weights.IMAGENET1K_V1
        state = torchvision_files.fetched(known, f"{what} for the parser", instead, option)
    else:
        state = weights_file.foreign(Path(weights))
    try:
        parser.start_from_vgg(state)
    except (KeyError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"The tensors of {weights} are not {what}, or do not fit a parser with another "
            f"'parser_base' than 64; {instead}."
        ) from error


def painted(parts: Tensor) -> Tensor:
    """Return (N, 3, H, W) pictures of (N, H, W) parts, a colour each; what is no face is black."""
    hues = torch.arange(1, len(PARTS), device=parts.device) / (len(PARTS) - 1)
    phases = torch.tensor([0.0, 1 / 3, 2 / 3], device=parts.device)
    colours = 0.5 + 0.5 * torch.cos(2 * torch.pi * (hues[:, None] - phases))  # (parts - 1, 3)
    colours = torch.cat([colours.new_zeros(1, 3), colours])
    return colours[parts].permute(0, 3, 1, 2)
