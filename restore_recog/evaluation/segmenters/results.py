"""What a study of segmenters found, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restore_recog.types import Failure, Pixels

if TYPE_CHECKING:
    from restore_recog.evaluation.segmenters.figures import MapScore

Figures = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One segmenter.

    Attributes:
        segmenter: As it was named.
        reference: Whether it is a reference point and not under test.
        maps: Figure name -> figure of the maps (``dice``, ..., ``empty``, ``false_area``).
        restorers: Restorer -> figure name -> figure of what came of the maps.
        scores: One a probe; None where no face was found.
    """

    segmenter: str
    reference: bool
    maps: Figures
    restorers: Mapping[str, Figures]
    scores: Sequence[MapScore | None]


@dataclass(frozen=True, slots=True, eq=False)
class Worst:
    """One of the worst maps of a segmenter, with the picture."""

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
        agreement: (segmenter, segmenter) -> mean Dice of their maps.
        true_maps: Of how many probes the true map is known.
        worst: The worst maps by Dice of each segmenter under test.
        failures: Of all evaluations, each once.
    """

    standings: tuple[Standing, ...]
    floor: Figures
    probes: tuple[tuple[str, str], ...]
    agreement: Mapping[tuple[str, str], Mapping[str, Any]]
    true_maps: int
    worst: tuple[Worst, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    setup: Mapping[str, Any]
    failures: tuple[Failure, ...]
