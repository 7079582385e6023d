"""The figures of labels: how often a classifier sees the true one, and a restorer goes by it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from restore_recog.evaluation.figure import Figure
from restore_recog.evaluation.figures.chance import judged
from restore_recog.evaluation.figures.paired import flips, of_sets
from restore_recog.evaluation.figures.single import People, mean_figure, rate_figure
from restore_recog.evaluation.scores.design import Measured
from restore_recog.evaluation.scores.labelled import Decisions, Labelled
from restore_recog.labels import KINDS
from restore_recog.metrics.calibration import BINS, calibration_error
from restore_recog.types import Mask


def figures(labelled: Labelled, people: People, seed: int) -> Iterator[Figure | None]:
    """Return how often the classifier is right, over all probes and as the mean of the classes.

    The first bears the label's name; guessing gets as many right as the commonest class has.
    Args:
        labelled: Of the arm.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
    """
    kind, true = labelled.kind, labelled.true
    rate = rate_figure(kind, labelled.right, people, seed)
    assert rate is not None
    recalls = [float(labelled.right[true == one].mean()) for one in np.unique(true)]
    common = float(np.unique(true, return_counts=True)[1].max() / true.size)
    yield judged(rate, common).with_details(mean_of_classes=float(np.mean(recalls)))
    yield from calibration(labelled, people, seed)


def calibration(
    labelled: Labelled, people: People, seed: int, mask: Mask | None = None
) -> Iterator[Figure | None]:
    """Return how far a classifier of two classes can be believed: calibration error, Brier score.

    Args:
        labelled: Of the arm; of more classes than two nothing is said.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
        mask: (P,) which probes; None for all.
    """
    kind, odds = labelled.kind, labelled.odds
    known = np.isfinite(odds) if mask is None else np.isfinite(odds) & mask
    if len(KINDS[kind]) > 2 or not known.any():
        return
    odds, true, owners = odds[known], labelled.true[known].astype(float), people[known]
    yield Figure.of(f"{kind}_ece", calibration_error(odds, true, owners, seed=seed), bins=BINS)
    yield mean_figure(f"{kind}_brier", (odds - true) ** 2, owners, seed)


def decided(
    decisions: Decisions, people: People, seed: int, mask: Mask | None = None
) -> Iterator[Figure | None]:
    """Return how often a restorer went by the truth, and by what is not true.

    ``KIND_predicted`` counts the probes for which it went by anything; ``KIND_wrong`` all whose
    truth is known, those for which it was unsure among them.

    Args:
        decisions: Of the arm.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
        mask: (P,) which probes; None for all.
    """
    rates = {"predicted": decisions.right, "wrong": decisions.wrong}
    for name, outcomes in rates.items():
        known = np.isfinite(outcomes) if mask is None else np.isfinite(outcomes) & mask
        yield rate_figure(f"{decisions.kind}_{name}", outcomes[known], people[known], seed,
                          errors=name == "wrong")  # fmt: skip


MEANS, DISTANCES = ("psnr", "ssim", "perceptual"), ("frechet_classifier", "frechet_vgg")
"""Figures of likeness that are also given of groups: tables of papers have a row for each."""


def likeness(
    arm: Measured, clean: Measured | None, mask: Mask, people: People, seed: int
) -> Iterator[Figure | None]:
    """Return how alike the images of some probes are to their clean counterparts.

    Args:
        arm: Whose images.
        clean: The arm of the counterparts, or None where there is none.
        mask: (P,) which probes.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
    """
    for name in MEANS:
        yield mean_figure(name, arm.quality(name)[mask], people[mask], seed)
    yield from of_sets(arm, clean, DISTANCES, mask)


def gain(
    mine: Labelled | None, other: Labelled | None, people: People, seed: int, ending: str = "gain"
) -> Figure | None:
    """Return the paired difference of two arms in how often the classifier is right."""
    if mine is None or other is None:
        return None
    return flips(f"{mine.kind}_{ending}", mine.right, other.right, people, seed)
