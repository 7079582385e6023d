"""Contextual attention: fill hidden features with patches of visible ones.

Source: Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restore_recog.nn.patches import PatchGrid, propagate, valid_patches

SOFTMAX_SCALE = 10.0
"""Sharpness of the softmax over background positions."""


class ContextAttention(nn.Module):
    """Plain contextual attention, (N, C, H, W) -> (N, C, H, W); nothing to learn.

    Cosines of 3 x 3 patches, propagated by fixed identity kernels along x and y, masked,
    times 10, softmax over the background, masked again, and the patches pasted by a
    transposed convolution. Works on whole maps of L x L scores: at 64 x 64 features one takes
    67,108,864 bytes a sample at rate 1 and 4,194,304 at rate 2.

    Deviation: validity is each sample's own, masks shrink by their maximum, rows are not
    joined at their ends, and overlaps are averaged by their true number.

    Args:
        rate: 2 matches on features of half the size, as the original does; 1 at full resolution.
    """

    eye: Tensor

    def __init__(self, *, rate: int = 2) -> None:
        super().__init__()
        if rate not in (1, 2):
            raise ValueError(f"No such attention: rate={rate}.")
        self.rate = rate
        self.register_buffer("eye", torch.eye(3), persistent=False)

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Return the attended features.

        Args:
            features: (N, C, H, W), not negative; H and W even at rate 2.
            masks: (N, 1, h, w) in {0, 1}, any resolution at least as fine.
        """
        with torch.autocast(features.device.type, enabled=False):
            grid = PatchGrid(features.float(), self.rate)
            valid = valid_patches(masks, grid.shape)[:, None, :]  # (N, 1, L background)
            cosine = torch.bmm(grid.unit, grid.unit.transpose(1, 2))  # (N, L, L)
            scores = propagate(cosine, grid.shape, self.eye, self.eye)
            weights = (scores * valid * SOFTMAX_SCALE).softmax(2) * valid
            return grid.paste(torch.bmm(weights, grid.patches))
