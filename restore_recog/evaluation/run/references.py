"""The references: templates, digests and the mean face; their pixels are not kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Recognizer
from restore_recog.evaluation.arms import upper_half
from restore_recog.evaluation.cache.entries import FinishedWork, Outcome
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.run.faces import Studio, digest
from restore_recog.evaluation.run.templates import Face, embed
from restore_recog.types import Failure, Pixels, Templates


@dataclass(slots=True, eq=False)
class GalleryBlock:
    """What is kept of one block of references.

    Attributes:
        digests: image_id -> :func:`~restore_recog.evaluation.run.faces.digest` of its crop.
        whole, upper: image_id -> template of the whole face, and of its upper half.
        total: (S, S, 3) uint64, the sum of the crops.
        failures: Of these references.
    """

    digests: dict[str, str]
    whole: dict[str, Templates | None]
    upper: dict[str, Templates | None]
    total: NDArray[np.uint64]
    failures: list[Failure]


def enrol(
    ids: Sequence[str],
    studio: Studio,
    recognizer: Recognizer,
    work: FinishedWork | None,
    *,
    upper: bool,
) -> GalleryBlock:
    """Read, crop and embed one block of clean references.

    Args:
        ids: Of the references.
        studio: Where crops come from; its ledger takes the costs.
        recognizer: Where templates come from.
        work: Where those made before come from, or None.
        upper: Whether the upper halves are embedded too.
    """
    samples, ledger = studio.source.samples, studio.ledger

    def templates(part: str) -> dict[str, Templates | None]:
        def make() -> dict[str, Outcome]:
            cut = upper_half if part == "upper" else np.asarray
            faces = [Face(samples[i], cut(c.pixels), c.landmarks) for i, c in crops.items()]
            rows = embed(recognizer, faces, ledger) if faces else []
            return {
                i: Outcome(row, False, ImageQuality()) for i, row in zip(crops, rows, strict=True)
            }

        if work is None:
            outcomes = make()
        else:
            outcomes = work.block(work.reference_keys(crops, part), samples, ledger, make)
        return {image_id: outcome.template for image_id, outcome in outcomes.items()}

    with ledger.collect() as failures:
        crops = studio.crops(ids)
        whole = templates("whole")
        halves = templates("upper") if upper else {}
    total = np.zeros((studio.size, studio.size, 3), np.uint64)
    for crop in crops.values():
        total += crop.pixels
    digests = {image_id: digest(crop.pixels) for image_id, crop in crops.items()}
    return GalleryBlock(digests, whole, halves, total, failures)


def mean_face(total: NDArray[np.uint64], count: int) -> Pixels:
    """Return the mean of *count* crops whose sum is given."""
    mean: Pixels = np.rint(total / count).astype(np.uint8)
    return mean
