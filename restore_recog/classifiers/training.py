"""Training of a classifier: cross-entropy on the images whose label is known, drawn in balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.labels import UNKNOWN
from restore_recog.nn.options import Configuration, check_positive, learnt, overridden
from restore_recog.nn.stepping import descend, warmed_cosine
from restore_recog.nn.teachers import colourless
from restore_recog.types import FaceBatch

DEFAULTS: dict[str, Any] = {
    "images": 300_000,
    "batch_size": 64,
    "lr": 1e-3,
    "weight_decay": 0.05,
    "warm_up": 0.05,
    "smoothing": 0.1,
    "grey": 0.5,
    "covered": 0.0,
    "clip": 5.0,
}
"""``grey`` is the share of the images that are shown without colour: where one set of faces is grey
and another in colour, colour would tell the classes apart that each set is rich in."""

LIMITS = {"smoothing": (0.0, 0.9), "grey": (0.0, 1.0), "covered": (0.0, 1.0), "warm_up": (0.0, 0.9)}


class ClassifierTraining:
    """Everything that one training of a classifier holds; a ``restore_recog.api.Trainable``.

    Args:
        configuration: What the net's options may be, ``label`` and ``image_size`` among them.
        build: Makes the net, (N, 3, S, S) in [0, 1] -> (N, C) logits, from its options.
        label: What it is to tell, a key of :data:`restore_recog.labels.KINDS`.
        model: Plug-in name that the weights file is written for.
        device: Where it trains.
        options: Overrides of the configuration's options and of *defaults*.
        defaults: What :data:`DEFAULTS` are for other classifiers; may have more.

    Raises:
        TrainingError: There is no such option, or a value does not fit.
    """

    identities_per_batch = 0

    def __init__(
        self,
        configuration: Configuration,
        build: type[nn.Module],
        label: str,
        *,
        model: str,
        device: str,
        options: Mapping[str, Any],
        defaults: Mapping[str, Any] = DEFAULTS,
    ) -> None:
        preset = {**configuration.options, "label": label, **defaults}
        choices = {**configuration.choices, "label": (label,)}
        self.options = o = overridden(configuration.model, {"": preset}, "", options, choices)
        configuration.check({name: o[name] for name in configuration.options})
        Configuration(configuration.model, defaults, (), limits=LIMITS).check(
            {name: o[name] for name in defaults}
        )
        check_positive(configuration.model, o, ("images", "batch_size", "lr"))
        self.model, self.label, self.device = model, label, torch.device(device)
        self._kept = tuple(configuration.options)
        self.net = build(o).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.image_size: int = o["image_size"]
        self.covered: float = o["covered"]
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=o["lr"], weight_decay=o["weight_decay"]
        )

    @property
    def phases(self) -> Sequence[Phase]:
        """Return the only one."""
        o = self.options
        return [Phase(self.label, o["images"], o["batch_size"], self.step, balanced=self.label)]

    def step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        """Take one optimiser step on a batch whose labels are all known."""
        o, batch = self.options, batch.to(self.device)
        self.net.train()
        for group in self.optimizer.param_groups:
            group["lr"] = o["lr"] * self.rate(progress)
        labels = batch.attributes[self.label]
        logits = self.net(colourless(batch.images, o["grey"])).float()
        loss = F.cross_entropy(logits, labels, label_smoothing=o["smoothing"])
        descend(self.optimizer, self.net, loss, o["clip"])
        accuracy = (logits.detach().argmax(1) == labels).float().mean()
        return {"entropy": float(loss.detach()), "accuracy": float(accuracy)}

    def rate(self, progress: float) -> float:
        """Return the factor of the learning rate at a share of the training that is done."""
        return warmed_cosine(progress, self.options["warm_up"])

    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return the accuracy, and the cross-entropy's negative, where labels are known."""
        self.net.eval()
        labels = batch.attributes[self.label]
        known = labels != UNKNOWN
        logits = self.net(batch.images).float()[known]
        if not len(logits):
            return {}
        accuracy = (logits.argmax(1) == labels[known]).float().mean()
        return {
            "accuracy": float(accuracy),
            "likelihood": -float(F.cross_entropy(logits, labels[known])),
        }

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the net."""
        return {"net": self.net}

    def state(self) -> Mapping[str, Stateful]:
        """Return the net and its optimiser."""
        return {"net": self.net, "optimizer": self.optimizer}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the net's options and tensors."""
        return {name: self.options[name] for name in self._kept}, self.net.state_dict()

    def preview(self, batch: FaceBatch) -> Tensor:
        """Return the images as the classifier sees them."""
        return colourless(batch.images, self.options["grey"])

    def describe(self) -> Mapping[str, Any]:
        """Return what a resumed run must agree on."""
        return {"model": self.model, "options": learnt(self.options)}
