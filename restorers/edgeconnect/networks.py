"""The two generators of EdgeConnect, which have one body.

Source: Nazeri et al., section 3 and appendix A.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.nn.dilated import DilatedBlock, conv, enlarging, normalised
from restore_recog.nn.edges import canny, greyed
from restore_recog.nn.inpainting.restorer import InpaintingNets

BLOCKS = 8
"""Dilated residual blocks, which bring the field of view to 205 pixels."""


class Generator(nn.Module):
    """(N, inputs, H, W) -> (N, outputs, H, W), any numbers; H and W divisible by 4.

    Args:
        inputs, outputs: Channels.
        base: b; the encoder is b, 2b and 4b wide.
        spectral: Whether all convolutions but the last are spectrally normalised.
        upsampling: One of :data:`restore_recog.nn.dilated.UPSAMPLING`.
    """

    def __init__(
        self, inputs: int, outputs: int, base: int = 64, *, spectral: bool, upsampling: str
    ) -> None:
        super().__init__()
        b, how = base, {"spectral": spectral}
        self.encoder = nn.Sequential(
            normalised(nn.ReflectionPad2d(3), conv(inputs, b, 7, **how), width=b),
            normalised(conv(b, 2 * b, 4, stride=2, padding=1, **how), width=2 * b),
            normalised(conv(2 * b, 4 * b, 4, stride=2, padding=1, **how), width=4 * b),
        )
        self.blocks = nn.Sequential(*(DilatedBlock(4 * b, **how) for _ in range(BLOCKS)))
        self.decoder = nn.Sequential(
            enlarging(4 * b, 2 * b, upsampling, **how),
            enlarging(2 * b, b, upsampling, **how),
            nn.ReflectionPad2d(3),
            conv(b, outputs, 7),
        )

    def forward(self, *given: Tensor) -> Tensor:
        """Return what the last convolution gives.

        Args:
            given: (N, C, H, W) each, *inputs* channels together.
        """
        x = self.encoder(torch.cat(given, 1))  # (N, 4b, H/4, W/4)
        return self.decoder(self.blocks(x))  # type: ignore[no-any-return]


class EdgeConnectNets(InpaintingNets):
    """The edge generator and the inpainting generator.

    Args:
        options: Of :mod:`restore_recog.restorers.edgeconnect.presets`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        base, up = options["base"], options["upsampling"]
        self.sigma: float = options["sigma"]
        self.edges = Generator(3, 1, base, spectral=True, upsampling=up)
        self.inpainter = Generator(4, 3, base, spectral=False, upsampling=up)

    def known(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return the edges that can be seen, (N, 1, H, W) in {0, 1}: none in or along the hole."""
        return canny(greyed(occluded), self.sigma, hole)

    def sketched(self, occluded: Tensor, hole: Tensor, known: Tensor) -> Tensor:
        """Return how likely each pixel is one of an edge, (N, 1, H, W) in (0, 1) (equation 1).

        Args:
            occluded: (N, 3, H, W) in [0, 1].
            hole: (N, 1, H, W) in {0, 1}.
            known: (N, 1, H, W) of :meth:`known`.
        """
        grey = torch.where(hole > 0, 1.0, greyed(occluded))
        return self.edges(grey, known, hole).sigmoid()  # type: ignore[no-any-return]

    def painted(self, occluded: Tensor, hole: Tensor, lines: Tensor) -> Tensor:
        """Return the face that goes with the lines, (N, 3, H, W) in (0, 1) (equation 6).

        Args:
            occluded, hole: As for :meth:`sketched`.
            lines: (N, 1, H, W) in [0, 1] edges, the known ones and in the hole sketched ones.
        """
        white = torch.where(hole > 0, 1.0, occluded)
        return self.inpainter(white, lines).tanh() / 2 + 0.5  # type: ignore[no-any-return]

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in [0, 1]."""
        known = self.known(occluded, hole)
        lines = torch.where(hole > 0, self.sketched(occluded, hole, known), known)
        return self.painted(occluded, hole, lines)
