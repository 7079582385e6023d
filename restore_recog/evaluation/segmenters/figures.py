"""The figures of a segmenter study: how good the masks are, and what their errors cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np

from restore_recog.evaluation.figures import paired
from restore_recog.evaluation.figures.single import (
    Figure,
    Figures,
    People,
    mean_figure,
    rate_figure,
)
from restore_recog.evaluation.scores.board import ArmScores
from restore_recog.metrics.masks import boundary_error, precision, recall
from restore_recog.metrics.quality import dice, iou, pixel_accuracy
from restore_recog.types import Mask, Pixels, Vector


@dataclass(frozen=True, slots=True)
class MaskScore:
    """How good the mask of one probe is; NaN where there is nothing to judge.

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


def judged(found: Pixels | None, true: Pixels | None) -> MaskScore:
    """Return how good a mask is. A segmenter that failed has found nothing.

    Args:
        found: None where the segmenter failed.
        true: None where it is not known; then only emptiness can be judged.
    """
    empty = float(found is None or not found.any())
    if true is None:
        return MaskScore(empty=empty)
    mine = np.zeros_like(true) if found is None else found
    return MaskScore(
        float(pixel_accuracy(mine, true)),
        float(dice(mine, true)),
        float(iou(mine, true)),
        precision(mine, true),
        recall(mine, true),
        boundary_error(mine, true),
        empty,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One arm on all probes, in the plan's order.

    Attributes:
        scores: What the recogniser made of it.
        psnr: (P,) inside the true mask, in dB; NaN without a twin.
    """

    scores: ArmScores
    psnr: Vector


def mask_figures(rows: Sequence[MaskScore | None], people: People, seed: int) -> Figures:
    """Return the means over the probes whose face was found; the others are None."""
    known = np.array([row is not None for row in rows], dtype=bool)
    found: dict[str, Figure | None] = {}
    for name in MASK_SCORES:
        column = np.array([getattr(row, name) for row in rows if row is not None], dtype=float)
        mine = people[known]
        found[name] = (
            rate_figure(column, mine, seed, errors=True)
            if name == "empty"
            else mean_figure(column, mine, seed)
        )
    return {name: figure for name, figure in found.items() if figure is not None}


def false_alarms(masks: Sequence[Pixels | None], people: People, seed: int) -> Figures:
    """Return what a segmenter finds on faces that nothing covers.

    Args:
        masks: (P,) of the unoccluded twins; None where there is none.
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
    mean = mean_figure(area, people[known], seed)
    rate = rate_figure(area > 0, people[known], seed, errors=True)
    return {n: f for n, f in (("false_area", mean), ("false_alarm", rate)) if f is not None}


def recognition(arm: Arm, floor: Arm, people: People, seed: int) -> Figures:
    """Return what the recogniser makes of an arm, and its gain over *floor*."""
    found: dict[str, Figure | None] = {
        "cosine": mean_figure(arm.scores.cosine, people, seed),
        "psnr_mask": mean_figure(arm.psnr, people, seed),
        "cosine_gain": paired.difference(arm.scores.cosine, floor.scores.cosine, people, seed),
    }
    mated = arm.scores.mated
    if mated.any():
        mine, theirs = arm.scores.hit()[mated] > 0, floor.scores.hit()[mated] > 0
        found["rank1"] = rate_figure(mine, people[mated], seed)
        found["rank1_gain"] = paired.flips(mine, theirs, people[mated], seed)
    return {name: figure for name, figure in found.items() if figure is not None}


def cost(arm: Arm, oracle: Arm, known: Mask, people: People, seed: int) -> Figures:
    """Return what the errors of the masks cost: the true mask's figure less this one's, paired.

    Args:
        arm, oracle: Restored with the found and with the true mask.
        known: (P,) which probes have a true mask.
        people: (P,) whose each is.
        seed: Of the intervals.
    """
    best, mine = oracle.scores, arm.scores
    found: dict[str, Figure | None] = {
        "cosine_lost": _less(best.cosine, mine.cosine, known, people, seed),
        "psnr_lost": _less(oracle.psnr, arm.psnr, known, people, seed),
    }
    asked = mine.mated & known
    if asked.any():
        flips = paired.flips(best.hit()[asked] > 0, mine.hit()[asked] > 0, people[asked], seed)
        renamed = {"rescued": "lost", "harmed": "won"}
        found["rank1_lost"] = {renamed.get(name, name): value for name, value in flips.items()}
    return {name: figure for name, figure in found.items() if figure is not None}


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
    found = {pair: mean_figure(np.array(alike), people, seed) for pair, alike in rows.items()}
    return {pair: figure for pair, figure in found.items() if figure is not None}


def _less(a: Vector, b: Vector, known: Mask, people: People, seed: int) -> Figure | None:
    return paired.difference(a[known], b[known], people[known], seed)
