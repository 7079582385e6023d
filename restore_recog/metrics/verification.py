"""One-to-one comparison: error rates, DET curve, EER, operating points.

FMR(T) is the share of impostor comparisons with score >= T, FNMR(T) the share of
genuine comparisons with score < T (terms of ISO/IEC 2382-37). Both count failed
comparisons (score ``-inf``) in their denominators, so FNMR here is the generalised
one; for the rate over completed comparisons hand in the finite scores only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.errors import DataError
from restore_recog.metrics import inputs
from restore_recog.metrics.crossing import rates_around_crossing


@dataclass(frozen=True, slots=True, eq=False)
class DetCurve:
    """The error trade-off at every threshold that changes it.

    Attributes:
        thresholds: (K,) rising: every distinct finite score, then ``+inf``.
        fmr: (K,) FMR at each threshold, falling to 0.
        fnmr: (K,) FNMR at each threshold, rising to 1.
        n_genuine, n_impostor: Comparisons attempted, failed ones included.
    """

    thresholds: NDArray[np.float64]
    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]
    n_genuine: int
    n_impostor: int


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """Where FMR and FNMR meet.

    Attributes:
        low, high: FVC2000 interval. On step functions the two rates need not be equal
            anywhere; these are the two rates at the threshold where they are closest.
        value: Linear interpolation along the DET segment that crosses FMR = FNMR, in
            linear coordinates. NaN where so many comparisons failed that FNMR exceeds
            FMR even with everything accepted that can be.
    """

    low: float
    high: float
    value: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The lowest FNMR at which FMR does not exceed the target.

    Attributes:
        fnmr: The lowest admissible FNMR.
        threshold: The lowest admissible threshold; see :func:`fnmr_at_fmr`.
        achieved_fmr: FMR at that threshold, at most the target.
        false_accept_budget: floor(target x number of impostor comparisons). Under 30,
            the threshold rests on few errors and should be read with caution.
        supported: False where the budget is 0: there are too few impostor comparisons
            to tell the target from zero.
    """

    fnmr: float
    threshold: float
    achieved_fmr: float
    false_accept_budget: int
    supported: bool


@dataclass(frozen=True, slots=True)
class SystemRates:
    """Error rates of the whole system, images it could not use included.

    Attributes:
        far, frr: False accept and false reject rate: failed probes counted.
        gfar, gfrr: The generalised ones: failed enrolments counted too.
    """

    far: float
    frr: float
    gfar: float
    gfrr: float


def det_curve(genuine: ArrayLike, impostor: ArrayLike) -> DetCurve:
    """Return FMR and FNMR at every distinct finite score and at +inf.

    The first point accepts all that can be accepted: (1 - share of failed impostor,
    share of failed genuine comparisons). The last is (0, 1) at +inf.

    Args:
        genuine: (M,) scores of comparisons of one person with themselves; -inf = failed.
        impostor: (N,) scores of comparisons of two people; -inf = failed.

    Raises:
        ValueError: A score is NaN or +inf, or an array is not one-dimensional or holds anything
            but real numbers (:mod:`restore_recog.metrics.inputs`).
        DataError: There is no genuine or no impostor comparison.
    """
    mated, other = map(np.sort, _both(genuine, impostor))
    scores = np.concatenate([mated, other])
    scores.sort(kind="stable")  # joins the two sorted runs in one pass
    first = np.flatnonzero(np.append(True, scores[1:] != scores[:-1]))  # of each distinct score
    first = first[np.isfinite(scores[first])]
    thresholds = np.append(scores[first], np.inf)
    below_genuine = np.searchsorted(mated, thresholds, side="left")
    below_impostor = np.append(first, scores.size) - below_genuine
    return DetCurve(
        thresholds=thresholds,
        fmr=(other.size - below_impostor) / other.size,
        fnmr=below_genuine / mated.size,
        n_genuine=mated.size,
        n_impostor=other.size,
    )


def equal_error_rate(genuine: ArrayLike, impostor: ArrayLike) -> EqualErrorRate:
    """Return the equal error rate: FVC2000 interval and interpolated value.

    Source: Maio et al., FVC2000, section 4, for the interval: of the two thresholds on
    either side of the crossing, the one with the lower sum of rates gives both ends.

    Args, Raises: As :func:`det_curve`.
    """
    mated, other = _both(genuine, impostor)
    fmr, fnmr = rates_around_crossing(np.sort(mated), other)
    gap = fmr - fnmr  # falls strictly: each distinct score changes a rate
    after = int(np.searchsorted(-gap, 0.0, side="left"))  # first point with FNMR >= FMR
    if gap[after] == 0.0:
        rate = float(fmr[after])
        return EqualErrorRate(rate, rate, rate)
    if after == 0:
        return EqualErrorRate(float(fmr[0]), float(fnmr[0]), math.nan)
    before = after - 1
    share = gap[before] / (gap[before] - gap[after])
    value = float(fmr[before] + share * (fmr[after] - fmr[before]))
    if fmr[before] + fnmr[before] <= fmr[after] + fnmr[after]:
        return EqualErrorRate(float(fnmr[before]), float(fmr[before]), value)
    return EqualErrorRate(float(fmr[after]), float(fnmr[after]), value)


def fnmr_at_fmr(genuine: ArrayLike, impostor: ArrayLike, fmr: float) -> OperatingPoint:
    """Return the lowest FNMR over all thresholds whose FMR is at most ``fmr``.

    Never the nearest point and never an interpolated one, so the target is not exceeded.
    The threshold depends on the impostor scores alone, as it must where it is fixed on
    one set and carried over to another: it is the number next above the highest impostor
    score that the target forbids to accept, in the precision that the scores have, so that
    float32 scores may be compared with it as they are. Keep it unrounded. Where the target
    allows every completed impostor comparison, it is the lowest finite score.

    Args:
        genuine, impostor: As in :func:`det_curve`.
        fmr: Target in [0, 1].

    Raises:
        ValueError: As :func:`det_curve`, or ``fmr`` outside [0, 1].
        DataError: There is no genuine or no impostor comparison.
    """
    target = inputs.rate(fmr, "The target FMR")
    mated, other = _both(genuine, impostor)
    budget = largest_count(target, other.size)
    place = other.size - 1 - budget
    forbidden = np.partition(other, place)[place] if place >= 0 else -np.inf
    if np.isfinite(forbidden):
        kind = inputs.precision(genuine, impostor)
        threshold = inputs.rounded_up(float(np.nextafter(forbidden, np.inf)), kind)
    else:
        scores = np.concatenate([mated, other])
        threshold = float(np.min(scores, where=np.isfinite(scores), initial=np.inf))
    achieved, fnmr = rates_at_threshold(mated, other, threshold)
    return OperatingPoint(fnmr, threshold, achieved, budget, supported=budget > 0)


def zero_fmr(genuine: ArrayLike, impostor: ArrayLike) -> OperatingPoint:
    """Return the lowest FNMR at which no impostor is accepted (FVC's ZeroFMR).

    It rises with the number of impostor comparisons, so print that number beside it;
    ``false_accept_budget`` is 0 and ``supported`` False by definition.

    Args, Raises: As :func:`det_curve`.
    """
    return fnmr_at_fmr(genuine, impostor, 0.0)


def rates_at_threshold(
    genuine: ArrayLike, impostor: ArrayLike, threshold: float
) -> tuple[float, float]:
    """Return (FMR, FNMR) at a fixed threshold; a score equal to it is accepted.

    The rate of an empty side is NaN. Raises ValueError as :func:`det_curve`.
    """
    cut = inputs.number(threshold, "The threshold")
    if math.isnan(cut) or cut == -math.inf:
        raise ValueError(f"The threshold must be a number above -inf, not {cut}.")
    mated, other = checked_scores(genuine), checked_scores(impostor)
    fmr = float(np.count_nonzero(other >= cut)) / other.size if other.size else math.nan
    fnmr = float(np.count_nonzero(mated < cut)) / mated.size if mated.size else math.nan
    return fmr, fnmr


def completed(scores: ArrayLike) -> NDArray[np.float64]:
    """Return the scores without the failed comparisons, for the rates of ISO/IEC 2382-37.

    Raises ValueError as :func:`det_curve`.
    """
    vector = checked_scores(scores)
    return vector[np.isfinite(vector)]


def system_rates(fmr: float, fnmr: float, *, fta: float, fte: float) -> SystemRates:
    """Return what the rates of completed comparisons become when failures are counted.

    FAR = FMR (1 - FTA), FRR = FTA + FNMR (1 - FTA), GFAR = FAR (1 - FTE),
    GFRR = FTE + (1 - FTE) FRR. A failure counts as a refusal, of the genuine and of
    impostors alike.

    Source: ISO/IEC 19795-1, the system and generalised error rates.

    Args:
        fmr, fnmr: Over **completed** comparisons (see :func:`completed`); the rates of
            this module with failures in would count these twice.
        fta: Failed probes / attempted ones, by image, never by comparison.
        fte: Failed enrolments / attempted ones.

    Raises:
        ValueError: A rate is NaN or outside [0, 1].
    """
    for name, rate in (("fmr", fmr), ("fnmr", fnmr), ("fta", fta), ("fte", fte)):
        if not 0.0 <= inputs.number(rate, f"Rates lie in [0, 1]; {name}") <= 1.0:
            raise ValueError(f"Rates lie in [0, 1], but {name} is {rate}.")
    far, frr = fmr * (1.0 - fta), fta + fnmr * (1.0 - fta)
    return SystemRates(far, frr, far * (1.0 - fte), fte + (1.0 - fte) * frr)


def checked_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Return scores as a float64 vector.

    Raises:
        ValueError: NaN, +inf, not one-dimensional, or no real numbers.
    """
    vector = inputs.numbers(scores, "Scores")
    if vector.ndim != 1:
        raise ValueError(f"Scores must be one-dimensional, not of shape {vector.shape}.")
    if vector.size and not vector.max() < math.inf:  # the largest of NaN and others is NaN
        raise ValueError("Scores must not be NaN or +inf; a failed comparison is -inf.")
    return vector


def both_sides(genuine: ArrayLike, impostor: ArrayLike) -> list[NDArray[np.float64]]:
    """Return two kinds of scores that are compared with each other, in one precision.

    Raises ValueError as :func:`checked_scores`.
    """
    sides = inputs.alike(genuine, impostor, what="Scores")
    return [checked_scores(side) for side in sides]


def _both(
    genuine: ArrayLike, impostor: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both score vectors; both must hold something."""
    mated, other = both_sides(genuine, impostor)
    for name, vector in (("genuine", mated), ("impostor", other)):
        if not vector.size:
            raise DataError(
                f"There is no {name} comparison, so error rates cannot be computed: "
                "give at least two subjects with two images each."
            )
    return mated, other


def largest_count(rate: float, total: int) -> int:
    """Return the largest k with k / total <= rate, immune to rounding of rate * total."""
    count = math.floor(rate * total)
    while count > 0 and count / total > rate:
        count -= 1
    while count < total and (count + 1) / total <= rate:
        count += 1
    return count
