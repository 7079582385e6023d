"""One-to-many search where the person may not be enrolled: FPIR and FNIR.

A **mated** search is for a person of the gallery, a **non-mated** one for a stranger. The
system answers with the subjects whose score reaches the threshold. Definitions are those
of NIST's 1:N tests (NISTIR 8271), over searches **attempted**: a probe that
failed raises FNIR and never FPIR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.errors import DataError
from restore_recog.metrics.inputs import number, numbers, precision
from restore_recog.metrics.verification import (
    both_sides,
    checked_scores,
    fnmr_at_fmr,
    rates_at_threshold,
)


@dataclass(frozen=True, slots=True)
class OpenSetPoint:
    """The lowest FNIR at which FPIR does not exceed the target.

    Attributes:
        fnir: The lowest admissible FNIR.
        threshold: The lowest admissible threshold; it rests on the non-mated searches.
        achieved_fpir: FPIR at that threshold, at most the target.
        false_alarm_budget: floor(target x number of non-mated searches).
        supported: False where the budget is 0: too few non-mated searches to tell the
            target from zero.
    """

    fnir: float
    threshold: float
    achieved_fpir: float
    false_alarm_budget: int
    supported: bool


def open_set_rates(
    mated_scores: ArrayLike,
    mated_ranks: ArrayLike,
    nonmated_scores: ArrayLike,
    threshold: float,
    rank: int = 1,
) -> tuple[float, float]:
    """Return (FPIR, FNIR) at a fixed threshold; a score equal to it is an answer.

    FPIR: share of non-mated searches with at least one subject at or above the threshold.
    FNIR: share of mated searches whose own subject is below it **or** behind ``rank``.

    Args:
        mated_scores: (M,) score of each mated probe's own subject, the best of their
            references; -inf = failed.
        mated_ranks: (M,) its rank, ties against it (``Ranks.pessimistic``).
        nonmated_scores: (N,) best score of each non-mated probe over the whole gallery;
            -inf = failed.
        threshold: Any number above -inf.
        rank: Places of the answer list that count.

    Returns:
        The two rates; NaN where there is no search of that kind.

    Raises:
        ValueError: A score is NaN or +inf, shapes disagree, or a rank is below 1.
    """
    mated, strangers = both_sides(mated_scores, nonmated_scores)
    return rates_at_threshold(_listed(mated, mated_ranks, rank), strangers, threshold)


def fnir_at_fpir(
    mated_scores: ArrayLike,
    mated_ranks: ArrayLike,
    nonmated_scores: ArrayLike,
    fpir: float,
    rank: int = 1,
) -> OpenSetPoint:
    """Return the lowest FNIR over all thresholds whose FPIR is at most ``fpir``.

    Never the nearest point and never an interpolated one; as
    :func:`~restore_recog.metrics.verification.fnmr_at_fmr` in all else.

    Args:
        mated_scores, mated_ranks, nonmated_scores, rank: As in :func:`open_set_rates`.
        fpir: Target in [0, 1].

    Raises:
        ValueError: As :func:`open_set_rates`, or ``fpir`` outside [0, 1].
        DataError: There is no mated or no non-mated search.
    """
    mated, strangers = both_sides(mated_scores, nonmated_scores)
    listed = _listed(mated, mated_ranks, rank)
    for name, vector in (("mated", listed), ("non-mated", strangers)):
        if not vector.size:
            raise DataError(
                f"There is no {name} search, so open-set rates cannot be computed: give "
                "probes of people inside and outside the gallery."
            )
    kind = precision(mated_scores, nonmated_scores)  # that of the threshold, too
    point = fnmr_at_fmr(listed.astype(kind), strangers.astype(kind), fpir)
    return OpenSetPoint(
        fnir=point.fnmr,
        threshold=point.threshold,
        achieved_fpir=point.achieved_fmr,
        false_alarm_budget=point.false_accept_budget,
        supported=point.supported,
    )


@dataclass(frozen=True, slots=True)
class OverTrials:
    """A rate over several trials of one test.

    Attributes:
        mean: Of the trials' rates, whatever their sizes.
        sd: Their sample standard deviation (n - 1); NaN for one trial.
        count: Number of trials.
    """

    mean: float
    sd: float
    count: int

    @property
    def less_sd(self) -> float:
        """Return the mean less the standard deviation, by which BLUFR ranks; NaN for one trial.

        Source: Liao, Lei, Yi, Li, "A Benchmark Study of Large-scale Unconstrained Face
        Recognition", IJCB 2014.
        """
        return self.mean - self.sd


def over_trials(rates: ArrayLike) -> OverTrials:
    """Return mean and spread of one rate in several trials.

    Args:
        rates: (T,) finite.

    Raises:
        ValueError: There is none, or one is not finite.
    """
    vector = numbers(rates, "Rates").reshape(-1)
    if not vector.size or not np.isfinite(vector).all():
        raise ValueError("The rate of at least one trial is needed, and each must be finite.")
    sd = float(vector.std(ddof=1)) if vector.size > 1 else math.nan
    return OverTrials(float(vector.mean()), sd, vector.size)


def _listed(scores: ArrayLike, ranks: ArrayLike, rank: int) -> NDArray[np.float64]:
    """Return the mated scores, -inf where the own subject is behind ``rank``.

    A subject that the answer list leaves out is lost at every threshold, just as one
    whose comparison failed.
    """
    vector, places = checked_scores(scores), numbers(ranks, "Ranks")
    if places.shape != vector.shape:
        raise ValueError(f"{vector.size} mated searches need as many ranks, not {places.shape}.")
    if not number(rank, "A rank") >= 1 or (places.size and not np.min(places) >= 1):
        raise ValueError("Ranks are 1 or more.")
    return np.where(places <= rank, vector, -math.inf)
