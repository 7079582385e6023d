"""One training image: augmented, covered or bare, as a camera and a file leave it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from restore_recog.coverings import cover
from restore_recog.errors import ImageError, TrainingError
from restore_recog.training.augmentation import augment, degrade, tighten
from restore_recog.training.crops import Crops


class Example(NamedTuple):
    """What :func:`example` makes.

    Attributes:
        occluded, clean: (S, S, 3) uint8.
        mask: (S, S) uint8, 1 = occluded.
        landmarks: (5, 2) float32 pixels.
        landmarks98: (98, 2) float32 pixels, NaN for points that are not known.
    """

    occluded: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    landmarks98: NDArray[np.float32]


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
    points = crops.landmarks[index], crops.many(index)
    clean, (landmarks, many) = augment(crops.pixels[index], points, crops.size, rng)
    if rng.random() >= covered:
        (clean,) = tighten([degrade(clean, rng)], rng)
        return Example(clean, clean, np.zeros(clean.shape[:2], np.uint8), landmarks, many)
    try:
        result = cover(clean, landmarks, kind=coverings, seed=int(rng.integers(2**31)))
    except ImageError as error:
        raise TrainingError(
            f"The training image {crops.image_ids[index]} cannot be covered ({error}); "
            "correct its landmarks or take it out of the data."
        ) from error
    occluded = degrade(result.pixels, rng)
    occluded, clean, mask = tighten([occluded, clean, result.mask], rng)
    return Example(occluded, clean, mask, landmarks, many)
