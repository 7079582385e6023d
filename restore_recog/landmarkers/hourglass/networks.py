"""The stacked hourglass with coordinate channels and a boundary map.

Source: Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression",
ICCV 2019; its blocks are those of Bulat and Tzimiropoulos, "How far are we from solving the 2D & 3D
face alignment problem?", ICCV 2017. Sizes: the published code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.landmarks import COUNT

MAPS = COUNT + 1
"""Heat-maps: one a landmark, and the boundary map last."""

STRIDE = 4
"""Pixels of the image to one of a heat-map, in both directions."""

EDGE = 0.05
"""Where the boundary map is above this, the next stack sees coordinates of the boundary."""


def coordinates(like: Tensor) -> Tensor:
    """Return (N, 3, H, W) channels: down and across from -1 to 1, distance from the centre to 1.

    Args:
        like: (N, C, H, W); its size, type and device count.
    """
    count, _, height, width = like.shape
    down = torch.linspace(-1, 1, height, dtype=like.dtype, device=like.device)
    across = torch.linspace(-1, 1, width, dtype=like.dtype, device=like.device)
    # The published code calls the rows x; weights of its layout want them first.
    both = torch.stack(torch.meshgrid(down, across, indexing="ij"))  # (2, H, W)
    radius = both.square().sum(0, keepdim=True).sqrt()
    return torch.cat([both, radius / radius.max()]).expand(count, 3, height, width)


class CoordConv(nn.Module):
    """A convolution that sees where it is, and with a boundary map where that is too.

    Args:
        inside, outside: Channels, without those of the coordinates.
        kernel, stride: Of the convolution.
        bounded: Whether a boundary map comes with the features.
    """

    def __init__(
        self, inside: int, outside: int, kernel: int = 1, stride: int = 1, bounded: bool = False
    ) -> None:
        super().__init__()
        channels = inside + (5 if bounded else 3)
        self.conv = nn.Conv2d(channels, outside, kernel, stride, kernel // 2)

    def forward(self, x: Tensor, boundary: Tensor | None = None) -> Tensor:
        """Return the features of (N, C, H, W) and, if bounded, an (N, 1, H, W) boundary map."""
        where = coordinates(x)
        parts = [x, where]
        if boundary is not None:
            parts.append(where[:, :2] * (boundary.clamp(0, 1) > EDGE))
        return self.conv(torch.cat(parts, dim=1))  # type: ignore[no-any-return]


class ConvBlock(nn.Module):
    """Three 3x3 convolutions in a row, whose outputs are put side by side, and a shortcut.

    Args:
        inside, outside: Channels; the outputs have a half, a quarter and a quarter of *outside*.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        half, quarter = outside // 2, outside // 4
        self.first = _activated(inside, half, 3)
        self.second = _activated(half, quarter, 3)
        self.third = _activated(quarter, quarter, 3)
        self.shortcut = nn.Identity() if inside == outside else _activated(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outside, H, W) of (N, inside, H, W)."""
        first = self.first(x)
        second = self.second(first)
        return torch.cat([first, second, self.third(second)], 1) + self.shortcut(x)  # type: ignore[no-any-return]


def _activated(inside: int, outside: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU(inplace=True), conv)


class Hourglass(nn.Module):
    """Features at ever coarser sizes, put back together.

    Args:
        features: Channels.
        depth: Halvings.
    """

    def __init__(self, features: int, depth: int) -> None:
        super().__init__()
        self.beside = ConvBlock(features, features)
        self.down = ConvBlock(features, features)
        self.inner: nn.Module = (
            Hourglass(features, depth - 1) if depth > 1 else ConvBlock(features, features)
        )
        self.up = ConvBlock(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape (N, features, H, W)."""
        low = self.up(self.inner(self.down(F.avg_pool2d(x, 2))))  # (N, features, H/2, W/2)
        return self.beside(x) + F.interpolate(low, scale_factor=2.0)  # type: ignore[no-any-return]


class Stack(nn.Module):
    """One hourglass and its heat-maps.

    Args:
        features, depth: Of the hourglass.
        first: Whether no stack comes before it.
        last: Whether none follows, so that it hands no features on.
    """

    def __init__(self, features: int, depth: int, first: bool, last: bool) -> None:
        super().__init__()
        self.place = CoordConv(features, features, bounded=not first)
        self.hourglass = Hourglass(features, depth)
        self.block = ConvBlock(features, features)
        self.mix = nn.Conv2d(features, features, 1)
        self.norm = nn.BatchNorm2d(features)
        self.maps = nn.Conv2d(features, MAPS, 1)
        self.from_features = None if last else nn.Conv2d(features, features, 1)
        self.from_maps = None if last else nn.Conv2d(MAPS, features, 1)

    def forward(self, x: Tensor, boundary: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return (N, 99, H, W) heat-maps and the next stack's features, if there is one.

        Args:
            x: (N, features, H, W).
            boundary: (N, 1, H, W) of the stack before, None in the first.
        """
        y = self.block(self.hourglass(self.place(x, boundary)))
        y = F.relu(self.norm(self.mix(y)))
        maps = self.maps(y)
        if self.from_features is None or self.from_maps is None:
            return maps, x
        return maps, x + self.from_features(y) + self.from_maps(maps)


class HourglassNet(nn.Module):
    """Images to heat-maps of 98 landmarks and of the boundary, a quarter of their size.

    Args:
        options: ``stacks``, ``features`` and ``depth`` of
            :data:`restore_recog.landmarkers.hourglass.presets.PRESETS`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        features, stacks = options["features"], options["stacks"]
        self.stem = CoordConv(3, features // 4, kernel=7, stride=2)
        self.stem_norm = nn.BatchNorm2d(features // 4)
        self.large = ConvBlock(features // 4, features // 2)
        self.middle = ConvBlock(features // 2, features // 2)
        self.small = ConvBlock(features // 2, features)
        self.stacks = nn.ModuleList(
            Stack(features, options["depth"], n == 0, n == stacks - 1) for n in range(stacks)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the (N, 99, S/4, S/4) heat-maps of every stack, the best last.

        Args:
            images: (N, 3, S, S) in [0, 1].
        """
        x = F.relu(self.stem_norm(self.stem(images)))  # (N, F/4, S/2, S/2)
        x = F.avg_pool2d(self.large(x), 2)  # (N, F/2, S/4, S/4)
        x = self.small(self.middle(x))  # (N, F, S/4, S/4)
        maps: list[Tensor] = []
        for stack in self.stacks:
            heat, x = stack(x, maps[-1][:, -1:] if maps else None)
            maps.append(heat)
        return maps
