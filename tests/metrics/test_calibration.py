"""Calibration error and curve, against values worked out by hand and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog.metrics.calibration import calibration_curve, calibration_error


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    """Bin 0.9..1: three of four true at a mean of 0.95, 0.2 off; bin 0.2..0.3: none of one."""
    said, true = [0.95, 0.93, 0.97, 0.95, 0.25], [1, 1, 0, 1, 0]
    error = calibration_error(said, true, range(5), seed=0)
    assert error.value == pytest.approx((4 * 0.2 + 0.25) / 5) and error.n == 5
    curve = calibration_curve(said, true, range(5), seed=0)
    assert [(one.low, one.high, one.observed.n) for one in curve] == [(0.2, 0.3, 1), (0.9, 1.0, 4)]
    assert curve[1].probability == pytest.approx(0.95) and curve[1].observed.value == 0.75


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    (one,) = calibration_curve([1.0, 1.0], [1, 1], [0, 1], seed=0)
    assert one.low == 0.9 and calibration_error([1.0, 1.0], [1, 1], [0, 1], seed=0).value == 0


def test_true_probabilities_have_a_small_error_and_others_not() -> None:
    rng = np.random.default_rng(0)
    said = rng.random(20_000)
    true = (rng.random(20_000) < said).astype(float)
    people = np.arange(20_000) % 500
    assert calibration_error(said, true, people, seed=1).value < 0.02
    sure = np.where(said > 0.5, 0.99, 0.01)
    wrong = calibration_error(sure, true, people, seed=1)
    assert wrong.value == pytest.approx(0.24, abs=0.02) and wrong.low < wrong.value < wrong.high


@pytest.mark.parametrize(
    ("said", "true", "words"),
    [([0.5], [1, 0], "do not fit"), ([], [], "do not fit"), ([1.2], [1], "from 0 to 1"),
     ([0.5], [0.5], "outcomes are 0 or 1"), ([np.nan], [1], "finite")],
)  # fmt: skip
def test_what_is_no_probability_is_refused(said, true, words) -> None:
    with pytest.raises(ValueError, match=words):
        calibration_error(said, true, range(len(said)), seed=0)
