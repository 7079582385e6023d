"""``restore-recog report``: a finished run in any form, without images, data or GPU."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from restore_recog.cli import main

Drawn = Callable[[str], tuple[Path, str]]
"""Form -> a folder with every figure in that form, and what the command said."""


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


def test_tables_need_no_torch_and_no_plots_and_the_page_is_made_again_without_torch_and_pyplot(
    run: Path,
) -> None:
    """One process for all of it, since each would take a second to start."""
    code = (
        "import sys; from restore_recog.cli import main\n"
        "from restore_recog.reporting import plots, plots_panels\n"
        f"main(['report', {str(run)!r}, '--format', 'tex'], standalone_mode=False)\n"
        "assert not {'torch', 'matplotlib'} & sys.modules.keys()\n"
        f"main(['report', {str(run)!r}, '-o', 'new/page.html'], standalone_mode=False)\n"
        "assert 'matplotlib' in sys.modules  # the curves have been drawn\n"
        "assert not {'torch', 'matplotlib.pyplot'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8"
    )
    # Of the page nothing is printed.
    assert (done.stdout, done.stderr) == ((run / "table.tex").read_text(encoding="utf-8"), "")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert Path("new/page.html").read_text(encoding="utf-8") == page
    assert [path.name for path in Path("new").iterdir()] == ["page.html"]


@pytest.fixture(scope="module")
def drawn(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Return what draws all figures in a form, once for all tests, which only read them."""

    @cache
    def figures(form: str) -> tuple[Path, str]:
        folder = tmp_path_factory.mktemp("drawn") / "figures"
        result = call(run, "--format", form, "-o", folder)
        assert result.exit_code == 0, result.output
        return folder, result.stdout

    return figures


@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_every_figure_for_a_paper_with_its_numbers(run: Path, drawn: Drawn, form: str) -> None:
    figures, printed = drawn(form)
    names = {path.stem for path in (run / "figures").glob("*.png")} - {"sheet"}
    assert {path.stem for path in figures.glob(f"*.{form}")} == names
    start = b"%PDF" if form == "pdf" else b"<?xml"
    for name in names:
        assert (figures / f"{name}.{form}").read_bytes().startswith(start)
        text = (figures / f"{name}.csv").read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows and "arm" in rows[0]
    assert "restore-recog," in (figures / "references.bib").read_text(encoding="utf-8")
    assert f"{len(names)} figures as {form.upper()}" in printed


def test_figures_are_the_same_again_and_are_not_overwritten(run: Path, drawn: Drawn) -> None:
    first, _ = drawn("svg")
    Path("two").mkdir()
    Path("two/det.svg").write_text("mine")
    refused = call(run, "--format", "svg", "-o", "two")
    assert refused.exit_code == 1 and "two" in refused.stderr
    assert Path("two/det.svg").read_text() == "mine"
    assert call(run, "--format", "svg", "-o", "two", "--overwrite").exit_code == 0
    for path in first.iterdir():
        assert path.read_bytes() == (Path("two") / path.name).read_bytes(), path.name


def test_a_curve_in_a_paper_has_the_numbers_of_the_run(run: Path, drawn: Drawn) -> None:
    assert (drawn("pdf")[0] / "det.csv").read_bytes() == (run / "det.csv").read_bytes()


def test_a_table_with_chosen_columns(run: Path) -> None:
    result = call(run, "--format", "tex", "--columns", "rank1,eer", "--label", "tab:a")
    assert r"\label{tab:a}" in result.stdout and r"{lrr}" in result.stdout
    wrong = call(run, "--format", "tex", "--columns", "speed")
    assert wrong.exit_code == 2 and "no column 'speed'; this report has" in wrong.stderr
    other = call(run, "--format", "csv", "--columns", "rank1")
    assert other.exit_code == 2 and "are for LaTeX" in other.stderr


def test_what_a_paper_cites(run: Path) -> None:
    text = call(run, "--format", "bib").stdout
    assert text.startswith("@software{restore-recog,")
    assert "% No reference is known for the restorer 'alpha'; cite it" in text
