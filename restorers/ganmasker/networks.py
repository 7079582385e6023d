"""GANMasker's three networks. Widths are arguments; the presets hold them.

Images inside are in [0, 1], masks in [0, 1] with 1 = occluded. H and W must be divisible by 32.

Source: Mahmoud and Kang, "GANMasker", Sensors 2023, 23, 7094, section 3. No code was published;
what the paper leaves open (widths, the order inside a Ge block, the up-sampling, the
discriminator's depth) follows the works it says it builds on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

RATES = (2, 4, 8, 16)
"""Dilation of the bottleneck's four blocks (section 3.2.1 b)."""


UPSAMPLING = ("bilinear", "nearest")


def double(features: Tensor, mode: str) -> Tensor:
    """Return (N, C, 2H, 2W) of (N, C, H, W) features.

    Deviation: the paper does not say how. FU-Net's last up-sampling is followed by a 1 x 1
    convolution alone, so that ``nearest`` shows blocks of 2 x 2 pixels.
    """
    corners = None if mode == "nearest" else False
    return F.interpolate(features, scale_factor=2.0, mode=mode, align_corners=corners)


class CBAM(nn.Module):
    """Convolutional block attention: which channels, then which places.

    Source: Woo et al., "CBAM", ECCV 2018, equations 2 and 3, as section 3.1 of GANMasker uses it.

    Args:
        channels: C.
        reduction: The shared perceptron has C / reduction hidden units, one at least.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.channel = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels)
        )
        self.place = nn.Sequential(
            nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1, momentum=0.01)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C, H, W) features, weighted twice by numbers in (0, 1)."""
        mean, most = features.mean((2, 3)), features.amax((2, 3))
        weights = (self.channel(mean) + self.channel(most)).sigmoid()
        features = features * weights[:, :, None, None]  # (N, C) -> (N, C, 1, 1)
        # (N, 2, H, W)
        both = torch.cat([features.amax(1, keepdim=True), features.mean(1, keepdim=True)], 1)
        return features * self.place(both).sigmoid()


def conv(inputs: int, outputs: int, activation: type[nn.Module]) -> nn.Sequential:
    """Return 3 x 3 convolution, batch normalisation and (leaky) ReLU."""
    act = nn.LeakyReLU(0.2) if activation is nn.LeakyReLU else nn.ReLU()
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), act
    )


class MSeg(nn.Module):
    """Mask segmentation, (N, 3, H, W) -> (N, 1, H, W) logits of being occluded.

    Section 3.1, figure 3 (a): five encoder blocks (convolution, batch normalisation, ReLU, CBAM,
    max pooling) and five decoder blocks (up-sampling, skip, convolution, batch normalisation,
    ReLU), the last with a 1 x 1 convolution and batch normalisation; the paper's sigmoid is in the
    loss and in :meth:`probability`.

    Args:
        base: b; the encoder is b, 2b, 4b, 8b and 16b wide.
        cbam: Whether the encoder blocks have attention.
        upsampling: One of :data:`UPSAMPLING`.
    """

    def __init__(self, base: int = 32, *, cbam: bool = True, upsampling: str = "bilinear") -> None:
        super().__init__()
        self.upsampling = upsampling
        widths = [base << i for i in range(5)]
        self.encoder = nn.ModuleList(
            nn.Sequential(conv(a, b, nn.ReLU), CBAM(b) if cbam else nn.Identity())
            for a, b in zip([3, *widths], widths, strict=False)
        )
        self.decoder = nn.ModuleList(
            conv(deep + skip, out, nn.ReLU)
            for deep, skip, out in zip(
                [widths[4], *widths[3:0:-1]], widths[:0:-1], widths[3::-1], strict=True
            )
        )
        self.last = nn.Sequential(nn.Conv2d(2 * base, 1, 1, bias=False), nn.BatchNorm2d(1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        skips, x = [], images
        for block in self.encoder:
            skips.append(block(x))
            x = F.max_pool2d(skips[-1], 2)
        for block in self.decoder:
            x = block(torch.cat([double(x, self.upsampling), skips.pop()], 1))
        x = double(x, self.upsampling)
        return self.last(torch.cat([x, skips.pop()], 1))  # type: ignore[no-any-return]

    def probability(self, images: Tensor) -> Tensor:
        """Return the probability of being occluded."""
        return self(images).sigmoid()  # type: ignore[no-any-return]


class GeBlock(nn.Module):
    """Residual attention block, before pooling (figure 3 b).

    Deviation: the figure is not in the text; this is the residual unit of the CBAM paper, with
    attention on the residual branch before the addition.
    """

    def __init__(self, inputs: int, outputs: int, *, cbam: bool = True) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(inputs, outputs, nn.LeakyReLU),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            CBAM(outputs) if cbam else nn.Identity(),
        )
        self.short = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs, H, W)."""
        return F.leaky_relu(self.branch(features) + self.short(features), 0.2)


class FUNet(nn.Module):
    """Face unmasking generator, (N, 3 or 4, H, W) -> (N, 3, H, W) in (0, 1).

    Section 3.2.1: five Ge blocks, the last without pooling; four dilated blocks (batch
    normalisation, dilated convolution, leaky ReLU); five decoder blocks with leaky ReLU, the first
    without up-sampling, the last 1 x 1.

    Args:
        base: b; the encoder is b, 2b, 4b, 8b and 16b wide.
        inputs: 4: masked face and mask; 3: the masked face alone (the one-stage ablation).
        cbam: Whether the Ge blocks have attention.
        final: ``bn_sigmoid`` as the paper's "follows the segmentation network's decoder" reads;
            ``sigmoid`` without the normalisation, which leaves the colours free.
        upsampling: One of :data:`UPSAMPLING`.
    """

    def __init__(
        self,
        base: int = 32,
        *,
        inputs: int = 4,
        cbam: bool = True,
        final: str = "bn_sigmoid",
        upsampling: str = "bilinear",
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        widths = [base << i for i in range(5)]
        self.encoder = nn.ModuleList(
            GeBlock(a, b, cbam=cbam) for a, b in zip([inputs, *widths], widths, strict=False)
        )
        deep = widths[4]
        self.bottleneck = nn.Sequential(
            *(
                nn.Sequential(
                    nn.BatchNorm2d(deep),
                    nn.Conv2d(deep, deep, 3, padding=rate, dilation=rate),
                    nn.LeakyReLU(0.2),
                )
                for rate in RATES
            )
        )
        self.decoder = nn.ModuleList(
            conv(below + skip, out, nn.LeakyReLU)
            for below, skip, out in zip(
                [deep, *widths[3:0:-1]], widths[:0:-1], widths[3::-1], strict=True
            )
        )
        norm = nn.BatchNorm2d(3) if final == "bn_sigmoid" else nn.Identity()
        self.last = nn.Sequential(nn.Conv2d(2 * base, 3, 1), norm, nn.Sigmoid())

    def forward(self, images: Tensor) -> Tensor:
        """Return the generated face, everywhere."""
        skips, x = [], images
        for number, block in enumerate(self.encoder):
            skips.append(block(x))
            x = F.max_pool2d(skips[-1], 2) if number < 4 else skips[-1]
        x = self.bottleneck(x)
        for number, block in enumerate(self.decoder):
            x = x if number == 0 else double(x, self.upsampling)
            x = block(torch.cat([x, skips.pop()], 1))
        x = double(x, self.upsampling)
        return self.last(torch.cat([x, skips.pop()], 1))  # type: ignore[no-any-return]


def murf(generated: Tensor, occluded: Tensor, mask: Tensor) -> Tensor:
    """Return M x G + (1 - M) x masked face: masked-unmasked region fusion (section 3.2.1)."""
    return mask * generated + (1 - mask) * occluded


class Discriminator(nn.Sequential):
    """Spectrally normalised patch discriminator, (N, 3, H, W) -> (N, 1, h, w) values.

    Deviation: the paper says "a series of convolutional layers"; here the 70 x 70 PatchGAN's five,
    with leaky ReLU 0.2 and no sigmoid, for least squares.
    """

    def __init__(self, base: int = 64) -> None:
        widths = [3, base, 2 * base, 4 * base, 8 * base]
        strides = (2, 2, 2, 1)
        layers: list[nn.Module] = []
        for a, b, stride in zip(widths, widths[1:], strides, strict=False):
            layers += [spectral_norm(nn.Conv2d(a, b, 4, stride, 1)), nn.LeakyReLU(0.2)]
        super().__init__(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 4, 1, 1)))
