"""What an evaluation says of the labels that a restorer goes by."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from evaluation_fakes import Breaker, Colours, Squares
from gender_fakes import People, decider

from restore_recog.api import Restorer, answers
from restore_recog.errors import DataError, PluginError
from restore_recog.evaluation.arms import DEFAULT_ARMS
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.protocols.fmor import Fmor
from restore_recog.testing import face_batch

ORACLE = "restored-oracle-gender"


def asked(*restorers: Restorer, people: Squares | None = None, **options: object) -> EvalRequest:
    dataset = people or People(8, 2, occluded=1)
    return EvalRequest([dataset], Fmor(), restorers or (decider(),), Colours(), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    request = asked(arms=(*DEFAULT_ARMS, ORACLE), min_subjects=2, cohorts=("gender",))
    return evaluate(request)


def arms(report: EvaluationReport) -> dict[str, ArmReport]:
    return {arm.name: arm for arm in report.arms}


def test_right_wrong_and_unsure_are_told_apart(report: EvaluationReport) -> None:
    figures = arms(report)["restored:decider"].figures
    assert figures["gender_predicted"].value == pytest.approx(5 / 7)
    assert figures["gender_predicted"].n == 7  # it was unsure of one
    assert figures["gender_wrong"].value == pytest.approx(2 / 8) and figures["gender_wrong"].n == 8


def test_the_share_sent_to_the_wrong_one_is_said_of_each_gender(report: EvaluationReport) -> None:
    """Of the women 0, 2, 4 and 6 one is taken for a man, of one it is unsure."""
    groups = {c.value: c.arms["restored:decider"] for c in report.cohorts if c.column == "gender"}
    assert groups["female"]["gender_wrong"].value == pytest.approx(1 / 4)
    assert groups["female"]["gender_predicted"].value == pytest.approx(2 / 3)
    assert groups["male"]["gender_wrong"].value == pytest.approx(1 / 4)


def test_who_is_told_the_truth_goes_by_it(report: EvaluationReport) -> None:
    oracle, restored = (
        arms(report)[f"{ORACLE}:decider"].figures,
        arms(report)["restored:decider"].figures,
    )
    assert oracle["gender_predicted"].value == 1 and oracle["gender_wrong"].value == 0
    assert oracle["rank1"].value >= restored["rank1"].value and "rank1_gain_over_restored" in oracle
    likeness = {row.arm: row.quality.psnr_mask for row in report.probes if row.subject == "02"}
    assert likeness[f"{ORACLE}:decider"] > likeness["restored:decider"] + 10  # she is healed


def test_nobody_decides_without_a_label() -> None:
    figures = arms(evaluate(asked(Breaker())))["restored:breaker"].figures
    assert not any(str(name).startswith("gender") for name in figures)


def test_the_unknown_are_counted_neither_right_nor_wrong() -> None:
    people = People(8, 2, occluded=1)
    people.last = "diverse"
    figures = arms(evaluate(asked(people=people)))["restored:decider"].figures
    assert figures["gender_predicted"].n == 6 and figures["gender_wrong"].n == 7


def test_the_truth_must_be_known_and_wanted() -> None:
    people = People(8, 2, occluded=1)
    people.last = "diverse"
    with pytest.raises(DataError, match="genders of some probes are unknown, or neither male nor"):
        evaluate(asked(people=people, arms=(ORACLE,)))
    with pytest.raises(DataError, match="genders of some probes are unknown"):
        evaluate(asked(people=Squares(8, 2, occluded=1), arms=(ORACLE,)))
    with pytest.raises(DataError, match="no restorer of the run can be told a gender"):
        evaluate(asked(Breaker(), arms=(ORACLE,)))


def test_finished_work_remembers_decisions(report: EvaluationReport, tmp_path) -> None:
    request = replace(asked(), cache=tmp_path / "cache")
    first, again = evaluate(request), evaluate(request)
    assert any("came from the cache" in note for note in again.notes)
    assert arms(again)["restored:decider"].figures == arms(first)["restored:decider"].figures
    assert "gender_wrong" in arms(again)["restored:decider"].figures


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"gender": torch.tensor([0, 2, 1])}, "no codes of restore_recog.labels.KINDS\\['gender'"),
        ({"gender": torch.tensor([0.0, 1.0, 1.0])}, "whole numbers from -1 \\(none\\) to 1"),
        ({"age": torch.tensor([0, 1, 1])}, "no mapping from expression or gender to codes"),
        ({"gender": torch.tensor([0, 1])}, "expected a tensor of shape \\(3,\\)"),
    ],
)
def test_answers_that_are_no_codes_are_refused(answer: dict, message: str, monkeypatch) -> None:
    restorer = decider()
    monkeypatch.setattr(restorer, "labels", lambda batch: answer)
    with pytest.raises(PluginError, match=message):
        answers.labels(restorer, face_batch(3, (64, 64)))
