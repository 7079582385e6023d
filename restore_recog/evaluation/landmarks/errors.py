"""Errors of the landmarks found on faces, in units of the size of each face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from restore_recog.alignment import five_points
from restore_recog.api import Landmarker, answers
from restore_recog.landmarks import COUNT, EYE_CORNERS
from restore_recog.types import FaceCrop, FaceSample, Mask, Pixels, Vector

BATCH = 16
"""Images that a landmarker is given at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """What a landmarker was off by, face by face.

    Attributes:
        samples: The N faces.
        coverings: What covers each; empty where nothing does.
        points: (N, 98) distances from the truth in units of the distance between the outer eye
            corners; NaN for points that are not known, and on faces on which none were found.
        five: (N,) mean distances of the five points in units of the distance between the eyes.
        hidden: (N, 98) which points lie under the covering.
        missed: (N,) on which faces none were found.
        found: (N, 98, 2) in pixels of the crops.
    """

    samples: Sequence[FaceSample]
    coverings: Sequence[str]
    points: Vector
    five: Vector
    hidden: Mask
    missed: Mask
    found: NDArray[np.float32]

    @property
    def known(self) -> int:
        """Return of how many of the 98 points the truth is known, on the face with most."""
        return int(np.isfinite(self.points).sum(axis=1).max(initial=0))

    @property
    def each(self) -> Vector:
        """Return the (N,) mean error of each face; of faces with five points only, of those."""
        return mean_known(self.points) if self.known else self.five

    def joined(self, other: Errors) -> Errors:
        """Return these faces and then others."""
        return Errors(
            [*self.samples, *other.samples],
            [*self.coverings, *other.coverings],
            np.concatenate([self.points, other.points]),
            np.concatenate([self.five, other.five]),
            np.concatenate([self.hidden, other.hidden]),
            np.concatenate([self.missed, other.missed]),
            np.concatenate([self.found, other.found]),
        )


def mean_known(points: Vector) -> Vector:
    """Return the (N,) means of the finite numbers in rows of (N, K), NaN where there are none."""
    finite = np.isfinite(points)
    count = finite.sum(axis=1)
    total = np.where(finite, points, 0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(points), np.nan), where=count > 0)


def measured(
    landmarker: Landmarker,
    samples: Sequence[FaceSample],
    crops: Sequence[FaceCrop],
    coverings: Sequence[str],
    masks: Sequence[Pixels | None],
) -> Errors:
    """Ask a landmarker for the points of faces, and compare them with those known.

    Args:
        landmarker: Of the size of the crops.
        samples, crops, coverings: The N faces.
        masks: (S, S) what is hidden by a covering, or None where that is not known.
    """
    found = _found(landmarker, [crop.pixels for crop in crops])
    truth = np.stack([_many(crop) for crop in crops])  # (N, 98, 2)
    one, other = (truth[:, corner] for corner in EYE_CORNERS)
    apart = np.linalg.norm(one - other, axis=1)[:, None]
    return Errors(
        samples,
        coverings,
        np.linalg.norm(found - truth, axis=2) / apart,
        np.array([_five(mine, crop) for mine, crop in zip(found, crops, strict=True)]),
        np.stack([_hidden(one, mask) for one, mask in zip(truth, masks, strict=True)]),
        np.asarray(np.isnan(found).all(axis=(1, 2))),
        found,
    )


def _found(landmarker: Landmarker, images: Sequence[Pixels]) -> NDArray[np.float32]:
    """Return the (N, 98, 2) points that the landmarker finds."""
    parts = []
    for start in range(0, len(images), BATCH):
        pixels = torch.from_numpy(np.stack(images[start : start + BATCH]))
        tensor = pixels.permute(0, 3, 1, 2).float() / 255  # (N, 3, S, S)
        parts.append(answers.located(landmarker, tensor.to(landmarker.device)).cpu().numpy())
    return np.concatenate(parts)


def _many(crop: FaceCrop) -> NDArray[np.float32]:
    """Return the (98, 2) landmarks of a crop, NaN where not known."""
    if len(crop.landmarks) == COUNT:
        return crop.landmarks
    return np.full((COUNT, 2), np.nan, np.float32)


def _five(found: NDArray[np.float32], crop: FaceCrop) -> float:
    truth = five_points(crop.landmarks).astype(float)
    apart = np.linalg.norm(truth[0] - truth[1])
    return float(np.linalg.norm(five_points(found) - truth, axis=1).mean() / apart)


def _hidden(points: NDArray[np.float32], mask: Pixels | None) -> Mask:
    """Return (98,) which points lie where a mask is 1; none that is not known or outside."""
    if mask is None:
        return np.zeros(len(points), bool)
    side = len(mask)
    inside = np.asarray(((points > -0.5) & (points < side - 0.5)).all(axis=1))
    x, y = np.where(inside[:, None], points, 0).round().astype(int).T
    return np.asarray(inside & (mask[y, x] > 0))
