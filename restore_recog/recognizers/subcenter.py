"""Training of any embedding network with sub-center ArcFace.

Every person of the training has several centres on the sphere, so that odd or wrongly labelled
images gather at one of their own; an image counts for the nearest of them, and its angle to its
person's is made larger by the margin before all people are told apart.

Source: Deng, Guo, Liu, Gong, Zafeiriou, "Sub-center ArcFace", ECCV 2020: three centres, margin
0.5, scale 64. The loss is that of pytorch-metric-learning. Rows "SCA" of FMODR's table 5.

Deviation: the images at an angle of more than 75 degrees are not taken out for a second training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn

from restore_recog.api import Stateful
from restore_recog.errors import TrainingError
from restore_recog.recognizers.embedding import COMMON, EmbeddingTraining

OPTIONS: dict[str, Any] = {**COMMON, "margin": 28.6, "scale": 64.0, "sub_centers": 3}
"""Every option of ``--set`` with its default; ``margin`` is an angle in degrees (28.6 are 0.5 in
radians)."""

SPREAD = 0.01
"""Standard deviation of the centres' numbers at the start; small, so that they turn fast."""


class SubCenterTraining(EmbeddingTraining):
    """Sub-center ArcFace over the people of the training; arguments as its parent's.

    The centres are parameters of the loss. They are trained in a group of their own and kept in
    checkpoints, but not in the weights file.
    """

    loss_name = "subcenter-arcface"
    defaults = OPTIONS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        degrees, count = float(self.options["margin"]), int(self.options["sub_centers"])
        if not 0 <= degrees < 90:
            raise TrainingError(
                f"The margin of sub-center ArcFace is an angle in degrees, from 0 to below 90, not "
                f"{degrees:g}; 28.6 is the paper's 0.5 in radians."
            )
        if count < 1 or not float(self.options["scale"]) > 0:
            raise TrainingError("Sub-center ArcFace needs sub_centers >= 1 and scale > 0.")
        self._people = torch.empty(0, dtype=torch.int64)
        self.loss: Any = None

    def expect(self, people: Tensor) -> None:
        """Make the centres of the people of the training, once, before the first step.

        Args:
            people: (P,) their labels, rising.
        """
        self._people = people.to(self.device)
        with torch.no_grad():
            width = self._width()
        loss = losses.SubCenterArcFaceLoss(
            num_classes=len(people),
            embedding_size=width,
            margin=float(self.options["margin"]),
            scale=float(self.options["scale"]),
            sub_centers=int(self.options["sub_centers"]),
        )
        # Versions of the library differ in the unit of the argument, not in that of the attribute.
        loss.margin = math.radians(float(self.options["margin"]))
        nn.init.normal_(loss.W, std=SPREAD)
        self.loss = loss.to(self.device)
        self.optimizer.add_param_group({"params": list(self.loss.parameters())})

    def compared(self, embeddings: Tensor, subjects: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        """Return the loss of a batch, and which share of it is nearest to its own person."""
        classes = torch.searchsorted(self._people, subjects)
        with torch.autocast(embeddings.device.type, enabled=False):
            loss = self.loss(embeddings, classes)
            with torch.no_grad():
                nearest = self.loss.get_logits(embeddings).argmax(1)
        return loss, {"accuracy": float((nearest == classes).float().mean())}

    def learning(self) -> nn.Module:
        """Return the net and the centres."""
        return nn.ModuleList([self.net, self.loss])

    def state(self) -> Mapping[str, Stateful]:
        """Return the net, the centres and their optimiser."""
        return {**super().state(), "centres": self.loss}

    def describe(self) -> Mapping[str, Any]:
        """Return what a resumed run must agree on."""
        return {**super().describe(), "loss": self.loss_name}

    def _width(self) -> int:
        """Return D of the net's embeddings."""
        training = self.net.training
        image = torch.zeros(1, 3, self.image_size, self.image_size, device=self.device)
        width = int(self.net.eval()(image).shape[1])
        self.net.train(training)
        return width
