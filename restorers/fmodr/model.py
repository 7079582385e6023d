"""FMODR's restoring networks together, as training and restoring both need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from restore_recog.nn.contextual_attention import ContextAttention
from restore_recog.nn.gated import RefineNet
from restore_recog.restorers.fmodr.attention import AdaptiveContextAttention
from restore_recog.restorers.fmodr.networks import CoarseNet, Detector


def paste(output: Tensor, image: Tensor, hole: Tensor) -> Tensor:
    """Return output x hole + image x (1 - hole)."""
    return output * hole + image * (1 - hole)


class FMODRNets(nn.Module):
    """Detector, coarse and refine network.

    Args:
        options: Of :mod:`restore_recog.restorers.fmodr.presets`, or the same as plain JSON
            values from a weights file.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.detector = Detector(o["detector_widths"], skips=o["detector_skips"])
        self.coarse = CoarseNet(
            o["coarse_widths"],
            inputs=o["coarse_in"],
            convs=o["coarse_convs"],
            norm=o["coarse_norm"],
        )
        self.refine: RefineNet | None = None
        if not o["coarse_only"]:
            self.refine = RefineNet(
                o["refine_widths"],
                attention=_attention(o),
                inputs=o["refine_in"],
                gated=o["gated"],
                residual=o["residual"],
            )

    def forward(self, occluded: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        """Return (coarse image, final image with what is outside the hole put back).

        Args:
            occluded: (N, 3, H, W) in [-1, 1].
            hole: (N, 1, H, W) in {0, 1}; pixels inside are not looked at.
        """
        coarse = self.coarse(occluded * (1 - hole), hole)
        image = paste(coarse, occluded, hole)
        if self.refine is None:
            return coarse, image
        return coarse, paste(self.refine(image, hole), occluded, hole)


def _attention(options: Mapping[str, Any]) -> nn.Module | None:
    """Return the attention layer that the switches ask for."""
    if options["attention"] == "none":
        return None
    if options["attention"] == "ca":
        return ContextAttention(rate=options["rate"])
    return AdaptiveContextAttention(
        options["refine_widths"][2],
        rate=options["rate"],
        prop=options["prop"],
        norm=options["norm"],
    )
