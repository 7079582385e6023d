"""FMODR's losses of a leg, on images in [-1, 1]; one value an image, then their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from restore_recog.nn.adversarial import frozen, generator_loss, judged
from restore_recog.nn.distributed import total, world
from restore_recog.nn.perceptual import perceptual_loss
from restore_recog.nn.teachers import Teachers
from restore_recog.restorers.fmodr.model import paste
from restore_recog.restorers.fmodr.presets import ScheduleLeg


@dataclass(frozen=True)
class Scene:
    """One batch in the networks' terms: images in [-1, 1], masks in {0, 1}, people's labels.

    Attributes:
        mask: The true mask.
        given: The mask that is restored, true or detected.
        hole: That widened, as the networks are shown it.
        valid: Of the batch.
    """

    occluded: Tensor
    clean: Tensor
    mask: Tensor
    given: Tensor
    hole: Tensor
    people: Tensor | None
    valid: Tensor | None = None


@dataclass(frozen=True)
class Generated:
    """What a leg's networks make of a scene.

    Attributes:
        output: (N, 3, H, W) the leg's raw images.
        coarse: (N, 3, H, W) the coarse images, where the coarse network learns beside another.
        keep: (N,) which images count; None for all.
    """

    output: Tensor
    coarse: Tensor | None = None
    keep: Tensor | None = None


def hole_l1(output: Tensor, clean: Tensor, hole: Tensor) -> Tensor:
    """Return (N,) mean absolute error inside the hole; 0 where there is none."""
    error = (output - clean).abs() * hole
    return error.flatten(1).sum(1) / (3 * hole.flatten(1).sum(1)).clamp_min(1)


def reconstruction_loss(output: Tensor, clean: Tensor, hole: Tensor, weight: float) -> Tensor:
    """Return (N,) mean absolute error, plus *weight* times that of the hole."""
    whole = (output - clean).abs().flatten(1).mean(1)
    return whole + weight * hole_l1(output, clean, hole) if weight else whole


def weighted_mean(losses: Tensor, keep: Tensor | None) -> Tensor:
    """Return the mean of (N,) losses, over the kept images where *keep* is given.

    Where processes share a batch out, the mean of their values is the whole batch's.
    """
    if keep is None:
        return losses.mean()
    return (losses * keep).sum() / (total(keep.sum()).clamp_min(1) / world())


@dataclass(frozen=True)
class GeneratorTerms:
    """The losses that a leg's generator is trained by.

    Attributes:
        options: Of the training.
        critics: The stages' discriminators.
        features: Of :func:`restore_recog.nn.perceptual.feature_net`, or None.
        teachers: For the identity terms, or None.
    """

    options: Mapping[str, Any]
    critics: nn.ModuleDict
    features: nn.Module | None
    teachers: Teachers | None

    def __call__(
        self, leg: ScheduleLeg, scene: Scene, made: Generated
    ) -> dict[str, tuple[Tensor, float]]:
        """Return each loss and its weight in the leg; weight 0 where it is only watched."""
        hole, keep = self.options["hole"], made.keep
        rec = reconstruction_loss(made.output, scene.clean, scene.hole, hole)
        losses = {"rec": (weighted_mean(rec, keep), leg.rec)}
        if made.coarse is not None:
            rec = reconstruction_loss(made.coarse, scene.clean, scene.hole, hole)
            losses["coarse_rec"] = (rec.mean(), self.options["coarse_rec"])
        pasted = paste(made.output, scene.occluded, scene.hole)
        if leg.adv:
            critic = self.critics["coarse" if leg.coarse else "refine"]
            with frozen(critic):
                logits = judged(critic, pasted, scene.hole)
            losses["adv"] = (weighted_mean(generator_loss(logits), keep), leg.adv)
        image, clean = pasted / 2 + 0.5, scene.clean / 2 + 0.5
        if leg.per and self.features is not None:
            per = perceptual_loss(self.features, made.output / 2 + 0.5, clean)
            losses["per"] = (weighted_mean(per.float(), keep), leg.per)
        if (leg.identity or leg.margin) and self.teachers is not None:
            apart, excess = self.teachers(image, clean, scene.people)
            losses["identity"] = (weighted_mean(apart, keep), leg.identity)
            losses["margin"] = (weighted_mean(excess, keep), leg.margin)
        return losses
