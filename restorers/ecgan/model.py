"""ECGAN's networks together, as training and restoring both need them; DeepGAN's as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from restore_recog.labels import EXPRESSIONS
from restore_recog.nn.masks import hidden
from restore_recog.restorers.ecgan.networks import Generator, LabelPlanes

PLANES = 7
"""Of the label, in the generator's input."""


class VisibleHalf(nn.Module):
    """A small ResNet-18 that tells the expression from what the covering leaves free.

    It is not in the paper, which is told the true expression.

    Args:
        channels: Widths of the four stages.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.net = timm.create_model(
            "resnet18", channels=tuple(channels), num_classes=len(EXPRESSIONS)
        )

    def forward(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 7) logits.

        Args:
            occluded: (N, 3, H, W) in [0, 1]; what is covered is hidden.
            hole: (N, 1, H, W) in {0, 1}.
        """
        return self.net(2 * hidden(occluded, hole) - 1)  # type: ignore[no-any-return]


class ECGANNets(nn.Module):
    """The generator, and with a label its embedding and the classifier of the visible half.

    Args:
        options: Of :mod:`restore_recog.restorers.ecgan.presets`, or the same as plain JSON
            values from a weights file.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.map, self.cloth = o["map"], o["cloth"]
        self.planes: LabelPlanes | None = None
        self.visible: VisibleHalf | None = None
        if o["label"]:
            self.planes = LabelPlanes(PLANES, plane_side(o))
            self.visible = VisibleHalf(o["visible"])
        self.generator = Generator(
            3 + 3 * o["map"] + PLANES * o["label"],
            o["base"],
            depth=o["depth"],
            dropout=o["dropout"],
            upsampling=o["upsampling"],
            shared_bn=o["shared_bn"],
            modulated=o["label"] and o.get("modulate", False),  # files from before it have none
        )

    def generate(
        self, occluded: Tensor, hole: Tensor, labels: Tensor | None = None, *, told: bool = True
    ) -> Tensor:
        """Return the generator's faces, (N, 3, H, W) in [0, 1], before pasting.

        Args:
            occluded: (N, 3, H, W) in [0, 1]; the covering stays in the image, unless the option
                ``cloth`` puts grey in its place.
            hole: (N, 1, H, W) in {0, 1}.
            labels: (N,) codes of expressions, below 0 where unknown; None where all are.
            told: Whether the generator is told the map. One that has learnt with it and is not
                sees zeros there, as if these columns of its first layer were cut out, and the
                covering.
        """
        told = told and self.map
        if told and self.cloth == "grey":
            occluded = hidden(occluded, hole)
        given = [2 * occluded - 1]
        if self.map:
            # The paper's input has the map three times, as a picture.
            given.append((2 * hole - 1 if told else 0 * hole).expand(-1, 3, -1, -1))
        if self.planes is not None:
            if labels is None:
                labels = torch.full((len(occluded),), -1, device=occluded.device)
            given.append(self.planes(labels, occluded.shape[2:]))
        face: Tensor = self.generator(torch.cat(given, 1), labels)  # (N, 3, 6, 10 or 13, H, W) in
        return face / 2 + 0.5

    def predicted(self, occluded: Tensor, hole: Tensor) -> Tensor | None:
        """Return the (N,) most probable expressions of the visible half; None without a label."""
        return None if self.visible is None else self.visible(occluded, hole).argmax(1)


def plane_side(options: Mapping[str, Any]) -> int:
    """Return the side of the label's planes that are learnt."""
    return int(options["size"]) if options["label_planes"] == "full" else 1
