"""The losses on the features of a frozen network that several inpainters share.

Source: Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV
2016, with the layers of VGG-19 that Nazeri et al., "EdgeConnect", 2019, chose and others took over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.nn.inpainting.losses import feature_loss, style_loss
from restore_recog.nn.perceptual import layer_net


@dataclass(frozen=True)
class Layers:
    """Which feature maps are compared.

    Attributes:
        net: ``vgg16`` or ``vgg19``.
        ends: Where its feature maps end.
        per, style: Those of the perceptual and of the style loss, by their place in *ends*.
        signed: Whether it sees images in [-1, 1], else in [0, 1], unless they are normalised.
    """

    net: str
    ends: tuple[int, ...]
    per: tuple[int, ...]
    style: tuple[int, ...]
    signed: bool


VGG19 = Layers(
    "vgg19", (2, 7, 9, 12, 18, 21, 27, 30, 32), (0, 1, 3, 5, 7), (2, 4, 6, 8), signed=False
)
"""Of VGG-19 relu1_1, 2_1, 3_1, 4_1, 5_1 for what is seen, relu2_2, 3_4, 4_4, 5_2 for style."""

PERCEPTUAL = ("vgg19", "recognizer", "none")
"""Values of the option ``perceptual`` where :data:`VGG19` is what a paper compares."""


class FeatureTerms:
    """The losses ``per`` and ``style``, each named as the option that is its weight.

    Args:
        options: ``perceptual``, the network of *layers*, ``recognizer`` (one map for both losses)
            or ``none``; ``perceptual_weights``, a file of VGG or ``""``; ``vgg_norm``, whether VGG
            sees images as it was trained; ``style_on_hole``, whether style is compared in the hole
            alone (false without it); ``per`` and ``style``.
        device: Where the network computes.
        layers: Of VGG.

    Raises:
        TrainingError: The network's weights are not available.
    """

    def __init__(self, options: Mapping[str, Any], device: str, layers: Layers = VGG19) -> None:
        self.options = o = options
        file = Path(o["perceptual_weights"]) if o["perceptual_weights"] else None
        wanted = o["perceptual"] if o["per"] or o["style"] else "none"
        vgg = {"ends": layers.ends, "normalised": o["vgg_norm"], "signed": layers.signed}
        self.net: nn.Module | None = layer_net(wanted, file, device, **vgg)
        one = o["perceptual"] == "recognizer"
        self.compared = ((0,), (0,)) if one else (layers.per, layers.style)

    def __call__(self, made: Tensor, clean: Tensor, hole: Tensor) -> dict[str, Tensor]:
        """Return the losses whose weights are not 0; none without a network.

        Args:
            made, clean: (N, 3, H, W) in [0, 1]; no gradient flows through *clean*.
            hole: (N, 1, H, W) in {0, 1}.
        """
        o = self.options
        if self.net is None:
            return {}
        seen, wanted = self._maps(made, clean)
        wholes = (seen, wanted)
        if o["style"] and o.get("style_on_hole"):
            seen, wanted = self._maps(made * hole, clean * hole)
        losses = {}
        for name, loss, pair, layers in (
            ("per", feature_loss, wholes, self.compared[0]),
            ("style", style_loss, (seen, wanted), self.compared[1]),
        ):
            if o[name]:
                losses[name] = loss(*([maps[n] for n in layers] for maps in pair))
        return losses

    def _maps(self, made: Tensor, clean: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        assert self.net is not None
        with torch.no_grad():
            wanted = self.net(clean)
        return self.net(made), wanted
