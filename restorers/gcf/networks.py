"""GCF's networks: generator, the two discriminators, and the parser of faces.

Source: Li et al., sections 3.1 to 3.3; the layers are those of the published configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restore_recog.nn.critic_branch import same
from restore_recog.nn.inpainting.restorer import InpaintingNets

DEPTHS = (2, 2, 2, 4)
"""Convolutions of each of the encoder's levels: those of VGG-19 up to its third, and one more."""

VGG_DEPTHS = (2, 2, 4, 4, 4)
"""Convolutions of each of VGG-19's levels."""

NORMS = ("none", "spectral")


def rectified(*widths: int) -> nn.Sequential:
    """Return 3 x 3 convolutions between these widths, each followed by ReLU."""
    layers: list[nn.Module] = []
    for a, b in zip(widths, widths[1:], strict=False):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


def down(levels: nn.ModuleList, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return what is left of (N, C, H, W) after all levels, and where each pooling's largest were.

    Args:
        levels: Each is followed by max pooling that halves the sides.
        x: Its sides are divisible by 2 as often as there are levels.
    """
    places = []
    for level in levels:
        x, where = F.max_pool2d(level(x), 2, return_indices=True)
        places.append(where)
    return x, places


def up(levels: nn.ModuleList, x: Tensor, places: Sequence[Tensor]) -> Tensor:
    """Return what the decoder makes of (N, C, h, w): every level begins with unpooling.

    Args:
        levels: From the smallest map on.
        x: What is left after the encoder.
        places: Of :func:`down`, where the values go: the rest of a larger map is 0.
    """
    for level, where in zip(levels, reversed(places), strict=True):
        x = level(F.max_unpool2d(x, where, (2, 2)))
    return x


class Generator(nn.Module):
    """Encoder, fully connected layers and decoder, (N, 3, S, S) -> (N, 3, S, S), about [-1, 1].

    Nothing but the places of the pooled maxima leads around the fully connected layers.

    Args:
        widths: Of the four levels.
        hidden: Units between the two fully connected layers.
        size: S.
    """

    def __init__(
        self, widths: Sequence[int] = (32, 64, 128, 256), hidden: int = 4096, size: int = 128
    ) -> None:
        super().__init__()
        one, two, three, four = widths
        self.small = (four, size // 16, size // 16)
        inputs = (3, one, two, three)
        self.encoder = nn.ModuleList(
            rectified(a, *[b] * depth) for a, b, depth in zip(inputs, widths, DEPTHS, strict=True)
        )
        units = prod(self.small)
        self.compress, self.expand = nn.Linear(units, hidden), nn.Linear(hidden, units)
        self.decoder = nn.ModuleList(
            [
                rectified(four, two, two, two, three),
                rectified(three, two, two),
                rectified(two, two, one),
                rectified(one, one, one),
            ]
        )
        self.last = nn.Conv2d(one, 3, 3, padding=1)
        self.apply(_drawn)
        nn.init.normal_(self.last.weight, 0.0, 0.001)

    def forward(self, images: Tensor) -> Tensor:
        """Return images whose values nothing bounds."""
        x, places = down(self.encoder, images)
        x = F.relu(self.compress(x.flatten(1)))  # (N, hidden)
        x = F.relu(self.expand(x)).view(-1, *self.small)
        return self.last(up(self.decoder, x, places))  # type: ignore[no-any-return]


class Discriminator(nn.Sequential):
    """Of one view, (N, 3, S, S) -> (N, 1) logits.

    Args:
        widths: Of the levels, each a convolution and one with stride 2.
        size: S, at least 2 to the power of the levels.
        norm: One of :data:`NORMS`.

    Deviation: ``spectral`` normalisation where the paper's have none, for short trainings.
    """

    def __init__(
        self, widths: Sequence[int] = (32, 64, 128, 256, 512), size: int = 128, norm: str = "none"
    ) -> None:
        wrap = spectral_norm if norm == "spectral" else same
        layers: list[nn.Module] = []
        for a, b in zip((3, *widths[:-1]), widths, strict=True):
            for convolution in (nn.Conv2d(a, b, 3, padding=1), nn.Conv2d(b, b, 4, 2, 1)):
                layers += [wrap(_normal(convolution)), nn.LeakyReLU(0.2)]
        answer = nn.Conv2d(widths[-1], 1, size >> len(widths))  # all that is left is one place
        super().__init__(*layers, wrap(_normal(answer)), nn.Flatten())


class Parser(nn.Module):
    """What part of a face each pixel is, (N, 3, H, W) in [-1, 1] -> (N, classes, H, W) logits.

    VGG-19's convolutions, and a decoder of one convolution a level, with drop-out.

    Args:
        classes: How many parts there are.
        base: Width of the first level; VGG-19's is 64.
    """

    def __init__(self, classes: int, base: int = 64) -> None:
        super().__init__()
        widths = [base, 2 * base, 4 * base, 8 * base, 8 * base]
        self.encoder = nn.ModuleList(
            rectified(a, *[b] * depth)
            for a, b, depth in zip([3, *widths[:-1]], widths, VGG_DEPTHS, strict=True)
        )
        outputs = [*widths[3::-1], base // 2]
        self.decoder = nn.ModuleList(
            nn.Sequential(*rectified(a, b), nn.Dropout(0.5))
            for a, b in zip(widths[::-1], outputs, strict=True)
        )
        self.last = nn.Conv2d(base // 2, classes, 3, padding=1)
        self.apply(_drawn)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        return self.last(up(self.decoder, *down(self.encoder, images)))  # type: ignore[no-any-return]

    def start_from_vgg(self, state: Mapping[str, Tensor]) -> None:
        """Copy the convolutions of torchvision's VGG-19 into the encoder.

        Args:
            state: Its state dict; what follows its convolutions is left out.

        Raises:
            KeyError, RuntimeError: It is another network's, or this one is narrower.
        """
        convolutions = (layer for layer in self.encoder.modules() if isinstance(layer, nn.Conv2d))
        places = (name for name in state if name.startswith("features.") and "weight" in name)
        for layer, name in zip(convolutions, places, strict=True):
            bias = state[name.replace("weight", "bias")]
            layer.load_state_dict({"weight": state[name], "bias": bias})


class GCFNets(InpaintingNets):
    """The generator.

    Args:
        options: Of :mod:`restore_recog.restorers.gcf.presets`.
    """

    noise: Tensor

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.generator = Generator(o["widths"], o["hidden"], o["size"])
        # Another noise a face in training; in use the same for all, so that results repeat.
        drawn = torch.rand(1, 3, o["size"], o["size"], generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", drawn, persistent=False)

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in about [0, 1]; the hole is shown as uniform noise."""
        noise = torch.rand_like(occluded) if self.training else self.noise
        shown = torch.where(hole > 0, noise, occluded)
        return (self.generator(2 * shown - 1) + 1) / 2  # type: ignore[no-any-return]


def _drawn(layer: nn.Module) -> None:
    """Draw from N(0, 4 / (inputs + outputs)), where He et al. have 2 / inputs; biases are 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_normal_(layer.weight, 2**0.5)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


def _normal(layer: nn.Conv2d) -> nn.Conv2d:
    """Draw from N(0, 0.02), as DCGAN does; biases are 0."""
    nn.init.normal_(layer.weight, 0.0, 0.02)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
