"""The generator of AOT-GAN.

Images inside are in [-1, 1]; the hole is 1, white.

Source: Zeng et al., section 3.1, figures 2 and 3; the standardised gate and the sizes of the layers
from the published code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.nn.dilated import conv
from restore_recog.nn.inpainting.restorer import InpaintingNets

STEEPNESS, SHIFT = 10.0, -5.0
"""A gate is the sigmoid of its standardised map times the first, plus the second."""

PAPERS_BASE = 64


def padded(inputs: int, outputs: int, rate: int = 1) -> list[nn.Module]:
    """Return a 3 x 3 convolution dilated by *rate* that mirrors the border."""
    return [nn.ReflectionPad2d(rate), conv(inputs, outputs, 3, dilation=rate)]


class AOTBlock(nn.Module):
    """Branches of several dilations beside each other, gated against the input; (N, C, H, W).

    The input is split into a branch for each rate, of C / len(rates) channels; merged by one
    convolution, it takes the input's place where a gate, made of the input, is open.

    Args:
        channels: C.
        rates: Dilations; all smaller than H and W.
    """

    def __init__(self, channels: int, rates: Sequence[int] = (1, 2, 4, 8)) -> None:
        super().__init__()
        share = channels // len(rates)
        self.branches = nn.ModuleList(
            nn.Sequential(*padded(channels, share, rate), nn.ReLU()) for rate in rates
        )
        self.fuse = nn.Sequential(*padded(share * len(rates), channels))
        self.gate = nn.Sequential(*padded(channels, channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        merged = self.fuse(torch.cat([branch(features) for branch in self.branches], 1))
        gate = torch.sigmoid(STEEPNESS * standardised(self.gate(features)) + SHIFT)
        return features * (1 - gate) + merged * gate


def standardised(maps: Tensor) -> Tensor:
    """Return (N, C, H, W) maps of mean 0 and deviation 1 each; a constant one becomes 0.

    In float32 and outside autocast: a variance is a difference of squares.
    """
    with torch.autocast(maps.device.type, enabled=False):
        maps = maps.float()
        variance, mean = torch.var_mean(maps, (2, 3), keepdim=True)
        return (maps - mean) * torch.rsqrt(variance + 1e-8)


class Generator(nn.Sequential):
    """Encoder, AOT blocks at a quarter of the size, decoder: (N, 4, H, W) -> (N, 3, H, W).

    Weights are drawn from N(0, 0.02) at the paper's width. A narrower network sums fewer products:
    it draws larger ones, so that what goes through it is no smaller.

    Args:
        base: Width at full size; twice and four times that at half and a quarter.
        blocks: Number of AOT blocks.
        rates: Of the blocks.
    """

    def __init__(
        self, base: int = 64, blocks: int = 8, rates: Sequence[int] = (1, 2, 4, 8)
    ) -> None:
        super().__init__(
            nn.Sequential(
                nn.ReflectionPad2d(3),
                conv(4, base, 7),
                nn.ReLU(),
                conv(base, 2 * base, 4, stride=2, padding=1),
                nn.ReLU(),
                conv(2 * base, 4 * base, 4, stride=2, padding=1),
                nn.ReLU(),
            ),
            nn.Sequential(*(AOTBlock(4 * base, rates) for _ in range(blocks))),
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                conv(4 * base, 2 * base, 3, padding=1),
                nn.ReLU(),
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                conv(2 * base, base, 3, padding=1),
                nn.ReLU(),
                conv(base, 3, 3, padding=1),
                nn.Tanh(),
            ),
        )
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.weight.mul_((PAPERS_BASE / base) ** 0.5)


class AOTGANNets(InpaintingNets):
    """The generator.

    Args:
        options: Of :mod:`restore_recog.restorers.aotgan.presets`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.generator = Generator(o["base"], o["blocks"], o["rates"])

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in [0, 1]."""
        visible = torch.where(hole > 0, 1.0, 2 * occluded - 1)
        face = self.generator(torch.cat([visible, hole], 1))  # (N, 4, H, W) -> (N, 3, H, W)
        return face / 2 + 0.5  # type: ignore[no-any-return]
