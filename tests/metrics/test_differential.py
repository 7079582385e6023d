"""Differential measures by hand and by loops; system rates; flags."""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.metrics.differential import (
    fairness_discrepancy_rate,
    garbe,
    worst_best_ratio,
)
from restore_recog.metrics.support import flag, rule_of_three


def oracle_gini(rates):
    n, mean = len(rates), sum(rates) / len(rates)
    gaps = sum(abs(a - b) for a in rates for b in rates)
    return n / (n - 1) * gaps / (2 * n * n * mean)


def test_ratio_by_hand():
    assert worst_best_ratio([0.02, 0.01, 0.04]) == pytest.approx(4.0)
    assert worst_best_ratio([0.1, 0.1]) == 1.0
    assert worst_best_ratio([0.0, 0.1]) == math.inf
    assert math.isnan(worst_best_ratio([0.0, 0.0])) and math.isnan(worst_best_ratio([0.3]))


@pytest.mark.parametrize("groups", [2, 3, 7])
def test_gap_and_gini_are_the_loops(groups):
    rng = np.random.default_rng(groups)
    fmr, fnmr = rng.random((2, groups)).tolist()
    for alpha in (0.0, 0.3, 0.5, 1.0):
        gaps = [max(abs(a - b) for a in rates for b in rates) for rates in (fmr, fnmr)]
        expected = 1 - (alpha * gaps[0] + (1 - alpha) * gaps[1])
        assert fairness_discrepancy_rate(fmr, fnmr, alpha) == pytest.approx(expected)
        expected = alpha * oracle_gini(fmr) + (1 - alpha) * oracle_gini(fnmr)
        assert garbe(fmr, fnmr, alpha) == pytest.approx(expected)


def test_limits():
    same = [0.02, 0.02, 0.02]
    assert fairness_discrepancy_rate(same, same) == 1.0 and garbe(same, same) == 0.0
    # All errors in one of two groups is as unequal as can be.
    assert garbe([0.0, 0.4], [0.0, 0.1]) == pytest.approx(1.0)
    assert fairness_discrepancy_rate([0.0, 1.0], [0.0, 1.0]) == 0.0
    assert math.isnan(fairness_discrepancy_rate([0.1], [0.1])) and math.isnan(garbe([0.1], [0.1]))
    assert math.isnan(garbe([0.0, 0.0], [0.1, 0.2]))  # no FMR to divide unequally
    assert garbe([0.0, 0.0], [0.1, 0.2], alpha=0.0) == pytest.approx(1 / 3)


def test_a_gap_in_fmr_hides_behind_fnmr_in_fdr_but_not_in_garbe():
    """FMRs of 1e-5 and 1e-3 differ a hundredfold; FDR sees a gap of 0.1 %."""
    fmr, fnmr = [1e-5, 1e-3], [0.02, 0.02]
    assert fairness_discrepancy_rate(fmr, fnmr) > 0.999
    assert garbe(fmr, fnmr) > 0.45 and worst_best_ratio(fmr) == pytest.approx(100.0)


@pytest.mark.parametrize("bad", [[math.nan, 0.1], [0.1, 1.1], [-0.1, 0.2], [[0.1, 0.2]]])
def test_groups_without_a_rate_are_refused(bad):
    for call in (
        lambda: worst_best_ratio(bad),
        lambda: garbe(bad, [0.1, 0.2]),
        lambda: fairness_discrepancy_rate([0.1, 0.2], bad),
    ):
        with pytest.raises(ValueError, match="One rate"):
            call()
    for call in (
        lambda: garbe([0.1], [0.1, 0.2]),
        lambda: garbe([0.1, 0.2], [0.1, 0.2], alpha=2),
    ):
        with pytest.raises(ValueError, match="same groups"):
            call()


@pytest.mark.parametrize(
    ("errors", "n", "n_subjects", "budget", "phrase"),
    [
        (40, 1000, 100, None, None),
        (40, 1000, 100, 30, None),
        (40, 1000, 100, 0, "too few impostors"),
        (0, 1000, 100, 0, "too few impostors"),
        (40, 1000, 100, 29, "under 30 errors"),
        (29, 1000, 100, None, "under 30 errors"),
        (30, 1000, 100, None, None),
        (0, 1000, 100, None, "no errors: upper limit 3/n = 3 %"),
        (0, 4000, 40, 500, "no errors: upper limit 3/n = 7.5 %"),
        (0, 2, 2, None, "no errors: upper limit 3/n = 100 %"),
        (0, 9, 1, None, "one subject"),
        (1000, 1000, 300, None, "no successes: upper limit 3/n = 1 %"),
        (980, 1000, 300, None, "under 30 successes"),
        (5, 10, 10, None, "under 30 errors"),
    ],
)
def test_flags_by_hand(errors, n, n_subjects, budget, phrase):
    assert flag(errors, n, n_subjects, false_accept_budget=budget) == phrase


@pytest.mark.parametrize("counts", [(-1, 10, 5), (11, 10, 5), (0, 10, 0), (0, 4, 5), (0, 0, 0)])
def test_counts_that_do_not_fit_are_refused(counts):
    with pytest.raises(ValueError, match="do not fit"):
        flag(*counts)


def test_rule_of_three():
    assert rule_of_three(300) == 0.01 and rule_of_three(1) == 1.0
    assert (1 - rule_of_three(300)) ** 300 == pytest.approx(0.05, abs=0.002)
    with pytest.raises(ValueError, match="At least one"):
        rule_of_three(0)
