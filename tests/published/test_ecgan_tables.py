"""ECGAN's tables and figure 7: rows by expression, arms that are told, what the text says."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from click.testing import CliRunner

from restore_recog import weights
from restore_recog.classifiers.resnet18 import ResNet18
from restore_recog.cli import main
from restore_recog.evaluation.figure import read_figures
from restore_recog.evaluation.results import (
    ArmReport,
    Cohort,
    EvaluationReport,
    ProbeRow,
    SightRow,
)
from restore_recog.labels import EXPRESSIONS
from restore_recog.published import rendering
from restore_recog.published.comparison import TableComparison, compare
from restore_recog.published.origin import MeasuredRun, Origin
from restore_recog.published.presets import PRESETS
from restore_recog.published.tables import Printed, table, tables
from restore_recog.reporting.folder import read as read_report

PRESET = PRESETS["ecgan-rafdb"]
ORACLE = "restored-oracle-label:ecgan"
TRAINED = ("celeba", "rafdb")


def arm(name: str, **figures: float) -> ArmReport:
    kind, _, restorer = name.partition(":")
    values = {
        key: {"value": value, "low": value - 0.01, "high": value + 0.02, "n": 9}
        for key, value in figures.items()
    }
    return ArmReport(name, kind, restorer or None, read_figures(values))


def report(*arms: ArmReport, told: dict[str, str] | None = None) -> EvaluationReport:
    """Return a report; *told*: arm -> a letter for each probe, R where the classifier is right."""
    setup = {
        "crop_size": 256, "images": {"probes": 3068}, "seed": 0,
        "told_by": {"name": "resnet18"},
    }  # fmt: skip
    sights = tuple(
        SightRow(name, f"{i}", "fear", "fear" if letter == "R" else "anger", "")
        for name, letters in (told or {}).items()
        for i, letter in enumerate(letters)
    )
    probes = tuple(
        ProbeRow(name, f"{i}", f"s{i}", "", 0, 0.0, False)
        for name, letters in (told or {}).items()
        for i, _ in enumerate(letters)
    )
    made = EvaluationReport((), (), (), arms, setup, {}, (), {}, probes, ())
    return replace(made, sights=sights)


def compared(name: str, measured: EvaluationReport, **changes: Any) -> TableComparison:
    origins = {
        one: Origin(one, "w", preset="paper", datasets=TRAINED, trained_on="both")
        for one in ("ecgan", "ecgan:no-label", "deepgan")
    }
    facts = {"data": ("rafdb",), "rendered": False, "origins": origins, "recognizer": "timm"}
    return compare(table(name), PRESET, measured, MeasuredRun(**(facts | changes)))


def test_the_texts_differences_follow_from_its_accuracies() -> None:
    figure7 = table("ecgan-figure7")
    printed = {row.label: row.values["expression"] for row in figure7.rows}
    clean, told, deepgan = (
        printed[label].number  # type: ignore[union-attr]
        for label in ("photographs without masks", "ECGAN, told the true expression", "DeepGAN")
    )
    assert (clean, told, deepgan) == (85.20, 78.54, 55.2)
    assert figure7.gains[2].before == "DeepGAN"
    assert told - deepgan == pytest.approx(float(figure7.gains[2].printed), abs=0.05)


def test_each_table_has_a_row_for_each_expression_and_its_own_restorer() -> None:
    wanted = {
        "ecgan-table1": ("ecgan", "restored-oracle-label"),
        "ecgan-table1-no-label": ("ecgan:no-label", None),
        "ecgan-table1-no-map": ("ecgan:no-map", "restored-oracle-label"),
        "ecgan-table2": ("deepgan", None),
    }
    for name, mine in wanted.items():
        rows = table(name).rows
        assert {row.group for row in rows} == {f"expression = {one}" for one in EXPRESSIONS}
        assert {(row.restorer, row.arm) for row in rows} == {mine}
        assert table(name).preset == "ecgan-rafdb"
    assert not any("ecgan" in name for name, one in tables().items() if one.why_not)


def test_a_range_is_met_anywhere_within_it() -> None:
    span = Printed("12.5 to 13.5")
    assert span.ends == (12.5, 13.5) and span.number == 13 and span.digits == 1


def test_rows_show_the_figures_of_their_group_as_one_less_ssim() -> None:
    whole, fear = arm(ORACLE, ssim=0.8), arm(ORACLE, ssim=0.4, frechet_classifier=7.0)
    group = Cohort("expression", "fear", 9, 9, {ORACLE: fear.figures})
    made = compared("ecgan-table1", replace(report(whole), cohorts=(group,)))
    rows = {row.label: row for row in made.rows}
    cell, *_, added = rows["Fear"].cells
    assert cell.ours is not None and added.ours is not None
    assert (cell.ours.value, cell.ours.low, cell.ours.high) == pytest.approx((0.6, 0.58, 0.61))
    assert cell.verdict == "lower than the paper (better)" and added.ours.value == 7
    assert {one.verdict for one in rows["Anger"].cells} == {"not measured"}
    everybody = rows[f"{ORACLE}, all groups"]
    assert not everybody.published
    assert everybody.cells[0].ours is not None
    assert everybody.cells[0].ours.value == pytest.approx(0.2)
    assert not made.reasons()


def test_figure_7_tells_arms_apart_and_pairs_them_probe_by_probe() -> None:
    told = {
        ORACLE: "RRRRRRRR..", "restored:ecgan": "RRRRR.....",
        "restored:ecgan:no-label": "RRRR...R..", "restored:deepgan": "RRR.......",
    }  # fmt: skip
    arms = [arm(name, expression=letters.count("R") / 10) for name, letters in told.items()]
    made = compared("ecgan-figure7", report(arm("clean", expression=0.852), *arms, told=told))
    rows = {row.label: row for row in made.rows}
    values = {
        label: round(row.cells[0].ours.value, 2) for label, row in rows.items() if row.cells[0].ours
    }
    assert values == {
        "photographs without masks": 85.2, "ECGAN, told the true expression": 80,
        "ECGAN, no label": 50, "DeepGAN": 30, "ecgan": 50,
    }  # fmt: skip
    assert not rows["ecgan"].published and rows["ECGAN, no map"].cells[0].verdict == "not here"
    label, no_map, deepgan = (row.cells[0] for row in made.gains)
    assert label.ours is not None and label.ours.value == pytest.approx(30)
    assert no_map.ours is None and deepgan.ours is not None
    assert deepgan.ours.value == pytest.approx(50) and deepgan.ours.n == 10
    text = rendering.comparison_text(made, PRESET)
    assert "the classifier 'resnet18' is not the paper's" in text
    assert "over ECGAN, no label: paper 12.5 to 13.5, here +30.0 [" in text
    assert "The paper gave ECGAN the true label for its 78.54 %" in text
    assert "figures/confusion.png" in text and "figures/tsne.png" in text


@pytest.fixture
def files(
    tiny_recognizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None
) -> list[str]:
    """Return options with untrained weights of everything, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    restorers = [tiny.stored(tmp_path, name) for name in ("ecgan", "deepgan")]
    classifier = tmp_path / "classifier.safetensors"
    trained = ResNet18.trainable(image_size=32, width=8, batch_size=4, images=8)
    weights.save(classifier, "resnet18", *trained.weights())
    return [
        *("--recognizer", tiny_recognizer, "--segmenter", "true", "--device", "cpu"),
        *("--classifier", f"resnet18={classifier}", "--crop-size", "32", "--no-cache"),
        *(f"--weights={file.stem}={file}" for file in restorers),
    ]


def run(*args: str) -> str:
    result = CliRunner().invoke(main, ["reproduce", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_rehearsal_says_that_phantoms_are_no_rafdb(files: list[str]) -> None:
    text = run("ecgan-figure7", "-d", "phantom:12x1", *files, "-o", "out")
    assert "rendered phantom faces and no rafdb: a rehearsal" in text
    with Path("out/reproduce.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows if not row["here"]] == []
    measured = {row["row"]: row for row in rows}
    assert measured["ECGAN, no map"]["n"] == "12" and measured["ecgan"]["in_paper"] == "no"
    sights = read_report(Path("out")).sights
    oracle = [row for row in sights if row.arm == ORACLE]
    right = 100 * sum(row.told == row.true for row in oracle) / len(oracle)
    assert float(measured["ECGAN, told the true expression"]["here"]) == pytest.approx(right)


def test_table_2_has_a_distance_of_each_class_and_says_that_it_has_too_few_images(
    files: list[str],
) -> None:
    text = run("ecgan-table2", "-d", "phantom:12x1", *files, "-o", "out")
    assert "*: fewer images than the 64 dimensions of the features" in text
    report = read_report(Path("out"))
    groups = {group.value: group for group in report.cohorts if group.column == "expression"}
    big = max(groups.values(), key=lambda group: group.n)
    figures = big.arms["restored:deepgan"]
    assert figures["frechet_classifier"].n == big.n and figures["ssim"].n == big.n
    with Path("out/reproduce.csv").open() as file:
        cells = {
            row["row"]: float(row["here"])
            for row in csv.DictReader(file)
            if row["metric"] == "dissimilarity" and row["here"]
        }
    assert cells.pop("restored:deepgan, all groups") > 0 and len(cells) > 1
