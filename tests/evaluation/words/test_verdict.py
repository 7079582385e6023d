"""Verdicts in plain words: which tests they rest on, and what is corrected together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from report_fakes import sample_report

from restore_recog.evaluation.figure import read_figures
from restore_recog.evaluation.results import ArmReport, Cohort, Verdict
from restore_recog.evaluation.words.grounds import told
from restore_recog.evaluation.words.judging import Case, judge
from restore_recog.reporting.pages.recognition import thresholds

Figures = dict[str, dict[str, Any]]
FNMR, CHANGE = "fnmr_frozen@fmr=0.001", "fnmr_frozen_change@fmr=0.001"


def gain(
    value: float, low: float, high: float, rescued: int = 5, harmed: int = 2, p: float | None = None
) -> dict[str, Any]:
    """Return a difference; its p goes with its interval where none is given."""
    tested = (0.001 if low > 0 or high < 0 else 0.5) if p is None else p
    return {
        "value": value, "low": low, "high": high, "n": 100, "n_subjects": 20,
        "rescued": rescued, "harmed": harmed, "p_sign_flip": tested,
    }  # fmt: skip


def case(
    figures: Figures,
    cohorts: Sequence[Cohort] = (),
    rate: str = "rank1",
    rates: Figures | None = None,
    more: Sequence[ArmReport] = (),
    names: Sequence[str] = ("x",),
) -> Case:
    """Return restorers that all have the same figures, beside the occluded arm."""
    known = rates or {rate: {"value": 0.5}}
    floor = ArmReport("occluded", "occluded", None, read_figures(known))
    now = rates or {rate: {"value": 0.53}}
    arms = [ArmReport(f"restored:{n}", "restored", n, read_figures(now | figures)) for n in names]
    return Case([floor, *arms, *more], cohorts, "rec", " on masks", quality=False)


def judged(figures: Figures, cohorts: Sequence[Cohort] = (), rate: str = "rank1") -> Verdict:
    (((verdict,),)) = judge([case(figures, cohorts, rate)]).verdicts
    return verdict


def spoken(figures: Figures, cohorts: Sequence[Cohort] = (), rate: str = "rank1") -> str:
    return judged(figures, cohorts, rate).sentence


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.01, 0.05, "Restoring with 'x' first helps 'rec' on masks: rank-1 goes from 50.0 %"),
        (-0.05, -0.01, "Restoring with 'x' first hurts 'rec' on masks: rank-1"),
        (-0.01, 0.05, "Whether restoring with 'x' first helps 'rec' on masks cannot be told"),
        (0.0, 0.05, "cannot be told from these probes"),
        (float("nan"), float("nan"), "no interval: one subject only"),
    ],
)
def test_the_answer_goes_with_the_test(low: float, high: float, words: str) -> None:
    said = spoken({"rank1_gain": gain(0.03 if not high < 0 else -0.03, low, high)})
    assert words in said and "5 rescued, 2 harmed" in said
    assert "100 probes of 20 subjects" in said


@pytest.mark.parametrize(
    ("low", "high", "answer"), [(0.01, 0.05, "helps"), (-0.05, -0.01, "hurts")]
)
def test_trials_of_an_open_set_are_judged_by_who_is_found(
    low: float, high: float, answer: str
) -> None:
    found, more = {"value": 0.5}, {"fmr_frozen_change@fmr=0.01": gain(0.01, 0.005, 0.02, p=0.9)}
    known = {"dir_gain@far=0.01": gain((low + high) / 2, low, high), **more}
    verdict = judged(known, rate="dir@far=0.01")
    assert verdict.answer == answer  # FAR is fixed: a drift at another threshold does not matter
    words = "the detection and identification rate at a FAR of 0.01 goes from 50.0 % to 53.0 %"
    assert words in verdict.sentence and "100 searches of 20 subjects" in verdict.sentence
    flagged = {"dir@far=0.01": {**found, "flag": "too few impostors"}}
    (((without,),)) = judge([case(known, rates=flagged)]).verdicts
    assert without.answer == "cannot tell" and "there is neither a search" in without.sentence


def test_the_mean_face_is_asked_about_at_the_same_rate() -> None:
    known = {
        "dir_gain@far=0.01": gain(0.03, 0.01, 0.05),
        "dir_gain_over_fill@far=0.01": gain(-0.04, -0.06, -0.02),
    }
    said = spoken(known, rate="dir@far=0.01")
    assert "It does worse than the mean face put in the same place ('fill'): -4.0 points" in said


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.07), (-0.07, -0.01)])
def test_an_interval_beside_zero_is_not_enough_where_the_test_disagrees(
    low: float, high: float
) -> None:
    few = (low + high) / 2, low, high, 4, 0
    said = spoken({"rank1_gain": gain(*few, p=0.125)})
    assert "cannot be told from these probes" in said
    assert "sign-flip test: p = 0.12, corrected 0.12" in said
    sure = spoken({"rank1_gain": gain(*few, p=0.01)})
    assert ("helps" if low > 0 else "hurts") in sure and "cannot be told" not in sure


def test_several_restorers_are_corrected_together() -> None:
    helps = {"rank1_gain": gain(0.03, 0.01, 0.05, p=0.02)}
    ((alone,),) = judge([case(helps)]).verdicts
    assert alone.answer == "helps" and alone.tests[0].p_corrected == 0.02
    together = judge([case(helps, names=("x", "y", "z"))])
    for verdict in together.verdicts[0]:
        assert verdict.answer == "cannot tell" and "p = 0.02, corrected 0.06" in verdict.sentence
    assert together.family == (
        "Corrected together by Holm's method: 3 tests behind 3 verdicts. A direction is named only "
        "where the corrected p is below 0.05."
    )
    recognisers = judge([case(helps), case(helps), case(helps)])
    assert [v.answer for (v,) in recognisers.verdicts] == ["cannot tell"] * 3
    assert recognisers.family == together.family


def test_remarks_cost_a_verdict_little() -> None:
    figures = {
        "rank1_gain": gain(0.03, 0.01, 0.05, p=0.04),
        "rank1_gain_over_fill": gain(0.0, -0.02, 0.02, p=0.8),
    }
    verdict = judged(figures)
    assert verdict.answer == "helps" and verdict.tests[0].p_corrected == pytest.approx(0.044)
    assert [test.figure for test in verdict.tests] == ["rank1_gain", "rank1_gain_over_fill"]
    family = judge([case(figures)]).family
    assert "1 test behind 1 verdict and 1 test behind the remarks, at a tenth" in family


BOTH: Figures = {"rank1": {"value": 0.6}, FNMR: {"value": 0.618}}


@pytest.mark.parametrize(
    ("rank1", "fnmr", "answer", "words"),
    [
        (gain(0.01, -0.01, 0.03), gain(-0.076, -0.1, -0.05), "helps",
         "harmed), which alone cannot be told; the FNMR at the threshold for an FMR of 0.001 on "
         "bare faces goes from 61.8 % to 61.8 %, a difference of -7.6 points (95 % interval -10.0 "
         "to -5.0; sign-flip test: p = 0.001, corrected 0.002; 100 comparisons of 20 subjects, 5 "
         "rescued, 2 harmed), which is better."),
        (gain(0.05, 0.01, 0.1), gain(-0.01, -0.1, 0.05), "helps",
         "harmed), which is better; the FNMR"),
        (gain(0.01, -0.1, 0.1), gain(0.05, 0.01, 0.1), "hurts", "harmed), which is worse."),
        (gain(0.05, 0.01, 0.1), gain(0.05, 0.01, 0.1), "cannot tell",
         "depends on what it is used for: rank-1"),
        (gain(0.01, -0.1, 0.1), gain(0.01, -0.1, 0.1), "cannot tell", "harmed); the FNMR"),
    ],
)  # fmt: skip
def test_rank1_and_fnmr_are_both_named(
    rank1: dict[str, Any], fnmr: dict[str, Any], answer: str, words: str
) -> None:
    ((verdict,),) = judge([case({"rank1_gain": rank1, CHANGE: fnmr}, rates=BOTH)]).verdicts
    assert verdict.answer == answer and words in verdict.sentence
    assert [test.figure for test in verdict.tests] == ["rank1_gain", CHANGE]


def test_a_fall_of_the_fnmr_counts_only_where_impostors_do_not_share_it() -> None:
    rise = {"value": 0.01, "low": 0.005, "high": 0.02, "n": 1000, "before": 10, "accepted": 20}
    figures = {
        "rank1_gain": gain(0.01, -0.01, 0.03),
        CHANGE: gain(-0.076, -0.1, -0.05),
        "fmr_frozen_change@fmr=0.001": rise | {"p_sign_flip": 0.2},
    }
    ((verdict,),) = judge([case(figures, rates=BOTH)]).verdicts
    assert verdict.answer == "cannot tell"
    assert verdict.sentence.endswith("which is better, but more impostors pass there, too.")
    ((other,),) = judge(
        [case(figures | {"rank1_gain": gain(0.1, 0.05, 0.15)}, rates=BOTH)]
    ).verdicts
    assert other.answer == "helps"


def test_a_restorer_that_does_not_beat_fill_hears_of_it() -> None:
    helps: Figures = {"rank1_gain": gain(0.03, 0.01, 0.05)}
    even = spoken(helps | {"rank1_gain_over_fill": gain(0.01, -0.01, 0.03)})
    assert "helps" in even and "Whether it beats the mean face" in even and "+1.0 points" in even
    worse = spoken(helps | {"rank1_gain_over_fill": gain(-0.02, -0.03, -0.01)})
    assert "does worse than the mean face" in worse
    assert "mean face" not in spoken(helps | {"rank1_gain_over_fill": gain(0.02, 0.01, 0.03)})


def test_significant_drift_is_said_at_the_strictest_threshold_that_shows_it() -> None:
    def change(low: float, p: float = 0.001) -> dict[str, Any]:
        counts = {"n": 1000, "before": 10, "accepted": 25}
        return {"value": 0.01, "low": low, "high": 0.02, "p_sign_flip": p, **counts}

    base: Figures = {"rank1_gain": gain(0.03, 0.01, 0.05)}
    said = spoken(
        base
        | {
            "fmr_frozen_change@fmr=0.01": change(0.001),
            "fmr_frozen_change@fmr=0.001": change(0.002),
        }
    )
    assert "more alike: at the threshold that accepts 0.1 % of impostors" in said
    assert "from 1 % to 2.5 %" in said
    assert "alike" not in spoken(base | {"fmr_frozen_change@fmr=0.01": change(-0.001)})
    assert "alike" not in spoken(base | {"fmr_frozen_change@fmr=0.01": change(0.001, 0.06)})


def cohort(value: str, mean: float, p: float, rescued: int = 3, harmed: int = 9) -> Cohort:
    figures = {"rank1_gain": gain(mean, -0.2, 0.2, rescued, harmed, p)}
    return Cohort("pose", value, 30, 10, {"restored:x": read_figures(figures)})


def test_groups_that_are_harmed_are_named_worst_first() -> None:
    groups = [
        cohort("left", -0.1, 0.002),
        cohort("right", -0.2, 0.001),
        cohort("front", 0.3, 0.001),
    ]
    said = spoken({"rank1_gain": gain(0.03, 0.01, 0.05)}, [*groups, Cohort("pose", "x", 1, 1, {})])
    place = said.index(
        "It harms 2 of the 3 groups of probes: pose = right (-20.0 points, 3 rescued, 9 harmed; "
        "sign-flip test: p = 0.001, corrected 0.003); "
    )
    assert said.index("pose = left (-10.0 points") > place and "front" not in said


def test_counts_alone_harm_no_group() -> None:
    """Nineteen groups, each with more harmed than rescued: no test says so."""
    groups = [cohort(str(i), -0.1, 0.02) for i in range(19)]
    said = spoken({"rank1_gain": gain(0.03, 0.01, 0.05)}, groups)
    assert "Of the 19 groups of probes none stands out as harmed." in said
    tests = judged({"rank1_gain": gain(0.03, 0.01, 0.05)}, groups).tests
    assert [(t.group, t.p, round(t.p_corrected, 3)) for t in tests[:3]] == [
        ("", 0.001, 0.001), ("pose = 0", 0.02, 0.38), ("pose = 1", 0.02, 0.38),
    ]  # fmt: skip
    judgement = judge([case({"rank1_gain": gain(0.03, 0.01, 0.05)}, groups)])
    assert judgement.family.endswith("Harm to groups is corrected on its own, over 19 tests.")
    assert "group" not in spoken({"rank1_gain": gain(0.03, 0.01, 0.05)})


def test_pairs_are_judged_by_accuracy_or_the_fixed_threshold() -> None:
    said = spoken({"accuracy_gain": gain(0.03, 0.01, 0.05)}, rate="accuracy")
    assert "helps 'rec' on masks: the accuracy on pairs goes from 50.0 % to 53.0 %" in said
    # A falling FNMR helps; an unsupported threshold is passed over for a supported one.
    change = {"fnmr_frozen_change@fmr=0.01": gain(-0.04, -0.06, -0.02)}
    said = spoken(change, rate="fnmr_frozen@fmr=0.01")
    assert "first helps" in said and "FMR of 0.01 on bare faces" in said
    hurt = {"fnmr_frozen_change@fmr=0.01": gain(0.04, 0.02, 0.06)}
    assert "first hurts" in spoken(hurt, rate="fnmr_frozen@fmr=0.01")
    assert "cannot be told: there is neither" in spoken({})
    assert judge([case({})]).family == ""


def test_an_uneven_list_of_pairs_carries_no_verdict() -> None:
    rates: Figures = {
        "accuracy": {"value": 0.98, "chance": 0.98, "flag": "always 'same' gives 98.0 %"},
        FNMR: {"value": 0.5},
    }
    changes: Figures = {"accuracy_gain": gain(0.0, 0.0, 0.0), CHANGE: gain(-0.1, -0.2, -0.05)}
    ((verdict,),) = judge([case(changes, rates=rates)]).verdicts
    assert "first helps" in verdict.sentence and "FNMR" in verdict.sentence
    assert "accuracy" not in verdict.sentence
    even = rates | {"accuracy": {"value": 0.9, "chance": 0.5}}
    ((verdict,),) = judge([case(changes, rates=even)]).verdicts
    assert "accuracy" in verdict.sentence


def test_an_unsupported_threshold_gives_way_to_a_supported_one() -> None:
    weak, good = FNMR, "fnmr_frozen@fmr=0.01"
    rates: Figures = {weak: {"value": 0.5, "flag": "too few impostors"}, good: {"value": 0.4}}
    changes: Figures = {
        name.replace("frozen", "frozen_change"): gain(-0.1, -0.2, -0.05) for name in rates
    }
    ((verdict,),) = judge([case(changes, rates=rates)]).verdicts
    assert "FMR of 0.01 " in verdict.sentence


def difference(value: float, low: float, high: float, p: float = 0.001) -> dict[str, Any]:
    return gain(value, low, high, p=p)


@pytest.mark.parametrize(
    ("first", "over", "words"),
    [
        (difference(0.09, 0.06, 0.12), difference(0.06, 0.02, 0.1),
         ["('fused:x') helps: rank-1 is 59.0 %, +9.0 points against the occluded face (95 % "
          "interval +6.0 to +12.0; sign-flip test: p = 0.001",
          "and does better than restoring alone: +6.0 points (95 % interval +2.0 to +10.0"]),
        (difference(-0.05, -0.1, -0.01), difference(-0.06, -0.1, -0.02),
         ["hurts: rank-1 is 59.0 %, -5.0 points against the occluded face (95 % interval -10.0 to "
          "-1.0", "and does worse than restoring alone"]),
        (difference(0.05, -0.1, 0.2, 0.5), difference(0.0, -0.1, 0.1, 1.0),
         ["may or may not help: rank-1 is 59.0 %, +5.0 points against the occluded face (95 % "
          "interval -10.0 to +20.0", "and cannot be told from restoring alone"]),
        (difference(0.05, 0.01, 0.2, 0.2), difference(0.04, 0.01, 0.1, 0.06),
         ["may or may not help: rank-1 is 59.0 %, +5.0 points against the occluded face (95 % "
          "interval +1.0 to +20.0", "and cannot be told from restoring alone"]),
    ],
)  # fmt: skip
def test_the_verdict_says_whether_fusing_does_better_than_restoring_alone(
    first: dict[str, Any], over: dict[str, Any], words: list[str]
) -> None:
    both = {"rank1": {"value": 0.59}, "rank1_gain": first, "rank1_gain_over_restored": over}
    fused = ArmReport("fused:x", "fused", "x", read_figures(both))
    foreign = ArmReport("fused:y", "fused", "y", read_figures(both))
    alone = {"rank1_gain": gain(0.03, 0.01, 0.07)}
    ((verdict,),) = judge([case(alone, more=[fused, foreign])]).verdicts
    assert verdict.answer == "helps" and " Fusing the occluded" in verdict.sentence
    assert all(part in verdict.sentence for part in words) and "fused:y" not in verdict.sentence
    assert [test.arm for test in verdict.tests] == ["restored:x", "fused:x", "fused:x"]
    assert "Fusing" not in spoken(alone)


def test_what_pages_may_name_is_what_was_told() -> None:
    change = {"value": 0.01, "low": 0.001, "high": 0.02, "n": 9, "before": 1, "accepted": 2}
    figures = {
        "rank1_gain": gain(0.03, 0.01, 0.05),
        "fmr_frozen_change@fmr=0.01": change | {"p_sign_flip": 0.001},
        "fmr_frozen_change@fmr=0.001": change | {"p_sign_flip": 0.2},
    }
    groups = [cohort("left", -0.1, 0.001), cohort("right", 0.1, 0.04)]
    made = case(figures, groups)
    (verdicts,) = judge([made]).verdicts
    report = sample_report(arms=tuple(made.arms), cohorts=tuple(groups), verdicts=verdicts)
    assert told(report) == {
        ("restored:x", "rank1_gain", ""),
        ("restored:x", "fmr_frozen_change@fmr=0.01", ""),
        ("restored:x", "rank1_gain", "pose = left"),
        ("restored:x", "rank1_gain", "pose = right"),
    }
    lines = {one["title"][:19]: one["lines"] for one in thresholds(report)}
    assert "more often than before" in lines["Threshold for FMR 1"][0]
    assert "as often as before, as far as can be told" in lines["Threshold for FMR 0"][0]
