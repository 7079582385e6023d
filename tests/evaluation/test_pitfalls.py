"""The traps that other face-recognition tools fall into, one test each.

The list is the study's table of pitfalls. Each test shows our answer and, where it is cheap,
what the wrong way would have said. What cannot be shown here:

* the DET plot (axes that are not normal deviates, or end at +-3 sigma, or a figure that is
  drawn and never written): ``test_plots.py``;
* dense N x M tables, a partition for every rank, pairs in Python loops: ``test_search.py`` and
  ``test_streaming.py``, with bounds on memory;
* a data set smaller than the batch: ``test_batch_size_changes_nothing`` in
  ``test_evaluate.py`` for images, the blocks of ``test_search.py`` for templates, and a
  test below for the draws;
* failure to acquire in a whole run: ``test_evaluate.py``; here the arithmetic;
* ``np.int`` and its like, ``yaml.load`` without a loader: NumPy 2 has no such names and would
  fail every test; nothing here reads YAML.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.metrics import resampling
from restore_recog.metrics.identification import (
    expected_rank_rate,
    identification_ranks,
    rank_rate,
)
from restore_recog.metrics.open_set import open_set_rates
from restore_recog.metrics.separation import d_prime
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import bootstrap_mean, mcnemar_exact, sign_flip_test
from restore_recog.metrics.verification import (
    det_curve,
    equal_error_rate,
    fnmr_at_fmr,
    rates_at_threshold,
    system_rates,
    zero_fmr,
)
from restore_recog.metrics.view2 import best_threshold, view2

INF = math.inf


def normal_scores(seed, genuine=400, impostor=3000, shift=2.0):
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, genuine), rng.normal(0, 1, impostor)


def test_ties_in_rank_1_are_neither_luck_nor_success():
    """A restorer that paints the same face for all: 0 %, and 1 % by chance; not 100 %."""
    people = np.random.default_rng(0).permutation(100)
    scores = np.ones((100, 100))
    ranks = identification_ranks(scores, np.arange(100), people)
    assert rank_rate(ranks, 1) == 0.0 and ranks.n_tied == 100
    assert expected_rank_rate(ranks, 1) == pytest.approx(0.01)
    own = scores[np.arange(100), np.argsort(people)]
    assert np.mean(own >= scores.max(axis=1)) == 1.0  # ties counted as success


def test_ties_lose_in_the_code_as_in_the_words():
    ranks = identification_ranks([[0.7, 0.7, 0.1]], ["a"], ["a", "b", "c"])
    assert ranks.pessimistic.tolist() == [2] and ranks.optimistic.tolist() == [1]
    assert rank_rate(ranks, 1) == 0.0 and expected_rank_rate(ranks, 1) == 0.5


def test_file_order_decides_nothing():
    rng = np.random.default_rng(1)
    scores, own = np.round(rng.random((50, 20)), 1), rng.integers(0, 20, 50)
    rates = set()
    for _ in range(5):
        order = rng.permutation(20)
        rates.add(rank_rate(identification_ranks(scores[:, order], own, order), 1))
    assert len(rates) == 1


def test_a_score_on_the_threshold_is_accepted():
    """With strict signs on both sides a constant recogniser would be right 0 % of the time."""
    scores, same = np.full(100, 0.5), np.arange(100) % 2 == 0
    assert rates_at_threshold(scores[same], scores[~same], 0.5) == (1.0, 0.0)
    result = view2(scores, same, np.arange(100) // 10)
    assert result.accuracy == 0.5
    strict = np.mean(np.where(same, scores > 0.5, scores < 0.5))
    assert strict == 0.0


@pytest.mark.parametrize("n", [200, 700])
def test_an_fmr_below_one_in_n_is_flagged_and_lets_nobody_in(n):
    """The highest score is an impostor's: FMR1000 and ZeroFMR must refuse everybody."""
    genuine = np.linspace(0.5, 0.9, 50)
    impostor = np.append(np.linspace(-0.5, 0.4, n - 1), 0.95)
    point = fnmr_at_fmr(genuine, impostor, 0.001)
    assert (point.fnmr, point.achieved_fmr, point.threshold > 0.95) == (1.0, 0.0, True)
    assert zero_fmr(genuine, impostor).fnmr == 1.0
    assert not point.supported and point.false_accept_budget == 0
    assert flag(50, 50, 10, false_accept_budget=0) == "too few impostors"
    # The nearest of the observed thresholds is read at 1/n, five times the target or so.
    tries = np.concatenate([genuine, impostor])
    fmrs = np.array([np.mean(impostor >= t) for t in tries])
    assert fmrs[np.argmin(np.abs(fmrs - 0.001))] == pytest.approx(1 / n) and 1 / n > 0.001


def test_the_target_is_never_exceeded_for_a_nearer_point():
    genuine, impostor = normal_scores(0)
    point = fnmr_at_fmr(genuine, impostor, 5.5e-4)  # 1.65 of 3000 comparisons
    assert point.achieved_fmr == pytest.approx(1 / 3000) and point.false_accept_budget == 1
    curve = det_curve(genuine, impostor)
    nearest = np.argmin(np.abs(curve.fmr - 5.5e-4))
    assert curve.fmr[nearest] == pytest.approx(2 / 3000)  # over the target
    assert curve.fnmr[nearest] < point.fnmr  # and flattered


def test_the_det_curve_is_not_resampled():
    """At FMR 1e-3 the curve has its true FNMR; a grid of 0.05 draws a chord far above it."""
    genuine, impostor = normal_scores(1, impostor=20_000, shift=3.2)
    truth = fnmr_at_fmr(genuine, impostor, 1e-3).fnmr
    curve = det_curve(genuine, impostor)
    assert curve.fnmr[np.argmax(curve.fmr <= 1e-3)] == truth
    grid = np.arange(0, 1, 0.05)
    coarse = [fnmr_at_fmr(genuine, impostor, x).fnmr for x in grid]
    assert np.interp(1e-3, grid, coarse) > truth + 0.2


def test_the_threshold_is_not_chosen_on_the_pairs_it_is_tested_on():
    """Random scores are right half of the time; the best threshold on them says more."""
    flattered, honest = [], []
    same, folds = np.arange(1000) % 2 == 0, np.arange(1000) // 100
    for seed in range(20):
        scores = np.random.default_rng(seed).random(1000)
        best = best_threshold(scores, same)
        flattered.append(np.mean((scores >= best) == same))
        honest.append(view2(scores, same, folds).accuracy)
    assert np.mean(honest) <= 0.505
    assert np.mean(flattered) >= 0.515


def test_duplicate_scores_break_nothing():
    genuine, impostor = [0.5, 0.5, 0.5, 0.9], [0.5, 0.5, 0.1, 0.1]
    curve = det_curve(genuine, impostor)
    assert curve.thresholds.tolist() == [0.1, 0.5, 0.9, INF]
    assert np.all(np.diff(curve.thresholds) > 0)
    assert equal_error_rate(genuine, impostor).value == pytest.approx(0.3)
    assert view2([*genuine, *impostor], [True] * 4 + [False] * 4, [0, 1] * 4).accuracy == 0.75


def test_thresholds_are_not_a_grid():
    """Two people a millionth apart are told apart; steps of 0.01 or 0.001 would not."""
    genuine, impostor = [0.5000012] * 5, [0.5000008] * 5
    assert equal_error_rate(genuine, impostor).value == 0.0
    assert fnmr_at_fmr(genuine, impostor, 0.01).fnmr == 0.0
    assert best_threshold([*genuine, *impostor], [True] * 5 + [False] * 5) == pytest.approx(
        0.500001
    )
    grid = np.arange(0, 4, 0.001)
    best = max(np.mean(np.array(genuine) >= t) + np.mean(np.array(impostor) < t) for t in grid)
    assert best == 1.0  # of 2


def test_people_numbered_above_two_to_the_24_stay_apart():
    owners = np.array([16777216, 16777217])
    assert np.unique(owners.astype(np.float32)).size == 1
    ranks = identification_ranks([[0.1, 0.2]], [16777216], owners)
    assert ranks.n_subjects == 2 and ranks.pessimistic.tolist() == [2]
    mean = bootstrap_mean([0.0, 1.0], owners, seed=0)
    assert mean.n_subjects == 2


def test_lone_queries_are_neither_dropped_nor_right():
    """A probe whose only reference failed is a miss; nobody's accuracy rises by losing it."""
    scores = np.array([[0.9, -INF], [0.4, -INF]])
    assert rank_rate(identification_ranks(scores, ["a", "b"], ["a", "b"]), 1) == 0.5
    with pytest.raises(ValueError, match="no reference, b first"):
        identification_ranks(scores[:, :1], ["a", "b"], ["a"])
    # Whoever was never enrolled is searched for all the same, as a stranger.
    assert open_set_rates([0.9], [1], [0.4], 0.3) == (1.0, 0.0)


def test_failures_stay_in_every_figure():
    """A detector that gives up on the hard half must not look better for it."""
    rng = np.random.default_rng(2)
    genuine, impostor = rng.normal(0.5, 0.2, 200), rng.normal(0.1, 0.1, 500)
    picky = np.where(genuine < 0.5, -INF, genuine)
    assert fnmr_at_fmr(picky, impostor, 0.01).fnmr >= fnmr_at_fmr(genuine, impostor, 0.01).fnmr
    assert fnmr_at_fmr(picky[np.isfinite(picky)], impostor, 0.01).fnmr == 0.0  # dropped
    scores = np.where(np.arange(4)[:, None] < 2, np.eye(4), -INF)
    assert rank_rate(identification_ranks(scores, np.arange(4), np.arange(4)), 1) == 0.5
    same = np.arange(200) % 2 == 0
    half = np.where(np.arange(200) < 100, same.astype(float), -INF)
    assert view2(half, same, np.arange(200) % 10).correct.size == 200
    assert view2(half, same, np.arange(200) % 10).accuracy == pytest.approx(0.75)


def test_failure_to_acquire_is_counted_by_image():
    """One failed probe of two, met by 9 and by 1 references: 50 %, not 10 or 90 %."""
    failed, comparisons = np.array([True, False]), np.array([9, 1])
    by_image = bootstrap_mean(failed, ["a", "b"], seed=0).value
    assert by_image == 0.5
    assert np.average(failed, weights=comparisons) == 0.9
    assert system_rates(0.0, 0.0, fta=by_image, fte=0.0).frr == 0.5


def test_the_equal_error_rate_keeps_its_digits():
    impostor = np.concatenate([np.zeros(2999), [2.0]])
    value = equal_error_rate(np.ones(3000), impostor).value
    assert value == pytest.approx(1 / 3000, rel=1e-12) and round(value, 2) == 0.0


def test_the_threshold_is_no_quantile():
    """An interpolated quantile lies below an impostor whom the target forbids to accept."""
    impostor = np.array([0.1] * 95 + [0.7] * 5)
    genuine = np.linspace(0, 1, 101)
    quantile = np.quantile(impostor, 1 - 0.02)
    assert np.mean(impostor >= quantile) == 0.05  # 5 % where 2 % were asked for
    point = fnmr_at_fmr(genuine, impostor, 0.02)
    assert point.achieved_fmr == 0.0 and point.threshold > 0.7


def test_operating_points_are_looked_up_on_the_whole_curve():
    metrics = pytest.importorskip("sklearn.metrics")
    genuine, impostor = np.arange(0.5, 10), np.arange(10.0) - 5
    labels = np.repeat([1, 0], [genuine.size, impostor.size])
    values = np.concatenate([genuine, impostor])
    fpr, tpr, _ = metrics.roc_curve(labels, values, drop_intermediate=True)
    thinned = 1 - tpr[np.argmin(np.abs(fpr - 0.25))]
    full, tpr_full, _ = metrics.roc_curve(labels, values, drop_intermediate=False)
    best = 1 - tpr_full[full <= 0.25].max()
    point = fnmr_at_fmr(genuine, impostor, 0.25)
    assert point.fnmr == pytest.approx(best) and point.achieved_fmr <= 0.25
    assert len(fpr) < len(full) and thinned != pytest.approx(best)


@pytest.mark.parametrize("rows", [1, 3, 7, 8, 20])
def test_a_last_piece_smaller_than_the_others_is_no_special_case(rows, monkeypatch):
    """Fewer draws than a chunk, a whole one, or one and a bit: the same draws."""
    values, subjects = np.arange(10.0), np.arange(10)
    whole = bootstrap_mean(values, subjects, seed=0, resamples=rows)
    monkeypatch.setattr(resampling, "_CHUNK", 7 * 10)
    pieces = bootstrap_mean(values, subjects, seed=0, resamples=rows)
    assert sum(resampling.chunks(rows, 10)) == rows
    assert (pieces.low, pieces.high) == pytest.approx((whole.low, whole.high))


def test_images_of_one_person_are_not_independent():
    """Ten copies of each image say nothing new, and an interval of people knows it."""
    rng = np.random.default_rng(3)
    values, people = (rng.random(50) < 0.4).astype(float), np.arange(50)
    once = bootstrap_mean(values, people, seed=0)
    tenfold = bootstrap_mean(np.repeat(values, 10), np.repeat(people, 10), seed=0)
    assert tenfold.high - tenfold.low == pytest.approx(once.high - once.low)
    wrong = bootstrap_mean(np.repeat(values, 10), np.arange(500), seed=0)
    assert wrong.high - wrong.low < 0.5 * (once.high - once.low)


def test_mcnemar_takes_copies_for_evidence_and_sign_flips_do_not():
    differences, people = np.array([1.0, 1.0, 1.0, 1.0, 1.0, -1.0]), np.arange(6)
    assert mcnemar_exact(5, 1) == pytest.approx(0.21875)
    assert mcnemar_exact(50, 10) < 1e-6
    p = sign_flip_test(differences, people, seed=0)
    assert p == pytest.approx(0.21875)
    assert sign_flip_test(np.repeat(differences, 10), np.repeat(people, 10), seed=0) == p


@pytest.mark.parametrize("bad", [math.nan, INF])
def test_nan_and_infinity_are_not_the_best_score(bad):
    """Sorted downwards, NaN comes first: the stranger would be found."""
    assert int(np.argsort([0.9, bad])[::-1][0]) == 1
    calls = (
        lambda: identification_ranks([[0.9, bad]], ["a"], ["a", "b"]),
        lambda: det_curve([0.9, bad], [0.1]),
        lambda: fnmr_at_fmr([0.9], [bad], 0.1),
        lambda: view2([0.9, bad], [True, False], [0, 1]),
        lambda: open_set_rates([0.9], [1], [bad], 0.5),
        lambda: d_prime([0.9, bad], [0.1, 0.2]),
    )
    for call in calls:
        with pytest.raises(ValueError, match="NaN or \\+inf"):
            call()


def test_minus_infinity_is_kept():
    """A failed comparison is counted, refused at every threshold, and the last of all ranks."""
    fmr, fnmr = rates_at_threshold([0.9, -INF], [0.1, -INF, -INF, 0.9], 0.5)
    assert (fmr, fnmr) == (0.25, 0.5)
    curve = det_curve([0.9, -INF], [0.1, -INF])
    assert (curve.fmr[0], curve.fnmr[0]) == (0.5, 0.5) and np.isfinite(curve.thresholds[:-1]).all()
    assert identification_ranks([[-INF, -INF]], ["a"], ["a", "b"]).pessimistic.tolist() == [3]
