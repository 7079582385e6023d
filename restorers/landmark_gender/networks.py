"""The inpainting networks: a generator that is led by landmarks, and its discriminator.

Images inside are in [0, 1]. H and W must be divisible by 4.

Source: Modak et al., "A Deep Learning Framework to Reconstruct Face under Mask", section III.C.
The paper draws the generator and names its parts; their sizes are those of the network that it
follows: Yang et al., "Generative Landmark Guided Face Inpainting" (LaFIn), PRCV 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restore_recog.nn.attention import ShortAttention, ShortLongAttention
from restore_recog.nn.dilated import DilatedBlock, conv, drawn, enlarging, normalised
from restore_recog.nn.masks import smaller

BLOCKS = 7
"""Dilated residual blocks."""


class Generator(nn.Module):
    """The inpainting generator, (N, inputs, H, W) -> (N, 3, H, W) in (0, 1).

    The map of the hole is no input; it keeps what the encoder saw there out of the shortcuts and
    guides the attention.

    Args:
        inputs: 4: picture 3 and map of the landmarks 1; 3 without landmarks.
        base: b; the encoder is b, 2b and 4b wide.
        attention: Whether there is :class:`ShortLongAttention`.
        upsampling: One of :data:`restore_recog.nn.dilated.UPSAMPLING`.
        narrow: Whether the last join gives b channels and not 2 b: the last convolution, 7 x 7 at
            full size, has to read them.
    """

    def __init__(
        self,
        inputs: int = 4,
        base: int = 64,
        *,
        attention: bool = True,
        upsampling: str = "deconv",
        narrow: bool = False,
    ) -> None:
        super().__init__()
        b = base
        self.first = normalised(nn.ReflectionPad2d(3), conv(inputs, b, 7), width=b)
        self.second = normalised(conv(b, 2 * b, 4, stride=2, padding=1), width=2 * b)
        self.third = normalised(conv(2 * b, 4 * b, 4, stride=2, padding=1), width=4 * b)
        self.blocks = nn.Sequential(*(DilatedBlock(4 * b) for _ in range(BLOCKS)))
        self.attention = ShortLongAttention(4 * b) if attention else None
        self.to_half = enlarging(4 * b, 2 * b, upsampling)
        self.join_half = normalised(conv(4 * b, 4 * b, 1), width=4 * b)
        self.to_whole = enlarging(4 * b, b, upsampling)
        wide = b if narrow else 2 * b
        self.join_whole = normalised(conv(2 * b, wide, 1), width=wide)
        self.last = nn.Sequential(nn.ReflectionPad2d(3), conv(wide, 3, 7))

    def forward(self, given: Tensor, hole: Tensor, *, looks: bool = True) -> Tensor:
        """Return the generated face, everywhere.

        Args:
            given: (N, inputs, H, W).
            hole: (N, 1, H, W) in {0, 1}.
            looks: Whether the attention attends; see :class:`ShortLongAttention`.
        """
        whole = self.first(given)  # (N, b, H, W)
        half = self.second(whole)  # (N, 2b, H/2, W/2)
        quarter = self.third(half)  # (N, 4b, H/4, W/4)
        x = self.blocks(quarter)
        if self.attention is not None:
            x = self.attention(x, quarter, smaller(hole, quarter), looks=looks)
        x = self.to_half(x)  # (N, 2b, H/2, W/2)
        x = self.join_half(torch.cat([x, half * (1 - smaller(hole, half))], 1))  # (N, 4b, ...)
        x = self.to_whole(x)  # (N, b, H, W)
        x = self.join_whole(torch.cat([x, whole * (1 - hole)], 1))  # (N, b or 2b, H, W)
        return self.last(x).tanh() / 2 + 0.5  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """The 70 x 70 PatchGAN, spectrally normalised, with attention: -> (N, 1, H/8 - 2, W/8 - 2).

    Deviation: in the published code it fuses its attention with a second input, as the generator
    does, and never has one; these 475,521 dead parameters are left out.

    Args:
        inputs: 4: picture 3 and map of the landmarks 1; 3 without landmarks.
        base: Width of the first convolution; the next three double it each.
        attention: Whether there is :class:`ShortAttention` after the second.
    """

    def __init__(self, inputs: int = 4, base: int = 64, *, attention: bool = True) -> None:
        super().__init__()
        widths = [inputs, base, 2 * base, 4 * base, 8 * base, 1]
        layers: list[nn.Module] = []
        for number, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
            layer = nn.Conv2d(a, b, 4, 2 if number < 3 else 1, 1, bias=False)
            layers += [drawn(layer, spectral=True), nn.LeakyReLU(0.2)]
        if attention:
            layers.insert(4, ShortAttention(2 * base))
        layers[-1] = nn.Sigmoid()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor, dots: Tensor | None = None) -> Tensor:
        """Return how real each place looks, in (0, 1).

        Args:
            images: (N, 3, H, W) in [0, 1].
            dots: (N, 1, H, W) the landmarks; None without.
        """
        given = images if dots is None else torch.cat([images, dots], 1)
        return self.layers(given)  # type: ignore[no-any-return]
