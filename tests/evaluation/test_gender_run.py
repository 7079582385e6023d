"""An evaluation of gender from end to end, with a classifier whose answers are known."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from evaluation_fakes import Colours
from gender_fakes import FEMALE, MALE, Decider, People, decider
from torch import Tensor

from restore_recog.api import Classifier
from restore_recog.errors import PluginError, WeightsError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.protocols.gender import Gender
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.folder import write as write_report
from restore_recog.types import FaceBatch, FaceSample

SURE = 0.9
AGES = ("18-29", "60+")


class Aged(People):
    """People of two ages; the last one's gender is neither."""

    last = "diverse"

    def _sample(self, subject: int, shot: str, twin: str | None = None) -> FaceSample:
        sample = super()._sample(subject, shot, twin)
        return replace(sample, attributes={**sample.attributes, "age_group": AGES[subject // 4]})


class Guesser(Classifier):
    """Is sure of every square, and right unless it is covered (magenta) or grey there."""

    name = "guesser"
    label = "gender"
    image_size = (64, 64)

    def __init__(self) -> None:
        super().__init__()
        self.people = Decider("male")

    def features(self, images: Tensor) -> Tensor:
        return images[:, :, 40:60, 20:40].mean((2, 3))

    def classify(self, images: Tensor) -> Tensor:
        lower = images[:, :, 40:60, 20:40].flatten(2)
        bare = lower.std(2).amin(1) > 0.01
        known = self.people.subjects(FaceBatch(images, images[:, :1])) % 2
        code = torch.where(bare, known, torch.tensor(FEMALE))
        male = torch.where(code == MALE, SURE, 1 - SURE)
        return torch.stack([1 - male, male], 1)


class Moods(Guesser):
    label = "expression"


def asked(**options: object) -> EvalRequest:
    options = {"classifier": Guesser(), "min_subjects": 2, **options}
    return EvalRequest([Aged(8, 1, occluded=1)], Gender(), (decider(),), Colours(), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return evaluate(asked())


@pytest.fixture(scope="module")
def written(report: EvaluationReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report's folder, which tests only read."""
    folder = tmp_path_factory.mktemp("gender") / "run"
    write_report(report, folder)
    return folder


def arms(report: EvaluationReport) -> dict[str, ArmReport]:
    return {arm.name: arm for arm in report.arms}


def test_it_is_right_of_bare_faces_and_guesses_about_covered_ones(report: EvaluationReport) -> None:
    """Of seven people with a label four are women, which it takes all covered ones for."""
    known = arms(report)
    clean, occluded = known["clean"].figures, known["occluded"].figures
    assert clean["gender"].value == 1 and clean["gender"].n == 7
    assert occluded["gender"].value == pytest.approx(4 / 7)
    assert clean["gender_ece"].value == pytest.approx(0.1)  # 0.9 said, always so
    assert occluded["gender_ece"].value == pytest.approx(3 / 7 - 0.1)
    assert occluded["gender_brier"].value == pytest.approx((4 * 0.01 + 3 * 0.81) / 7)
    assert occluded["gender_ece"]["bins"] == 10 and occluded["gender_ece"].n == 7
    assert any("diverse (2)" in note for note in report.notes)


def test_the_truth_is_told_by_default_here(report: EvaluationReport) -> None:
    known = arms(report)
    oracle = known["restored-oracle-gender:decider"].figures
    assert oracle["gender"].value == 1 and oracle["gender_predicted"].value == 1
    restored = known["restored:decider"].figures
    assert restored["gender_wrong"].value == pytest.approx(2 / 7)
    assert "restored-oracle-label:decider" not in known


def test_gender_and_age_group_are_groups_with_all_of_it(report: EvaluationReport) -> None:
    groups = {(c.column, c.value): c.arms["occluded"] for c in report.cohorts if c.arms}
    assert groups["gender", "female"]["gender"].value == 1
    assert groups["gender", "male"]["gender"].value == 0
    assert groups["age_group", "18-29"]["gender"].value == pytest.approx(2 / 4)
    assert groups["gender", "male"]["gender_ece"].value == pytest.approx(0.9)
    assert groups["age_group", "60+"]["gender_brier"].n == 3


def test_the_folder_keeps_the_curve_and_the_page_shows_it(written: Path) -> None:
    with (written / "calibration.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["arm"] == "clean"]
    assert [(int(r["n"]), float(r["observed"])) for r in rows] == [(4, 0.0), (3, 1.0)]
    assert float(rows[1]["probability"]) == pytest.approx(SURE)
    back = read_report(written)
    assert all(row.confidence == pytest.approx(SURE) for row in back.sights)
    assert (written / "figures" / "calibration.png").is_file()
    shown = (written / "report.html").read_text(encoding="utf-8")
    assert "Calibration" in shown and "restored-oracle-gender" in shown
    assert "learnt from unoccluded" not in shown


def test_a_folder_that_does_not_say_how_sure_is_read(report, written, tmp_path) -> None:
    shutil.copytree(written, tmp_path / "run")
    file = tmp_path / "run" / "classes.csv"
    lines = [line.rpartition(",")[0] for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    back = read_report(tmp_path / "run")
    assert len(back.sights) == len(report.sights) and back.sights[0].confidence != SURE


def test_finished_work_remembers_how_sure(report: EvaluationReport, tmp_path) -> None:
    request = asked(cache=tmp_path / "cache")
    evaluate(request)
    again = arms(evaluate(request))["occluded"].figures
    assert again["gender_ece"] == arms(report)["occluded"].figures["gender_ece"]


def test_a_classifier_of_another_label_or_none_is_refused() -> None:
    with pytest.raises(PluginError, match="tells a face's expression, and the protocol asks for"):
        evaluate(asked(classifier=Moods()))
    with pytest.raises(WeightsError, match="There is no weights file"):
        evaluate(asked(classifier="gender=none.safetensors"))
