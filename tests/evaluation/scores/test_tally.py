"""Streams of large searches, filled by float32 products, against all scores in float64."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from restore_recog.evaluation.scores import search as module
from restore_recog.evaluation.scores.search import SearchResult, search
from restore_recog.evaluation.scores.tally import Tally
from restore_recog.metrics.streaming_det import streaming_det
from restore_recog.metrics.verification import largest_count, rates_at_threshold
from restore_recog.types import Templates, Vector

INF = np.inf
FEWEST = 30
RATES = (0.0, 1e-4, 1e-3, 1e-2, 0.05, 0.3, 0.5, 0.9, 1.0)

Case = tuple[Templates, Templates, NDArray[np.str_], NDArray[np.str_]]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every search counts as large."""
    monkeypatch.setattr(module, "MOST", 1)
    monkeypatch.setattr(module, "Tally", partial(Tally, fewest=FEWEST))


def unit(rows: NDArray[np.floating]) -> Templates:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def case(kind: str, seed: int = 0) -> Case:
    """Return templates of 230 probes and 190 references; some have failed, some are nobody's."""
    rng = np.random.default_rng(seed)
    length = 512 if kind == "long" else 24
    middle = {"one direction": 5.0, "opposite": -0.5}.get(kind, 0.3)
    sides = [middle + rng.normal(size=(count, length)) for count in (230, 190)]
    if kind == "duplicates":
        sides = [side[rng.integers(0, 25, len(side))] for side in sides]
    elif kind == "coarse":
        sides = [np.round(side) for side in sides]
    elif kind == "opposite":
        sides[1] *= -1
    probes, references = (unit(side + 1e-9) for side in sides)
    probes[rng.random(230) < 0.05], references[rng.random(190) < 0.05] = np.nan, np.nan
    owners = rng.integers(0, 60, 230), rng.integers(0, 50, 190)
    people = [np.array([f"p{number:02}" for number in side]) for side in owners]
    if kind == "float32":
        probes, references = probes.astype(np.float32), references.astype(np.float32)
    return probes, references, people[0], people[1]


def dense(given: Case) -> tuple[Vector, Vector]:
    """Return all genuine and all impostor scores, -inf where one has failed."""
    probes, references, people, owners = given
    table = (probes.astype(np.float64) @ references.astype(np.float64).T).astype(np.float32)
    scores = np.where(np.isnan(table), -INF, table.astype(np.float64))
    same = people[:, None] == owners
    return scores[same], scores[~same]


def streamed(given: Case, block: int = 64) -> SearchResult:
    result = search(*given, block=block, streams=True)
    assert result.impostor.error > 0
    return result


KINDS = ["plain", "long", "float32", "one direction", "opposite", "duplicates", "coarse"]


@pytest.mark.parametrize("block", [50, 2048])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exact_is_that_of_all_scores(large: None, kind: str, block: int) -> None:
    given = case(kind)
    genuine, impostor = dense(given)
    result = streamed(given, block)
    done = np.sort(impostor[np.isfinite(impostor)])
    stream = result.impostor
    assert (stream.count, stream.failed) == (impostor.size, np.isneginf(impostor).sum())
    assert (stream.least, stream.most) == (done[0], done[-1])
    assert stream.kept.size == max(FEWEST, largest_count(1e-3, impostor.size) + 1)
    np.testing.assert_array_equal(stream.kept, done[-stream.kept.size :])
    for rate in (0.0, 1e-4, 1e-3, 1e-2):
        forbidden = done[done.size - 1 - largest_count(rate, impostor.size)]
        assert stream.threshold_at(rate) == (np.nextafter(forbidden, INF), True)
    assert stream.threshold_at(1.0) == (done[0], True)
    assert (result.genuine.count, result.genuine.floor) == (genuine.size, -INF)
    # Beside 0, float32 has numbers that are closer together than float64 rounds a sum of 1.
    kept = np.sort(genuine[np.isfinite(genuine)])
    np.testing.assert_allclose(result.genuine.kept, kept, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_lies_within_its_bounds_and_these_are_narrow(large: None, kind: str) -> None:
    given = case(kind)
    _, impostor = dense(given)
    stream, done = streamed(given).impostor, np.sort(impostor[np.isfinite(impostor)])
    assert stream.width < 2**-13 + (7e-5 if kind == "long" else 1e-5)
    for rate in RATES:
        threshold, _ = stream.threshold_at(rate)
        assert np.mean(impostor >= threshold) <= rate
        if (budget := largest_count(rate, impostor.size)) < done.size:
            assert 0 <= threshold - np.nextafter(done[-1 - budget], INF) < stream.width
    rng = np.random.default_rng(1)
    cuts = np.concatenate([rng.uniform(-1, 1, 300), done[::40], np.arange(-1, 1, 2**-10)])
    low, high = stream.counts_at(cuts)
    truth = done.size - np.searchsorted(done, cuts)
    assert (low <= truth).all() and (truth <= high).all()
    around = np.searchsorted(done, cuts + stream.width) - np.searchsorted(done, cuts - stream.width)
    assert (high - low <= around).all()
    above = cuts > stream.floor
    np.testing.assert_array_equal(low[above], high[above])
    assert abs(stream.mean - done.mean()) <= stream.error
    assert abs(stream.sd - done.std(ddof=1)) <= 1.001 * stream.error
    assert stream.mean == pytest.approx(done.mean(), abs=1e-7)
    assert stream.sd == pytest.approx(done.std(ddof=1), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_points_of_the_curve_are_exact_above_the_floor_and_near_below(
    large: None, kind: str
) -> None:
    given = case(kind)
    genuine, impostor = dense(given)
    result = streamed(given)
    found = streaming_det(result.genuine, result.impostor)
    curve, exact = found.curve, found.curve.thresholds > found.floor
    rates = np.array([rates_at_threshold(genuine, impostor, cut) for cut in curve.thresholds])
    np.testing.assert_array_equal(curve.fmr[exact], rates[exact, 0])
    np.testing.assert_array_equal(curve.fnmr, rates[:, 1])
    kept = result.impostor.kept
    assert np.isin(kept[kept > found.floor], curve.thresholds).all()
    assert np.abs(curve.fmr - rates[:, 0]).max() <= found.fmr_bound
    assert (np.diff(curve.fmr) <= 0).all()
    assert curve.fmr[0] == np.isfinite(impostor).mean()
    thinner = result.curve()
    assert thinner is not None and thinner.n_impostor == impostor.size


@pytest.mark.parametrize("kind", ["plain", "duplicates"])
def test_streams_are_the_same_whenever_they_are_filled(large: None, kind: str) -> None:
    given = case(kind)
    now, later = streamed(given), search(*given, block=64)
    for name in ("own", "best_other", "mated"):
        np.testing.assert_array_equal(getattr(now, name), getattr(later, name))
    np.testing.assert_array_equal(now.ranks.pessimistic, later.ranks.pessimistic)
    np.testing.assert_array_equal(now.ranks.optimistic, later.ranks.optimistic)
    for one, other in ((now.genuine, later.genuine), (now.impostor, later.impostor)):
        for name in ("count", "failed", "mean", "sd", "least", "error"):
            assert getattr(one, name) == getattr(other, name)
        np.testing.assert_array_equal(one.kept, other.kept)
        cuts = np.arange(-1, 1, 1e-3)
        np.testing.assert_array_equal(one.counts_at(cuts), other.counts_at(cuts))


@pytest.mark.parametrize("spread", [0.0, 1e-6])
def test_where_the_bound_tells_nothing_apart_all_scores_are_computed(
    large: None, spread: float
) -> None:
    noise = np.random.default_rng(0).normal(size=(200, 16))
    rows, people = unit(np.ones((200, 16)) + spread * noise), np.arange(200).astype(str)
    _, impostor = dense((rows, rows, people, people))
    stream = search(rows, rows, people, people, block=64, streams=True).impostor
    assert stream.error == 0.0 and stream.floor == -INF
    np.testing.assert_array_equal(stream.kept, np.sort(impostor))


def test_one_person_has_no_impostors(large: None) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(20, 8)))
    result = search(rows, rows, ["a"] * 20, ["a"] * 20, streams=True)
    assert (result.genuine.count, result.impostor.count) == (400, 0)
    assert result.curve() is None


def test_a_recognisers_own_comparison_is_taken_score_by_score(
    large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "Tally", refused)
    given = case("plain")
    result = search(*given, compare=lambda references, probes: references @ probes.T, streams=True)
    _, impostor = dense(given)
    assert result.impostor.error == 0.0
    np.testing.assert_array_equal(result.impostor.kept, np.sort(impostor[np.isfinite(impostor)]))


@pytest.mark.parametrize(("count", "error"), [(1024, False), (1026, True)])
def test_more_than_a_million_comparisons_are_counted(count: int, error: bool) -> None:
    """One run at the sizes that are in use; just below, all are kept."""
    rng = np.random.default_rng(2)
    probes, references = (unit(rng.normal(size=(count, 64)).astype(np.float32)) for _ in range(2))
    people = np.arange(count).astype(str)
    given: Case = probes.astype(np.float32), references.astype(np.float32), people, people
    _, impostor = dense(given)
    stream = search(*given, streams=True).impostor
    assert (stream.error > 0) == error
    scores = np.sort(impostor)
    np.testing.assert_allclose(stream.kept, scores[-stream.kept.size :], atol=1e-8)
    assert stream.kept.size == (1 << 12 if error else impostor.size)
    budget = largest_count(0.01, impostor.size)
    assert stream.threshold_at(0.01) == (np.nextafter(scores[-1 - budget], INF), True)
