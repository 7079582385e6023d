"""A branch of the discriminators that look at a whole face and at a part of it.

Source: Iizuka et al., "Globally and Locally Consistent Image Completion", SIGGRAPH 2017, section
3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


def same(layer: nn.Module) -> nn.Module:
    """Return the layer as it is."""
    return layer


class CriticBranch(nn.Module):
    """One branch of a discriminator, (N, 3, S, S) -> (N, hidden).

    5 x 5 convolutions with stride 2, each followed by ReLU, or a leaky one, and batch
    normalisation where asked for; then one fully connected layer.

    Args:
        widths: Of the convolutions.
        hidden: Of the fully connected layer.
        size: S.
        norm: ``spectral``, ``batch`` or ``none``.
        slope: Of the rectified units below 0.
    """

    def __init__(
        self, widths: Sequence[int], hidden: int, size: int, norm: str, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.slope = slope
        wrap = spectral_norm if norm == "spectral" else same
        layers: list[nn.Module] = []
        for a, b in zip((3, *widths[:-1]), widths, strict=True):
            layers += [wrap(nn.Conv2d(a, b, 5, 2, 2)), nn.LeakyReLU(slope)]
            layers += [nn.BatchNorm2d(b)] if norm == "batch" else []
        side = -(-size // 2 ** len(widths))  # odd sides are rounded up
        self.convs = nn.Sequential(*layers)
        self.compress = wrap(nn.Linear(widths[-1] * side * side, hidden))

    def forward(self, images: Tensor) -> Tensor:
        """Return the compressed features, rectified."""
        features = self.convs(images).flatten(1)  # (N, C s s), s = S / 2 ** len(widths)
        return F.leaky_relu(self.compress(features), self.slope)
