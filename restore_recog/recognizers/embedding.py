"""Training of any embedding network: what the losses have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.errors import TrainingError
from restore_recog.nn.distributed import gathered
from restore_recog.nn.figures import pair_figures
from restore_recog.nn.stepping import descend, warmed_cosine
from restore_recog.types import FaceBatch

CLIP = 5.0
"""Largest norm of the gradient."""

COMMON: dict[str, Any] = {
    "images": 400_000,
    "batch_size": 128,
    "identities_per_batch": 32,
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "covered": 0.0,
    "warm_up": 0.05,
}
"""Options that every loss has, with their defaults; lengths in images, ``covered`` a share."""


class EmbeddingTraining(ABC):
    """The training of a recogniser, as the training engine runs it.

    Args:
        model: Plug-in name that the weights file is written for.
        net: (N, 3, H, W) in [0, 1] -> (N, D), not normalised.
        config: What rebuilds the net, as plain JSON values.
        image_size: Side of the crops in pixels.
        device: Where the net is trained.
        options: Any of :attr:`defaults`.
    """

    loss_name: ClassVar[str]
    """As ``--set loss=NAME`` says it, and as the phase and its figure are called."""

    defaults: ClassVar[Mapping[str, Any]]
    """Every option of ``--set`` with its default."""

    def __init__(
        self,
        model: str,
        net: nn.Module,
        config: Mapping[str, Any],
        image_size: int,
        device: str,
        **options: Any,
    ) -> None:
        unknown = sorted(set(options) - set(self.defaults))
        if unknown:
            raise TrainingError(
                f"The recogniser's training has no option '{unknown[0]}'; "
                f"choose from {', '.join(self.defaults)}."
            )
        self.options = {**self.defaults, **options}
        self.model, self.config, self.image_size = model, dict(config), image_size
        self.device = device
        self.net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.identities_per_batch = int(self.options["identities_per_batch"])
        self.covered = float(self.options["covered"])
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(),
            lr=self.options["learning_rate"],
            weight_decay=self.options["weight_decay"],
        )
        length, batch_size = int(self.options["images"]), int(self.options["batch_size"])
        self.phases: Sequence[Phase] = [Phase(self.loss_name, length, batch_size, self.step)]

    @abstractmethod
    def compared(self, embeddings: Tensor, subjects: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        """Return the loss of a batch, and what else is logged.

        Args:
            embeddings: (N, D) float32, of all processes.
            subjects: (N,) int64 labels.
        """

    def learning(self) -> nn.Module:
        """Return everything that has gradients."""
        return self.net

    def step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        """Take one optimiser step on an identity-balanced batch."""
        self.net.train()
        rate = self.options["learning_rate"] * warmed_cosine(progress, self.options["warm_up"])
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Where processes share the batch out, everyone is still compared with everyone.
        embeddings = gathered(self.net(batch.images).float())
        subjects = gathered(batch.attributes["subject"])
        loss, figures = self.compared(embeddings, subjects)
        descend(self.optimizer, self.learning(), loss, CLIP)
        return {self.loss_name: loss.item(), **figures}

    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return verification and rank figures of people with two images each."""
        self.net.eval()
        return pair_figures(self.net(batch.images))

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the net."""
        return {"net": self.net}

    def state(self) -> Mapping[str, Stateful]:
        """Return the net and its optimiser."""
        return {"net": self.net, "optimizer": self.optimizer}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the configuration and the net's tensors."""
        return self.config, self.net.state_dict()

    def preview(self, batch: FaceBatch) -> Tensor:
        """Return the images as the recogniser sees them."""
        return batch.images

    def describe(self) -> Mapping[str, Any]:
        """Return what a resumed run must agree on."""
        return {"model": self.model, "config": self.config, "options": self.options}
