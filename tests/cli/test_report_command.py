"""``restore-recog report``: a finished run in any form, without images, data or GPU."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from restore_recog.cli import main


@pytest.fixture(scope="module")
def run(sample_run: Path) -> Path:
    return sample_run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*args: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, args)])


def test_the_terminal_gets_the_table(run: Path) -> None:
    result = call(run)
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout.startswith("synthetic coverings\n")
    assert "restored:alpha" in result.stdout and not result.stdout.endswith("\n\n")


@pytest.mark.parametrize(
    ("form", "start"),
    [("tex", "% Needs"), ("csv", "Arm,"), ("text", "synthetic")],
)
def test_every_form_to_standard_output_and_to_a_file(run: Path, form: str, start: str) -> None:
    shown = call(run, "--format", form)
    assert shown.exit_code == 0 and shown.stdout.startswith(start)
    ending = {"text": "txt"}.get(form, form)
    result = call(run, "--output", f"new/it.{ending}")
    assert (result.exit_code, result.output) == (0, "")
    assert Path(f"new/it.{ending}").read_text(encoding="utf-8") == shown.stdout
    assert [path.name for path in Path("new").iterdir()] == [f"it.{ending}"]


def test_tables_are_those_of_the_folder(run: Path) -> None:
    for form in ("csv", "tex"):
        assert call(run, "--format", form).stdout == (run / f"table.{form}").read_text()
    rows = list(csv.DictReader(io.StringIO(call(run, "--format", "csv").stdout)))
    assert [row["Arm"] for row in rows][:2] == ["clean", "occluded"]


def test_the_page_is_made_again_from_the_records_alone(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    result = call(run, "-o", "new/page.html")
    assert (result.exit_code, result.output) == (0, "")
    assert Path("new/page.html").read_text(encoding="utf-8") == page
    assert [path.name for path in Path("new").iterdir()] == ["page.html"]


def test_nothing_is_overwritten_silently(run: Path) -> None:
    Path("t.tex").write_text("mine")
    refused = call(run, "-o", "t.tex")
    assert refused.exit_code == 1 and "give --overwrite" in refused.stderr
    assert Path("t.tex").read_text() == "mine"
    assert call(run, "-o", "t.tex", "--overwrite").exit_code == 0
    assert Path("t.tex").read_text() == (run / "table.tex").read_text()
    Path("folder.html").mkdir()
    assert "is a folder" in call(run, "-o", "folder.html", "--overwrite").stderr


def test_an_ending_that_says_nothing(run: Path) -> None:
    result = call(run, "-o", "page")
    assert result.exit_code == 2 and "'page' does not say in which form" in result.stderr
    assert call(run, "-o", "page", "--format", "csv").exit_code == 0


@pytest.mark.parametrize("place", ["gone", "."])
def test_other_folders_are_one_sentence(place: str) -> None:
    result = call(place)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: '") and result.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_to(run: Path) -> None:
    Path("file").write_text("x")
    result = call(run, "-o", "file/table.csv")
    assert result.exit_code == 1 and "cannot be written" in result.stderr


def test_no_torch_is_needed(run: Path) -> None:
    code = (
        "import sys; from restore_recog.cli import main\n"
        f"main(['report', {str(run)!r}, '--format', 'tex'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=os.environ, stdout=subprocess.DEVNULL
    )
