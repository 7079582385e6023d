"""What an evaluation found, as data. Its folder on disk is :mod:`restore_recog.record`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.types import Failure, Trial


@dataclass(frozen=True, slots=True)
class ArmReport:
    """The figures of one arm.

    Attributes:
        name: Unique in the report: the arm, with the restorer's name where one is used.
        arm: ``clean``, ``occluded``, ``restored``, ...
        restorer: Whose pictures these are, or None.
        figures: Figure name -> {"value", "low", "high", "n", ...}; a figure that cannot be
            measured (no twin, no true map) is absent.
        cmc: Rank-k rates for k = 1, 2, ... up to the subjects in the gallery.
        fallbacks: Probes that the restorer failed on and that were used as they came.
        misses: Probes without a template: misses at every rank, kept in the denominators.
    """

    name: str
    arm: str
    restorer: str | None
    figures: Mapping[str, Mapping[str, Any]]
    cmc: tuple[float, ...] = ()
    fallbacks: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One probe in one arm. What is not known is NaN.

    Attributes:
        rank: Pessimistic rank of the own subject, 1 = found first.
        cosine: To the subject's one random clean picture; NaN without a template.
        covering: Kind of the synthetic covering, or the condition as found.
        fallback: The restorer failed and the picture was used as it came.
        psnr, ssim, l1: Against the clean twin; ``*_mask`` inside the true map only.
        dice, iou: Of the map that was used against the true map.
    """

    arm: str
    probe_id: str
    subject: str
    covering: str
    rank: int
    cosine: float
    fallback: bool
    psnr: float = math.nan
    ssim: float = math.nan
    l1: float = math.nan
    psnr_mask: float = math.nan
    ssim_mask: float = math.nan
    l1_mask: float = math.nan
    dice: float = math.nan
    iou: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One probe seen through several arms.

    Attributes:
        caption: What happened to it, e.g. ``rescued: rank 7 -> 1``.
        titles: One word over every tile.
        strip: (S, tiles * S, 3) uint8, the tiles side by side.
    """

    probe_id: str
    caption: str
    titles: tuple[str, ...]
    strip: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that an evaluation found.

    Attributes:
        verdicts: One sentence a restorer: helps, hurts or cannot tell.
        labels: What a reader must know first ("synthetic coverings", "phantom faces", ...).
        notes: Sentences about counts, proportions and choices made.
        arms: In order of display.
        setup: Protocol, data, recogniser, seed, counts, provenance; plain JSON values.
        timing: Stage -> {"ms_per_image", "images"}.
        trials: The verification comparisons; *scores* has one row of them an arm.
        scores: Arm name -> (T,) float64, -inf where a template is missing.
    """

    verdicts: tuple[str, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    arms: tuple[ArmReport, ...]
    setup: Mapping[str, Any]
    timing: Mapping[str, Mapping[str, float]]
    trials: tuple[Trial, ...]
    scores: Mapping[str, NDArray[np.float64]]
    probes: tuple[ProbeRow, ...]
    failures: tuple[Failure, ...]
    examples: tuple[Example, ...] = ()

    def save(self, folder: Path) -> None:
        """Write the results folder, whole or not at all.

        Raises:
            OutputError: The folder exists, or the disk is full or not writable.
        """
        from restore_recog import record

        record.write(self, Path(folder))

    @classmethod
    def load(cls, folder: Path) -> Report:
        """Read a results folder back.

        Raises:
            DataError: The folder is no results folder or was written in another format.
        """
        from restore_recog import record

        return record.read(Path(folder))
