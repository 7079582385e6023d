"""What contextual attention does with patches: validity, matching, propagation, pasting."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def valid_patches(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, L) bool: True where a 3 x 3 patch at resolution *size* is all unoccluded.

    Masks are shrunk by the maximum, so that a thin covering is never lost; what lies
    beyond the image's border counts as unoccluded.

    Args:
        masks: (N, 1, h, w) in {0, 1}, at least as fine as *size*.
        size: (H, W) of the features that are matched.
    """
    small = F.adaptive_max_pool2d(masks, size)  # (N, 1, H, W)
    return F.max_pool2d(small, 3, stride=1, padding=1).flatten(1) < 0.5


class PatchGrid:
    """The patches that are matched and pasted, and the way to paste them.

    Matched are 3 x 3 patches, zero padding 1, of the features at rate 1 and of every second
    row and column at rate 2. Pasted are at rate 1 the same patches, at rate 2 those of
    4 x 4 cut with stride 2. Overlaps are averaged by their true number, which at the border
    is smaller than inside.

    Attributes:
        shape: (h, w) of the features that are matched; L = h w positions.
        patches: (N, L, C k k) to be pasted.
        unit: (N, L, 9C) to be matched, of length 1; a zero patch stays zero.
    """

    def __init__(self, features: Tensor, rate: int) -> None:
        self.size = features.shape[2:]
        self.layout = {"kernel_size": 3 if rate == 1 else 4, "stride": rate, "padding": 1}
        # (N, C k k, L) -> (N, L, C k k)
        self.patches = F.unfold(features, **self.layout).transpose(1, 2).contiguous()
        ones = F.unfold(features.new_ones(1, 1, *self.size), **self.layout)
        self.overlaps = F.fold(ones, self.size, **self.layout)  # (1, 1, H, W)

        small = features[:, :, ::rate, ::rate]  # (N, C, h, w)
        self.shape: tuple[int, int] = (small.shape[2], small.shape[3])
        near = self.patches if rate == 1 else F.unfold(small, 3, padding=1).transpose(1, 2)
        self.unit = near / near.norm(dim=2, keepdim=True).clamp_min(1e-4)

    def paste(self, patches: Tensor) -> Tensor:
        """Return (N, C, H, W) of (N, L, C k k) patches: a transposed convolution."""
        return F.fold(patches.transpose(1, 2), self.size, **self.layout) / self.overlaps


def propagate(
    scores: Tensor, size: tuple[int, int], horizontal: Tensor, vertical: Tensor
) -> Tensor:
    """Return (N, L, L) scores after the two convolutions over (foreground, background).

    S1[y,x,y',x'] = sum_ab horizontal[a,b] S[y,x+a,y',x'+b] and
    S2[y,x,y',x'] = sum_ab vertical[a,b] S1[y+a,x,y'+b,x'], zero beyond the image.

    Args:
        scores: (N, L, L), foreground then background position.
        size: (H, W) with H W = L.
        horizontal, vertical: (3, 3), index (foreground offset + 1, background offset + 1).
    """
    n, (h, w) = scores.shape[0], size
    # (n, y, x, y', x') -> (n y y', 1, x, x')
    s = scores.view(n, h, w, h, w).permute(0, 1, 3, 2, 4).reshape(-1, 1, w, w)
    s = F.conv2d(s, horizontal[None, None], padding=1)
    # (n, y, y', x, x') -> (n x x', 1, y, y')
    s = s.view(n, h, h, w, w).permute(0, 3, 4, 1, 2).reshape(-1, 1, h, h)
    s = F.conv2d(s, vertical[None, None], padding=1)
    # (n, x, x', y, y') -> (n, y x, y' x')
    return s.view(n, w, w, h, h).permute(0, 3, 1, 4, 2).reshape(n, h * w, h * w)
