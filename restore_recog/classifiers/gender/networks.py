"""The networks of the gender classifier: a backbone, and the paper's dense layers on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torchvision.models import inception_v3

from restore_recog.classifiers.gender.presets import INCEPTION, LABEL
from restore_recog.errors import TrainingError

STAGES = (1, 2, 4, 8)
"""Width of a ResNet-18's four stages, in multiples of the first's."""

NARROWEST = 8


class Inception(nn.Module):
    """torchvision's Inception-v3 without its classes; frozen, in batch statistics too.

    Keras, which the paper used, keeps the statistics of frozen layers as they are: whatever
    ``train`` is told, this stays in eval mode.
    """

    channels = 2048

    def __init__(self) -> None:
        super().__init__()
        # Weights come from a file or from torchvision's loader, so none are drawn with care.
        self.net: Any = inception_v3(
            weights=None, aux_logits=False, transform_input=False, init_weights=False
        )
        self.net.fc = nn.Identity()
        self.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> Inception:
        """Stay in eval mode."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the (N, 2048) averages of (N, 3, S, S) images in [-1, 1]."""
        with torch.no_grad():
            return self.net(images)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """A narrow ResNet-18 without its classes, trained with the rest.

    Args:
        width: Of the first stage.

    Raises:
        TrainingError: It is too narrow.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if width < NARROWEST:
            raise TrainingError(
                f"{LABEL}'s ResNet-18 is at least {NARROWEST} wide, not {width}; set width."
            )
        widths = tuple(width * factor for factor in STAGES)
        self.channels = widths[-1]
        self.net: Any = timm.create_model(
            "resnet18", num_classes=0, channels=widths, stem_width=width
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the (N, 8 width) averages of (N, 3, S, S) images in [-1, 1]."""
        return self.net(images)  # type: ignore[no-any-return]


class DenseHead(nn.Module):
    """Batch norm, then dense layers with ReLU and batch norm, then one number.

    Args:
        channels: Of what comes in.
        hidden: Widths of the dense layers.
        dropout: Before the last one.
    """

    def __init__(self, channels: int, hidden: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm1d(channels)]
        for width in hidden:
            layers += [nn.Linear(channels, width), nn.ReLU(), nn.BatchNorm1d(width)]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, 1))

    def forward(self, averages: Tensor) -> Tensor:
        """Return (N, 1) logits of male."""
        return self.last(self.layers(averages))  # type: ignore[no-any-return]


class GenderNet(nn.Module):
    """Images in, logits of female and male out.

    Args:
        options: Of :func:`restore_recog.classifiers.gender.presets.configuration`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        frozen = options["backbone"] == INCEPTION
        self.backbone = Inception() if frozen else ResNet(options["width"])
        self.head = DenseHead(
            self.backbone.channels, options["hidden"], options.get("dropout", 0.0)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, 2) logits of (N, 3, S, S) images in [0, 1].

        That of female is 0: the softmax of the two is the sigmoid of the one, and their
        cross-entropy its binary cross-entropy.
        """
        logit = self.head(self.backbone(2 * images - 1))  # (N, 1)
        return torch.cat([torch.zeros_like(logit), logit], 1)

    def features(self, images: Tensor) -> Tensor:
        """Return (N, D) what the last layer sees of (N, 3, S, S) images in [0, 1]."""
        return self.head.layers(self.backbone(2 * images - 1))  # type: ignore[no-any-return]
