"""Verdicts in plain words, warnings, and whole runs of every kind of plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_fakes import Breaker, Colours, Healer, Squares
from scoring_fakes import board_of, findings, people, simple_plan

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.figure import read_figures
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import ArmReport, Cohort, EvaluationReport
from restore_recog.evaluation.words import notes
from restore_recog.evaluation.words.notes import GUESS
from restore_recog.evaluation.words.verdict import verdict
from restore_recog.protocols.fmor import Fmor
from restore_recog.types import FaceSample, Trial

Figures = dict[str, dict[str, Any]]


def gain(value: float, low: float, high: float, rescued: int = 5, harmed: int = 2, n: int = 100):  # type: ignore[no-untyped-def]
    return {
        "value": value, "low": low, "high": high, "n": n, "n_subjects": 20,
        "rescued": rescued, "harmed": harmed,
    }  # fmt: skip


def spoken(figures: Figures, cohorts: Sequence[Cohort] = (), rate: str = "rank1") -> str:
    floor = ArmReport("occluded", "occluded", None, read_figures({rate: {"value": 0.5}}))
    arm = ArmReport("restored:x", "restored", "x", read_figures({rate: {"value": 0.53}} | figures))
    return verdict(arm, floor, "rec", " on masks", cohorts).sentence


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
def test_the_answer_rests_on_the_whole_interval(low: float, high: float, words: str) -> None:
    said = spoken({"rank1_gain": gain(0.03, low, high)})
    assert words in said and "5 rescued, 2 harmed" in said
    assert "100 probes of 20 subjects" in said


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.07), (-0.07, -0.01)])
def test_an_interval_beside_zero_is_not_enough_where_the_test_disagrees(
    low: float, high: float
) -> None:
    few = gain((low + high) / 2, low, high, 4, 0)
    said = spoken({"rank1_gain": few | {"p_sign_flip": 0.125}})
    assert "cannot be told from these probes (sign-flip test: p = 0.12)" in said
    sure = spoken({"rank1_gain": few | {"p_sign_flip": 0.01}})
    assert ("helps" if low > 0 else "hurts") in sure and "cannot be told" not in sure


def test_a_restorer_that_does_not_beat_fill_hears_of_it() -> None:
    helps: Figures = {"rank1_gain": gain(0.03, 0.01, 0.05)}
    even = spoken(helps | {"rank1_gain_over_fill": gain(0.01, -0.01, 0.03)})
    assert "helps" in even and "does not beat the mean face" in even and "+1.0 points" in even
    worse = spoken(helps | {"rank1_gain_over_fill": gain(-0.02, -0.03, -0.01)})
    assert "does worse than the mean face" in worse
    assert "mean face" not in spoken(helps | {"rank1_gain_over_fill": gain(0.02, 0.01, 0.03)})


def test_significant_drift_is_said_at_the_strictest_threshold_that_shows_it() -> None:
    def change(low: float) -> dict[str, Any]:
        return {"value": 0.01, "low": low, "high": 0.02, "n": 1000, "before": 10, "accepted": 25}

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


def test_cohorts_that_are_harmed_are_named_worst_first() -> None:
    def cohort(value: str, rescued: int, harmed: int) -> Cohort:
        figures = {"rank1_gain": gain(0, 0, 0, rescued, harmed)}
        return Cohort("pose", value, 30, 10, {"restored:x": read_figures(figures)})

    groups = [cohort("left", 3, 4), cohort("right", 1, 6), cohort("front", 9, 1)]
    said = spoken({"rank1_gain": gain(0.03, 0.01, 0.05)}, [*groups, Cohort("pose", "x", 1, 1, {})])
    place = said.index(
        "It harms more than it rescues in 2 of the 3 groups of probes: "
        "pose = right (1 rescued, 6 harmed)"
    )
    assert said.index("pose = left (3 rescued, 4 harmed)") > place and "front" not in said


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


def test_an_uneven_list_of_pairs_carries_no_verdict() -> None:
    rates: Figures = {
        "accuracy": {"value": 0.98, "chance": 0.98, "flag": "always 'same' gives 98.0 %"},
        "fnmr_frozen@fmr=0.001": {"value": 0.5},
    }
    changes: Figures = {
        "accuracy_gain": gain(0.0, 0.0, 0.0),
        "fnmr_frozen_change@fmr=0.001": gain(-0.1, -0.2, -0.05),
    }
    floor = ArmReport("occluded", "occluded", None, read_figures(rates))
    said = verdict(
        ArmReport("restored:x", "restored", "x", read_figures(rates | changes)), floor, "rec"
    ).sentence
    assert "first helps" in said and "FNMR" in said
    even = rates | {"accuracy": {"value": 0.9, "chance": 0.5}}
    said = verdict(
        ArmReport("restored:x", "restored", "x", read_figures(even | changes)), floor, "rec"
    ).sentence
    assert "accuracy" in said


def test_an_unsupported_threshold_gives_way_to_a_supported_one() -> None:
    weak, good = "fnmr_frozen@fmr=0.001", "fnmr_frozen@fmr=0.01"
    rates: Figures = {weak: {"value": 0.5, "flag": "too few impostors"}, good: {"value": 0.4}}
    changes: Figures = {
        name.replace("frozen", "frozen_change"): gain(-0.1, -0.2, -0.05) for name in rates
    }
    floor = ArmReport("occluded", "occluded", None, read_figures(rates))
    arm = ArmReport("restored:x", "restored", "x", read_figures(rates | changes))
    assert "FMR of 0.01 " in verdict(arm, floor, "rec").sentence


def test_a_collapsed_recogniser_is_reported_loudly() -> None:
    plan = simple_plan(6, 2)
    design = board_of(plan)
    own = people(6)[[int(i[:3]) for i in design.columns]]
    faces = np.repeat(people(6), 2, axis=0)
    twins = faces.copy()
    twins[2] = twins[0]  # one probe of the second person is the first one's
    arms = {"clean": faces, "occluded": twins, "restored:x": np.repeat(faces[:1], 12, axis=0)}
    scored = findings(plan, arms, own)
    said = notes.collapse(scored)
    assert any("'restored:x' all probes have one and the same template" in one for one in said)
    # Two probes of a person may be the same; probes 0, 1 and 2 share a template with another's.
    assert any("'occluded' 3 probes have exactly" in one for one in said)
    assert not any("'clean'" in one for one in said)
    flat = findings(plan, arms, np.repeat(own[:1], len(own), axis=0))
    assert any("12 probes score the same with their own" in one for one in notes.collapse(flat))
    assert flat.measured["clean"].scores.rank().tolist() == [6] * 12  # ties count as errors


def test_missing_pairs_are_reported_loudly() -> None:
    plan = simple_plan(3)
    missing = ((1, "no image of A"), (2, "no image of B"), (2, "no image of A"))
    (note,) = notes.missing_pairs(replace(plan, missing_pairs=missing))
    assert note.startswith("Warning: 3 pairs on the list are missing") and "of the 12 that" in note
    assert "(2): no image of A" in note
    assert notes.missing_pairs(plan) == []


class Listed(EvaluationProtocol):
    """Pairs of squares in four folds; some images stand on both sides, one pair is missing."""

    name = "listed"

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        n = 1 + max(int(s.subject) for s in samples)
        ids = [(f"{s:02d}/c0", f"{s:02d}/m0") for s in range(n)]
        pairs = [Trial(reference, probe, True) for reference, probe in ids]
        pairs += [Trial(ids[s][0], ids[(s + 1) % n][1], False) for s in range(n)]
        pairs += [Trial(ids[0][1], ids[1][1], False)]  # occluded on both sides
        return Plan(
            references=(*(r for r, _ in ids), ids[0][1]),
            probes=tuple(p for _, p in ids),
            pairs=tuple(pairs),
            cosine_references={},
            synthetic=False,
            identification=False,
            folds=tuple(1 + i % 4 for i in range(len(pairs))),
            missing_pairs=((2, f"read from {self.pair_list}"),),
        )


def of(protocol: EvaluationProtocol, data: Squares, **options: object) -> EvaluationReport:
    return evaluate(EvalRequest([data], protocol, (Healer(), Breaker()), Colours(), **options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pairs() -> EvaluationReport:
    data = Squares(12, 6, occluded=3)
    data.pair_list = Path("pairs.txt")
    return of(Listed(), data, min_subjects=2)


def test_a_protocol_of_pairs_runs_from_end_to_end(pairs: EvaluationReport) -> None:
    arms = {arm.name: arm for arm in pairs.arms}
    assert "rank1" not in arms["occluded"].figures and arms["occluded"].cmc == ()
    assert arms["clean"].figures["accuracy"]["value"] == 1.0
    healed = arms["restored:healer"].figures
    assert healed["accuracy"]["value"] == 1.0 and healed["accuracy"]["missing_pairs"] == 1
    assert healed["accuracy"]["value_missing_wrong"] < 1.0
    assert "the accuracy on pairs goes" in pairs.verdicts[0].sentence
    assert {row.rank for row in pairs.probes} == {0}
    assert pairs.labels[0] == "1 pairs on the list are missing, 25 are compared"
    assert pairs.labels[-1] == GUESS
    assert pairs.setup["pairs"]["missing_by_reason"] == {"read from pairs.txt": 1}
    assert pairs.setup["identification"] is False
    assert pairs.examples and not any("rank" in one.caption for one in pairs.examples)
    assert all(arm.figures["fta"]["n"] == 12 for arm in pairs.arms)


def test_the_list_of_pairs_goes_to_a_copy_of_the_protocol() -> None:
    data, protocol = Squares(), Listed()
    asked = EvalRequest([data], protocol, (), Colours())
    assert asked.planner() is protocol
    data.pair_list = Path("a.txt")
    assert asked.planner().pair_list == Path("a.txt") and protocol.pair_list is None
    protocol.pair_list = Path("b.txt")
    assert asked.planner() is protocol


class Strangers(Fmor):
    """FMOR's plan without the references of the last people."""

    name = "strangers"

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        plan = super().plan(samples, seed=seed, limit=limit)
        kept = [i for i in plan.references if int(i[:2]) < 9]
        return replace(
            plan,
            references=tuple(kept),
            cosine_references={s: i for s, i in plan.cosine_references.items() if i in kept},
            pairs=tuple(t for t in plan.pairs if t.reference_id in kept),
        )


def test_an_open_set_runs_from_end_to_end() -> None:
    report = of(Strangers(), Squares(12, 6, occluded=3), cohorts=("covering", "condition"))
    arms = {arm.name: arm for arm in report.arms}
    outside = sum(int(row.probe_id[:2]) >= 9 for row in report.probes) // len(arms)
    assert outside > 0
    for arm in report.arms:
        figures = arm.figures
        assert figures["rank1"]["n"] == len(report.probes) // len(arms) - outside
        assert figures["fnir@fpir=0.01"]["n_non_mated"] == outside
        assert figures["fta"]["n"] == len(report.probes) // len(arms)
    assert {row.rank for row in report.probes if int(row.probe_id[:2]) >= 9} == {0}
    assert any("probes are of people without a reference" in note for note in report.notes)
    assert report.setup["images"]["probes_without_reference"] == outside
    assert [c.column for c in report.cohorts] == ["covering", "condition"]
    assert report.protocol


def test_calibration_and_choices_are_on_record() -> None:
    report = of(Fmor(), Squares(12, 6, occluded=3), enrolment="mean", arms=("clean", "restored"))
    assert report.setup["enrolment"] == "mean"
    facts = report.setup["calibration"]
    assert facts["on"] == "clean arm" and set(facts["thresholds"]) == {"0.01", "0.001", "0.0001"}
    assert any(note.startswith("Thresholds are fixed on: clean arm") for note in report.notes)
    assert report.setup["bootstrap"] == {"unit": "subject", "resamples": 2000, "level": 0.95}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cohorts": ("hair",)}, "no label 'hair'"),
        ({"enrolment": "median"}, "enrolment is max or mean"),
        ({"restorer_failure": "ignore"}, "input or fta"),
        ({"min_subjects": 0}, "must be 1 or more"),
    ],
)
def test_wrong_choices_are_refused_before_any_image_is_read(
    options: dict[str, object], message: str
) -> None:
    data = Squares(12, 6, occluded=3)
    with pytest.raises(DataError, match=message):
        of(Fmor(), data, **options)
    assert not data.asked
