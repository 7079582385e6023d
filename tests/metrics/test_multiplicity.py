"""Corrected p-values: worked by hand, and how often families hold a false finding."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog.metrics.multiplicity import holm

NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([0.01], [0.01]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x .01, 2 x .03, and no less than before
        ([0.5, 0.5], [1.0, 1.0]),
        ([0.01, NAN, 0.02], [0.02, NAN, 0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(p, corrected):
    np.testing.assert_allclose(holm(p), corrected)


def test_a_heavier_test_needs_less():
    # .01 / 1 before .002 / .1: 1.1 x .01, then .1 / .1 x .002, but not below the one before.
    np.testing.assert_allclose(holm([0.01, 0.002], [1.0, 0.1]), [0.011, 0.011])
    np.testing.assert_allclose(holm([0.01, 0.0002], [1.0, 0.1]), [0.01, 0.0022])
    np.testing.assert_allclose(holm([0.01, 0.0002], [10, 1]), [0.01, 0.0022])


def test_ties_are_corrected_alike_and_order_does_not_matter():
    p = np.array([0.02, 0.01, 0.01, 0.3])
    order = [3, 1, 0, 2]
    np.testing.assert_array_equal(holm(p)[order], holm(p[order]))
    assert holm(p)[1] == holm(p)[2] == 0.04


def test_one_family_in_twenty_holds_a_false_finding():
    rng = np.random.default_rng(0)
    for size in (1, 3, 10):
        shared = rng.uniform(size=(4000, size))
        false = np.mean([holm(row).min() < 0.05 for row in shared])
        assert 0.035 < false < 0.06


@pytest.mark.parametrize(
    ("p", "weights"),
    [([1.2], None), ([-0.1], None), ([0.1], [0.0]), ([0.1], [1, 1]), ([[0.1]], None)],
)
def test_nonsense_is_refused(p, weights):
    with pytest.raises(ValueError, match="p-values"):
        holm(p, weights)
