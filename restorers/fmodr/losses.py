"""FMODR's reconstruction losses, one value an image, on images in [-1, 1]."""

from __future__ import annotations

from torch import Tensor

from restore_recog.nn.distributed import total, world


def hole_l1(output: Tensor, clean: Tensor, hole: Tensor) -> Tensor:
    """Return (N,) mean absolute error inside the hole; 0 where there is none."""
    error = (output - clean).abs() * hole
    return error.flatten(1).sum(1) / (3 * hole.flatten(1).sum(1)).clamp_min(1)


def reconstruction_loss(output: Tensor, clean: Tensor, hole: Tensor, weight: float) -> Tensor:
    """Return (N,) mean absolute error, plus *weight* times that of the hole."""
    whole = (output - clean).abs().flatten(1).mean(1)
    return whole + weight * hole_l1(output, clean, hole) if weight else whole


def weighted_mean(losses: Tensor, keep: Tensor | None) -> Tensor:
    """Return the mean of (N,) losses, over the kept images where *keep* is given.

    Where processes share a batch out, the mean of their values is the whole batch's.
    """
    if keep is None:
        return losses.mean()
    return (losses * keep).sum() / (total(keep.sum()).clamp_min(1) / world())
