"""Bootstrap and tests over subjects: exact small cases and loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_array

from restore_recog.metrics import resampling
from restore_recog.metrics.uncertainty import (
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
    bootstrap_two_way_counts,
    mcnemar_exact,
    sign_flip_test,
    spearman,
)


def unbalanced(seed=0, n_subjects=12):
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(n_subjects), rng.integers(1, 6, n_subjects))
    return rng.normal(0.4, 0.1, subjects.size), subjects


def test_mean_interval_is_that_of_all_equally_likely_draws():
    """Three subjects have 27 draws, so the distribution is known exactly."""
    values, subjects = [1.0, 3.0, 5.0, 5.0, 11.0], ["a", "a", "b", "b", "c"]
    groups = {"a": [1.0, 3.0], "b": [5.0, 5.0], "c": [11.0]}
    means = sorted(
        np.mean([value for name in draw for value in groups[name]])
        for draw in itertools.product(groups, repeat=3)
    )
    result = bootstrap_mean(values, subjects, seed=1, resamples=40_000, level=0.8)
    assert result.value == 5.0
    assert (result.n, result.n_subjects, result.resamples) == (5, 3, 40_000)
    # 10 % of 27 draws lie at or below the third smallest mean.
    assert result.low == pytest.approx(means[2]) and result.high == pytest.approx(means[24])


def test_difference_is_paired():
    """A constant gain on noisy subjects has no spread at all."""
    clean, subjects = unbalanced()
    gain = bootstrap_difference(clean + 0.25, clean, subjects, seed=0)
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.25, 0.25, 0.25))
    harm = bootstrap_difference(clean, clean + 0.25, subjects, seed=0)
    assert harm.value == pytest.approx(-0.25)


def test_same_seed_same_interval_and_order_is_free():
    values, subjects = unbalanced(3)
    first = bootstrap_mean(values, subjects, seed=5)
    assert first == bootstrap_mean(values, subjects, seed=5)
    assert first != bootstrap_mean(values, subjects, seed=6)
    order = np.random.default_rng(0).permutation(values.size)
    shuffled = bootstrap_mean(values[order], subjects[order], seed=5)
    assert (shuffled.low, shuffled.high) == pytest.approx((first.low, first.high))


def test_chunks_change_nothing(monkeypatch):
    values, subjects = unbalanced(4)
    whole = bootstrap_mean(values, subjects, seed=5, resamples=100)
    monkeypatch.setattr(resampling, "_CHUNK", 7 * 12)
    pieces = bootstrap_mean(values, subjects, seed=5, resamples=100)
    assert (pieces.low, pieces.high) == pytest.approx((whole.low, whole.high))


def test_bools_are_rates():
    result = bootstrap_mean([True, False, True, True], list("abcd"), seed=0)
    assert result.value == 0.75 and 0.0 <= result.low < 0.75 < result.high <= 1.0


def test_one_subject_or_none_has_no_interval():
    one = bootstrap_mean([0.2, 0.4], ["a", "a"], seed=0)
    assert one.value == pytest.approx(0.3) and math.isnan(one.low) and math.isnan(one.high)
    none = bootstrap_mean([], [], seed=0)
    assert math.isnan(none.value) and math.isnan(none.low) and none.n_subjects == 0
    ratio = bootstrap_ratio([1.0], [0.0], [2.0], ["a"], seed=0)
    assert ratio.value == 0.5 and math.isnan(ratio.low) and ratio.straddles_zero


def test_ratio_of_a_constant_share():
    occluded, subjects = unbalanced(1)
    clean = occluded + np.random.default_rng(1).uniform(0.1, 0.3, occluded.size)
    restored = occluded + 0.4 * (clean - occluded)
    share = bootstrap_ratio(restored, occluded, clean, subjects, seed=0)
    assert (share.value, share.low, share.high) == pytest.approx((0.4, 0.4, 0.4))
    assert not share.straddles_zero and share.n_subjects == 12


def test_ratio_interval_is_that_of_single_draws():
    occluded, subjects = unbalanced(2)
    rng = np.random.default_rng(2)
    clean = occluded + rng.uniform(0.1, 0.5, occluded.size)
    restored = occluded + rng.normal(0.1, 0.1, occluded.size)
    result = bootstrap_ratio(restored, occluded, clean, subjects, seed=9, resamples=3000)
    ratios = []
    for _ in range(3000):
        draw = rng.integers(0, 12, 12)
        take = np.concatenate([np.flatnonzero(subjects == who) for who in draw])
        gain, cost = (restored - occluded)[take], (clean - occluded)[take]
        ratios.append(gain.mean() / cost.mean())
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.02)


def test_ratio_over_no_cost_is_flagged():
    occluded, subjects = unbalanced(3)
    noise = np.random.default_rng(3).normal(0, 0.1, occluded.size)
    flagged = bootstrap_ratio(occluded + 0.1, occluded, occluded + noise, subjects, seed=0)
    assert flagged.straddles_zero and math.isnan(flagged.low) and math.isnan(flagged.high)
    nothing = bootstrap_ratio(occluded + 0.1, occluded, occluded, subjects, seed=0)
    assert nothing.straddles_zero and math.isnan(nothing.value)


def test_two_way_weighs_pairs_by_both_people():
    """Against a loop that draws people and collects the pairs between different ones."""
    rng = np.random.default_rng(0)
    compared = rng.integers(0, 4, (8, 8))
    np.fill_diagonal(compared, 0)
    accepted = rng.binomial(compared, rng.random(8) * rng.random((8, 1)))
    result = bootstrap_two_way_counts(accepted, compared, seed=3, resamples=500)
    rates = []
    for counts in np.random.default_rng(3).multinomial(8, [1 / 8] * 8, 500):
        drawn = np.repeat(np.arange(8), counts).tolist()
        pairs = [(i, j) for i in drawn for j in drawn if i != j]
        total = sum(compared[pair] for pair in pairs)
        rates.append(sum(accepted[pair] for pair in pairs) / total)
    low, high = np.quantile(rates, [0.025, 0.975])
    assert result.value == accepted.sum() / compared.sum()
    assert (result.low, result.high) == pytest.approx((low, high), abs=1e-12)
    assert (result.n, result.n_subjects) == (compared.sum(), 8)


def test_two_way_counts_may_be_sparse_or_two_vectors():
    rng = np.random.default_rng(1)
    probes, references = rng.integers(0, 4, (2, 12))
    probes[3] = references[3] = 0  # nobody of that name was compared with anybody
    compared = np.outer(probes, references)
    np.fill_diagonal(compared, 0)
    accepted = rng.binomial(compared, 0.2)
    dense = bootstrap_two_way_counts(accepted, compared, seed=0, resamples=300)
    assert dense.n_subjects == 11 and dense.n == compared.sum()
    sparse = bootstrap_two_way_counts(
        csr_array(accepted), csr_array(compared), seed=0, resamples=300
    )
    sides = bootstrap_two_way_counts(accepted, (probes, references), seed=0, resamples=300)
    for other in (sparse, sides):
        assert (other.value, other.low, other.high) == pytest.approx(
            (dense.value, dense.low, dense.high), abs=1e-12
        )
        assert (other.n, other.n_subjects) == (dense.n, 11)


def test_two_way_change_between_arms_is_paired():
    """Arms that accept the same comparisons differ by nothing, in every draw."""
    compared = 1 - np.eye(9, dtype=int)
    accepted = np.random.default_rng(2).binomial(compared, 0.3)
    same = bootstrap_two_way_counts(accepted - accepted, compared, seed=0)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    more = bootstrap_two_way_counts(compared - accepted, compared, seed=0)
    assert more.value == pytest.approx(1 - accepted.sum() / 72)


def test_two_way_limits():
    nothing = bootstrap_two_way_counts(np.zeros((3, 3)), np.zeros((3, 3)), seed=0)
    assert math.isnan(nothing.value) and math.isnan(nothing.low) and nothing.n_subjects == 0
    one = bootstrap_two_way_counts([[0]], ([5], [2]), seed=0)
    assert math.isnan(one.value) and one.n_subjects == 0  # met nobody else
    for accepted, compared in (
        (np.eye(2), 1 - np.eye(2)),
        (np.zeros((2, 2)), np.ones((2, 2))),
        (np.zeros((2, 2)), np.zeros((3, 3))),
        (np.zeros((2, 2)), ([1, 1, 1], [1, 1, 1])),
        (np.zeros((2, 2)), ([1, -1], [1, 1])),
        (np.zeros((2, 3)), ([1, 1], [1, 1])),
    ):
        with pytest.raises(ValueError, match="needed"):
            bootstrap_two_way_counts(accepted, compared, seed=0)


def test_rank_correlation_is_scipys_and_that_of_the_copies():
    rng = np.random.default_rng(4)
    subjects = np.repeat(np.arange(7), 4)
    x = rng.integers(0, 6, 28).astype(float)
    y = x + rng.integers(0, 6, 28)
    x[:2] = math.inf, -math.inf
    interval = spearman(x, y, subjects, seed=5, resamples=100)
    assert interval.value == pytest.approx(stats.spearmanr(x, y).statistic)
    values = []
    for counts in np.random.default_rng(5).multinomial(7, [1 / 7] * 7, 100):
        take = np.concatenate(
            [np.flatnonzero(subjects == who) for who in np.repeat(range(7), counts)]
        )
        values.append(stats.spearmanr(x[take], y[take]).statistic)
    low, high = np.quantile(values, [0.025, 0.975])
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert (interval.n, interval.n_subjects) == (28, 7)


def test_rank_correlation_limits():
    up = spearman([1, 2, 4], [0, 10, 20], list("abc"), seed=0)
    assert up.value == pytest.approx(1.0)
    assert spearman([1, 2, 4], [3, 2, 1], list("abc"), seed=0).value == pytest.approx(-1.0)
    constant = spearman([0.1] * 3, [1, 2, 3], list("abc"), seed=0)
    assert math.isnan(constant.value) and math.isnan(constant.low)
    assert math.isnan(spearman([], [], [], seed=0).value)
    assert math.isnan(spearman([1, 2], [1, 2], ["a", "a"], seed=0).low)
    with pytest.raises(ValueError, match="NaN"):
        spearman([math.nan], [1], ["a"], seed=0)
    with pytest.raises(ValueError, match="one subject"):
        spearman([1, 2], [1], ["a", "b"], seed=0)


def test_sign_flips_are_exact_for_few_subjects():
    # Totals 3, 2, 1: of 8 flips, 6 and -6 are as extreme as the data.
    assert sign_flip_test([1, 2, 2, 1], ["a", "a", "b", "c"], seed=0) == 0.25
    # Totals 3, -1: sums 2, 4, -4, -2 are all as extreme.
    assert sign_flip_test([3, -1], ["a", "b"], seed=0) == 1.0
    assert sign_flip_test([0.0, 0.0], ["a", "b"], seed=0) == 1.0
    assert math.isnan(sign_flip_test([], [], seed=0))


def test_random_sign_flips_approach_the_exact_p():
    rng = np.random.default_rng(1)
    subjects = np.repeat(np.arange(11), 3)
    differences = rng.normal(0.1, 0.3, 33)
    exact = sign_flip_test(differences, subjects, seed=0)
    drawn = sign_flip_test(differences, subjects, seed=0, permutations=2000)
    assert exact != drawn and drawn == pytest.approx(exact, abs=0.04)
    assert drawn == sign_flip_test(differences, subjects, seed=0, permutations=2000)


def test_sign_flips_keep_their_level_when_images_of_a_person_are_alike():
    rng = np.random.default_rng(2)
    subjects = np.repeat(np.arange(10), 6)
    ps = [sign_flip_test(rng.normal(0, 1, 10)[subjects], subjects, seed=0) for _ in range(200)]
    assert np.mean(np.array(ps) <= 0.05) < 0.10


def test_a_large_gain_is_seen():
    assert sign_flip_test(np.full(30, 0.1), np.arange(30), seed=0) == pytest.approx(1 / 10_001)


@pytest.mark.parametrize(
    ("rescued", "harmed", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (8, 1, 2 * 10 / 512), (0, 5, 2 / 32)],
)
def test_mcnemar_by_hand(rescued, harmed, p):
    assert mcnemar_exact(rescued, harmed) == pytest.approx(p)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_failures_are_not_averaged(bad):
    for call in (
        lambda: bootstrap_mean([0.1, bad], ["a", "b"], seed=0),
        lambda: bootstrap_difference([0.1, 0.1], [0.1, bad], ["a", "b"], seed=0),
        lambda: bootstrap_ratio([bad], [0.1], [0.2], ["a"], seed=0),
        lambda: sign_flip_test([bad], ["a"], seed=0),
    ):
        with pytest.raises(ValueError, match="finite"):
            call()


def test_other_bad_input_is_refused():
    for call, message in (
        (lambda: bootstrap_mean([0.1], ["a", "b"], seed=0), "as many subjects"),
        (lambda: bootstrap_difference([0.1], [0.1, 0.2], ["a"], seed=0), "equally long"),
        (lambda: bootstrap_ratio([0.1], [0.1], [], ["a"], seed=0), "equally long"),
        (lambda: bootstrap_mean([0.1], ["a"], seed=0, level=95), "level < 1"),
        (lambda: bootstrap_mean([0.1], ["a"], seed=0, resamples=0), "resamples >= 1"),
        (lambda: sign_flip_test([0.1], ["a"], seed=0, permutations=0), "one permutation"),
        (lambda: mcnemar_exact(-1, 2), "negative"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
