"""GLCIC's networks: completion, and the discriminator of whole image and surroundings of the hole.

Source: Iizuka et al., sections 3.2 and 3.3, tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restore_recog.nn.critic_branch import CriticBranch, around, same
from restore_recog.nn.inpainting.restorer import InpaintingNets

UPSAMPLING = ("deconv", "bilinear")

NORMS = ("batch", "spectral", "none")


def layer(inputs: int, outputs: int, side: int = 3, **how: Any) -> nn.Sequential:
    """Return convolution, batch normalisation and ReLU; *how* are arguments of ``Conv2d``."""
    padding = side // 2 * how.get("dilation", 1)
    convolution = nn.Conv2d(inputs, outputs, side, padding=padding, **how)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def enlarging(inputs: int, outputs: int, upsampling: str) -> nn.Sequential:
    """Return a layer that doubles the sides.

    Deviation: ``bilinear`` convolves 3 x 3 and then doubles, without the chequered patterns of
    strided transposed convolutions (``deconv``), which the original has.
    """
    if upsampling == "deconv":
        convolution = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
    return nn.Sequential(*layer(inputs, outputs), nn.Upsample(scale_factor=2, mode="bilinear"))


class CompletionNet(nn.Sequential):
    """17 layers, (N, 4, H, W) -> (N, 3, H, W) in [0, 1].

    Two strided convolutions, four dilated ones at a quarter of the size, and back; no shortcuts.

    Args:
        widths: Channels at full, half and quarter size.
        upsampling: One of :data:`UPSAMPLING`.
    """

    def __init__(
        self, widths: Sequence[int] = (64, 128, 256), *, upsampling: str = "deconv"
    ) -> None:
        one, two, four = widths
        super().__init__(
            layer(4, one, 5),
            layer(one, two, stride=2),
            layer(two, two),
            layer(two, four, stride=2),
            layer(four, four),
            layer(four, four),
            *(layer(four, four, dilation=rate) for rate in (2, 4, 8, 16)),
            layer(four, four),
            layer(four, four),
            enlarging(four, two, upsampling),
            layer(two, two),
            enlarging(two, one, upsampling),
            layer(one, one // 2),
            nn.Sequential(nn.Conv2d(one // 2, 3, 3, padding=1), nn.Sigmoid()),
        )


class ContextCritic(nn.Module):
    """Global and local discriminator with one answer, images and holes -> (N, 1) logits.

    Both branches end in a fully connected layer; the two side by side go through a last one.

    Args:
        widths: Of the global branch's convolutions.
        local_widths: Of the local branch's.
        hidden: Of each branch's fully connected layer.
        size, local: Sides of the images and of what the local branch sees.
        norm: One of :data:`NORMS`.

    Deviation: ``spectral`` normalisation in place of the paper's of batches, for small batches.
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512, 512),
        local_widths: Sequence[int] = (64, 128, 256, 512, 512),
        *,
        hidden: int = 1024,
        size: int = 256,
        local: int = 128,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        self.side = local
        self.whole = CriticBranch(widths, hidden, size, norm, slope=0.0)
        self.part = CriticBranch(local_widths, hidden, local, norm, slope=0.0)
        wrap = spectral_norm if norm == "spectral" else same
        self.head = wrap(nn.Linear(2 * hidden, 1))

    def forward(self, images: Tensor, holes: Tensor) -> Tensor:
        """Return the logits of (N, 3, size, size) images."""
        parts = [self.whole(images), self.part(around(images, holes, self.side))]
        return self.head(torch.cat(parts, 1))  # type: ignore[no-any-return]


class GLCICNets(InpaintingNets):
    """The completion network.

    Args:
        options: Of :mod:`restore_recog.restorers.glcic.presets`.
    """

    colour: Tensor

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.completion = CompletionNet(o["widths"], upsampling=o["upsampling"])
        colour = torch.tensor(o["colour"]).view(1, 3, 1, 1)
        self.register_buffer("colour", colour, persistent=False)

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return (N, 3, H, W) faces in [0, 1]; the hole is shown in one colour, and as a plane."""
        visible = torch.where(hole > 0, self.colour, occluded)
        return self.completion(torch.cat([visible, hole], 1))  # type: ignore[no-any-return]
