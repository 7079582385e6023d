"""Streams of scores against the exact functions on the same scores."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from restore_recog.errors import DataError
from restore_recog.metrics.streaming import LIMIT, ScoreStream
from restore_recog.metrics.streaming_det import streaming_det, streaming_fnmr_at_fmr
from restore_recog.metrics.verification import det_curve, fnmr_at_fmr, rates_at_threshold

INF = math.inf
BINS = 1 << 10
TARGETS = (0.0, 1e-4, 1e-3, 0.01, 0.05, 0.3, 0.31, 0.9, 1.0)


def stream_of(scores, tail=50, bins=BINS, pieces=1):
    stream = ScoreStream(tail, bins)
    for piece in np.array_split(scores, pieces):
        stream.add(piece)
    return stream


def case(seed, n=400, decimals=None, failed=0.05):
    """Impostor and genuine cosines with negatives, failures and (rounded) ties."""
    rng = np.random.default_rng(seed)
    impostor, genuine = rng.normal(-0.1, 0.3, n).clip(-1, 1), rng.normal(0.4, 0.3, n // 3)
    genuine = genuine.clip(-1, 1)
    if decimals is not None:
        impostor, genuine = np.round(impostor, decimals), np.round(genuine, decimals)
    impostor[rng.random(n) < failed] = -INF
    genuine[rng.random(genuine.size) < failed] = -INF
    return genuine, impostor


@pytest.mark.parametrize("decimals", [None, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_all_kept_is_all_exact(seed, decimals):
    genuine, impostor = case(seed, decimals=decimals)
    stream = stream_of(impostor, tail=impostor.size, pieces=3)
    streamed = streaming_det(genuine, stream)
    curve = det_curve(genuine, impostor)
    for name in ("thresholds", "fmr", "fnmr"):
        np.testing.assert_array_equal(getattr(streamed.curve, name), getattr(curve, name))
    assert (streamed.floor, streamed.fmr_bound, streamed.fnmr_bound) == (-INF, 0.0, 0.0)
    for target in TARGETS:
        point = streaming_fnmr_at_fmr(genuine, stream, target)
        assert point.exact
        assert point.point == fnmr_at_fmr(genuine, impostor, target)


@pytest.mark.parametrize("decimals", [None, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_every_point_is_exact_and_none_above_the_floor_is_missing(seed, decimals):
    genuine, impostor = case(seed, decimals=decimals)
    streamed = streaming_det(stream_of(genuine, tail=60), stream_of(impostor, tail=40))
    curve = det_curve(genuine, impostor)
    for threshold, fmr, fnmr in zip(
        streamed.curve.thresholds, streamed.curve.fmr, streamed.curve.fnmr, strict=True
    ):
        assert (fmr, fnmr) == rates_at_threshold(genuine, impostor, threshold)
    upper = curve.thresholds > streamed.floor
    assert upper.sum() >= 5
    assert np.isin(curve.thresholds[upper], streamed.curve.thresholds).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_true_curve_stays_between_neighbouring_points(seed):
    genuine, impostor = case(seed, n=4000)
    streamed = streaming_det(stream_of(genuine), stream_of(impostor))
    curve = det_curve(genuine, impostor)
    assert 0 < streamed.fmr_bound < 0.02 and 0 < streamed.fnmr_bound < 0.02
    after = np.searchsorted(streamed.curve.thresholds, curve.thresholds, side="left")
    assert ((curve.fmr - streamed.curve.fmr[after]) <= streamed.fmr_bound + 1e-12).all()
    assert ((streamed.curve.fnmr[after] - curve.fnmr) <= streamed.fnmr_bound + 1e-12).all()


@pytest.mark.parametrize("tails", [(40, 60), (10_000, 60), (40, 10_000), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_operating_points_are_exact_or_within_the_bound(seed, tails):
    genuine, impostor = case(seed, n=2000, decimals=3 if seed % 2 else None)
    streams = stream_of(genuine, tails[0], pieces=4), stream_of(impostor, tails[1], pieces=4)
    for target in TARGETS:
        truth, streamed = (
            fnmr_at_fmr(genuine, impostor, target),
            streaming_fnmr_at_fmr(*streams, target),
        )
        assert streamed.point.achieved_fmr <= target
        assert streamed.point.false_accept_budget == truth.false_accept_budget
        if streamed.exact:
            assert streamed.point == truth
        assert 0 <= streamed.point.threshold - truth.threshold <= streamed.threshold_bound
        assert 0 <= streamed.point.fnmr - truth.fnmr <= streamed.fnmr_bound + 1e-12
        if truth.false_accept_budget < tails[1]:
            assert streamed.threshold_bound == 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_merging_in_any_order_gives_the_same(dtype):
    scores = case(3, n=3000, decimals=3)[1].astype(dtype)
    whole = stream_of(scores, tail=100)
    rng = np.random.default_rng(0)
    for pieces in (2, 7):
        parts = [stream_of(part, tail=100) for part in np.array_split(scores, pieces)]
        merged = ScoreStream(100, BINS)
        for number in rng.permutation(pieces):
            merged.merge(parts[number])
        shuffled = stream_of(rng.permutation(scores), tail=100, pieces=11)
        for other in (merged, shuffled):
            assert (other.count, other.failed) == (whole.count, whole.failed)
            assert (other.least, other.most) == (whole.least, whole.most)
            np.testing.assert_array_equal(other.kept, whole.kept)
            cuts = np.append(rng.uniform(-1, 1, 50), scores[np.isfinite(scores)][:50])
            np.testing.assert_array_equal(other.counts_at(cuts), whole.counts_at(cuts))
            assert [other.threshold_at(r) for r in TARGETS] == [
                whole.threshold_at(r) for r in TARGETS
            ]
            assert other.mean == pytest.approx(whole.mean, abs=1e-14)
            assert other.sd == pytest.approx(whole.sd, abs=1e-14)


def test_shares_are_exact_at_edges_and_in_the_tail_and_bounded_elsewhere():
    scores = case(1, n=5000)[1]
    stream = stream_of(scores, tail=100)
    for edge in np.arange(-1.0, 1.0, stream.width * 37):
        assert stream.share_at_or_above(edge) == (np.mean(scores >= edge), 0.0)
    for cut in (0.123456, -0.4444, 1e-20, -1e-20):
        share, bound = stream.share_at_or_above(cut)
        assert abs(share - np.mean(scores >= cut)) <= bound + 1e-12 < 0.005
    high = np.sort(scores)[-30]
    assert stream.share_at_or_above(high) == (np.mean(scores >= high), 0.0)
    assert stream.share_at_or_above(INF) == (0.0, 0.0)


def test_scores_on_edges_and_beside_zero_fall_into_the_right_bin():
    tiny = float(np.nextafter(0.0, 1.0))
    scores = np.array([0.0, -0.0, tiny, -tiny, 0.5, np.nextafter(0.5, 0), -1.0, 1.0, LIMIT, -LIMIT])
    stream = stream_of(scores, tail=1)
    for edge in (-1.0, 0.0, 0.5, 1.0):
        assert stream.share_at_or_above(edge) == (np.mean(scores >= edge), 0.0)
    low, high = stream.counts_at([tiny])
    assert low[0] <= np.count_nonzero(scores >= tiny) <= high[0]


def test_float32_scores_are_counted_as_they_are():
    scores = np.random.default_rng(0).uniform(-1, 1, 4000).astype(np.float32)
    wide, narrow = (
        stream_of(scores.astype(np.float64), bins=1 << 20),
        stream_of(scores, bins=1 << 20),
    )
    np.testing.assert_array_equal(wide.occupied_edges(), narrow.occupied_edges())
    np.testing.assert_array_equal(wide.kept, narrow.kept)


@pytest.mark.parametrize("value", [0.3, -0.7, 0.0, 1.0])
def test_all_equal_scores(value):
    stream = stream_of(np.full(500, value), tail=10, pieces=9)
    assert stream.sd == 0.0 and stream.mean == pytest.approx(value, abs=1e-15)
    threshold, exact = stream.threshold_at(0.01)  # budget 5: accepting one accepts all
    assert (threshold, exact) == (np.nextafter(value, INF), True)
    assert stream.threshold_at(0.5) == (
        (math.floor(value / stream.width) + 1) * stream.width,
        False,
    )
    assert stream.threshold_at(1.0) == (value, True)


def test_moments_are_those_of_the_finite_scores():
    scores = 0.9 + 1e-6 * np.random.default_rng(0).normal(size=3000)
    stream = stream_of(np.append(scores, [-INF] * 5), pieces=6)
    stream.add([], failed=7)
    assert (stream.count, stream.failed) == (3012, 12)
    assert stream.mean == pytest.approx(scores.mean(), abs=1e-14)
    assert stream.sd == pytest.approx(scores.std(ddof=1), rel=1e-9)


def test_streams_without_scores():
    stream = ScoreStream(5, BINS)
    assert math.isnan(stream.mean) and math.isnan(stream.sd)
    assert all(math.isnan(x) for x in stream.share_at_or_above(0.0))
    with pytest.raises(DataError, match="no comparison"):
        stream.threshold_at(0.1)
    with pytest.raises(DataError, match="no impostor"):
        streaming_det([0.5], stream)
    stream.add(np.full((2, 3), -INF))
    assert stream.threshold_at(0.1) == (INF, True) and stream.count == stream.failed == 6
    streamed = streaming_det([0.5], stream)
    np.testing.assert_array_equal(streamed.curve.fmr, [0.0, 0.0])


@pytest.mark.parametrize("bad", [[math.nan], [INF], [1.01], [-1.5], [0.1, math.nan, -INF]])
def test_what_is_not_a_cosine_is_refused_whole(bad):
    stream = stream_of([0.2, 0.3])
    with pytest.raises(ValueError, match="cosines"):
        stream.add(bad)
    assert stream.count == 2


@pytest.mark.parametrize("limit", [2, 256, 1024])
def test_a_higher_limit_takes_higher_scores_in_wider_bins(limit):
    genuine, impostor = case(3)
    plain, wide = stream_of(impostor), ScoreStream(50, BINS, limit)
    wide.add(impostor * limit)  # by a power of two: nothing is rounded
    assert wide.width == limit * plain.width
    for target in TARGETS:
        threshold, exact = plain.threshold_at(target)
        assert wide.threshold_at(target)[1] == exact
        assert wide.threshold_at(target)[0] == pytest.approx(limit * threshold, rel=1e-12)
    curve = streaming_det(genuine * limit, wide).curve
    np.testing.assert_array_equal(curve.fmr, streaming_det(genuine, plain).curve.fmr)
    with pytest.raises(ValueError, match="numbers"):
        wide.add([1.01 * limit])
    with pytest.raises(ValueError, match="merged"):
        wide.merge(plain)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="limit"):
        ScoreStream(limit=3)
    for options in ({"tail": 0}, {"bins": 1000}, {"bins": 1 << 9}):
        with pytest.raises(ValueError, match="stream needs"):
            ScoreStream(**options)
    with pytest.raises(ValueError, match="merged"):
        ScoreStream(5).merge(ScoreStream(6))
    with pytest.raises(ValueError, match="in common"):
        streaming_det(stream_of([0.1], bins=BINS), stream_of([0.1], bins=2 * BINS))
    for rate in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="rate"):
            stream_of([0.1]).threshold_at(rate)
    for cut in (math.nan, -INF):
        with pytest.raises(ValueError, match="above -inf"):
            stream_of([0.1]).counts_at([cut])


def test_memory_does_not_grow_with_the_scores():
    rng = np.random.default_rng(0)
    stream = ScoreStream(tail=1000, bins=BINS)
    stream.add(rng.uniform(-1, 1, 100_000).astype(np.float32))
    tracemalloc.start()
    for _ in range(20):  # 2 million scores are 8 MB, or 16 in float64
        stream.add(rng.uniform(-1, 1, 100_000).astype(np.float32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.count == 2_100_000
    assert peak < 5e6
