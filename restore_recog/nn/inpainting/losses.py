"""Losses that several inpainters share, means over the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def feature_loss(made: Sequence[Tensor], clean: Sequence[Tensor]) -> Tensor:
    """Return the sum over layers of the mean absolute difference of features.

    Args:
        made, clean: (N, C, h, w) each; no gradient flows through *clean*.
    """
    pairs = zip(made, clean, strict=True)
    return torch.stack([F.l1_loss(a.float(), b.float().detach()) for a, b in pairs]).sum()


def style_loss(made: Sequence[Tensor], clean: Sequence[Tensor]) -> Tensor:
    """Return the sum over layers of the mean absolute difference of Gram matrices."""
    pairs = zip(made, clean, strict=True)
    return torch.stack([F.l1_loss(gram(a), gram(b.detach())) for a, b in pairs]).sum()


def gram(features: Tensor) -> Tensor:
    """Return (N, C, C) products of (N, C, H, W) features, divided by C H W.

    In float32 and outside autocast: the loss is a difference of squares.
    """
    with torch.autocast(features.device.type, enabled=False):
        rows = features.float().flatten(2)  # (N, C, H W)
        return rows @ rows.mT / (rows.shape[1] * rows.shape[2])


def over_hole(made: Tensor, clean: Tensor, hole: Tensor) -> Tensor:
    """Return the mean absolute difference over the image, divided by the share of the hole.

    An image without a hole has no loss: it asks for nothing.

    Args:
        made, clean: (N, 3, H, W) in [0, 1].
        hole: (N, 1, H, W) in {0, 1}.
    """
    difference = (made.float() - clean.float()).abs().flatten(1).mean(1)  # (N,)
    share = hole.flatten(1).mean(1)
    return torch.where(share > 0, difference / share.clamp_min(1e-6), 0).mean()


def variation(images: Tensor) -> Tensor:
    """Return the mean absolute step to the right plus that downwards of (N, 3, H, W) images."""
    right = (images[:, :, :, 1:] - images[:, :, :, :-1]).abs().mean()
    return right + (images[:, :, 1:] - images[:, :, :-1]).abs().mean()
