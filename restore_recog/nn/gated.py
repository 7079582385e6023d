"""Gated convolutions, and the refine network of two branches that is built of them.

Source: Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

UPSAMPLING = ("nearest", "bilinear")

PLAIN_GAIN = 1.25
"""Deviation of the sums before an ELU for which its output's mean square is about 1 again."""

GATED_GAIN = 2.3
"""The same where a sigmoid gate of sums of deviation 1 takes away more than half."""


def double(features: Tensor, upsampling: str = "nearest") -> Tensor:
    """Return (N, C, 2H, 2W) of (N, C, H, W) features, by one of :data:`UPSAMPLING`."""
    return F.interpolate(features, scale_factor=2.0, mode=upsampling)


class GatedConv(nn.Module):
    """Gated convolution: ELU(features) x sigmoid(gate), same size / stride, no normalisation.

    *outputs* is the real number of channels: a work that counts both halves of the
    convolution (DeepFill's 48 / 96 / 192) has twice as many on paper.

    Source: DeepFill v2 (ICCV 2019) section 3.1. FMODR does not say whether it keeps the
    gate; ``gated=False`` drops it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        relu: bool = False,
        gated: bool = True,
    ) -> None:
        super().__init__()
        self.gated = gated
        padding = dilation * (kernel // 2)
        channels = 2 * outputs if gated else outputs
        self.conv = nn.Conv2d(inputs, channels, kernel, stride, padding, dilation)
        self.activation: nn.Module = nn.ReLU() if relu else nn.ELU()
        # PyTorch's own first weights shrink a signal to a fifth in every gated layer: behind the
        # refine network's sixteen nothing is left for the last one to learn from.
        gain = GATED_GAIN if gated else PLAIN_GAIN
        fan_in = inputs * kernel * kernel
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.conv.weight[:outputs], std=gain / fan_in**0.5)
        nn.init.normal_(self.conv.weight[outputs:], std=1 / fan_in**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H / stride, W / stride)."""
        x = self.conv(x)
        if not self.gated:
            return self.activation(x)
        features, gate = x.chunk(2, 1)  # (N, outputs, H / stride, W / stride) each
        return self.activation(features) * torch.sigmoid(gate)


class RefineNet(nn.Module):
    """Two-branch refine network, (N, 3, H, W) -> (N, 3, H, W).

    The input, coarse inside the hole and the image outside, goes to a
    convolution branch with dilations 2, 4, 8, 16 and to an attention branch, both at a
    quarter of the size; joined, convolved and up-sampled to the image.

    The last layer before the attention is a ReLU, so that features are not negative and
    cosines lie in [0, 1].

    Source: DeepFill v2, section 3.4, its layers from the published code; FMODR, which says that it
    improves on it and prints none, figure 6 (c).
    Deviation: ``inputs=5`` adds a plane of ones and the mask. ``residual`` adds tanh's output to
    the input's hole instead of being the image, and starts near zero, so that short training
    begins at the coarse image; off in ``paper`` presets. Outside the hole, where the input is
    the truth already, the reconstruction loss would hold any change at zero, inside as well.

    Args:
        widths: Real channels at full, half and quarter size.
        attention: The layer between the branch's two parts, called with (features, masks),
            or None for a gated convolution in its place.
        inputs: 3 or 5.
        gated, residual: As above.
        upsampling: One of :data:`UPSAMPLING`.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 48, 96),
        *,
        attention: nn.Module | None = None,
        inputs: int = 3,
        gated: bool = True,
        residual: bool = False,
        upsampling: str = "nearest",
    ) -> None:
        super().__init__()
        self.inputs, self.residual, self.upsampling = inputs, residual, upsampling
        one, two, four = widths

        def conv(a: int, b: int, **layout: Any) -> nn.Module:
            return GatedConv(a, b, gated=gated, **layout)

        self.conv_branch = nn.Sequential(
            conv(inputs, one, kernel=5),
            conv(one, one, stride=2),
            conv(one, two),
            conv(two, two, stride=2),
            conv(two, four),
            conv(four, four),
            *(conv(four, four, dilation=rate) for rate in (2, 4, 8, 16)),
        )
        self.attention_before = nn.Sequential(
            conv(inputs, one, kernel=5),
            conv(one, one, stride=2),
            conv(one, two),
            conv(two, four, stride=2),
            conv(four, four),
            conv(four, four, relu=True),
        )
        self.attention = attention
        self.instead = conv(four, four) if attention is None else nn.Identity()
        self.attention_after = nn.Sequential(conv(four, four), conv(four, four))
        self.join = nn.Sequential(conv(2 * four, four), conv(four, four))
        self.at_half = nn.Sequential(conv(four, two), conv(two, two))
        self.at_full = nn.Sequential(conv(two, one), conv(one, one // 2))
        self.head = nn.Conv2d(one // 2, 3, 3, padding=1)
        if residual:
            # Not zero: nothing before the last layer would learn until that has grown.
            nn.init.normal_(self.head.weight, std=0.01)
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Return the refined images; in [-1, 1] unless ``residual``.

        Args:
            images: (N, 3, H, W) coarse x masks + image x (1 - masks).
            masks: (N, 1, H, W).
        """
        x = images
        if self.inputs == 5:
            x = torch.cat([images, torch.ones_like(masks), masks], 1)  # (N, 5, H, W)
        attended = self.attention_before(x)  # (N, four, H / 4, W / 4)
        if self.attention is not None:
            attended = self.attention(attended, masks)
        else:
            attended = self.instead(attended)
        attended = self.attention_after(attended)
        x = self.join(torch.cat([self.conv_branch(x), attended], 1))
        x = self.at_half(double(x, self.upsampling))  # (N, two, H / 2, W / 2)
        x = self.at_full(double(x, self.upsampling))  # (N, one / 2, H, W)
        change = torch.tanh(self.head(x))
        return images + masks * change if self.residual else change
