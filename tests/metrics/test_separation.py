"""Means, spreads, d' and overlap by hand; rates of the whole system."""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.metrics.separation import cosine_summary, d_prime
from restore_recog.metrics.verification import (
    completed,
    fnmr_at_fmr,
    rates_at_threshold,
    system_rates,
    zero_fmr,
)

INF = math.inf


def test_d_prime_by_hand():
    # Means 3 and 0, sample variances 1 and 3.
    assert d_prime([2, 3, 4], [-math.sqrt(3), 0, math.sqrt(3)]) == pytest.approx(3 / math.sqrt(2))
    assert d_prime([2, 3, 4, -INF], [2, 3, 4]) == 0.0
    assert d_prime([0.1] * 3, [0.3] * 7) == INF
    assert math.isnan(d_prime([0.1] * 3, [0.1] * 7))
    assert math.isnan(d_prime([0.1], [0.2, 0.3]))


def test_cosine_summary_counts_failures_and_leaves_them_out_of_means():
    summary = cosine_summary([0.6, 0.8, -INF], [0.0, 0.2, -INF, -INF])
    assert (summary.n_genuine, summary.failed_genuine) == (3, 1)
    assert (summary.n_impostor, summary.failed_impostor) == (4, 2)
    assert summary.genuine_mean == pytest.approx(0.7) and summary.impostor_mean == pytest.approx(
        0.1
    )
    assert summary.genuine_sd == pytest.approx(math.sqrt(0.02))
    assert summary.d_prime == pytest.approx(0.6 / math.sqrt(0.02))
    assert summary.overlap == 0.0
    assert cosine_summary([0.5, 0.5], [0.5]).overlap == 1.0


def test_cosine_summary_of_nothing_is_nan():
    summary = cosine_summary([-INF], [])
    figures = (summary.genuine_mean, summary.genuine_sd, summary.impostor_mean)
    assert all(map(math.isnan, (*figures, summary.impostor_sd, summary.d_prime, summary.overlap)))
    assert (summary.n_genuine, summary.failed_genuine, summary.n_impostor) == (1, 1, 0)


def test_overlap_is_the_lowest_sum_of_both_rates():
    rng = np.random.default_rng(0)
    genuine, impostor = np.round(rng.normal(1, 1, 40), 1), np.round(rng.normal(0, 1, 30), 1)
    tries = [*genuine, *impostor, 99.0]
    sums = [np.mean(impostor >= t) + np.mean(genuine < t) for t in tries]
    assert cosine_summary(genuine, impostor).overlap == pytest.approx(min(sums))


def test_nan_and_plus_infinity_are_refused():
    for bad in (math.nan, INF):
        for call in (
            lambda: d_prime([0.1, bad], [0.2]),  # noqa: B023
            lambda: cosine_summary([0.1, bad], [0.2]),  # noqa: B023
            lambda: completed([0.1, bad]),  # noqa: B023
        ):
            with pytest.raises(ValueError, match="NaN or \\+inf"):
                call()


def test_zero_fmr_by_hand():
    point = zero_fmr([0.2, 0.6, 0.9, -INF], [0.5, 0.6, -INF])
    assert (point.fnmr, point.achieved_fmr) == (0.75, 0.0)
    assert point.threshold == np.nextafter(0.6, 1) and point.false_accept_budget == 0
    assert point == fnmr_at_fmr([0.2, 0.6, 0.9, -INF], [0.5, 0.6, -INF], 0.0)
    apart = zero_fmr([0.7], [0.1])
    assert (apart.fnmr, apart.threshold) == (0.0, np.nextafter(0.1, 1))
    all_failed = zero_fmr([0.7, -INF], [-INF])  # whoever can be compared is let in
    assert (all_failed.fnmr, all_failed.threshold) == (0.5, 0.7)


def test_completed_leaves_failures_out_and_nothing_else():
    assert completed([0.5, -INF, -1.0, 0.0]).tolist() == [0.5, -1.0, 0.0]
    assert completed([-INF]).size == completed([]).size == 0


def test_system_rates_by_hand():
    rates = system_rates(0.01, 0.1, fta=0.2, fte=0.5)
    assert rates.far == pytest.approx(0.008) and rates.gfar == pytest.approx(0.004)
    assert rates.frr == pytest.approx(0.28) and rates.gfrr == pytest.approx(0.64)
    same = system_rates(0.01, 0.1, fta=0.0, fte=0.0)
    assert (same.far, same.frr, same.gfar, same.gfrr) == (0.01, 0.1, 0.01, 0.1)
    lost = system_rates(1.0, 0.0, fta=0.0, fte=1.0)
    assert (lost.gfar, lost.gfrr) == (0.0, 1.0)


def test_system_rates_are_the_rates_with_failures_in_on_a_full_cross():
    """6 probes x 4 references, 2 and 1 of them failed: each count can be written down."""
    rng = np.random.default_rng(1)
    genuine, impostor = rng.normal(0.6, 0.3, (6, 4)), rng.normal(0.2, 0.3, (6, 4))
    done = [np.mean(impostor[2:, 1:] >= 0.4), np.mean(genuine[2:, 1:] < 0.4)]
    for table in (genuine, impostor):
        table[:2] = table[:, 0] = -INF
    rates = system_rates(*done, fta=2 / 6, fte=1 / 4)
    fmr, fnmr = rates_at_threshold(genuine.ravel(), impostor.ravel(), 0.4)
    assert (rates.gfar, rates.gfrr) == pytest.approx((fmr, fnmr))
    again = rates_at_threshold(completed(genuine.ravel()), completed(impostor.ravel()), 0.4)
    assert again == pytest.approx(tuple(done))


@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1])
def test_impossible_rates_are_refused(bad):
    with pytest.raises(ValueError, match="fta is"):
        system_rates(0.1, 0.1, fta=bad, fte=0.0)
