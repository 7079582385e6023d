"""Ours beside the paper's: verdicts, obstacles, weights, and the forms they are written in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restore_recog import weights
from restore_recog.evaluation.figure import read_figures
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.published import comparison, rendering
from restore_recog.published.comparison import Ours, assess, compare
from restore_recog.published.origin import MeasuredRun, Origin, origin
from restore_recog.published.presets import PRESETS
from restore_recog.published.tables import METRICS, Printed, table
from restore_recog.restorers.telea import Telea

PAPER = Origin(
    "ganmasker", "w.safetensors", "ab" * 32, preset="paper", trained_on="celeba",
    datasets=("celeba",), options={"two_stage": True},
)  # fmt: skip


def figure(value: float, half: float, n: int = 5000) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def report(arms: dict[str, dict[str, Any]], **setup: Any) -> EvaluationReport:
    facts = {"crop_size": 256, "crop_template": [[0, 0]], "images": {"probes": 5000}} | setup
    parts = [
        ArmReport(
            name, name.partition(":")[0], name.partition(":")[2] or None, read_figures(figures)
        )
        for name, figures in arms.items()
    ]
    return EvaluationReport((), (), (), tuple(parts), facts, {}, (), {}, (), ())


def run(known: Origin = PAPER, **changes: Any) -> MeasuredRun:
    facts: dict[str, Any] = {
        "data": ("celeba",), "rendered": False, "origins": {known.restorer: known},
        "recognizer": "timm",
    }  # fmt: skip
    return MeasuredRun(**(facts | changes))


def table1(measured: EvaluationReport, how: MeasuredRun) -> comparison.TableComparison:
    return compare(table("ganmasker-table1"), PRESETS["ganmasker-celeba"], measured, how)


GOOD = {
    "occluded": {"psnr": figure(14.0, 0.1), "ssim": figure(0.7, 0.01)},
    "restored:ganmasker": {"psnr": figure(30.9, 0.1), "ssim": figure(0.93, 0.01)},
}


@pytest.mark.parametrize(
    ("ours", "word"),
    [
        (Ours(30.90, 30.80, 31.00), "reproduced within the interval"),
        (Ours(30.90, 30.85, 30.956), "reproduced within the interval"),  # by the rounding
        (Ours(30.90, 30.85, 30.954), "lower than the paper (worse)"),
        (Ours(31.20, 31.10, 31.30), "higher than the paper (better)"),
        (Ours(30.96), "reproduced within the interval"),
        (Ours(30.97), "higher than the paper (better)"),
        (None, "not measured"),
    ],
)
def test_a_cell_is_reproduced_only_within_the_interval(ours: Ours | None, word: str) -> None:
    assert assess(METRICS["psnr"], Printed("30.96"), ours, comparable=True) == word


def test_lower_is_better_for_errors_and_nothing_is_judged_that_cannot_be_compared() -> None:
    error, ours = Printed("2.27"), Ours(1.0, 0.9, 1.1)
    assert assess(METRICS["l1"], error, ours, comparable=True) == "lower than the paper (better)"
    assert assess(METRICS["l1"], error, ours, comparable=False) == "not comparable"
    assert assess(METRICS["l1"], None, ours, comparable=True) == "the paper prints no number"


def test_lines_of_systems_that_are_not_here_say_so_and_extra_ones_are_marked() -> None:
    compared = table1(report(GOOD), run())
    lines = {row.label: row for row in compared.rows}
    assert {cell.verdict for cell in lines["GLCIC"].cells} == {"not here"}
    assert not lines["covered, nothing done"].published
    words = {cell.metric: cell.verdict for cell in lines["GANMasker"].cells}
    assert words["psnr"] == "reproduced within the interval"
    assert words["ssim"] == "lower than the paper (worse)"
    assert words["fid"] == "not measured"
    assert "1 reproduced within the interval" in compared.verdict()
    assert "not a reproduction" not in compared.verdict()


@pytest.mark.parametrize(
    ("how", "setup", "reason"),
    [
        ({"rendered": True}, {}, "phantom"),
        ({"data": ("lfw",)}, {}, "measured on lfw"),
        ({}, {"crop_size": 128}, "crops of 128 pixels"),
        ({}, {"segmenter": "true"}, "the paper finds its own"),
    ],
)
def test_other_data_or_size_is_never_a_reproduction(
    how: dict[str, Any], setup: dict[str, Any], reason: str
) -> None:
    compared = table1(report(GOOD, **setup), run(**how))
    assert reason in compared.verdict() and "not a reproduction" in compared.verdict()
    assert not any(cell.verdict.startswith("repro") for row in compared.rows for cell in row.cells)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shipped": True, "preset": "compact", "datasets": None}, "come with the package"),
        ({"preset": "compact"}, "preset 'compact'"),
        ({"datasets": ("lfw", "phantom")}, "trained on lfw and phantom, the paper on celeba"),
        ({"preset": None, "datasets": None}, "nothing beside the weights"),
        ({"finished": False}, "not finished"),
    ],
)
def test_other_weights_are_never_a_reproduction(change: dict[str, Any], reason: str) -> None:
    facts = {name: getattr(PAPER, name) for name in Origin.__dataclass_fields__}
    compared = table1(report(GOOD), run(Origin(**(facts | change))))
    assert reason in compared.verdict() and "not a reproduction" in compared.verdict()
    assert not any(cell.verdict.startswith("repro") for row in compared.rows for cell in row.cells)


def test_fewer_images_and_our_own_crop_are_told() -> None:
    setup: dict[str, Any] = {"images": {"probes": 40}, "crop_template": None}
    cautions = " ".join(table1(report(GOOD, **setup), run()).cautions)
    assert "40 test images, the paper has 5,000" in cautions and "own crops" in cautions


def test_a_variant_stands_in_its_own_line_only() -> None:
    preset = PRESETS["ganmasker-celeba"]
    compared = compare(table("ganmasker-table2"), preset, report(GOOD), run())
    one, two = compared.rows[:2]
    assert {cell.verdict for cell in one.cells} == {"not here"}
    assert two.cells[1].ours is not None and two.cells[1].ours.value == 30.9


def test_errors_are_put_on_the_papers_scale_and_gains_beside_its_differences() -> None:
    arms = {"restored:fmodr": {"l1": figure(0.01, 0.001), "l2": figure(0.002, 0.0001)}}
    known = Origin("fmodr", "w", preset="paper", datasets=("celeba",))
    preset = PRESETS["fmodr-s-celeba-mask"]
    compared = compare(table("fmodr-table4-celeba-mask"), preset, report(arms), run(known))
    cells = {cell.metric: cell.ours for cell in compared.rows[3].cells}
    assert cells["l1"] is not None and cells["l1"].value == pytest.approx(2.0)
    assert cells["l2"] is not None and cells["l2"].value == pytest.approx(0.8)

    arms = {
        "occluded": {"rank1": figure(0.3, 0.1)},
        "restored:fmodr": {"rank1": figure(0.4, 0.1), "rank1_gain": figure(0.10, 0.02)},
    }
    preset = PRESETS["fmodr-ar-recognition"]
    compared = compare(table("fmodr-table5-ar"), preset, report(arms), run(known))
    (gain,) = compared.gains
    assert gain.cells[0].paper == Printed("+19.4")  # 96.7 - 77.3
    assert gain.cells[0].ours is not None and gain.cells[0].ours.value == pytest.approx(10.0)
    assert "the recogniser 'timm' is not the paper's" in compared.verdict()


def test_all_forms_hold_the_same_numbers() -> None:
    preset = PRESETS["ganmasker-celeba"]
    compared = table1(report(GOOD), run())
    text = rendering.comparison_text(compared, preset)
    assert "30.90 [30.80, 31.00]" in text and "26.78" in text and "not here" in text
    assert compared.verdict() in text and "w.safetensors" in text
    content = json.loads(json.dumps(rendering.comparison_json(compared, preset), allow_nan=False))
    here = content["lines"][3]["cells"][1]["here"]
    assert (here["value"], here["n"]) == (30.9, 5000)
    rows = list(csv.DictReader(io.StringIO(rendering.comparison_csv(compared))))
    mine = next(r for r in rows if r["row"] == "GANMasker" and r["metric"] == "psnr")
    assert float(mine["here"]) == 30.9 and mine["paper"] == "30.96"
    marked = rendering.comparison_markdown(compared, preset)
    bars = {line.count("|") for line in marked.splitlines() if line.startswith("|")}
    assert len(bars) == 1 and "30.90 [30.80, 31.00]" in marked


def test_weights_tell_on_what_they_were_trained(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights.save(file, "telea", {"two_stage": False}, {"a": torch.zeros(1)})
    restorer = Telea()
    assert origin("telea", restorer).file is None
    restorer.weights = file
    unknown = origin("telea", restorer)
    assert unknown.options == {"two_stage": False} and unknown.preset is None
    assert "nothing beside the file" in unknown.sentence()

    file.with_suffix(".md").write_text("| | |\n|---|---|\n| data | RAF-DB, 12,271 faces |\n")
    assert "RAF-DB" in origin("telea", restorer).sentence()

    record = {
        "datasets": ["celeba:/x", "phantom:9x9"], "model": {"preset": "paper"}, "pictures": 7,
        "finished": True,
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(record))
    known = origin("telea", restorer)
    assert known.datasets == ("celeba", "phantom") and known.preset == "paper" and known.finished
    assert "celeba and phantom" in known.sentence()
    (tmp_path / "run.json").write_text("{}")
    assert origin("telea", restorer).datasets is None


def test_the_shipped_weights_name_their_data() -> None:
    restorer = Telea()
    restorer.weights = weights.shipped("fmodr")
    known = origin("fmodr", restorer)
    assert known.shipped and "Labeled Faces in the Wild" in known.sentence()
    assert np.any(["come with the package" in text for text in known.obstacles("celeba")])
