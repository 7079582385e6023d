"""The networks of Pluralistic: encoder with prior and posterior, decoder, discriminator.

Images inside are in [-1, 1]; sides are divisible by 2 to the power of the encoder's layers.

Source: Zheng et al., sections 3.2 and 3.3, and the published code for the sizes of the layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.attention import ShortAttention, ShortLongAttention
from restore_recog.nn.inpainting.restorer import InpaintingNets
from restore_recog.nn.masks import smaller
from restore_recog.restorers.pluralistic.layers import (
    SLOPE,
    Block,
    DoublingBlock,
    conv,
    image_of,
    widths,
)

WIDEST = 4
"""Times the base width: no layer is wider."""

LOOKING = 1
"""The decoder's layer after which it attends, counted from 0."""


class Normal(NamedTuple):
    """A diagonal normal distribution, (N, Z, h, w) each, in float32."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Normal:
        """Return the one that (N, 2 Z, h, w) features describe."""
        mean, spread = features.float().chunk(2, 1)
        return cls(mean, F.softplus(spread))

    def drawn(self) -> Tensor:
        """Return a sample, through which gradients flow to mean and deviation."""
        return self.mean + self.deviation * torch.randn_like(self.mean)

    def detached(self) -> Normal:
        """Return the same without gradients."""
        return Normal(self.mean.detach(), self.deviation.detach())


class Encoder(nn.Module):
    """Reads an image with a hole, and says what the hole may hold.

    Args:
        base: Width of the first layer.
        layers: Each halves the sides.
        latent: Z, the channels of the distributions.
        inferring: Blocks between the features and the prior.
    """

    def __init__(self, base: int, layers: int, latent: int, inferring: int) -> None:
        super().__init__()
        wide = widths(base, WIDEST, layers)
        self.down = nn.ModuleList([Block(3, base, base, halves=True, first=True)])
        for a, b in zip(wide, wide[1:], strict=False):
            self.down.append(Block(a, b, a, halves=True))
        last = wide[-1]
        self.infer = nn.Sequential(*(Block(last, last, last) for _ in range(inferring)))
        self.prior = Block(last, 2 * latent, last)
        self.posterior = Block(last, 2 * latent, last)

    def forward(
        self, visible: Tensor, hidden: Tensor | None = None
    ) -> tuple[list[Tensor], Normal, Normal | None]:
        """Return the features of each layer, the prior, and the posterior where it can be known.

        Args:
            visible: (N, 3, H, W) the image outside the hole, 0 in it.
            hidden: (N, 3, H, W) what the hole hides, 0 around it; in training only.
        """
        x = visible if hidden is None else torch.cat([visible, hidden])  # (N or 2 N, 3, H, W)
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x[: len(visible)])
        prior = Normal.of(self.prior(self.infer(maps[-1])))
        if hidden is None:
            return maps, prior, None
        return maps, prior, Normal.of(self.posterior(x[len(visible) :]))


class Decoder(nn.Module):
    """Makes images of several sizes from features and what was drawn for the hole.

    Args:
        base: Width of the last layer.
        layers: Each doubles the sides.
        latent: Channels of what is drawn.
        scales: How many of the last layers make an image; the next reads it too.
        upsampling: One of :data:`~.layers.UPSAMPLING`.
    """

    def __init__(self, base: int, layers: int, latent: int, scales: int, upsampling: str) -> None:
        super().__init__()
        wide = [*reversed(widths(base, WIDEST, layers))]
        self.enter = Block(latent, wide[0], wide[0])
        self.up, self.images = nn.ModuleList(), nn.ModuleDict()
        inputs = wide[0]
        for layer, outputs in enumerate(wide):
            self.up.append(DoublingBlock(inputs, outputs, upsampling))
            inputs = outputs
            if layer >= layers - scales:
                self.images[str(layer)] = image_of(outputs)
                inputs += 3
        self.attention = ShortLongAttention(wide[LOOKING], wide[LOOKING + 1])

    def forward(
        self, drawn: Tensor, maps: list[Tensor], hole: Tensor, *, looks: bool = True
    ) -> list[Tensor]:
        """Return the images in [-1, 1], from the smallest to the whole, (M, 3, H, W).

        Args:
            drawn: (M, Z, h, w), M a multiple of N.
            maps: The encoder's, of N images.
            hole: (N, 1, H, W) in {0, 1}.
            looks: Whether the attention attends.
        """
        times = len(drawn) // len(hole)
        seen = maps[-2 - LOOKING]  # as large as what the attention is given
        seen, small = (t.repeat(times, 1, 1, 1) for t in (seen, smaller(hole, seen)))
        x = maps[-1].repeat(times, 1, 1, 1) + self.enter(drawn)
        made = []
        for layer, up in enumerate(self.up):
            x = up(x)  # sides doubled
            if layer == LOOKING:
                x = self.attention(x, seen, small, looks=looks)
            if str(layer) in self.images:
                made.append(self.images[str(layer)](x))
                x = torch.cat([x, made[-1].to(x.dtype)], 1)
        return made


class Discriminator(nn.Module):
    """Answers for overlapping parts of an image: (N, 3, H, W) -> (N, 1, h - 2, w - 2).

    h and w are H and W divided by 2 to the power of *layers*.

    Deviation: the published discriminator's attention also has the block that joins encoder and
    decoder, which is never called; its dead parameters are left out.

    Args:
        base: Width of the first layer.
        layers: Each halves the sides; the attention comes before the last but one, or before the
            last where there are fewer than 5.
    """

    def __init__(self, base: int, layers: int) -> None:
        super().__init__()
        wide = widths(base, WIDEST, layers)
        parts: list[nn.Module] = [Block(3, base, base, halves=True, first=True)]
        for layer, (a, b) in enumerate(zip(wide, wide[1:], strict=False)):
            if layer == min(2, layers - 2):
                parts.append(ShortAttention(a))
            parts.append(Block(a, b, a, halves=True))
        last = wide[-1]
        parts += [Block(last, last, last), nn.LeakyReLU(SLOPE), conv(last, 1, padding=0)]
        self.layers = nn.Sequential(*parts)

    def forward(self, images: Tensor) -> Tensor:
        """Return how real each part looks: about 1 for real, 0 for generated."""
        return self.layers(images)  # type: ignore[no-any-return]


class PluralisticNets(InpaintingNets):
    """Encoder and decoder.

    Args:
        options: Of :mod:`restore_recog.restorers.pluralistic.presets`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.encoder = Encoder(o["base"], o["layers"], o["latent"], o["inferring"])
        self.decoder = Decoder(o["base"], o["layers"], o["latent"], o["scales"], o["upsampling"])

    def fill(self, occluded: Tensor, hole: Tensor, *, looks: bool = True) -> Tensor:
        """Return (N, 3, H, W) faces in [0, 1], made at the mean of the prior.

        Deviation: the paper draws several faces from the prior and keeps those that its
        discriminator likes best; a restorer gives one, and the same one every time.
        """
        maps, prior, _ = self.encoder(outside(occluded, hole))
        images = self.decoder(prior.mean, maps, hole, looks=looks)
        return images[-1] / 2 + 0.5  # type: ignore[no-any-return]


def outside(images: Tensor, hole: Tensor) -> Tensor:
    """Return (N, 3, H, W) images of [0, 1] in [-1, 1], 0 in the hole."""
    return torch.where(hole > 0, 0.0, 2 * images - 1)
