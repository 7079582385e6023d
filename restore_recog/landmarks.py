"""The 98 landmarks of WFLW by number: parts of the face, their mirror images, other schemes.

The order is told in :mod:`restore_recog.phantom.landmarks`. A point that is not known is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

COUNT = 98

EYE_CORNERS = (60, 72)
"""The outer corners of the eyes, whose distance errors are given in units of."""

REGIONS: Mapping[str, range | tuple[int, ...]] = {
    "outline": range(33),
    "brows": range(33, 51),
    "nose": range(51, 60),
    "eyes": (*range(60, 76), 96, 97),
    "mouth": range(76, 96),
}
"""Part of the face -> its points."""


def _mirrored() -> NDArray[np.int64]:
    order = np.arange(COUNT)
    order[:33] = order[32::-1]
    pairs = [*zip((33, 34, 35, 36, 37), (46, 45, 44, 43, 42), strict=True)]
    pairs += zip((38, 39, 40, 41), (50, 49, 48, 47), strict=True)
    pairs += [(55, 59), (56, 58)]
    pairs += zip((60, 61, 62, 63, 64, 65, 66, 67), (72, 71, 70, 69, 68, 75, 74, 73), strict=True)
    pairs += [(76, 82), (77, 81), (78, 80), (83, 87), (84, 86)]
    pairs += [(88, 92), (89, 91), (93, 95), (96, 97)]
    for one, other in pairs:
        order[one], order[other] = other, one
    return order


MIRRORED = _mirrored()
"""(98,) which point of a face stands in each place of its mirror image."""

OF_68 = np.array(
    [
        *range(0, 33, 2),
        *range(33, 38),
        *range(42, 47),
        *range(51, 60),
        *(60, 61, 63, 64, 65, 67),
        *(68, 69, 71, 72, 73, 75),
        *range(76, 96),
    ],
    np.int64,
)
"""(68,) the place among the 98 of each of the 68 points of iBUG, 300-W and dlib.

The jaw's 17 points are every other one of the outline's 33; the brows are drawn along their upper
edge; the middles of the lids and the pupils are not among the 68.
"""


def of_68(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the (98, 2) landmarks that (68, 2) of iBUG are; NaN for the 30 not among them.

    Raises:
        ValueError: Any other number of landmarks.
    """
    if points.shape != (68, 2):
        raise ValueError(f"Landmarks have shape {points.shape}; (68, 2) is expected.")
    result = unknown()
    result[OF_68] = points
    return result


def unknown() -> NDArray[np.float32]:
    """Return the (98, 2) landmarks of an image of which none is known."""
    return np.full((COUNT, 2), np.nan, np.float32)
