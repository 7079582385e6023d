"""An evaluation of expressions from end to end, with a classifier whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import small_vgg
import torch
from evaluation_fakes import Breaker, Colours, KeyDetector, Squares
from torch import Tensor

from restore_recog.api import Classifier, Restorer, Segmenter
from restore_recog.errors import DataError, PluginError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.figures.sights import confusion
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.labels import EXPRESSIONS
from restore_recog.protocols.expression import Expression
from restore_recog.protocols.labelled import Labelled
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.folder import write as write_report
from restore_recog.types import FaceBatch, FaceSample

STEP = 0.1
"""The grey level that stands for an expression is its code times this."""

SHOWN = ("surprise", "fear", "happiness")


class Moods(Squares):
    """Squares whose people show one of three expressions; the last one's is unknown."""

    def _sample(self, subject: int, shot: str, twin: str | None = None) -> FaceSample:
        mood = "contempt" if subject == self.subjects - 1 else SHOWN[subject % 3]
        sample = super()._sample(subject, shot, twin)
        return replace(sample, attributes={**sample.attributes, "expression": mood})


class Told(Restorer):
    """Paints what is covered in the grey level of the expression that it goes by."""

    name = "told"
    image_size = (64, 64)
    needs = frozenset({"masks", "expression"})

    def __init__(self, argument: str | None = None) -> None:
        super().__init__()
        self.argument = argument

    def segmenter(self) -> Segmenter:
        return KeyDetector()

    def labels(self, batch: FaceBatch) -> dict[str, Tensor]:
        own = EXPRESSIONS.index(self.argument or "fear")
        told = batch.attributes.get("expression", torch.full((len(batch.images),), own))
        return {"expression": told}

    def restore(self, batch: FaceBatch) -> Tensor:
        level = STEP * self.labels(batch)["expression"].view(-1, 1, 1, 1)
        return torch.where(batch.masks > 0, level.expand_as(batch.images), batch.images)


class Levels(Classifier):
    """Reads the grey level in the middle of the lower half."""

    name = "levels"
    image_size = (64, 64)

    def features(self, images: Tensor) -> Tensor:
        return images[:, :, 40:60, 20:40].mean((2, 3))

    def classify(self, images: Tensor) -> Tensor:
        code = (self.features(images).mean(1) / STEP).round().long().clamp(0, 6)
        return torch.nn.functional.one_hot(code, 7).float()


class Genders(Levels):
    name = "genders"
    label = "gender"


def asked(*restorers: Restorer, **options: object) -> EvalRequest:
    dataset = Moods(10, 1, occluded=1)
    chosen: Sequence[Restorer] = restorers or (Told(), Breaker())
    options = {"classifier": Levels(), **options}
    return EvalRequest([dataset], Expression(), chosen, Colours(), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return evaluate(asked())


@pytest.fixture(scope="module")
def written(report: EvaluationReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report's folder, which tests only read."""
    folder = tmp_path_factory.mktemp("expression") / "run"
    write_report(report, folder)
    return folder


def arms(report: EvaluationReport) -> dict[str, ArmReport]:
    return {arm.name: arm for arm in report.arms}


def test_only_the_truth_paints_the_truth(report: EvaluationReport) -> None:
    """Of 9 labelled people 3 show fear, which 'told' paints for everybody."""
    known = arms(report)
    told = known["restored:told"].figures
    assert told["expression"].value == pytest.approx(3 / 9) and told["expression"].n == 9
    assert told["expression_predicted"].value == pytest.approx(3 / 9)
    oracle = known["restored-oracle-label:told"].figures
    assert oracle["expression"].value == 1 and oracle["expression_predicted"].value == 1
    assert oracle["expression_gain_over_restored"].value == pytest.approx(6 / 9)
    assert oracle["expression_gain_over_restored"]["rescued"] == 6
    assert "expression_predicted" not in known["restored:breaker"].figures
    assert "restored-oracle-label:breaker" not in known  # it cannot be told
    assert told["expression"]["mean_of_classes"] == pytest.approx(1 / 3)
    assert told["expression"]["chance"] == pytest.approx(3 / 9)


def test_what_was_told_is_kept_probe_by_probe(report: EvaluationReport) -> None:
    table = confusion(report.sights, "expression")["restored:told"]
    fear = EXPRESSIONS.index("fear")
    assert table[:, fear].sum() == 9 and table.sum() == 9
    assert {row.predicted for row in report.sights if row.arm == "restored:told"} == {"fear"}
    assert {row.predicted for row in report.sights if row.arm == "occluded"} == {""}


def test_each_expression_is_a_group(report: EvaluationReport) -> None:
    groups = {c.value: c for c in report.cohorts if c.column == "expression"}
    assert sorted(groups) == sorted(SHOWN) and {c.n for c in groups.values()} == {3}


def test_the_verdict_is_about_what_the_classifier_tells(report: EvaluationReport) -> None:
    sentence = report.verdicts[0].sentence
    assert "'levels'" in sentence and "expression it tells" in sentence
    assert report.setup["asks"] == "expression" and report.setup["told_by"]["name"] == "levels"


def test_the_folder_keeps_it_and_the_page_shows_it(report: EvaluationReport, written: Path) -> None:
    back = read_report(written)
    assert [(r.arm, r.probe_id, r.true, r.told) for r in back.sights] == [
        (r.arm, r.probe_id, r.true, r.told) for r in report.sights
    ]
    assert (written / "figures" / "confusion.png").is_file()
    assert (written / "figures" / "tsne.png").is_file()
    shown = (written / "report.html").read_text(encoding="utf-8")
    assert "still show the expression" in shown and "What the classifier tells" in shown


def test_the_examples_say_what_was_told_and_show_a_mask_once(report: EvaluationReport) -> None:
    first = report.examples[0]
    assert first.caption.startswith("expression fear: ") and "fear when restored" in first.caption
    assert sum(title.startswith("mask for") for title in first.titles) == 1


def test_the_restorers_are_named_by_what_they_are_told() -> None:
    made = evaluate(asked(Told("surprise"), Told("anger")))
    known = arms(made)
    assert known["restored:told:surprise"].figures["expression"].value == pytest.approx(3 / 9)
    assert known["restored:told:anger"].figures["expression"].value == 0


def test_finished_work_is_used_again_with_what_was_told(report, tmp_path) -> None:
    request = asked(cache=tmp_path / "cache")
    evaluate(request)
    again = evaluate(request)
    assert any("came from the cache" in note for note in again.notes)
    assert [(r.arm, r.told, r.predicted) for r in again.sights] == [
        (r.arm, r.told, r.predicted) for r in report.sights
    ]


def test_vgg_measures_every_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = {"vgg": small_vgg.stored(tmp_path, monkeypatch)}
    request = asked(Told(), judge_weights=judges, min_subjects=2, cache=tmp_path / "cache",
                    arms=("clean", "restored", "restored-oracle-label"))  # fmt: skip
    made = evaluate(request)
    figures = arms(made)["restored-oracle-label:told"].figures
    assert figures["frechet_vgg"].n == figures["perceptual"].n == 9
    assert figures["frechet_vgg"]["dimensions"] == 7 and figures["perceptual"].value > 0
    groups = {c.value: c.arms["restored:told"] for c in made.cohorts if c.column == "expression"}
    assert {one["frechet_vgg"].n for one in groups.values()} == {3}
    assert all(one["frechet_vgg"].flag for one in groups.values())
    means = [one["perceptual"].value for one in groups.values()]
    whole = arms(made)["restored:told"].figures["perceptual"].value
    assert sum(means) / 3 == pytest.approx(whole)
    assert sum(one["ssim"].value for one in groups.values()) / 3 == pytest.approx(
        arms(made)["restored:told"].figures["ssim"].value
    )
    monkeypatch.setattr("restore_recog.reporting.report_figures.images", lambda report: {})
    write_report(made, tmp_path / "run")
    rows = {(row.arm, row.probe_id): row for row in read_report(tmp_path / "run").probes}
    assert all(
        rows[row.arm, row.probe_id].quality.perceptual == pytest.approx(row.quality.perceptual,
                                                                       nan_ok=True)
        for row in made.probes
    )  # fmt: skip
    again = evaluate(request)
    assert any("came from the cache" in note for note in again.notes)
    assert arms(again)["restored:told"].figures == arms(made)["restored:told"].figures


def test_without_vgg_probes_have_no_column_for_it(written: Path) -> None:
    head = (written / "probes.csv").read_text().partition("\n")[0]
    assert "lpips" in head and "perceptual" not in head


def test_a_classifier_of_another_label_is_refused() -> None:
    with pytest.raises(PluginError, match="tells a face's gender, and the protocol asks for its"):
        evaluate(asked(classifier=Genders()))


def test_the_truth_is_asked_for_where_it_is_unknown() -> None:
    with pytest.raises(DataError, match="expression of 10 probes, and the data does not say that"):
        evaluate(replace(asked(), protocol=Unlabelled("expression")))
    request = replace(asked(), protocol=Unlabelled(""), arms=("restored-oracle-label",))
    with pytest.raises(DataError, match="'restored-oracle-label' cannot be measured: the expressi"):
        evaluate(request)
    with pytest.raises(DataError, match="no restorer of the run can be told an expression"):
        evaluate(asked(Breaker(), arms=("restored-oracle-label",)))


class Unlabelled(Expression):
    """Takes the images without a known expression, too, as the protocol 'quality' does."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label

    def plan(self, samples, *, seed=0, limit=None):
        plan = super(Labelled, self).plan(samples, seed=seed, limit=limit)
        return replace(plan, label=self.label)
