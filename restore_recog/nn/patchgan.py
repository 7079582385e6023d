"""The PatchGAN discriminator that many models share, in the variants that they have."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restore_recog.nn.dilated import drawn

NORMS = ("batch", "spectral", "none")


class PatchGAN(nn.Module):
    """Convolutions 4 x 4 that answer for overlapping patches: -> (N, 1, H/8 - 2, W/8 - 2).

    With three strided layers, as here, each answer sees 70 x 70 pixels. Weights are drawn from
    N(0, 0.02). Source: Isola et al., "Image-to-Image Translation with Conditional Adversarial
    Networks", CVPR 2017, section 3.2.2 and appendix 6.1.2.

    Args:
        inputs: Channels.
        base: Width of the first convolution; the next three double it each.
        norm: One of :data:`NORMS`: ``batch`` for all but the first and the last convolution,
            ``spectral`` for all.
        bias, last_bias: Whether convolutions have one; ``last_bias`` is that of the last alone.
    """

    def __init__(
        self,
        inputs: int,
        base: int = 64,
        *,
        norm: str = "spectral",
        bias: bool = False,
        last_bias: bool | None = None,
    ) -> None:
        super().__init__()
        widths = [inputs, base, 2 * base, 4 * base, 8 * base, 1]
        self.steps = nn.ModuleList()
        for number, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
            last = number == 4
            has = last_bias if last and last_bias is not None else bias
            layer = nn.Conv2d(a, b, 4, 2 if number < 3 else 1, 1, bias=has)
            parts: list[nn.Module] = [drawn(layer, spectral=norm == "spectral")]
            if norm == "batch" and 0 < number < 4:
                parts.append(nn.BatchNorm2d(b))
            if not last:
                parts.append(nn.LeakyReLU(0.2))
            self.steps.append(nn.Sequential(*parts))

    def features(self, *images: Tensor) -> list[Tensor]:
        """Return the maps of all layers, the answers last.

        Args:
            images: (N, C, H, W) each, *inputs* channels together.
        """
        x, maps = torch.cat(images, 1), []
        for step in self.steps:
            x = step(x)
            maps.append(x)
        return maps

    def forward(self, *images: Tensor) -> Tensor:
        """Return the answers as logits."""
        return self.features(*images)[-1]
