"""How far probabilities can be believed: calibration error, and the curve behind it.

Sources: Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
Review 1950; Pakdaman Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using
Bayesian binning", AAAI 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.inputs import Subjects
from restore_recog.metrics.resampling import (
    Interval,
    check_options,
    finite,
    grouped,
    percentile_limits,
    resampled,
)
from restore_recog.metrics.uncertainty import bootstrap_mean
from restore_recog.types import Vector

BINS = 10
"""Bins of equal width that the probabilities from 0 to 1 are put into."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The cases whose probability lies in one bin; those of 1 are in the last.

    Attributes:
        low, high: Its ends.
        probability: Mean of what was predicted.
        observed: Share in which it came true, with its interval over subjects.
    """

    low: float
    high: float
    probability: float
    observed: Interval


def calibration_curve(
    probabilities: ArrayLike, outcomes: ArrayLike, subjects: Subjects, *, seed: int
) -> list[Bin]:
    """Return the bins that are not empty, in order.

    Args:
        probabilities: (n,) in [0, 1].
        outcomes: (n,) 1 where it came true, else 0.
        subjects: (n,) whose case each is.
        seed: Of the draws of the intervals.

    Raises:
        ValueError: Lengths differ, or a value is out of range.
    """
    predicted, true, places = _binned(probabilities, outcomes)
    names = np.asarray(subjects)
    curve = []
    for place in np.unique(places).tolist():
        inside = places == place
        observed = bootstrap_mean(true[inside], names[inside], seed=seed)
        ends = place / BINS, (place + 1) / BINS
        curve.append(Bin(*ends, float(predicted[inside].mean()), observed))
    return curve


def calibration_error(
    probabilities: ArrayLike,
    outcomes: ArrayLike,
    subjects: Subjects,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return the expected calibration error with its interval over subjects.

    It is the mean over all cases of how far their bin's share of outcomes lies from its mean
    probability. It cannot be negative, so few cases make it large by chance: read it with its n.
    So do draws of subjects: the interval may lie above the value.

    Args, Raises: As :func:`calibration_curve`.
    """
    predicted, true, places = _binned(probabilities, outcomes)
    gaps, index, n_subjects = grouped(predicted - true, subjects)
    check_options(resamples, level)
    table = np.zeros((n_subjects, BINS + 1))  # each bin's gap, and the number of cases
    np.add.at(table, (index, places), gaps)
    table[:, BINS] = np.bincount(index, minlength=n_subjects)

    def error(weights: Vector) -> Vector:
        sums = weights @ table  # (B, BINS + 1)
        return np.abs(sums[:, :BINS]).sum(1) / sums[:, BINS]  # type: ignore[no-any-return]

    draws = resampled(error, n_subjects, seed, resamples)
    value = float(error(np.ones((1, n_subjects)))[0])
    return Interval(value, *percentile_limits(draws, level), gaps.size, n_subjects, resamples)


def _binned(
    probabilities: ArrayLike, outcomes: ArrayLike
) -> tuple[Vector, Vector, NDArray[np.intp]]:
    predicted, true = finite(probabilities), finite(outcomes)
    if predicted.shape != true.shape or not predicted.size:
        raise ValueError(f"{predicted.size} probabilities and {true.size} outcomes do not fit.")
    if predicted.min() < 0 or predicted.max() > 1 or not np.isin(true, (0.0, 1.0)).all():
        raise ValueError("Probabilities lie from 0 to 1, and outcomes are 0 or 1.")
    return predicted, true, np.minimum((predicted * BINS).astype(np.intp), BINS - 1)
