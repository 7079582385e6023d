"""Intervals and tests that resample people, not images.

Images of one person are alike, so resampling images gives intervals that are far
too narrow. Everything here draws **subjects** with replacement and takes all their
images along. Arms of one experiment are compared on the same draws (paired).

Intervals are percentile intervals. They are NaN with fewer than two subjects, and have
no width where all values are equal: for an error rate of exactly zero give
:func:`~restore_recog.metrics.support.rule_of_three` of the number of subjects instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.special import betainc

from restore_recog.metrics.inputs import Subjects, alike, number, numbers, people
from restore_recog.metrics.resampling import (
    Counts,
    Interval,
    check_options,
    counts,
    finite,
    grouped,
    percentile_limits,
    rank_correlation,
    resampled,
    two_way_design,
)
from restore_recog.metrics.signs import every_sign, random_signs
from restore_recog.types import Vector


@dataclass(frozen=True, slots=True)
class RatioInterval(Interval):
    """A ratio with its interval.

    Attributes:
        straddles_zero: The interval of the denominator holds 0, so that the ratio can be
            anything; ``low`` and ``high`` are NaN and ``value`` should not be quoted.
    """

    straddles_zero: bool


def bootstrap_mean(
    values: ArrayLike,
    subjects: Subjects,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return the mean of all values with a subject-level interval.

    For rank-1, FNMR or FTA hand in 0/1 per probe or genuine comparison.

    Args:
        values: (n,) finite numbers or bools.
        subjects: (n,) whose value each is.
        seed: Of the draws.
        resamples: Number of draws.
        level: Coverage aimed at.

    Raises:
        ValueError: Lengths differ, a value is not finite, or an option is out of range.
    """
    vector, index, n_subjects = grouped(values, subjects)
    check_options(resamples, level)
    sums = np.bincount(index, vector, n_subjects)
    counts = np.bincount(index, minlength=n_subjects).astype(np.float64)
    draws = resampled(
        lambda weights: (weights @ sums) / (weights @ counts), n_subjects, seed, resamples
    )
    value = float(vector.mean()) if vector.size else math.nan
    return Interval(value, *percentile_limits(draws, level), vector.size, n_subjects, resamples)


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    subjects: Subjects,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return mean(a) - mean(b), paired: ``a[i]`` and ``b[i]`` are of one probe.

    Args, Raises: As :func:`bootstrap_mean`.
    """
    first, second = (finite(side) for side in alike(a, b))
    if first.shape != second.shape:
        raise ValueError(f"Paired arms must be equally long, not {first.size} and {second.size}.")
    return bootstrap_mean(first - second, subjects, seed=seed, resamples=resamples, level=level)


def bootstrap_ratio(
    restored: ArrayLike,
    occluded: ArrayLike,
    clean: ArrayLike,
    subjects: Subjects,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> RatioInterval:
    """Return the share of the mask's cost that restoring recovers, paired.

    (mean restored - mean occluded) / (mean clean - mean occluded): 0 = no help,
    1 = as good as never covered, below 0 = harm. NaN where clean and occluded are equal.

    Args, Raises: As :func:`bootstrap_mean`; the three arms hold the same probes in order.
    """
    arms = [finite(arm) for arm in alike(restored, occluded, clean)]
    if len({arm.size for arm in arms}) != 1:
        raise ValueError(f"Paired arms must be equally long, not {[arm.size for arm in arms]}.")
    gain, index, n_subjects = grouped(arms[0] - arms[1], subjects)
    cost = arms[2] - arms[1]
    check_options(resamples, level)
    gains, costs = (np.bincount(index, part, n_subjects) for part in (gain, cost))
    pairs = resampled(
        lambda weights: weights @ np.stack([gains, costs], axis=1), n_subjects, seed, resamples
    )
    cost_low, cost_high = percentile_limits(pairs[:, 1] if len(pairs) else pairs, level)
    straddles = not (cost_low > 0 or cost_high < 0)
    low, high = math.nan, math.nan
    if not straddles:
        # A draw with cost 0 lies in a tail that the limits of the cost exclude.
        sound = pairs[pairs[:, 1] != 0]
        low, high = percentile_limits(sound[:, 0] / sound[:, 1], level)
    total = float(cost.sum())
    value = float(gain.sum()) / total if total else math.nan
    return RatioInterval(value, low, high, gain.size, n_subjects, resamples, straddles)


def bootstrap_two_way_counts(
    accepted: Counts,
    compared: Counts | tuple[ArrayLike, ArrayLike],
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return the share of impostor comparisons accepted, with people of both sides drawn.

    For FMR at a fixed threshold. A comparison weighs the product of how often its two
    people were drawn; a twice-drawn person is not compared with themselves. Still somewhat
    too narrow when people are few. For a paired change of FMR hand in the difference of
    two arms' accepted counts.

    Args:
        accepted: (S, S) impostor comparisons accepted, by probe's and reference's person;
            dense or sparse. The diagonal is 0.
        compared: (S, S) those attempted; or, where each probe met each reference of others,
            the two (S,) numbers of probes and of references of each person, which takes no
            memory. People without any comparison are not drawn.
        seed, resamples, level: As in :func:`bootstrap_mean`.

    Raises:
        ValueError: Shapes disagree, a diagonal is not 0, or an option is out of range.
    """
    check_options(resamples, level)
    table = csr_array(counts(accepted), dtype=np.float64)
    people, weigh, total = two_way_design(compared, table.shape[0])
    if table.shape[0] != table.shape[1] or table.diagonal().any():
        raise ValueError("Accepted counts of shape (S, S) with an empty diagonal are needed.")
    table = table[people][:, people]

    def rate(weights: Vector) -> Vector:
        drawn = weigh(weights)
        ratio = np.full(drawn.shape, np.nan)  # NaN: no comparison was drawn
        accepts = np.sum((weights @ table) * weights, axis=1)
        return np.asarray(np.divide(accepts, drawn, out=ratio, where=drawn > 0))

    draws = resampled(rate, people.size, seed, resamples)
    value = float(table.sum()) / total if total else math.nan
    limits = percentile_limits(draws[~np.isnan(draws)], level)
    return Interval(value, *limits, round(total), people.size, resamples)


def spearman(
    x: ArrayLike,
    y: ArrayLike,
    subjects: Subjects,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return Spearman's rank correlation (ties at their mean rank) with an interval of people.

    Ranks are taken anew in every draw. NaN where x or y is constant; draws in which one is
    are left out.

    Args:
        x, y: (n,) the two figures of each probe; infinite ones rank at the ends.
        subjects: (n,) whose probe each is.
        seed, resamples, level: As in :func:`bootstrap_mean`.

    Raises:
        ValueError: Lengths differ, a value is NaN, or an option is out of range.
    """
    pair, names = [numbers(values) for values in (x, y)], people(subjects)
    if not pair[0].shape == pair[1].shape == names.shape or names.ndim != 1:
        raise ValueError("Each probe needs two values and one subject.")
    if any(np.isnan(values).any() for values in pair):
        raise ValueError("Values must not be NaN; count the probes that have none apart.")
    check_options(resamples, level)
    known, index = np.unique(names, return_inverse=True)
    keys = [np.unique(values, return_inverse=True)[1] for values in pair]

    def correlation(weights: Vector) -> Vector:
        return rank_correlation(keys[0], keys[1], weights[:, index])

    value = float(correlation(np.ones((1, known.size)))[0]) if names.size else math.nan
    draws = resampled(correlation, known.size, seed, resamples, width=names.size)
    limits = percentile_limits(draws[~np.isnan(draws)], level)
    return Interval(value, *limits, names.size, known.size, resamples)


def sign_flip_test(
    differences: ArrayLike, subjects: Subjects, seed: int, permutations: int = 10_000
) -> float:
    """Return the two-sided p of "no mean difference", flipping whole subjects.

    Under the null hypothesis a subject's differences are as likely of the opposite sign.
    All 2^S flips are tried where they are no more than ``permutations`` (p is exact),
    else that many at random, with the data themselves counted among them.

    Args:
        differences: (n,) paired differences, one per probe.
        subjects: (n,) whose they are.
        seed: Of the random flips.
        permutations: Number of them.

    Returns:
        p in (0, 1]; NaN without data.

    Raises:
        ValueError: Lengths differ, a value is not finite, or ``permutations`` < 1.
    """
    vector, index, n_subjects = grouped(differences, subjects)
    if not number(permutations, "Permutations") >= 1:
        raise ValueError(f"At least one permutation is needed, not {permutations}.")
    if not n_subjects:
        return math.nan
    totals = np.bincount(index, vector, n_subjects)
    # Equal sums in another order differ by rounding; they count as ties.
    observed = abs(totals.sum()) - 1e-9 * np.abs(totals).sum()
    if n_subjects < 63 and 2**n_subjects <= permutations:
        return float(np.mean(np.abs(every_sign(n_subjects) @ totals) >= observed))
    extreme = 0
    for signs in random_signs(n_subjects, seed, permutations):
        extreme += int(np.count_nonzero(np.abs(signs @ totals) >= observed))
    return (extreme + 1) / (permutations + 1)


def mcnemar_exact(rescued: int, harmed: int) -> float:
    """Return the two-sided exact p of "as many rescued as harmed"; 1 where neither occurs.

    Only for one probe per subject, for it takes probes as independent; else use
    :func:`sign_flip_test`. Raises ValueError for negative counts.
    """
    for count in (rescued, harmed):
        if not number(count, "A count").is_integer():
            raise ValueError(f"Counts must be whole numbers, not {count}.")
    if min(rescued, harmed) < 0:
        raise ValueError(f"Counts must not be negative, not {rescued} and {harmed}.")
    fewer, total = min(rescued, harmed), rescued + harmed
    # The distribution of a binomial; that of scipy.stats takes a second to import.
    return min(1.0, 2.0 * float(betainc(total - fewer, fewer + 1, 0.5))) if total else 1.0
