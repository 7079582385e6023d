"""Restorers that take one 8-bit image and its hole at a time, in this process or outside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog import images
from restore_recog.errors import ImageError
from restore_recog.images import to_tensor, to_uint8
from restore_recog.restoring.restoration import resize
from restore_recog.types import FaceBatch, Pixels

STILL = 2.0
"""Mean change in grey levels up to which an area counts as left alone: what lossy files do."""

MOVED = 4.0
"""Mean change in grey levels from which on an area counts as changed."""

Fill = Callable[[Pixels, Pixels], NDArray[Any]]
"""(H, W, 3) uint8 image and (H, W) hole, 1 = covered -> (H, W, 3) with the hole filled."""


def in_bytes(batch: FaceBatch) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the (N, H, W, 3) images and (N, H, W) holes of a batch; 1 = covered."""
    holes = (batch.masks[:, 0] > 0.5).byte().contiguous().cpu().numpy()  # (N, H, W)
    return to_uint8(batch.images), holes


def put_back(batch: FaceBatch, restored: Tensor) -> Tensor:
    """Return (N, 3, H, W) restored images with what no mask marks as it came, bit for bit."""
    return torch.where(batch.masks > 0.5, restored.to(batch.images.device), batch.images)


def each_filled(batch: FaceBatch, fill: Fill) -> Tensor:
    """Return (N, 3, H, W) images whose holes are filled one image at a time.

    Filled pixels are multiples of 1/255; all others stay bit for bit.
    """
    pairs = zip(*in_bytes(batch), strict=True)
    return put_back(batch, to_tensor([fill(image, hole) for image, hole in pairs]))


def change(before: Pixels, after: Pixels) -> NDArray[np.float64]:
    """Return (H, W) grey levels by which (H, W, 3) images differ, the mean of the colours."""
    gap = np.abs(before.astype(np.int16) - after.astype(np.int16))
    means: NDArray[np.float64] = gap.mean(axis=2)
    return means


def swapped(change: NDArray[np.float64], hole: Pixels) -> bool:
    """Return whether an image was changed where it is uncovered and left alone where it is covered.

    Args:
        change: (H, W) as :func:`change` returns it.
        hole: (H, W), 1 = covered.
    """
    covered = hole > 0
    if covered.all() or not covered.any():
        return False
    inside, outside = float(change[covered].mean()), float(change[~covered].mean())
    return inside <= STILL and outside >= max(MOVED, 3 * inside)


def mostly(verdicts: Sequence[bool]) -> bool:
    """Return whether more than half of the verdicts are true."""
    return 2 * sum(verdicts) > len(verdicts)


def named(names: Sequence[str], most: int = 3) -> str:
    """Return names for a sentence, of many only the first ones."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def read_result(path: Path, size: int) -> tuple[Pixels, bool]:
    """Return a restored image at the size of its crop, and whether it was resampled.

    Args:
        path: Any image file.
        size: Side of the crop in pixels.

    Raises:
        ImageError: It is missing, damaged, or not square as the crops are.
    """
    pixels = images.read(path)
    height, width = pixels.shape[:2]
    if height != width:
        raise ImageError(
            f"The result {path} is {width} x {height} pixels, and the crops are square; let the "
            "system write the whole crop."
        )
    if height == size:
        return pixels, False
    return to_uint8(resize(to_tensor([pixels]), (size, size)))[0], True
