"""DeepFill's networks: coarse, refine, and the discriminator of local features.

Images inside are in [-1, 1]; the hole is 0, a middle grey. Widths are the real numbers of channels:
the published code counts both halves of a gated convolution and writes 48, 96, 192 for 24, 48, 96.

Source: Yu et al., sections 3.1, 3.2 and 3.4, figure 3; the layers from the published code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restore_recog.nn.contextual_attention import ContextAttention
from restore_recog.nn.gated import GatedConv, RefineNet, double
from restore_recog.nn.inpainting.restorer import InpaintingNets


class CoarseNet(nn.Module):
    """Encoder and decoder of gated convolutions, (N, 5, H, W) -> (N, 3, H, W) in [-1, 1].

    Two strided convolutions, four dilated ones at a quarter of the size, and back; no shortcuts.

    Args:
        widths: Channels at full, half and quarter size.
        upsampling: One of :data:`restore_recog.nn.gated.UPSAMPLING`.
    """

    def __init__(
        self, widths: Sequence[int] = (24, 48, 96), *, upsampling: str = "nearest"
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        one, two, four = widths
        self.down = nn.Sequential(
            GatedConv(5, one, kernel=5),
            GatedConv(one, two, stride=2),
            GatedConv(two, two),
            GatedConv(two, four, stride=2),
            GatedConv(four, four),
            GatedConv(four, four),
        )
        self.middle = nn.Sequential(
            *(GatedConv(four, four, dilation=rate) for rate in (2, 4, 8, 16)),
            GatedConv(four, four),
            GatedConv(four, four),
        )
        self.at_half = nn.Sequential(GatedConv(four, two), GatedConv(two, two))
        self.at_full = nn.Sequential(GatedConv(two, one), GatedConv(one, one // 2))
        self.head = nn.Conv2d(one // 2, 3, 3, padding=1)

    def forward(self, visible: Tensor, masks: Tensor) -> Tensor:
        """Return the coarse images.

        Args:
            visible: (N, 3, H, W) images in [-1, 1] times (1 - masks).
            masks: (N, 1, H, W) in {0, 1}.
        """
        # The plane of ones tells zero padding from black.
        x = torch.cat([visible, torch.ones_like(masks), masks], 1)  # (N, 5, H, W)
        x = self.middle(self.down(x))  # (N, four, H / 4, W / 4)
        x = self.at_half(double(x, self.upsampling))  # (N, two, H / 2, W / 2)
        x = self.at_full(double(x, self.upsampling))  # (N, one / 2, H, W)
        return torch.tanh(self.head(x))  # (N, 3, H, W)


class SNPatchGAN(nn.Module):
    """Strided 5 x 5 convolutions, (N, 4, H, W) -> (N, C, H / 64, W / 64) logits.

    Every channel at every place answers for itself, so that the loss sees local and global
    features and many kinds of them. Spectral normalisation, leaky ReLU 0.2 behind every layer.

    Deviation: not behind the last layer, where it would weigh negative logits by a fifth.

    Args:
        widths: Of the convolutions, six in the paper; the last is C.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 256, 256, 256)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in zip((4, *widths[:-1]), widths, strict=True):
            layers += [spectral_norm(nn.Conv2d(a, b, 5, 2, 2)), nn.LeakyReLU(0.2)]
        self.convs = nn.Sequential(*layers[:-1])

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Return the logits of images in [-1, 1] with their masks."""
        return self.convs(torch.cat([images, masks], 1))  # type: ignore[no-any-return]


class DeepFillNets(InpaintingNets):
    """Coarse and refine network.

    Args:
        options: Of :mod:`restore_recog.restorers.deepfill.presets`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.coarse = CoarseNet(o["widths"], upsampling=o["upsampling"])
        self.refine = RefineNet(
            o["widths"],
            attention=ContextAttention(rate=2) if o["attention"] else None,
            inputs=o["refine_in"],
            residual=o["residual"],
            upsampling=o["upsampling"],
        )

    def stages(self, occluded: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coarse and the refined faces, (N, 3, H, W) in about [0, 1] each.

        Args:
            occluded: (N, 3, H, W) in [0, 1]; what is covered is not looked at.
            hole: (N, 1, H, W) in {0, 1}.
        """
        visible = (2 * occluded - 1) * (1 - hole)
        coarse = self.coarse(visible, hole)
        fine = self.refine(visible + coarse * hole, hole)
        return coarse / 2 + 0.5, fine / 2 + 0.5

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return the refined faces."""
        return self.stages(occluded, hole)[1]
