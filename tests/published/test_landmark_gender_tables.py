"""The landmark-gender model's table: a row for each gender, on FFHQ and on CelebA."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import tiny
from click.testing import CliRunner
from landmark_fakes import PARTS, known_parts

from restore_recog.cli import main
from restore_recog.published.presets import PRESETS
from restore_recog.published.tables import parts, table
from restore_recog.reporting.folder import read as read_report


def test_both_parts_have_a_row_for_each_gender_that_the_restorer_itself_chooses() -> None:
    names = [one.name for one in parts("landmark-gender-table1")]
    assert names == ["landmark-gender-table1-ffhq", "landmark-gender-table1-celeba"]
    printed = {}
    for name in names:
        one = table(name)
        assert [row.group for row in one.rows] == ["gender = male", "gender = female"]
        assert {(row.restorer, row.arm) for row in one.rows} == {("landmark_gender", None)}
        printed[name] = [value.text for row in one.rows for value in row.values.values() if value]
    assert printed[names[0]] == ["28.82", "0.93", "30.00", "0.95"]
    assert printed[names[1]] == ["31.40", "0.97", "33.32", "0.98"]


def test_figures_are_broken_down_by_gender() -> None:
    preset = PRESETS["landmark-gender-celeba"]
    assert preset.groups == {"cohorts": ("gender",), "min_subjects": 2}
    assert preset.arms == ("clean", "occluded", "restored") and preset.size == 256
    assert "manifest:FILE with a column gender" in PRESETS["landmark-gender-ffhq"].choices[-1]


def test_a_rehearsal_measures_both_rows(
    tiny_recognizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None
) -> None:
    monkeypatch.chdir(tmp_path)
    with known_parts():
        file = tiny.stored(tmp_path, "landmark_gender", **PARTS)
        options = [
            *("--recognizer", tiny_recognizer, "--segmenter", "true", "--device", "cpu"),
            *("--crop-size", "32", "--no-cache", f"--weights={file}", "-o", "out"),
        ]
        name = "landmark-gender-table1-celeba"
        result = CliRunner().invoke(main, ["reproduce", name, "-d", "phantom:10x1", *options])
    assert result.exit_code == 0, result.output
    assert "rendered phantom faces and no celeba: a rehearsal" in result.stdout
    with Path("out/reproduce.csv").open() as rows:
        cells = {(row["row"], row["metric"]): row for row in csv.DictReader(rows)}
    report = read_report(Path("out"))
    groups = {one.value: one.arms for one in report.cohorts if one.column == "gender"}
    for gender in ("male", "female"):
        figure = groups[gender]["restored:landmark_gender"]["psnr"]
        assert figure.n >= 2
        assert float(cells[gender, "psnr"]["here"]) == pytest.approx(figure.value, abs=5e-3)
