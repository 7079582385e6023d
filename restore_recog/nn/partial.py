"""Partial convolution: what is hidden counts for nothing, and what is left counts for more.

Source: Liu et al., "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018,
section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Known = tuple[Tensor, Tensor]
"""Features (N, C, H, W), and where they are known, (N, 1, H, W) in {0, 1}: 1 is known."""


class PartialConv(nn.Module):
    """A partial convolution without bias, of half as large a padding as its kernel.

    A sum is scaled by the share of its window that is known; a place becomes known where any of
    its window is. Parts that are joined have a mask each.

    Args:
        inputs: Channels of each part.
        outputs: Channels.
        side: Of the kernel, odd.
        stride: 1 or 2.
    """

    def __init__(self, inputs: Sequence[int], outputs: int, side: int, stride: int = 1) -> None:
        super().__init__()
        self.inputs, self.window = tuple(inputs), (stride, side // 2)
        self.conv = nn.Conv2d(sum(inputs), outputs, side, stride, side // 2, bias=False)
        nn.init.normal_(self.conv.weight, 0.0, 0.02)

    def forward(self, *parts: Known) -> Known:
        """Return (N, outputs, H / stride, W / stride) features and where they are known."""
        made = self.conv(torch.cat([x * known for x, known in parts], 1))
        share = self.share([known for _, known in parts])  # (N, 1, H / stride, W / stride)
        return made / share.clamp_min(1e-8) * (share > 0), (share > 0).float()

    def share(self, masks: Sequence[Tensor]) -> Tensor:
        """Return which share of each window is known, in [0, 1]; beyond the image nothing is.

        In float32 and outside autocast: numbers up to some thousands are counted.

        Args:
            masks: (N, 1, H, W) of each part.
        """
        side = self.conv.kernel_size[0]
        with torch.autocast(masks[0].device.type, enabled=False):
            each = [
                width * F.avg_pool2d(known.float(), side, *self.window)
                for width, known in zip(self.inputs, masks, strict=True)
            ]
            return torch.stack(each).sum(0) / sum(self.inputs)
