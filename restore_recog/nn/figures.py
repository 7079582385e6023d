"""Figures of a validation on people that a training does not learn from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST = 1e-10
"""Of a mean squared error: an image that is restored exactly has 100 dB."""


def psnr_figures(
    restored: Tensor, clean: Tensor, mask: Tensor, valid: Tensor | None = None
) -> dict[str, float]:
    """Return ``psnr_mask``, over the occluded pixels, and ``psnr``, both as means in dB.

    Args:
        restored, clean: (N, 3, H, W) in [0, 1]; values outside are clipped.
        mask: (N, 1, H, W) in {0, 1}; an image without occlusion has no ``psnr_mask``.
        valid: (N, 1, H, W), 0 = lies beyond the photograph and counts for nothing; None where no
            pixel does.
    """
    error = (restored.float().clamp(0, 1) - clean.float()).square()
    whole = error.flatten(1).mean(1)
    if valid is not None:
        error, mask = error * valid, mask * valid
        whole = error.flatten(1).sum(1) / (3 * valid.flatten(1).sum(1)).clamp_min(1)
    covered = mask.flatten(1).sum(1)
    inside = (error * mask).flatten(1).sum(1) / (3 * covered.clamp_min(1))
    return {
        "psnr_mask": float(_decibels(inside[covered > 0]).mean()),
        "psnr": float(_decibels(whole).mean()),
    }


def pair_figures(embeddings: Tensor) -> dict[str, float]:
    """Return ``auc`` and ``rank1`` of people with two embeddings each.

    ``auc`` is the share of all (genuine, impostor) pairs of scores in the right order, ties
    counted half; ``rank1`` the share of people whose second image is most like their first.

    Args:
        embeddings: (2 P, D), the two of each person side by side; not normalised.
    """
    normal = F.normalize(embeddings.float())
    scores = normal[1::2] @ normal[::2].T  # (P, P): second images by first ones
    genuine = scores.diagonal()
    others = ~torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    above = genuine[:, None] - scores[others][None]
    right = (above > 0).float() + 0.5 * (above == 0).float()
    first = scores.argmax(1) == torch.arange(len(scores), device=scores.device)
    return {"auc": float(right.mean()), "rank1": float(first.float().mean())}


def _decibels(error: Tensor) -> Tensor:
    return -10 * error.clamp_min(SMALLEST).log10()
