"""ECGAN's generator and discriminators, which are DeepGAN's without the label.

Images inside are in [-1, 1]. H and W must be divisible by 2 to the power of the depth.

Source: Sola and Gera, "Unmasking Your Expression", sections 3.2 and 3.3.

Deviation: without padding, as the paper has it, no level of the decoder would fit the encoder's.
Here convolutions are padded by 1, max pooling halves the features, and transposed convolutions
double them exactly (output padding 1). In a block the normalisation comes before the activation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restore_recog.labels import EXPRESSIONS

RATES = (2, 4, 8, 16)
"""Dilation of the atrous layers."""

SQUEEZED = 3
"""Blocks of the encoder, from the first, that end in squeeze and excitation."""

UPSAMPLING = ("deconv", "bilinear")


class LabelPlanes(nn.Module):
    """The embedding of a label as planes, zeros where the label is not known.

    Deviation: the paper reshapes an embedding to the image's size (``side``), which would be
    65,536 numbers for each plane and label at 256 pixels; by default a plane is one number.

    Args:
        planes: C.
        side: Of the planes that are learnt; 1 for planes of one number.
    """

    def __init__(self, planes: int, side: int = 1) -> None:
        super().__init__()
        self.shape = (planes, side, side)
        self.embedding = nn.Embedding(len(EXPRESSIONS), planes * side * side)

    def forward(self, labels: Tensor, size: Sequence[int]) -> Tensor:
        """Return (N, C, H, W).

        Args:
            labels: (N,) codes, below 0 where unknown.
            size: H and W.
        """
        labels = labels.long()  # floats pass, as a discriminator in float32 is given them
        numbers = self.embedding(labels.clamp_min(0)) * (labels >= 0)[:, None]
        planes: Tensor = numbers.view(-1, *self.shape)  # (N, C, side, side)
        if self.shape[1] > 1 and planes.shape[2:] != tuple(size):
            planes = F.interpolate(planes, tuple(size), mode="bilinear")
        return planes.expand(-1, -1, *size)


class Modulation(nn.Module):
    """Scales and shifts channels by the label; leaves them as they are where it is unknown.

    Deviation: not in the paper. Planes of one number are constants, which the instance
    normalisation of the very next blocks takes out: next to nothing of the label comes through.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(EXPRESSIONS), 2 * channels)
        nn.init.zeros_(self.embedding.weight)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return (N, C, H, W) features, told (N,) codes."""
        numbers = self.embedding(labels.clamp_min(0)) * (labels >= 0)[:, None]
        scale, shift = numbers[:, :, None, None].chunk(2, 1)  # (N, C, 1, 1) each
        return features * (1 + scale) + shift


class SqueezeExcitation(nn.Module):
    """Weighs channels by what all of them hold on average, (N, C, H, W) -> the same.

    Source: Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, section 3.

    Args:
        channels: C.
        reduction: C / reduction hidden units, one at least.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.weigh = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the features, each channel multiplied by a number in (0, 1)."""
        weights: Tensor = self.weigh(features.mean((2, 3)))  # (N, C)
        return features * weights[:, :, None, None]


def contracting(
    inputs: int, outputs: int, *, norm: bool = True, dropout: float = 0.0
) -> nn.Sequential:
    """Return a block that halves its input: convolution, norm, dropout, pooling, activation.

    Leaky ReLU rises, so that pooling before it gives the same numbers and leaves it a quarter of
    the work.

    Deviation: the paper activates before it normalises, and does not mention dropout; both are as
    in the published code.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.InstanceNorm2d(outputs) if norm else nn.Identity(),
        nn.Dropout(dropout),
        nn.MaxPool2d(2),
        nn.LeakyReLU(0.2),
    )


class Expanding(nn.Module):
    """A block of the decoder: doubles its input and joins what the encoder had there.

    Deviation: ``bilinear`` convolves and then doubles, without the chequered patterns of stride-2
    transposed convolutions, which the paper has (``deconv``).

    Args:
        inputs, outputs: Channels; what is joined has *outputs*.
        upsampling: One of :data:`UPSAMPLING`.
        modulated: Whether the label scales and shifts what is normalised.
    """

    def __init__(self, inputs: int, outputs: int, upsampling: str, modulated: bool) -> None:
        super().__init__()
        self.enlarge: nn.Module = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
        if upsampling == "bilinear":
            self.enlarge = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1),
                nn.Upsample(scale_factor=2, mode="bilinear"),
            )
        self.join = nn.Sequential(
            nn.Conv2d(2 * outputs, outputs, 3, padding=1), nn.InstanceNorm2d(outputs)
        )
        self.told = Modulation(outputs) if modulated else None

    def forward(self, features: Tensor, skip: Tensor, labels: Tensor | None) -> Tensor:
        """Return (N, outputs, 2H, 2W) of (N, inputs, H, W) and (N, outputs, 2H, 2W)."""
        x = self.join(torch.cat([self.enlarge(features), skip], 1))
        if self.told is not None and labels is not None:
            x = self.told(x, labels)
        return F.leaky_relu(x, 0.2)


class Generator(nn.Module):
    """The unmasking generator, (N, inputs, H, W) -> (N, 3, H, W) in (-1, 1).

    Deviation: the paper's drawing of the last layer is not in its text; a 1 x 1 convolution and
    tanh, as in the published code, which also begins with a 1 x 1 convolution.

    Args:
        inputs: 13: picture 3, map 3 and label 7; 6 without the label, 10 without the map.
        base: b; the encoder is b, 2b, 4b, ... wide.
        depth: Blocks of the encoder; 5 in the paper.
        dropout: In the first three blocks.
        upsampling: One of :data:`UPSAMPLING`.
        shared_bn: Whether the four atrous layers share one batch normalisation, as in the
            published code.
        modulated: Whether the label reaches the decoder's normalisations, too.
    """

    def __init__(
        self,
        inputs: int = 13,
        base: int = 32,
        *,
        depth: int = 5,
        dropout: float = 0.5,
        upsampling: str = "deconv",
        shared_bn: bool = False,
        modulated: bool = False,
    ) -> None:
        super().__init__()
        widths = [base << level for level in range(depth + 1)]
        self.stem = nn.Conv2d(inputs, base, 1)
        self.encoder = nn.ModuleList(
            contracting(a, b, norm=level > 0, dropout=dropout if level < SQUEEZED else 0.0)
            for level, (a, b) in enumerate(zip(widths, widths[1:], strict=False))
        )
        self.squeezed = nn.ModuleList(SqueezeExcitation(b) for b in widths[1 : 1 + SQUEEZED])
        deep = widths[-1]
        norms = [nn.BatchNorm2d(deep) for _ in range(1 if shared_bn else len(RATES))]
        self.atrous = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(deep, deep, 3, padding=rate, dilation=rate),
                    norms[number % len(norms)],
                    nn.ReLU(),
                )
                for number, rate in enumerate(RATES)
            )
        )
        self.decoder = nn.ModuleList(
            Expanding(a, b, upsampling, modulated)
            for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(base, 3, 1)

    def forward(self, given: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the generated face, everywhere.

        Args:
            given: (N, inputs, H, W).
            labels: (N,) codes, below 0 where unknown, as None for all; a generator that is not
                modulated sees its planes alone.
        """
        x = self.stem(given)  # (N, b, H, W)
        skips = [x]
        for level, block in enumerate(self.encoder):
            x = block(x)  # half the sides, twice the channels
            if level < SQUEEZED:
                x = self.squeezed[level](x)
            skips.append(x)
        x = self.atrous(skips.pop())
        for block in self.decoder:
            x = block(x, skips.pop(), labels)  # twice the sides, half the channels
        return torch.tanh(self.last(x))


class Discriminator(nn.Module):
    """A conditional discriminator, (N, 3, H, W) and what it goes with -> (N, 1, H/16, W/16) logits.

    Args:
        region: Whether it sees the covered region alone (the paper's D_mask): everything that it
            is given is multiplied by the map. Then it has dropout after its second block.
        label: Whether it is told the label.
        see_masked: Whether it sees the masked face too.
        base: Width of the first convolution; four blocks double it each.
        side: Of :class:`LabelPlanes`.
        spectral: Whether its convolutions are spectrally normalised, which the paper's are not.
    """

    def __init__(
        self,
        *,
        region: bool,
        label: bool = True,
        see_masked: bool = False,
        base: int = 8,
        side: int = 1,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.region, self.see_masked = region, see_masked
        self.planes = LabelPlanes(3, side) if label else None
        widths = [base << level for level in range(5)]
        blocks = [
            contracting(a, b, norm=level > 0)
            for level, (a, b) in enumerate(zip(widths, widths[1:], strict=False))
        ]
        if region:
            blocks[1].append(nn.Dropout(0.5))
        inputs = 6 + 3 * see_masked + 3 * label
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, base, 1), *blocks, nn.Conv2d(widths[-1], 1, 1)
        )
        if spectral:
            self.layers.apply(_normalised)

    def forward(self, images: Tensor, hole: Tensor, labels: Tensor, masked: Tensor) -> Tensor:
        """Return logits of being real.

        Args:
            images: (N, 3, H, W) in [-1, 1], real or made.
            hole: (N, 1, H, W) in {0, 1}.
            labels: (N,) codes, below 0 where unknown.
            masked: (N, 3, H, W) in [-1, 1] the face with its covering.
        """
        given = [images, (2 * hole - 1).expand(-1, 3, -1, -1)]
        if self.see_masked:
            given.append(masked)
        if self.planes is not None:
            given.append(self.planes(labels, images.shape[2:]))
        x = torch.cat(given, 1)  # (N, 6, 9 or 12, H, W)
        return self.layers(x * hole if self.region else x)  # type: ignore[no-any-return]


def _normalised(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        spectral_norm(layer)
