"""The generator of CTSDG: two U-Nets that lean on each other, and what joins them.

Images inside are in [-1, 1]; masks are 1 where something is known.

Source: Guo et al., section 3.1 and the published code for what the paper leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.dilated import conv
from restore_recog.nn.edges import canny, greyed
from restore_recog.nn.inpainting.restorer import InpaintingNets
from restore_recog.nn.partial import Known, PartialConv
from restore_recog.nn.patches import PatchGrid

WIDEST = 8
"""Times the base width: no layer is wider."""

SIDES = (7, 5, 5)
"""Of the first kernels of an encoder; all others are 3 x 3."""

DILATIONS = (1, 2, 4, 8)

SHARPNESS = 10.0
"""Of the softmax over patches."""


def normed(width: int) -> nn.BatchNorm2d:
    """Return batch normalisation of *width* channels, its scales drawn from N(1, 0.02)."""
    layer = nn.BatchNorm2d(width)
    nn.init.normal_(layer.weight, 1.0, 0.02)
    return layer


class Step(nn.Module):
    """A partial convolution, batch normalisation perhaps, and an activation."""

    def __init__(
        self,
        inputs: Sequence[int],
        outputs: int,
        side: int = 3,
        *,
        halves: bool = False,
        norm: bool = True,
    ) -> None:
        super().__init__()
        self.partial = PartialConv(inputs, outputs, side, 2 if halves else 1)
        self.norm = normed(outputs) if norm else nn.Identity()
        self.activation = nn.ReLU() if halves else nn.LeakyReLU(0.2)

    def forward(self, *parts: Known) -> Known:
        """Return features and where they are known."""
        made, known = self.partial(*parts)
        return self.activation(self.norm(made)), known


def encoder(inputs: int, base: int, levels: int) -> nn.ModuleList:
    """Return the steps of an encoder, each of which halves the sides."""
    widths = [inputs, *(base * min(2**level, WIDEST) for level in range(levels))]
    sides = [*SIDES, *[3] * levels]
    return nn.ModuleList(
        Step((a,), b, side, halves=True, norm=level > 0)
        for level, (a, b, side) in enumerate(zip(widths, widths[1:], sides, strict=False))
    )


def decoder(inputs: int, base: int, levels: int) -> nn.ModuleList:
    """Return the steps of a decoder, the innermost first; *inputs* are its encoder's."""
    widths = [inputs, *(base * min(2**level, WIDEST) for level in range(levels))]
    return nn.ModuleList(
        Step((widths[level + 1], widths[level]), widths[level] if level else base)
        for level in reversed(range(levels))
    )


def encoded(steps: nn.ModuleList, given: Known) -> list[Known]:
    """Return the input and what each step makes of it."""
    maps = [given]
    for step in steps:
        maps.append(step(maps[-1]))
    return maps


def decoded(steps: nn.ModuleList, inmost: Known, maps: Sequence[Known]) -> Tensor:
    """Return (N, base, H, W): what lies inmost, enlarged step by step beside an encoder's maps."""
    x = inmost
    for step, beside in zip(steps, reversed(maps[:-1]), strict=True):
        size = tuple(beside[0].shape[2:])
        larger = F.interpolate(x[0], size, mode="bilinear"), F.interpolate(x[1], size)
        x = step(larger, beside)
    return x[0]


class Projection(nn.Module):
    """What a stream's features look like by themselves, (N, C, H, W) -> (N, outputs, H, W)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        narrow = max(channels // 4, 1)
        self.branch = nn.Sequential(
            conv(channels, narrow, 3, padding=1, bias=False),
            normed(narrow),
            nn.ReLU(),
            conv(narrow, channels, 3, padding=1, bias=False),
            normed(channels),
        )
        self.last = conv(channels, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return what the last convolution gives."""
        return self.last(F.relu(features + self.branch(features)))  # type: ignore[no-any-return]


class GatedFusion(nn.Module):
    """Bi-directional gated feature fusion: each stream takes over what its gate lets through.

    Equations 1 to 4: (N, C, H, W) twice -> (N, 2 C, H, W). Both scalars start at 0.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_texture = conv(2 * channels, channels, 3, padding=1)
        self.to_structure = conv(2 * channels, channels, 3, padding=1)
        self.alpha, self.beta = (nn.Parameter(torch.zeros(())) for _ in range(2))

    def forward(self, texture: Tensor, structure: Tensor) -> Tensor:
        """Return both, each with its share of the other, joined."""
        both = torch.cat([texture, structure], 1)
        opened = self.to_texture(both).sigmoid(), self.to_structure(both).sigmoid()
        fused = (
            texture + self.alpha * opened[0] * structure,
            structure + self.beta * opened[1] * texture,
        )
        return torch.cat(fused, 1)


class ContextualAggregation(nn.Module):
    """Contextual feature aggregation, (N, C, H, W) of the same; H and W even.

    Every place is made of the patches that are like it (equations 5 and 6), and then of four
    dilated convolutions that are mixed place by place (equations 7 to 9).

    Deviation: patches are compared at every second row and column and not at bilinear means, and
    overlaps are averaged by their true number, which at the border is smaller than inside.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            conv(channels, channels, 3, padding=rate, dilation=rate) for rate in DILATIONS
        )
        self.weigh = nn.Sequential(
            conv(channels, channels, 3, padding=1),
            nn.ReLU(),
            conv(channels, len(DILATIONS), 1),
            nn.ReLU(),
            nn.Softmax(1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the features made of what is like them."""
        x = self.gathered(features)
        weights = self.weigh(x).split(1, 1)  # (N, 1, H, W) each
        scales = zip(weights, self.scales, strict=True)
        return torch.stack([weight * F.relu(scale(x)) for weight, scale in scales]).sum(0)

    def gathered(self, features: Tensor) -> Tensor:
        """Return every place as a mean of patches, weighed by the cosines to its own."""
        with torch.autocast(features.device.type, enabled=False):
            grid = PatchGrid(features.float(), rate=2)
            cosine = torch.bmm(grid.unit, grid.unit.transpose(1, 2))  # (N, L, L)
            return grid.paste(torch.bmm((SHARPNESS * cosine).softmax(2), grid.patches))


class Generator(nn.Module):
    """Texture and structure made side by side, then joined: equations 1 to 9.

    Args:
        base: Width at full size.
        levels: How often the encoders halve the sides: seven at 256 pixels.
    """

    def __init__(self, base: int = 64, levels: int = 7) -> None:
        super().__init__()
        self.texture_encoder = encoder(3, base, levels)
        self.structure_encoder = encoder(2, base, levels)
        self.texture_decoder = decoder(3, base, levels)
        self.structure_decoder = decoder(2, base, levels)
        self.to_image, self.to_edges = Projection(base, 3), Projection(base, 1)
        self.fusion = GatedFusion(base)
        self.shrink = conv(2 * base, base, 3, stride=2, padding=1)
        self.context = ContextualAggregation(base)
        self.join = conv(2 * base, base, 3, padding=1)
        self.last = conv(3 * base, 3, 1)

    def forward(self, image: Tensor, edges: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        """Return the face and what each stream makes by itself: image and edges.

        Args:
            image: (N, 3, H, W) in [-1, 1]; hidden pixels count for nothing.
            edges: (N, 2, H, W) edges and grey.
            known: (N, 1, H, W) in {0, 1}: 1 is known.

        Returns:
            (N, 3, H, W) in (-1, 1) twice, and (N, 1, H, W) in (0, 1).
        """
        textures = encoded(self.texture_encoder, (image, known))
        structures = encoded(self.structure_encoder, (edges, known))
        # Each decoder starts at what the other stream's encoder found.
        texture = decoded(self.texture_decoder, structures[-1], textures)  # (N, base, H, W)
        structure = decoded(self.structure_decoder, textures[-1], structures)
        fused = self.fusion(texture, structure)  # (N, 2 base, H, W)
        small = F.leaky_relu(self.shrink(fused), 0.2)  # (N, base, H / 2, W / 2)
        small = F.leaky_relu(self.join(torch.cat([small, self.context(small)], 1)), 0.2)
        whole = F.interpolate(small, scale_factor=2.0, mode="bilinear")
        face = self.last(torch.cat([whole, fused], 1)).tanh()
        return face, self.to_image(texture).tanh(), self.to_edges(structure).sigmoid()


class CTSDGNets(InpaintingNets):
    """The generator.

    Attributes:
        still: Whether the encoders' batch normalisation keeps to its averages in training.

    Args:
        options: Of :mod:`restore_recog.restorers.ctsdg.presets`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.generator = Generator(options["base"], options["levels"])
        self.sigma: float = options["sigma"]
        self.still = False

    def train(self, mode: bool = True) -> CTSDGNets:
        """Set the mode; with :attr:`still` the encoders' normalisation stays as in use."""
        super().train(mode)
        if self.still:
            for steps in (self.generator.texture_encoder, self.generator.structure_encoder):
                for module in steps.modules():
                    if isinstance(module, nn.BatchNorm2d):
                        module.eval()
        return self

    def made(self, occluded: Tensor, hole: Tensor, known_edges: Tensor) -> dict[str, Tensor]:
        """Return ``face`` and ``image``, (N, 3, H, W) in [0, 1], and ``edges``, (N, 1, H, W).

        Args:
            occluded: (N, 3, H, W) in [0, 1].
            hole: (N, 1, H, W) in {0, 1}: 1 is hidden.
            known_edges: (N, 1, H, W) of the occluded image, none in or along the hole.
        """
        known = 1 - hole
        structure = torch.cat([known_edges, greyed(occluded)], 1) * known
        face, image, edges = self.generator((2 * occluded - 1) * known, structure, known)
        return {"face": face / 2 + 0.5, "image": image / 2 + 0.5, "edges": edges}

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in [0, 1]."""
        edges = canny(greyed(occluded), self.sigma, hole)
        return self.made(occluded, hole, edges)["face"]
