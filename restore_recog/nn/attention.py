"""The attention of decoders over their own features and over what the encoder saw.

Source: Zheng et al., "Pluralistic Image Completion", CVPR 2019, section 3.3, which Yang et al.,
"Generative Landmark Guided Face Inpainting" (LaFIn), PRCV 2020, take over.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from restore_recog.nn.dilated import conv, drawn

ROWS = 1024
"""Places that look at all others at once: 4,096 of them at 64 x 64 would take 64 MB an image."""


def attended(query: Tensor, value: Tensor, rows: int = ROWS) -> Tensor:
    """Return what every place gathers from all places that are like it.

    The weights are softmax(query query^T) over the places. They are made for *rows* places at a
    time, and made again for the gradient, so that they are never all in memory. In float32 and
    outside autocast: products of equal vectors are large, and their differences count.

    Args:
        query: (N, L, Q), of L places.
        value: (N, L, C).
        rows: How many places look at once.

    Returns:
        (N, L, C).
    """
    parts = torch.split(query, rows, 1)
    if len(parts) == 1 or not torch.is_grad_enabled():
        return torch.cat([_gathered(part, query, value) for part in parts], 1)
    again = [checkpoint(_gathered, part, query, value, use_reentrant=False) for part in parts]
    return torch.cat(again, 1)


def _gathered(asking: Tensor, query: Tensor, value: Tensor) -> Tensor:
    with torch.autocast(query.device.type, enabled=False):
        weights = (asking.float() @ query.float().mT).softmax(2)  # (N, R, L)
    return weights @ value  # (N, R, C)


class ShortAttention(nn.Module):
    """Adds to every place what places like it hold: gamma x attended + features.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = conv(channels, channels // 4, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def gathered(self, features: Tensor, value: Tensor) -> Tensor:
        """Return (N, D, H, W) of (N, D, H, W), gathered by what the features are like."""
        query = self.query(features).flatten(2).mT.contiguous()  # (N, H W, C / 4)
        places = value.flatten(2).mT.contiguous()  # (N, H W, D)
        return attended(query, places).mT.reshape(value.shape)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C, H, W) of the same."""
        return self.gamma * self.gathered(features, features) + features


class ShortLongAttention(ShortAttention):
    """Short-term attention over the decoder's features, long-term over the encoder's.

    By the same weights every place gathers from the features before it, and every hidden place
    from the encoder's; a residual block fuses the two.

    Args:
        channels: C.
        encoded: E, the channels of the encoder's features; None for as many.
    """

    def __init__(self, channels: int, encoded: int | None = None) -> None:
        super().__init__(channels)
        both = channels + (channels if encoded is None else encoded)
        self.alpha = nn.Parameter(torch.zeros(()))
        self.fuse = nn.Sequential(
            nn.LeakyReLU(),
            drawn(nn.Conv2d(both, channels, 3, padding=1), spectral=True),
            nn.LeakyReLU(),
            drawn(nn.Conv2d(channels, channels, 3, padding=1), spectral=True),
        )
        self.across = drawn(nn.Conv2d(both, channels, 1), spectral=True)

    def forward(  # type: ignore[override]
        self, features: Tensor, encoded: Tensor, hole: Tensor, *, looks: bool = True
    ) -> Tensor:
        """Return (N, C, H, W).

        Args:
            features: (N, C, H, W) of the decoder.
            encoded: (N, E, H, W) of the encoder.
            hole: (N, 1, H, W) in [0, 1].
            looks: Whether places look at others; without it both scalars count as 0.
        """
        short, long = features, (1 - hole) * encoded
        if looks:
            # One product for both: (N, C + E, H, W).
            both = self.gathered(features, torch.cat([features, encoded], 1))
            near, far = both.tensor_split([features.shape[1]], 1)
            short = self.gamma * near + short
            long = self.alpha * hole * far + long
        x = torch.cat([short, long], 1)  # (N, C + E, H, W)
        return self.fuse(x) + self.across(x)  # type: ignore[no-any-return]
