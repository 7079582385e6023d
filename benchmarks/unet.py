"""The plain baseline: a U-Net of 3 x 3 convolutions as wide as a number of FLOPs allows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HALVINGS = 4
TOLERANCE = 0.05
"""How far the U-Net's FLOPs may be from those asked for."""

WIDEST = 2048.0


class PlainUNet(nn.Module):
    """U-Net, (N, 4, H, W) -> (N, 3, H, W) in (0, 1): image and mask to image.

    Two 3 x 3 convolutions with ReLU a size, maximum pooling down, nearest x 2 up, skips by
    concatenation; no normalisation. H and W divisible by 2 ** (len(widths) - 1).

    Args:
        widths: Channels at full, half ... size.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()

        def level(inputs: int, outputs: int) -> nn.Module:
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(outputs, outputs, 3, padding=1),
                nn.ReLU(inplace=True),
            )

        self.down = nn.ModuleList(
            level(a, b) for a, b in zip([4, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            level(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], 3, 1)

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Return the images."""
        x, features = torch.cat([images, masks], 1), []
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)
            features.append(x)
        features.pop()
        for block in self.up:
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0), features.pop()], 1))
        return torch.sigmoid(self.head(x))


def cost(widths: Sequence[int], size: int, *, training: bool = False) -> int:
    """Return the FLOPs of one image, forward or forward and backward.

    Backward takes two products for every one of forward, but the first layer's, whose input
    needs no gradient, one.
    """
    places = [(size >> k) ** 2 for k in range(len(widths))]
    first = 2 * 9 * 4 * widths[0] * places[0]
    total = first + 2 * 9 * widths[0] ** 2 * places[0] + 2 * 3 * widths[0] * places[0]
    for k in range(1, len(widths)):
        above, here = widths[k - 1], widths[k]
        total += 2 * 9 * (above + here) * here * places[k]
        total += 2 * 9 * (above + here + above) * above * places[k - 1]
    return 3 * total - first if training else total


def widths_for(target: float, size: int, *, training: bool = False) -> tuple[int, ...] | None:
    """Return the widths of a U-Net of that many FLOPs per image, or None where there is none.

    Widths double with each halving and are multiples of 8 where that comes within
    :data:`TOLERANCE`, else of 4, 2 or 1, since odd widths are slow on GPUs.

    Args:
        target: FLOPs.
        size: Side of the images; it is halved up to four times.
        training: Whether they are of forward and backward.
    """
    halvings = next(k for k in range(HALVINGS, -1, -1) if size % (1 << k) == 0)
    for step in (8, 4, 2, 1):
        low, high = float(step), WIDEST
        best: tuple[int, ...] | None = None
        least = TOLERANCE
        for _ in range(24):
            middle = (low + high) / 2
            widths = _widths(middle, halvings, step)
            flops = cost(widths, size, training=training)
            if abs(flops / target - 1) <= least:
                best, least = widths, abs(flops / target - 1)
            low, high = (middle, high) if flops < target else (low, middle)
        if best:
            return best
    return None


def _widths(base: float, halvings: int, step: int) -> tuple[int, ...]:
    return tuple(max(step, step * round(base * 2**k / step)) for k in range(halvings + 1))
