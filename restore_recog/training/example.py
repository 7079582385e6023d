"""One training image: augmented, covered or bare, as a camera and a file leave it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import between, repeated
from restore_recog.coverings import cover
from restore_recog.errors import ImageError, TrainingError
from restore_recog.photographs import carried_on
from restore_recog.training.augmentation import augment, degrade, tighten
from restore_recog.training.crops import Crops
from restore_recog.types import FaceCrop


class Example(NamedTuple):
    """What :func:`example` makes.

    Attributes:
        occluded, clean: (S, S, 3) uint8.
        mask: (S, S) uint8, 1 = occluded; it goes on beyond the photograph as the covering does,
            as the masks do that a restorer is given in use.
        landmarks: (5, 2) float32 pixels.
        landmarks98: (98, 2) float32 pixels, NaN for points that are not known.
        valid: (S, S) uint8, 0 = lies beyond the photograph, whose border is repeated there.
    """

    occluded: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    landmarks98: NDArray[np.float32]
    valid: NDArray[np.uint8]


def example(
    crops: Crops, index: int, rng: np.random.Generator, *, covered: float, coverings: str
) -> Example:
    """Return one image of *crops* as a training sees it.

    Args:
        crops: The faces.
        index: Number of the face.
        rng: Source of every choice.
        covered: Chance of a covering.
        coverings: Of which kinds.

    Raises:
        TrainingError: It cannot be covered.
    """
    points = crops.landmarks[index], crops.many(index), crops.edges(index)
    clean, (landmarks, many, corners) = augment(crops.pixels[index], points, crops.size, rng)
    valid = between(corners, crops.size)
    if rng.random() >= covered:
        (clean,), valid = tighten([degrade(clean, rng)], valid, rng)
        return Example(clean, clean, np.zeros(clean.shape[:2], np.uint8), landmarks, many, valid)
    try:
        result = cover(clean, landmarks, kind=coverings, seed=int(rng.integers(2**31)))
    except ImageError as error:
        raise TrainingError(
            f"The training image {crops.image_ids[index]} cannot be covered ({error}); "
            "correct its landmarks or take it out of the data."
        ) from error
    occluded, mask = result.pixels, result.mask
    if _leaves((occluded != clean).any(axis=2) | (mask > 0), valid):
        crop = FaceCrop(clean, landmarks, None, np.eye(2, 3), valid=valid)
        occluded, mask = carried_on(crop, occluded), repeated(mask, valid)
    occluded = degrade(occluded, rng)
    (occluded, clean, mask), valid = tighten([occluded, clean, mask], valid, rng)
    return Example(occluded, clean, mask, landmarks, many, valid)


def _leaves(drawn: NDArray[np.bool_], valid: NDArray[np.uint8]) -> bool:
    """Return whether what was drawn touches the photograph's edge or lies beyond it."""
    edge = cv2.dilate(1 - valid, np.ones((3, 3), np.uint8))  # beyond, and one pixel inwards
    return bool((drawn & (edge > 0)).any())
