"""The results of a segmenter study: how good the masks are, and what their errors cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any

import numpy as np

from restore_recog.evaluation.figure import Figure, Figures, collected
from restore_recog.evaluation.figures import paired
from restore_recog.evaluation.figures.single import People, mean_figure, rate_figure
from restore_recog.evaluation.scores.design import Measured
from restore_recog.metrics.quality import (
    boundary_error,
    dice,
    iou,
    pixel_accuracy,
    precision,
    recall,
)
from restore_recog.types import Failure, Mask, Pixels, Vector


@dataclass(frozen=True, slots=True)
class MaskScore:
    """How good the mask of one probe is; NaN where there is nothing to compare with.

    Attributes:
        pixel_accuracy, dice, iou, precision, recall: In [0, 1].
        boundary: Mean distance of the outlines, in pixels of the crop.
        empty: 1 where nothing was found (or the segmenter failed), else 0.
    """

    pixel_accuracy: float = math.nan
    dice: float = math.nan
    iou: float = math.nan
    precision: float = math.nan
    recall: float = math.nan
    boundary: float = math.nan
    empty: float = math.nan


MASK_SCORES = tuple(field.name for field in fields(MaskScore))
_MEASURES = {one.__name__: one for one in (pixel_accuracy, dice, iou, precision, recall)}
_MEASURES["boundary"] = boundary_error


def mask_score(predicted: Pixels | None, true: Pixels | None) -> MaskScore:
    """Return how good a mask is. A segmenter that failed has found nothing.

    Args:
        predicted: (S, S) of 0 and 1, or None where the segmenter failed.
        true: (S, S), or None where it is not known; then only emptiness is scored.
    """
    empty = float(predicted is None or not predicted.any())
    if true is None:
        return MaskScore(empty=empty)
    mine = np.zeros_like(true) if predicted is None else predicted
    values = {name: float(measure(mine, true)) for name, measure in _MEASURES.items()}
    return MaskScore(**values, empty=empty)


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


def mask_figures(rows: Sequence[MaskScore | None], people: People, seed: int) -> dict[str, Figure]:
    """Return the means over the probes whose face was found; the others are None."""
    mine = people[np.array([row is not None for row in rows], dtype=bool)]

    def mean(name: str) -> Figure | None:
        column = np.array([getattr(row, name) for row in rows if row is not None], dtype=float)
        if name == "empty":
            return rate_figure(name, column, mine, seed, errors=True)
        return mean_figure(name, column, mine, seed)

    return collected(*map(mean, MASK_SCORES))


def false_alarms(masks: Sequence[Pixels | None], people: People, seed: int) -> dict[str, Figure]:
    """Return what a segmenter finds on faces that nothing covers.

    Args:
        masks: (P,) of the unoccluded counterparts; None where there is none.
        people: (P,) whose each is.
        seed: Of the intervals.

    Returns:
        ``false_area``: mean share of the crop that is marked; ``false_alarm``: share of faces on
        which anything is.
    """
    known = np.array([one is not None for one in masks], dtype=bool)
    if not known.any():
        return {}
    area = np.array([one.mean() for one in masks if one is not None], dtype=float)
    return collected(
        mean_figure("false_area", area, people[known], seed),
        rate_figure("false_alarm", area > 0, people[known], seed, errors=True),
    )


def recognition(arm: Measured, floor: Measured, people: People, seed: int) -> dict[str, Figure]:
    """Return what the recogniser makes of an arm, and its gain over *floor*."""
    cosines = arm.scores.cosine, floor.scores.cosine
    figures = collected(
        mean_figure("cosine", arm.scores.cosine, people, seed),
        mean_figure("psnr_mask", arm.quality("psnr_mask"), people, seed),
        paired.difference("cosine_gain", *cosines, people, seed),
    )
    mated = arm.scores.mated
    if mated.any():
        figures |= collected(
            rate_figure("rank1", arm.scores.hit()[mated] > 0, people[mated], seed),
            paired.rank1_gain("rank1_gain", arm.scores, floor.scores, people, seed),
        )
    return figures


def cost(
    arm: Measured, oracle: Measured, known: Mask, people: People, seed: int
) -> dict[str, Figure]:
    """Return what the errors of the masks cost: the true mask's figure less this one's, paired.

    Args:
        arm, oracle: Restored with the predicted and with the true mask.
        known: (P,) which probes have a true mask.
        people: (P,) whose each is.
        seed: Of the intervals.
    """
    best, mine = oracle.scores, arm.scores

    def less(name: str, a: Vector, b: Vector) -> Figure | None:
        return paired.difference(name, a[known], b[known], people[known], seed)

    figures = collected(
        less("cosine_lost", best.cosine, mine.cosine),
        less("psnr_lost", *(one.quality("psnr_mask") for one in (oracle, arm))),
    )
    asked = mine.mated & known
    if asked.any():
        right = best.hit()[asked] > 0, mine.hit()[asked] > 0
        flips = paired.flips("rank1_lost", *right, people[asked], seed)
        renamed = {"rescued": "lost", "harmed": "won"}
        details = {renamed.get(name, name): fact for name, fact in flips.details.items()}
        figures |= collected(replace(flips, details=details))
    return figures


def agreement(
    masks: Iterable[Mapping[str, Pixels | None]], people: People, seed: int
) -> dict[tuple[str, str], Figure]:
    """Return the mean Dice of every two segmenters' masks over the probes that both have one of.

    Args:
        masks: Segmenter -> mask or None, probe by probe.
        people: (P,) whose each probe is.
        seed: Of the intervals.
    """
    rows: dict[tuple[str, str], list[float]] = {}
    for row in masks:
        for a, b in combinations(row, 2):
            mine, theirs = row[a], row[b]
            alike = math.nan if mine is None or theirs is None else float(dice(mine, theirs))
            rows.setdefault((a, b), []).append(alike)
    figures = {
        pair: mean_figure("dice", np.array(alike), people, seed) for pair, alike in rows.items()
    }
    return {pair: figure for pair, figure in figures.items() if figure is not None}
