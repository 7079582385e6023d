"""What is odd about the masks of a data set's images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.api import Dataset
from restore_recog.datasets.files import FileDataset
from restore_recog.errors import ImageError
from restore_recog.types import FaceSample

_CLEAR = (32, 223)
"""Mask values beyond these count as black and white; JPEG does not keep them exact."""
_GREY_SHARE = 0.02


def odd_mask(
    dataset: Dataset, sample: FaceSample, mask: NDArray[np.uint8], size: tuple[int, int]
) -> Iterator[str]:
    """Yield what is odd about an image's mask, as it was read and in its file.

    Args:
        mask: (H, W), 1 = occluded.
        size: (width, height) of the image.
    """
    share = float(mask.mean())
    if sample.condition == "clean" and share > 0:
        yield f"clean, but its mask marks {share:.0%} of it"
    elif sample.condition != "clean" and share in (0.0, 1.0):
        yield f"its mask marks {'nothing' if share == 0 else 'all of it'}"
    if isinstance(dataset, FileDataset):
        yield from _file_faults(dataset.mask_path(sample), size)


def _file_faults(path: Path | None, size: tuple[int, int]) -> Iterator[str]:
    """Yield what is odd about a mask file that reading alone forgives."""
    if path is None:
        return
    try:
        levels = images.read_levels(path)
    except ImageError as error:
        yield str(error)
        return
    if (levels.shape[1], levels.shape[0]) != size:
        yield f"mask {levels.shape[1]} x {levels.shape[0]}, image {size[0]} x {size[1]}"
    grey = float(((levels > _CLEAR[0]) & (levels < _CLEAR[1])).mean())
    if grey > _GREY_SHARE:
        yield f"{grey:.0%} of the mask is neither black nor white"
