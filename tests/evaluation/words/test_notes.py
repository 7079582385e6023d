"""Warnings in plain words, and whole runs of every kind of plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Breaker, Colours, Healer, Squares
from scoring_fakes import board_of, findings, people, simple_plan

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest, planner
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.evaluation.words import notes
from restore_recog.evaluation.words.notes import GUESS
from restore_recog.protocols.fmor import Fmor
from restore_recog.types import FaceSample, Trial


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
    assert planner(protocol, [data]) is protocol
    data.pair_list = Path("a.txt")
    assert planner(protocol, [data]).pair_list == Path("a.txt") and protocol.pair_list is None
    protocol.pair_list = Path("b.txt")
    assert planner(protocol, [data]) is protocol


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
