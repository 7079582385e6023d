"""Open-set rates against a search written out, one probe at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.errors import DataError
from restore_recog.metrics.identification import identification_ranks, subject_scores
from restore_recog.metrics.open_set import fnir_at_fpir, open_set_rates, over_trials

INF = math.inf


def oracle(rows, own, owners, threshold, rank):
    """Return (FPIR, FNIR) by listing the answer to each search; None = a stranger's."""
    strangers = alarms = mated = lost = 0
    for row, person in zip(rows, own, strict=True):
        best = {}
        for score, owner in zip(row, owners, strict=True):
            best[owner] = max(score, best.get(owner, -INF))
        answers = [who for who, score in best.items() if score >= threshold]
        if person is None:
            strangers += 1
            alarms += bool(answers)
            continue
        mated += 1
        ahead = sum(score >= best[person] for who, score in best.items() if who != person)
        lost += person not in answers or ahead >= rank
    return alarms / strangers, lost / mated


def searches(seed):
    """Return scores of 20 mated and 15 non-mated searches in a gallery of 6 people."""
    rng = np.random.default_rng(seed)
    owners = np.array(list("abcdef") * 2)
    own = rng.choice(list("abcdef"), 20)
    rows = rng.normal(size=(35, 12))
    rows[:20] += 1.2 * (own[:, None] == owners)
    rows = np.round(rows, seed % 3)
    rows[rng.random(35) < 0.15] = -INF
    rows[:, rng.random(12) < 0.15] = -INF
    return rows, own, owners


def arrays(rows, own, owners):
    """Return what the functions take: own scores, own ranks, best scores of strangers."""
    table, subjects = subject_scores(rows, owners)
    mated = table[np.arange(own.size), np.searchsorted(subjects, own)]
    ranks = identification_ranks(rows[: own.size], own, owners).pessimistic
    return mated, ranks, table[own.size :].max(axis=1)


@pytest.mark.parametrize("rank", [1, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_rates_are_those_of_the_answer_lists(seed, rank):
    rows, own, owners = searches(seed)
    people = [*own.tolist(), *[None] * 15]
    finite = np.unique(rows[np.isfinite(rows)]).tolist()
    given = arrays(rows, own, owners)
    points = {}
    for threshold in [*finite, INF]:
        points[threshold] = oracle(rows, people, owners, threshold, rank)
        assert open_set_rates(*given, threshold, rank) == pytest.approx(points[threshold])
    for target in (0.0, 0.05, 1 / 15, 0.3, 1.0):
        point = fnir_at_fpir(*given, target, rank)
        lowest = min(fnir for fpir, fnir in points.values() if fpir <= target)
        assert point.fnir == pytest.approx(lowest) and point.achieved_fpir <= target
        rates = open_set_rates(*given, point.threshold, rank)
        assert rates == (point.achieved_fpir, point.fnir)


def test_by_hand():
    # The third is the best of all but behind another subject; the last probe failed.
    mated, ranks, strangers = [0.9, 0.6, 0.95, -INF], [1, 1, 2, 9], [0.6, 0.3, -INF, 0.1]
    assert open_set_rates(mated, ranks, strangers, 0.6) == (0.25, 0.5)
    assert open_set_rates(mated, ranks, strangers, 0.6, rank=2) == (0.25, 0.25)
    point = fnir_at_fpir(mated, ranks, strangers, 0.0)
    assert (point.fnir, point.threshold) == (0.75, np.nextafter(0.6, 1))
    assert (point.false_alarm_budget, point.supported) == (0, False)
    point = fnir_at_fpir(mated, ranks, strangers, 0.25)
    assert (point.fnir, point.achieved_fpir) == (0.5, 0.25)
    assert (point.false_alarm_budget, point.supported) == (1, True)


def test_failures_raise_fnir_and_never_fpir():
    before = open_set_rates([0.9] * 4, [1] * 4, [0.9] * 4, 0.5)
    after = open_set_rates([0.9] * 3 + [-INF], [1] * 3 + [7], [0.9] * 3 + [-INF], 0.5)
    assert before == (1.0, 0.0) and after == (0.75, 0.25)


def test_collapsed_recogniser_finds_nobody_and_alarms_always():
    """All scores equal among 100 people: each own rank is 100, each stranger is let in."""
    fpir, fnir = open_set_rates(np.ones(50), np.full(50, 100), np.ones(50), 1.0)
    assert (fpir, fnir) == (1.0, 1.0)


def test_one_kind_of_search():
    fpir, fnir = open_set_rates([], [], [0.7, 0.1], 0.5)
    assert fpir == 0.5 and math.isnan(fnir)
    fpir, fnir = open_set_rates([0.7], [1], [], 0.5)
    assert math.isnan(fpir) and fnir == 0.0
    with pytest.raises(DataError, match="no non-mated search"):
        fnir_at_fpir([0.7], [1], [], 0.01)
    with pytest.raises(DataError, match="no mated search"):
        fnir_at_fpir([], [], [0.7], 0.01)


def test_one_enrolled_subject():
    """Nobody can be ahead: only the threshold decides."""
    rows, owners = np.array([[0.8], [0.2], [0.5]]), np.array(["a"])
    given = arrays(rows, np.array(["a", "a"]), owners)
    assert open_set_rates(*given, 0.5) == (1.0, 0.5)


def test_bad_input_is_refused():
    for call, message in (
        (lambda: open_set_rates([0.1], [1, 2], [0.1], 0.5), "as many ranks"),
        (lambda: open_set_rates([0.1], [0], [0.1], 0.5), "1 or more"),
        (lambda: open_set_rates([0.1], [1], [0.1], 0.5, rank=0), "1 or more"),
        (lambda: open_set_rates([math.nan], [1], [0.1], 0.5), "NaN"),
        (lambda: open_set_rates([0.1], [1], [0.1], -INF), "threshold"),
        (lambda: fnir_at_fpir([0.1], [1], [0.1], 2.0), r"\[0, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_rate_over_trials_is_their_mean_whatever_their_sizes():
    known = over_trials([0.5, 0.7, 0.9])
    assert (known.mean, known.count) == (pytest.approx(0.7), 3)
    assert known.sd == pytest.approx(0.2) and known.less_sd == pytest.approx(0.5)
    one = over_trials([0.25])
    assert one.mean == 0.25 and math.isnan(one.sd) and math.isnan(one.less_sd)
    for rates in ([], [0.5, math.nan], [INF]):
        with pytest.raises(ValueError, match="at least one trial"):
            over_trials(rates)
