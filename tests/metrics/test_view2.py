"""View 2 against a fold-by-fold search over every threshold that matters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.errors import DataError
from restore_recog.metrics.view2 import best_threshold, view2

INF = math.inf


def share_right(scores, genuine, threshold):
    right = sum((s >= threshold) == g for s, g in zip(scores, genuine, strict=True))
    return right / len(scores)


def oracle_threshold(scores, genuine):
    """Try one threshold in every gap; of the best take the lowest."""
    values = sorted({s for s in scores if s > -INF})
    middles = [a + (b - a) / 2 for a, b in zip(values, values[1:], strict=False)]
    tries = [*values[:1], *middles, INF]
    best = max(share_right(scores, genuine, t) for t in tries)
    return next(t for t in tries if share_right(scores, genuine, t) == best)


def pairs(seed, sizes=(12,) * 10):
    rng = np.random.default_rng(seed)
    folds = np.repeat(np.arange(len(sizes)), sizes)
    genuine = rng.random(folds.size) < 0.5
    scores = np.round(rng.normal(size=folds.size) + genuine, seed % 3)
    if seed % 2:
        scores[rng.random(folds.size) < 0.1] = -INF
    order = rng.permutation(folds.size)
    return scores[order], genuine[order], folds[order]


@pytest.mark.parametrize("seed", range(6))
def test_folds_are_judged_by_the_others(seed):
    sizes = (12,) * 10 if seed < 8 else (3, 30, 7)
    scores, genuine, folds = pairs(seed, sizes)
    result = view2(scores, genuine, folds)
    shares = []
    for fold in range(len(sizes)):
        inside = folds == fold
        threshold = oracle_threshold(scores[~inside].tolist(), genuine[~inside].tolist())
        assert result.thresholds[fold] == pytest.approx(threshold)
        shares.append(share_right(scores[inside], genuine[inside], threshold))
    assert result.fold_accuracies == pytest.approx(shares)
    assert result.accuracy == pytest.approx(sum(shares) / len(shares))
    spread = sum((s - result.accuracy) ** 2 for s in shares) / (len(shares) - 1)
    assert result.standard_error == pytest.approx(math.sqrt(spread / len(shares)))
    for fold in range(len(sizes)):
        assert result.correct[folds == fold].mean() == result.fold_accuracies[fold]


def test_standard_error_is_of_the_mean_not_the_spread_of_folds():
    """Folds alternate between all right and half right: sd 0.264 (n - 1), over sqrt(10)."""
    scores = np.array([1.0, 0.0, 1.0, 0.0] * 5 + [1.0, 0.0, 0.0, 1.0] * 5)
    genuine = np.array([True, False] * 20)
    result = view2(scores, genuine, np.repeat(np.arange(10), 4))
    assert result.accuracy == 0.75
    assert result.standard_error == pytest.approx(math.sqrt(10 * 0.25**2 / 9) / math.sqrt(10))


def test_folds_weigh_the_same_whatever_their_size():
    scores = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    result = view2(scores, np.array([True, False] * 5), list("aaaabbcccc"))
    assert result.fold_accuracies.tolist() == [1.0, 0.0, 1.0]
    assert result.accuracy == pytest.approx(2 / 3) and result.correct.mean() == 0.8


@pytest.mark.parametrize(
    ("scores", "genuine", "threshold"),
    [
        ([0.2, 0.8], [False, True], 0.5),  # the middle of the gap
        ([0.5, 0.5], [False, True], 0.5),  # accept all or nobody: the lower
        (
            [0.2, 0.4, 0.6, 0.8],
            [False, True, False, True],
            0.2 + (0.4 - 0.2) / 2,
        ),  # .3 and .7 are as good
        ([0.3, 0.8], [True, True], 0.3),
        ([0.3, 0.8], [False, False], INF),
        ([-INF, 0.8], [True, False], INF),
        ([-INF, -INF], [True, False], INF),
        ([1.0, np.nextafter(1.0, 2)], [False, True], np.nextafter(1.0, 2)),  # no float between
        ([-1e308, 1e308], [False, True], 1e308),  # the gap overflows
    ],
)
def test_tie_rule_by_hand(scores, genuine, threshold):
    with np.errstate(over="ignore"):
        assert best_threshold(scores, genuine) == threshold


def test_failed_pairs_are_never_accepted_and_always_counted():
    scores = np.array([0.9, 0.1, -INF, -INF] * 3)
    result = view2(scores, np.array([True, False, True, False] * 3), np.repeat([0, 1, 2], 4))
    assert result.accuracy == 0.75
    assert result.correct.tolist() == [True, True, False, True] * 3


def test_missing_folds_or_kinds_are_a_plain_sentence():
    with pytest.raises(DataError, match="not 1 folds"):
        view2([0.1, 0.9], [False, True], [1, 1])
    with pytest.raises(DataError, match="2 genuine and 0 impostor"):
        view2([0.1, 0.9], [True, True], [1, 2])
    with pytest.raises(DataError, match="0 folds"):
        view2([], np.empty(0, dtype=bool), [])


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        view2([math.nan, 0.9], [True, False], [1, 2])
    with pytest.raises(ValueError, match="one score, one bool"):
        view2([0.1, 0.9], [1, 0], [1, 2])  # labels 0/1, or fold numbers: say what is meant
    with pytest.raises(ValueError, match="one score, one bool"):
        view2([0.1, 0.9], [True, False], [1])
