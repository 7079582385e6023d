"""What a study of segmenters found, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restore_recog.evaluation.figure import Figure, Figures
from restore_recog.types import Failure, Pixels

if TYPE_CHECKING:
    from restore_recog.evaluation.segmenters.figures import MaskScore


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One segmenter.

    Attributes:
        segmenter: As it was named.
        reference: Whether it is a reference point and not under test.
        masks: Figure name -> figure of the masks (``dice``, ..., ``empty``, ``false_area``).
        restorers: Restorer -> figure name -> figure of what came of the masks.
        scores: One a probe; None where no face was found.
    """

    segmenter: str
    reference: bool
    masks: Figures
    restorers: Mapping[str, Figures]
    scores: Sequence[MaskScore | None]


@dataclass(frozen=True, slots=True, eq=False)
class Worst:
    """One of the worst masks of a segmenter, with the image."""

    segmenter: str
    probe_id: str
    dice: float
    occluded: Pixels
    found: Pixels
    true: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """What a study found.

    Attributes:
        standings: Reference points first, then the segmenters in the order of their naming.
        floor: Restorer-less figures of the occluded probes.
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
