"""How often a report says what is not so: simulated studies in which nothing differs.

Restorers that change single probes at random, and groups of people that are all alike, go the
way of a verdict: flips, tests of every figure, correction, words. Intervals, which no answer
rests on, are left out to save their time; ``tests/metrics/test_flips.py`` simulates them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.sparse import csr_array

from restore_recog.evaluation.figure import Figure, FigureName, collected
from restore_recog.evaluation.figures import groups as grouping
from restore_recog.evaluation.figures import paired
from restore_recog.evaluation.figures.fixed_threshold import fmr_changes
from restore_recog.evaluation.figures.groups import _flips
from restore_recog.evaluation.figures.paired import flips
from restore_recog.evaluation.results import ArmReport, Cohort, Verdict
from restore_recog.evaluation.scores.search import AcceptedCounts
from restore_recog.evaluation.words.judging import Case, judge
from restore_recog.metrics.resampling import Interval

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(values: np.ndarray, people: np.ndarray) -> Interval:
        return Interval(float(np.mean(values)), np.nan, np.nan, len(values), 2, 0)

    for module in (paired, grouping):
        monkeypatch.setattr(module, "flip_interval", mean)


PEOPLE, PROBES = 30, 3
OWNERS = np.repeat(np.arange(PEOPLE), PROBES)
CHANGE = FigureName("fnmr_frozen_change", 0.001)
FALSE = ("does worse", "more alike", "helps", "hurts", "does better", "is better", "is worse")


def right(rng: np.random.Generator, owners: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return which probes one arm gets right: the noise of the arm is its own."""
    return base + rng.normal(0, 0.7, owners.size) > 0


def accepted(rng: np.random.Generator) -> AcceptedCounts:
    table = rng.binomial(PROBES * 2, 0.02, (PEOPLE, PEOPLE))
    np.fill_diagonal(table, 0)
    sides = np.full(PEOPLE, PROBES), np.full(PEOPLE, 2)
    return AcceptedCounts(np.arange(PEOPLE), {0.001: csr_array(table)}, sides)


def study(rng: np.random.Generator, restorers: int) -> list[ArmReport]:
    """Return the occluded arm and restorers that are as good as it, as their fusion is."""
    base = rng.normal(0, 0.7, PEOPLE)[OWNERS] + rng.normal(0, 0.7, OWNERS.size)
    seen = {name: right(rng, OWNERS, base) for name in ("occluded", "fill")}
    refused, before = right(rng, OWNERS, base), accepted(rng)
    rates = {name: Figure(FigureName(name), 0.5) for name in ("rank1", "fnmr_frozen@fmr=0.001")}
    rates["fnmr_frozen@fmr=0.001"] = Figure(FigureName("fnmr_frozen", 0.001), 0.5)
    arms = [ArmReport("occluded", "occluded", None, rates)]
    for number in range(restorers):
        mine, fused = right(rng, OWNERS, base), right(rng, OWNERS, base)
        figures = collected(
            flips("rank1_gain", mine, seen["occluded"], OWNERS, 0),
            flips("rank1_gain_over_fill", mine, seen["fill"], OWNERS, 0),
            flips(CHANGE, right(rng, OWNERS, base), refused, OWNERS, 0),
            *fmr_changes(accepted(rng), before, 0),
        )
        both = collected(
            flips("rank1_gain", fused, seen["occluded"], OWNERS, 0),
            flips("rank1_gain_over_restored", fused, mine, OWNERS, 0),
        )
        name = str(number)
        arms.append(ArmReport(f"restored:{name}", "restored", name, rates | figures))
        arms.append(ArmReport(f"fused:{name}", "fused", name, rates | both))
    return arms


def said(verdict: Verdict) -> bool:
    """Return whether a verdict names a direction, in its answer or in a remark."""
    words = verdict.sentence.replace("helps 'rec' cannot be told", "")
    return verdict.answer != "cannot tell" or any(word in words for word in FALSE)


def test_restorers_that_do_nothing_are_called_neither_good_nor_bad() -> None:
    rng, studies = np.random.default_rng(0), 60
    false = dict.fromkeys((1, 3, 5, 10), 0)
    for _ in range(studies):
        arms = study(rng, max(false))
        for restorers in false:
            case = Case(arms[: 1 + 2 * restorers], (), "rec", "", quality=False)
            (verdicts,) = judge([case]).verdicts
            assert len(verdicts) == restorers
            false[restorers] += any(map(said, verdicts))
    assert max(false.values()) / studies <= 0.05, false


GAINS = {"nothing": 0.0, "7.5 points everywhere": 0.075}


def groups(
    rng: np.random.Generator, gain: float, numbers: tuple[int, ...]
) -> Iterator[tuple[int, list[Cohort]]]:
    """Yield how many groups, and their gains: of the same probes of 190 people, cut anew."""
    owners = np.repeat(np.arange(190), 2)
    base = rng.normal(0, 0.7, 190)[owners] + rng.normal(0, 0.7, owners.size)
    now = base + rng.normal(0, 0.7, owners.size) + 3.0 * gain > 0
    values = now.astype(float) - right(rng, owners, base)
    for number in numbers:
        label = rng.permutation(np.arange(190) % number)[owners]
        cohorts = []
        for group in range(number):
            mine = label == group
            figure = _flips("rank1_gain", values[mine], owners[mine], owners[mine], 0)
            figures = {"restored:x": collected(figure)}
            cohorts.append(Cohort("label", str(group), int(mine.sum()), 10, figures))
        yield number, cohorts


@pytest.mark.parametrize("gain", GAINS.values(), ids=GAINS)
def test_groups_that_are_alike_are_not_called_harmed(gain: float) -> None:
    rng, studies = np.random.default_rng(1), 50
    false = dict.fromkeys((2, 5, 12, 19), 0)
    rate = Figure(FigureName("rank1"), 0.5)
    overall = flips("rank1_gain", np.array([True]), np.array([True]), np.array([0]), 0)
    arms = [
        ArmReport("occluded", "occluded", None, {"rank1": rate}),
        ArmReport("restored:x", "restored", "x", {"rank1": rate, "rank1_gain": overall}),
    ]
    for _ in range(studies):
        for number, cohorts in groups(rng, gain, tuple(false)):
            case = Case(arms, cohorts, "rec", "", quality=False)
            ((verdict,),) = judge([case]).verdicts
            none = f"Of the {number} groups of probes none stands out as harmed."
            false[number] += none not in verdict.sentence
    assert max(false.values()) / studies <= 0.05, false


def test_a_group_that_is_harmed_is_named_among_nineteen() -> None:
    rng, owners = np.random.default_rng(2), np.repeat(np.arange(20), 2)
    named = 0
    for _ in range(20):
        cohorts = []
        for group in range(19):
            lost = rng.random(40) < (0.6 if group == 7 else 0.0)
            figure = _flips("rank1_gain", -lost.astype(float), owners, owners, 0)
            cohorts.append(Cohort("l", str(group), 40, 20, {"restored:x": collected(figure)}))
        rate = Figure(FigureName("rank1"), 0.5)
        gain = flips("rank1_gain", np.ones(4, bool), np.ones(4, bool), np.arange(4), 0)
        arms = [
            ArmReport("occluded", "occluded", None, {"rank1": rate}),
            ArmReport("restored:x", "restored", "x", {"rank1": rate, "rank1_gain": gain}),
        ]
        ((verdict,),) = judge([Case(arms, cohorts, "rec", "", quality=False)]).verdicts
        named += "It harms 1 of the 19 groups of probes: l = 7 (" in verdict.sentence
    assert named >= 18
