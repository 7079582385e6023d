"""Images that look the same though their pixels differ: another size, another encoding."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

SIDE = 16
"""Pixels of a thumbnail's side."""
CLOSE = 2.0
"""Root mean square difference of two thumbnails, in grey levels of 255, that is nothing.

Saving as JPEG again or scaling changes a thumbnail by less than one; two photographs of one
person differ by far more.
"""
PLAIN = 6.0
"""A thumbnail whose grey levels spread by less than this shows nothing to be recognised by."""

_BLOCKS = 4

Thumbnail = NDArray[np.uint8]


def thumbnail(pixels: NDArray[np.uint8]) -> Thumbnail:
    """Return an image's (16, 16) grey thumbnail, whatever its size and shape."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def alike(thumbnails: Sequence[Thumbnail]) -> list[tuple[int, int]]:
    """Return the pairs of thumbnails that look the same, by their numbers, sorted.

    Every such pair is found: the means over blocks of 4 x 4 pixels, by which they are looked
    up, lie at most a quarter as far apart as the thumbnails themselves.

    Not found: images cut to another frame, mirrored, or with other light.
    """
    if not thumbnails:
        return []
    rows = np.stack(thumbnails).astype(np.float32)
    telling = np.flatnonzero(rows.std(axis=(1, 2)) >= PLAIN)
    if len(telling) < 2:
        return []
    step = SIDE // _BLOCKS
    coarse = rows[telling].reshape(-1, _BLOCKS, step, _BLOCKS, step).mean(axis=(2, 4))
    tree = cKDTree(coarse.reshape(-1, _BLOCKS**2))
    pairs = telling[tree.query_pairs(CLOSE * step, output_type="ndarray")].reshape(-1, 2)
    far = np.sqrt(((rows[pairs[:, 0]] - rows[pairs[:, 1]]) ** 2).mean(axis=(1, 2)))
    return sorted((int(i), int(j)) for i, j in np.sort(pairs[far <= CLOSE], axis=1))
