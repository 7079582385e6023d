"""Numbers counted in bins for the scores that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog.metrics.counted import ROUNDING, Counted, Singles
from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.streaming_det import streaming_fnmr_at_fmr
from restore_recog.metrics.verification import fnmr_at_fmr

BINS = 1 << 12
ERROR = 1e-3


def table(seed: int = 0, shape: tuple[int, int] = (70, 900)) -> Singles:
    numbers = np.random.default_rng(seed).normal(0.3, 0.2, shape)
    return numbers.clip(-1, 1).astype(np.float32)


def counted(numbers: Singles, error: float = 0.0) -> Counted:
    found = Counted(BINS, error)
    for piece in np.array_split(numbers, 3):
        found.add(piece)
    return found


def test_counts_are_those_of_a_histogram_but_for_rounding() -> None:
    numbers = table()
    found = counted(numbers)
    edges = (np.arange(found.counts.size + 1) - found.zero) * found.width
    above = np.cumsum(found.counts[::-1])[::-1]
    wide = np.sort(numbers.reshape(-1).astype(np.float64))
    for shift, compared in ((ROUNDING, np.less_equal), (-ROUNDING, np.greater_equal)):
        assert compared(wide.size - np.searchsorted(wide, edges[:-1] + shift), above).all()
    assert found.size == numbers.size
    assert found.lowest() <= wide[0] + ROUNDING < found.lowest() + found.width + 2 * ROUNDING


def test_what_is_taken_out_was_never_there() -> None:
    numbers = table()
    whole, part = counted(numbers), counted(numbers[:, :500])
    whole.remove(numbers[:, 500:].reshape(-1))
    np.testing.assert_array_equal(whole.counts, part.counts)
    np.testing.assert_allclose(whole.moments, part.moments, rtol=1e-5)


def test_the_highest_edge_that_enough_numbers_reach() -> None:
    numbers = table()
    found = counted(numbers)
    edge = found.top(1000)
    assert found.at_or_above(edge) >= 1000 > found.at_or_above(edge + found.width)
    assert found.top(numbers.size) == found.lowest()
    assert found.top(numbers.size + 1) == -2.0
    assert found.at_or_above(-2.0) == numbers.size


@pytest.mark.parametrize("middle", [0.0, 0.9, -0.9])
def test_moments_keep_their_digits_far_from_zero(middle: float) -> None:
    numbers = (middle + 1e-3 * np.random.default_rng(1).normal(size=(300, 500))).astype(np.float32)
    mean, squares = counted(numbers).moments
    wide = numbers.astype(np.float64)
    assert mean == pytest.approx(wide.mean(), abs=1e-8)
    assert np.sqrt(squares / (wide.size - 1)) == pytest.approx(wide.std(ddof=1), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_stream_of_wrong_numbers_knows_how_wrong_it_may_be(seed: int) -> None:
    """Scores are moved by up to the error, at random or all one way."""
    scores = table(seed)
    rng = np.random.default_rng(seed)
    moves = rng.uniform(-ERROR, ERROR, scores.shape) if seed else np.full(scores.shape, ERROR)
    found = counted((scores + 0.999 * moves).astype(np.float32), ERROR)
    rising = np.sort(scores.reshape(-1)).astype(np.float64)
    stream = ScoreStream.of_counted(found, rising[-50:], rising[0], {6300: rising[-6301]})
    cuts = rng.uniform(-1, 1.1, 500)
    low, high = stream.counts_at(cuts)
    truth = rising.size - np.searchsorted(rising, cuts)
    assert (low <= truth).all() and (truth <= high).all() and (high > low).any()
    genuine = (scores[0] + np.float32(0.1)).clip(-1, 1)
    kept = ScoreStream(bins=BINS)
    kept.add(genuine)
    for rate in (0.0, 5e-4, 0.01, 0.1, 0.3, 0.9):
        point = streaming_fnmr_at_fmr(kept, stream, rate)
        exact = fnmr_at_fmr(genuine, scores.reshape(-1), rate)
        assert stream.threshold_at(rate)[1] == (rate in {0.0, 5e-4, 0.1})
        assert point.point.achieved_fmr <= rate
        assert -1e-12 <= point.point.fnmr - exact.fnmr <= point.fnmr_bound + 1e-12
        assert 0 <= point.point.threshold - exact.threshold <= point.threshold_bound
        assert point.threshold_bound <= 2 / BINS + 2.01 * ERROR
    assert abs(stream.mean - rising.mean()) <= stream.error
    assert abs(stream.sd - rising.std(ddof=1)) <= stream.error
    other = ScoreStream(50, BINS)
    other.merge(stream)
    assert other.error == stream.error and not other.threshold_at(0.1)[1]
    np.testing.assert_array_equal(other.kept, stream.kept)
