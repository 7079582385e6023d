"""FMODR's detector, coarse network and discriminator. Widths are arguments; the presets hold them.

The refine network is :class:`restore_recog.nn.gated.RefineNet`, in :mod:`.model`.

Images inside are in [-1, 1], masks in {0, 1} with 1 = occluded. H and W must be
divisible by the networks' total down-sampling.

Source: FMODR (ACM TOMM 2022) figure 6; no code was published, so what the paper leaves
open follows the works it says it builds on (DeepFill v2, GLCIC).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restore_recog.nn.critic_branch import CriticBranch, same
from restore_recog.nn.gated import double


def conv_block(
    inputs: int, outputs: int, norm: str, *, kernel: int = 3, stride: int = 1
) -> nn.Module:
    """Return convolution, ``batch`` or ``instance`` normalisation, leaky ReLU 0.2."""
    layer = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}[norm]
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=norm == "instance"),
        layer(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )


class Detector(nn.Module):
    """Region detector, (N, 3, H, W) -> (N, 1, H, W) probability of being occluded.

    Figure 6 (a): few convolutions, then up-sampling. A 5 x 5 convolution, one stride-2
    convolution a further width, one more at the coarsest size, then nearest x 2 and a
    convolution back to each width, a last convolution and the sigmoid.

    Deviation: normalisation and widths are not in the paper. ``skips`` joins the encoder's
    features to the decoder's, which the paper does not; it is off in the ``paper`` preset.

    Args:
        widths: Channels at full, half, quarter ... size.
        skips: Whether to join encoder features.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128), *, skips: bool = False) -> None:
        super().__init__()
        self.skips = skips
        self.stem = conv_block(3, widths[0], "batch", kernel=5)
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(conv_block(a, b, "batch", stride=2) for a, b in pairs)
        self.middle = conv_block(widths[-1], widths[-1], "batch")
        self.up = nn.ModuleList(
            conv_block(b + a if skips else b, a, "batch") for a, b in reversed(pairs)
        )
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return probabilities of images in [-1, 1]."""
        features = [self.stem(images)]  # (N, widths[0], H, W)
        for down in self.down:
            features.append(down(features[-1]))  # (N, widths[i], H / 2^i, W / 2^i)
        x = self.middle(features.pop())
        for up in self.up:
            skip = features.pop()
            x = double(x)
            x = up(torch.cat([x, skip], 1) if self.skips else x)
        return torch.sigmoid(self.head(x))  # (N, 1, H, W)


class CoarseNet(nn.Module):
    """Coarse U-Net, (N, C, H, W) -> (N, 3, H, W) in [-1, 1].

    Figure 6 (b): a U-Net. At each size *convs* 3 x 3 convolutions; stride-2 convolution
    down; a convolution and nearest x 2 up; skip by concatenation; tanh.

    Deviation: depth, widths and normalisation are not in the paper. ``inputs=4`` adds the
    mask as a channel; the paper gives the image alone.

    Args:
        widths: Channels at full, half ... size; the last is the bottleneck.
        inputs: 3 or 4.
        convs: Convolutions at each size.
        norm: ``instance`` or ``batch``.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        *,
        inputs: int = 3,
        convs: int = 2,
        norm: str = "instance",
    ) -> None:
        super().__init__()
        self.inputs = inputs

        def level(first: int, width: int) -> nn.Module:
            blocks = [conv_block(first, width, norm)]
            blocks += [conv_block(width, width, norm) for _ in range(convs - 1)]
            return nn.Sequential(*blocks)

        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.stem = level(inputs, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(conv_block(a, b, norm, stride=2), level(b, b)) for a, b in pairs
        )
        self.up = nn.ModuleList(conv_block(b, a, norm) for a, b in reversed(pairs))
        self.join = nn.ModuleList(level(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, visible: Tensor, masks: Tensor) -> Tensor:
        """Return the coarse images.

        Args:
            visible: (N, 3, H, W) images times (1 - masks).
            masks: (N, 1, H, W).
        """
        x = visible if self.inputs == 3 else torch.cat([visible, masks], 1)
        features = [self.stem(x)]  # (N, widths[0], H, W)
        for down in self.down:
            features.append(down(features[-1]))  # (N, widths[i], H / 2^i, W / 2^i)
        x = features.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([double(up(x)), features.pop()], 1))
        return torch.tanh(self.head(x))  # (N, 3, H, W)


class GlobalMaskedDiscriminator(nn.Module):
    """Global and masked-region discriminator, (N, 3, S, S) and masks -> (N, heads) logits.

    Section 4.3: two branches of one structure with six convolutions, one for the whole
    image and one for image x mask at the same size, each compressed to *hidden*,
    concatenated (2,048 in the paper) and mapped to one value; the paper's sigmoid is in
    the loss.

    Deviation: spectral instead of batch normalisation, since batches of four are too small
    for the latter; leaky ReLU for ReLU.

    Args:
        widths: Of the convolutions.
        hidden: Of each branch's fully connected layer.
        size: S, divisible by 2 ** len(widths).
        heads: ``fused``: one value from both branches (section 4.3); ``two``: one from each,
            as equation 5 reads.
        share: Whether the branches share weights ("siamese"); the paper says same structure.
        norm: ``spectral``, ``batch`` or ``none``.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512, 512),
        *,
        hidden: int = 1024,
        size: int = 256,
        heads: str = "fused",
        share: bool = False,
        norm: str = "spectral",
    ) -> None:
        super().__init__()
        if size % (1 << len(widths)):
            raise ValueError(f"Size {size} is not divisible by {1 << len(widths)}.")
        wrap = spectral_norm if norm == "spectral" else same
        self.whole = CriticBranch(widths, hidden, size, norm)
        self.region = self.whole if share else CriticBranch(widths, hidden, size, norm)
        count = {"fused": 1, "two": 2}[heads]
        self.heads = nn.ModuleList(wrap(nn.Linear(2 * hidden // count, 1)) for _ in range(count))

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Return logits, higher = more real."""
        parts = [self.whole(images), self.region(images * masks)]
        if len(self.heads) == 1:
            parts = [torch.cat(parts, 1)]
        logits = [head(part) for head, part in zip(self.heads, parts, strict=True)]
        return torch.cat(logits, 1)
