"""FMODR with its attention written as a loop over samples: what speed is measured against.

The usual way to write contextual attention: one sample at a time, its patches are the kernels
of a convolution that matches, and of a transposed convolution that pastes; both go over all
L x L pairs. It gives what :class:`AdaptiveContextAttention` gives.

Source: the structure of DeepFill (CVPR 2018) section 4.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.errors import WeightsError
from restore_recog.nn.patches import propagate, valid_patches
from restore_recog.restorers.fmodr import FMODR
from restore_recog.restorers.fmodr.attention import AdaptiveContextAttention


class NaiveAttention(nn.Module):
    """Self-adaptive contextual attention, (N, C, H, W) -> (N, C, H, W), sample by sample.

    Args:
        layer: Whose kernels it takes; with ``prop`` ``score``, ``eye`` or ``none`` and ``norm``
            ``none``.
    """

    def __init__(self, layer: AdaptiveContextAttention) -> None:
        super().__init__()
        self.rate = layer.rate
        self.kernels: Tensor | None = layer.axis_kernels()

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Return the attended features; arguments as :class:`AdaptiveContextAttention`."""
        with torch.autocast(features.device.type, enabled=False):
            samples = zip(features.float(), masks, strict=True)
            return torch.cat([self._sample(feature[None], mask[None]) for feature, mask in samples])

    def _sample(self, feature: Tensor, mask: Tensor) -> Tensor:
        """Return (1, C, H, W) of one sample."""
        small = feature[:, :, :: self.rate, :: self.rate]
        h, w = small.shape[2:]
        patches = _kernels(small, 3, 1)  # (L, C, 3, 3)
        lengths = patches.flatten(1).norm(dim=1).clamp_min(1e-4)
        products = F.conv2d(small, patches / lengths[:, None, None, None], padding=1)
        cosine = products / lengths.view(1, 1, h, w)  # (1, L background, h, w foreground)

        valid = valid_patches(mask, (h, w)).view(-1, 1, 1)
        score, best = cosine.masked_fill(~valid, -torch.inf).max(1, keepdim=True)
        score = torch.where(valid.any(), score, torch.zeros_like(score))
        scores = torch.zeros_like(cosine).scatter(1, best, score)
        if self.kernels is not None:
            rows = scores.flatten(2).transpose(1, 2)  # foreground, background
            rows = propagate(rows, (h, w), self.kernels[0], self.kernels[1])
            scores = rows.transpose(1, 2).reshape(scores.shape)

        side = 3 if self.rate == 1 else 4
        pasted = _kernels(feature, side, self.rate)
        total = F.conv_transpose2d(scores * valid, pasted, stride=self.rate, padding=1)
        ones, once = feature.new_ones(1, 1, h, w), feature.new_ones(1, 1, side, side)
        return total / F.conv_transpose2d(ones, once, stride=self.rate, padding=1)


class NaiveFMODR(FMODR):
    """FMODR with :class:`NaiveAttention` in place of its attention layer.

    Args:
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        WeightsError: As :class:`FMODR`, or the weights have another kind of attention.
    """

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights=weights, device=device)
        refine = self.nets.refine
        layer = None if refine is None else refine.attention
        if refine is None or not isinstance(layer, AdaptiveContextAttention) or not _fits(layer):
            raise WeightsError(
                f"{self.weights} has another attention than the loop is written for; it takes "
                "attention=sca with prop=score, eye or none and norm=none."
            )
        refine.attention = NaiveAttention(layer)


def _fits(layer: AdaptiveContextAttention) -> bool:
    """Return whether the loop does what the layer does."""
    return not layer.dense and layer.norm == "none" and layer.smooth is None


def _kernels(feature: Tensor, side: int, stride: int) -> Tensor:
    """Return the patches of one sample as (L, C, side, side) kernels."""
    patches = F.unfold(feature, side, stride=stride, padding=1)
    return patches[0].t().reshape(-1, feature.shape[1], side, side)
