"""Ranks against a brute-force oracle, hand-worked ties and failures."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from restore_recog.metrics.identification import (
    closed_set,
    cmc,
    expected_rank_rate,
    hits,
    identification_ranks,
    rank_rate,
    subject_scores,
)

INF = math.inf


def oracle_rank(row, own, owners, *, ties_ahead):
    """Rank by walking over people one at a time; None for a miss."""
    best = {}
    for score, owner in zip(row, owners, strict=True):
        best[owner] = max(score, best.get(owner, -INF))
    if best[own] == -INF:
        return None
    rank = 1
    for person, score in best.items():
        if person != own and (score > best[own] or (ties_ahead and score == best[own])):
            rank += 1
    return rank


def random_case(seed, decimals=1):
    rng = np.random.default_rng(seed)
    owners = rng.choice(list("abcdef"), 15)
    owners[:6] = list("abcdef")
    probes = rng.choice(list("abcdef"), 25)
    scores = np.round(rng.normal(size=(25, 15)) + 0.8 * (probes[:, None] == owners), decimals)
    scores[rng.random(25) < 0.1] = -INF
    scores[:, rng.random(15) < 0.2] = -INF
    return scores, probes, owners


@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_the_brute_force_ranks(seed):
    scores, probes, owners = random_case(seed, decimals=seed % 3)
    ranks = identification_ranks(scores, probes, owners)
    assert ranks.n_subjects == 6
    for number, (row, own) in enumerate(zip(scores.tolist(), probes, strict=True)):
        worst, best = (oracle_rank(row, own, owners, ties_ahead=ahead) for ahead in (True, False))
        assert ranks.missed[number] == (worst is None)
        assert ranks.pessimistic[number] == (7 if worst is None else worst)
        assert ranks.optimistic[number] == (7 if best is None else best)
        assert ranks.ties[number] == (0 if worst is None else worst - best)


@pytest.mark.parametrize("seed", range(4))
def test_rates_count_every_probe(seed):
    scores, probes, owners = random_case(seed)
    ranks = identification_ranks(scores, probes, owners)
    own_ranks = [
        oracle_rank(r, o, owners, ties_ahead=True) for r, o in zip(scores, probes, strict=True)
    ]
    curve = cmc(ranks, 6)
    for k in range(1, 10):
        share = sum(rank is not None and rank <= k for rank in own_ranks) / len(probes)
        assert rank_rate(ranks, k) == pytest.approx(share)
        assert hits(ranks, k).sum() == round(share * len(probes))
        if k <= 6:
            assert curve[k - 1] == pytest.approx(share)


def test_expected_rate_is_the_mean_over_all_orders_of_the_tied():
    row, owners = [0.5, 0.9, 0.5, 0.5, 0.1], list("abcde")
    ranks = identification_ranks([row], ["a"], owners)
    for k in range(1, 6):
        wins = []
        for order in itertools.permutations(range(5)):
            places = sorted(range(5), key=lambda i: (-row[i], order[i]))  # noqa: B023
            wins.append(places.index(0) < k)
        assert expected_rank_rate(ranks, k) == pytest.approx(np.mean(wins))
    assert (ranks.optimistic[0], ranks.pessimistic[0], ranks.n_tied) == (2, 4, 1)


def test_constant_embedding_finds_nobody():
    """100 people, all scores equal: 1 % by luck, and neither 0 % by order nor 100 %."""
    people = np.arange(100)
    ranks = identification_ranks(np.ones((100, 100)), people, people)
    assert rank_rate(ranks, 1) == 0.0
    assert expected_rank_rate(ranks, 1) == pytest.approx(0.01)
    assert expected_rank_rate(ranks, 30) == pytest.approx(0.30)
    assert ranks.n_tied == 100
    assert rank_rate(ranks, 100) == 1.0


def test_file_order_does_not_matter():
    scores, probes, owners = random_case(4)
    order = np.random.default_rng(0).permutation(len(owners))
    first = identification_ranks(scores, probes, owners)
    second = identification_ranks(scores[:, order], probes, owners[order])
    assert np.array_equal(first.pessimistic, second.pessimistic)


def test_rising_masks_change_no_rank():
    scores, probes, owners = random_case(5)
    mapped = np.where(np.isfinite(scores), np.exp(scores), -INF)
    a, b = (identification_ranks(s, probes, owners).pessimistic for s in (scores, mapped))
    assert np.array_equal(a, b)


def test_best_reference_speaks_for_a_subject():
    table, subjects = subject_scores([[0.1, 0.7, 0.4, -INF]], ["b", "a", "b", "a"])
    assert subjects.tolist() == ["a", "b"] and table.tolist() == [[0.7, 0.4]]


def test_failed_probe_misses_at_every_rank():
    scores = np.array([[0.9, 0.1], [-INF, -INF]])
    ranks = identification_ranks(scores, ["a", "b"], ["a", "b"])
    assert ranks.pessimistic.tolist() == [1, 3]
    assert [rank_rate(ranks, k) for k in (1, 2, 3, 99)] == [0.5] * 4
    assert expected_rank_rate(ranks, 99) == 0.5
    assert cmc(ranks, 4).tolist() == [0.5] * 4


def test_failed_enrolment_misses_and_stays_in_the_gallery():
    scores = np.array([[0.9, -INF], [0.4, -INF]])
    ranks = identification_ranks(scores, ["a", "b"], ["a", "b"])
    assert ranks.n_subjects == 2 and ranks.missed.tolist() == [False, True]
    assert rank_rate(ranks, 2) == 0.5


def test_one_subject_is_always_found():
    ranks = identification_ranks([[0.1, 0.2]], ["a"], ["a", "a"])
    assert rank_rate(ranks, 1) == 1.0 and ranks.ties.tolist() == [0]


def test_strangers_are_named_not_dropped():
    with pytest.raises(ValueError, match="1 probe subjects have no reference, zoe first"):
        identification_ranks(np.zeros((2, 1)), ["a", "zoe"], ["a"])
    assert closed_set(["a", "zoe", "a"], ["a", "b"]).tolist() == [True, False, True]


def test_no_probe_has_no_rate():
    ranks = identification_ranks(np.empty((0, 2)), np.empty(0, dtype=int), [1, 2])
    assert math.isnan(rank_rate(ranks, 1)) and math.isnan(expected_rank_rate(ranks, 1))
    assert np.isnan(cmc(ranks, 2)).all()


@pytest.mark.parametrize("bad", [math.nan, INF])
def test_nan_is_not_the_best_score(bad):
    with pytest.raises(ValueError, match="NaN or \\+inf"):
        identification_ranks([[0.1, bad]], ["a"], ["a", "b"])


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="shape"):
        subject_scores([[0.1, 0.2]], ["a"])
    with pytest.raises(ValueError, match="no reference"):
        subject_scores(np.empty((1, 0)), np.empty(0, dtype=str))
    with pytest.raises(ValueError, match="as many subjects"):
        identification_ranks([[0.1]], ["a", "a"], ["a"])
    ranks = identification_ranks([[0.1]], ["a"], ["a"])
    for call in (lambda: rank_rate(ranks, 0), lambda: cmc(ranks, 0)):
        with pytest.raises(ValueError, match="1 or more"):
            call()


def test_large_integer_subjects_stay_apart():
    """As float32 these two would be one person."""
    ranks = identification_ranks([[0.1, 0.2]], [16777216], [16777216, 16777217])
    assert ranks.n_subjects == 2 and ranks.pessimistic.tolist() == [2]
