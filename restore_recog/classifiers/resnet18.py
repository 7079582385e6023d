"""``resnet18``: a ResNet-18 that tells the expression of a face, or another label.

Source: the ECGAN paper (section 4.2) tells expressions by a ResNet-18 on RAF-DB.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from restore_recog import weights as weights_file
from restore_recog.api import Classifier
from restore_recog.classifiers.training import ClassifierTraining
from restore_recog.errors import TrainingError, WeightsError
from restore_recog.labels import KINDS
from restore_recog.nn.building import ready
from restore_recog.nn.options import Configuration

NAME = "resnet18"

STAGES = (1, 2, 4, 8)
"""Width of the four stages, in multiples of the first's."""

CONFIGURATION = Configuration(
    f"the classifier '{NAME}'",
    {"label": "expression", "image_size": 96, "width": 32, "dropout": 0.2},
    needed=("label", "image_size", "width"),
    choices={"label": tuple(KINDS)},
    limits={"image_size": (32, 1024), "width": (8, 512), "dropout": (0.0, 0.9)},
)


class ResNetClassifier(nn.Module):
    """A ResNet-18 of any width, with one output for each class.

    Args:
        options: Of :data:`CONFIGURATION`. ``width`` 64 is the ResNet-18 of the paper.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        width: int = options["width"]
        self.net: Any = timm.create_model(
            "resnet18",
            num_classes=len(KINDS[options["label"]]),
            channels=tuple(width * factor for factor in STAGES),
            stem_width=width,
            drop_rate=options.get("dropout", 0.0),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, C) logits of (N, 3, S, S) images in [0, 1]."""
        return self.net(2 * images - 1)  # type: ignore[no-any-return]

    def features(self, images: Tensor) -> Tensor:
        """Return the (N, 8 width) averages that the logits are made of."""
        maps = self.net.forward_features(2 * images - 1)  # (N, 8 width, S/32, S/32)
        return self.net.forward_head(maps, pre_logits=True)  # type: ignore[no-any-return]


class ResNet18(Classifier):
    """ResNet-18; tells the expression, or with its own weights another label (resnet18:gender).

    Args:
        argument: The label that the weights must tell; None for whatever they tell.
        weights: Weights file; None for the shipped one, which tells expressions.
        device: Where it computes.

    Raises:
        WeightsError: The file is missing, corrupt, another model's, or tells another label.
    """

    name = NAME

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(argument, weights=weights, device=device)
        self.weights = weights or weights_file.shipped(NAME)
        self.net, config = ready(
            ResNetClassifier, self.weights, NAME, device, CONFIGURATION.of_file
        )
        self.label = config["label"]
        if argument not in (None, self.label):
            raise WeightsError(
                f"{self.weights} tells a face's {self.label}, not '{argument}'; give the file of a "
                f"classifier that was trained with 'train-classifier --classifier {NAME}:LABEL' "
                f"(LABEL one of {', '.join(KINDS)})."
            )
        self.image_size = (config["image_size"], config["image_size"])
        self.settings = {"width": config["width"]}

    @torch.inference_mode()
    def classify(self, images: Tensor) -> Tensor:
        """Return (N, C) probabilities."""
        return self.net(images).softmax(1)  # type: ignore[no-any-return]

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return the (N, 8 width) averages over the last feature map."""
        return self.net.features(images)

    @classmethod
    def trainable(
        cls, argument: str | None = None, device: str = "cpu", **options: Any
    ) -> ClassifierTraining:
        """Return the training for a label, the expression where none is named.

        ``options`` are ``image_size``, ``width``, ``dropout`` and those of
        :data:`restore_recog.classifiers.training.DEFAULTS`.

        Raises:
            TrainingError: There is no such label or option, or a value does not fit.
        """
        label = argument or "expression"
        if label not in KINDS:
            raise TrainingError(
                f"There is no label '{label}' to train '{NAME}' for; choose from "
                f"{', '.join(KINDS)}."
            )
        return ClassifierTraining(
            CONFIGURATION, ResNetClassifier, label, model=NAME, device=device, options=options
        )
