"""The generator of pix2pix, a U-Net that halves the image down to one place.

Source: Isola et al., section 3.2.1 and appendix 6.1.1, and the published code where the paper is
silent (dropout 0.5, no normalisation in the first layer and in the innermost).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.dilated import drawn
from restore_recog.nn.inpainting.restorer import InpaintingNets
from restore_recog.nn.masks import hidden

WIDEST = 8
"""Times the base width: no layer is wider."""

DROPPING = 3
"""Layers of the decoder, from the innermost on, in which half of the features are dropped."""


def normalised(width: int) -> nn.Module:
    """Return batch normalisation of *width* channels, its scales drawn from N(1, 0.02)."""
    layer = nn.BatchNorm2d(width)
    nn.init.normal_(layer.weight, 1.0, 0.02)
    return layer


def enlarging(inputs: int, outputs: int, upsampling: str) -> nn.Module:
    """Return what doubles the sides.

    Deviation: ``bilinear`` doubles and then convolves 3 x 3, without the chequered patterns of
    strided transposed convolutions (``deconv``), which the original has.
    """
    if upsampling == "deconv":
        return drawn(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1))
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"),
        drawn(nn.Conv2d(inputs, outputs, 3, padding=1)),
    )


class UNet(nn.Module):
    """Strided convolutions 4 x 4 down to 1 x 1 and back, with a shortcut at every size.

    Widths are b, 2b, 4b, 8b, 8b, ... for base width b: with eight levels at 256 pixels
    C64-C128-C256-C512-C512-C512-C512-C512 and CD512-CD512-CD512-C512-C256-C128-C64.

    Args:
        size: Side of the image, a power of two: there are log2(size) levels.
        base: Width of the first layer.
        dropout: Share of the features dropped in the decoder's first three layers.
        upsampling: One of :data:`restore_recog.nn.dilated.UPSAMPLING`.
    """

    def __init__(
        self, size: int, base: int = 64, *, dropout: float = 0.5, upsampling: str = "deconv"
    ) -> None:
        super().__init__()
        levels = size.bit_length() - 1
        widths = [3, *(base * min(2**level, WIDEST) for level in range(levels))]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
            parts = [drawn(nn.Conv2d(a, b, 4, stride=2, padding=1))]
            if 0 < level < levels - 1:
                parts.append(normalised(b))
            self.down.append(nn.Sequential(*parts))
        for step, level in enumerate(range(levels - 1, 0, -1)):
            inputs = widths[level + 1] * (1 if step == 0 else 2)
            parts = [enlarging(inputs, widths[level], upsampling), normalised(widths[level])]
            if step < DROPPING:
                parts.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*parts))
        self.last = enlarging(2 * widths[1], 3, upsampling)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in [-1, 1].

        Args:
            images: (N, 3, H, W) in [-1, 1]; H and W divisible by the size that it was made for.
        """
        maps, x = [], images
        for level, layer in enumerate(self.down):
            x = layer(F.leaky_relu(x, 0.2) if level else x)  # (N, widths[level + 1], H / 2^k, ...)
            maps.append(x)
        for step, layer in enumerate(self.up):
            x = x if step == 0 else torch.cat([x, maps[-1 - step]], 1)
            x = layer(F.relu(x))
        return self.last(F.relu(torch.cat([x, maps[0]], 1))).tanh()  # type: ignore[no-any-return]


class Pix2PixNets(InpaintingNets):
    """The generator.

    Args:
        options: Of :mod:`restore_recog.restorers.pix2pix.presets`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.generator = UNet(
            o["size"], o["base"], dropout=o["dropout"], upsampling=o["upsampling"]
        )
        self.cloth: str = o["cloth"]

    def given(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return what the generator is shown: the covered face, (N, 3, H, W) in [0, 1]."""
        return occluded if self.cloth == "seen" else hidden(occluded, hole)

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in [0, 1]."""
        face = self.generator(2 * self.given(occluded, hole) - 1)
        return face / 2 + 0.5  # type: ignore[no-any-return]
