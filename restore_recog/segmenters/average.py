"""The trivial baseline of segmenters: one mask for every face, whatever the image shows."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.alignment import TEMPLATE, in_pixels
from restore_recog.api import Segmenter
from restore_recog.coverings import cover

SIZE = 128
DRAWN = 64
"""Coverings that are averaged."""


class AverageMask(Segmenter):
    """Give every face one mask: what half of the synthetic coverings of a kind cover.

    The coverings are drawn with seeds 0 to 63 on the landmarks that every aligned crop has, so
    the mask follows from nothing that is measured. ``average:surgical`` averages one kind.

    Args:
        argument: Kind of the coverings; None takes ``random``.
        weights: Not looked at; there are none.
        device: Where the images are.

    Raises:
        DataError: There is no such kind.
    """

    name = "average"

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(argument, weights=weights, device=device)
        shares = torch.from_numpy(_average(argument or "random"))
        self.shares = shares[None, None]  # (1, 1, SIZE, SIZE)

    def segment(self, images: Tensor) -> Tensor:
        """Return the one mask, (N, 1, H, W), at the size of the images."""
        size = (int(images.shape[2]), int(images.shape[3]))
        shares = F.interpolate(self.shares, size=size, mode="bilinear", antialias=True)
        return (shares >= 0.5).float().to(images.device).expand(len(images), 1, *size).clone()


@lru_cache(maxsize=8)
def _average(kind: str) -> NDArray[np.float32]:
    """Return (S, S) the share of the drawn coverings that hide each pixel."""
    blank = np.full((SIZE, SIZE, 3), 128, np.uint8)
    points = in_pixels(TEMPLATE, SIZE).astype(np.float32)
    drawn = [cover(blank, points, kind=kind, seed=seed).mask for seed in range(DRAWN)]
    return np.mean(drawn, axis=0, dtype=np.float32)
