"""The results of a segmenter study, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from restore_recog.evaluation.figure import Figure, Figures
from restore_recog.evaluation.segmenters.figures import MaskScore
from restore_recog.types import Failure, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One segmenter.

    Attributes:
        segmenter: As it was named.
        reference: Whether it is a reference point and not under test.
        masks: Figure name -> figure of the masks (``dice``, ..., ``empty``, ``false_area``).
        restorers: Restorer -> figure name -> figure of what came of the masks.
        scores: One per probe; None where no face was found.
    """

    segmenter: str
    reference: bool
    masks: Figures
    restorers: Mapping[str, Figures]
    scores: Sequence[MaskScore | None]


@dataclass(frozen=True, slots=True, eq=False)
class Worst:
    """One of the worst masks of a segmenter, with the image.

    Attributes:
        occluded: (S, S, 3) uint8.
        predicted, true: (S, S) uint8 of 0 and 1.
    """

    segmenter: str
    probe_id: str
    dice: float
    occluded: Pixels
    predicted: Pixels
    true: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The results of a study.

    Attributes:
        standings: Reference points first, then the segmenters in the order of their naming.
        floor: Figures of the occluded probes, which no restorer has touched.
        probes: image_id and subject of every probe, in the order of ``Standing.scores``.
        agreement: (segmenter, segmenter) -> mean Dice of their masks.
        true_masks: Of how many probes the true mask is known.
        worst: The worst masks by Dice of each segmenter under test.
        failures: Of all evaluations, each once.
    """

    standings: tuple[Standing, ...]
    floor: Figures
    probes: tuple[tuple[str, str], ...]
    agreement: Mapping[tuple[str, str], Figure]
    true_masks: int
    worst: tuple[Worst, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    setup: Mapping[str, Any]
    failures: tuple[Failure, ...]
