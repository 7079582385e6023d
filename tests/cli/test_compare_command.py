"""``restore-recog compare``: finished runs side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from report_fakes import SHIFTS, sample_report

from restore_recog.cli import main
from restore_recog.reporting.folder import write as write_report
from restore_recog.system.atomic import sealed


@pytest.fixture(scope="module")
def runs(sample_run: Path, undrawn: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the runs ``one``, ``two`` and one of another protocol version."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "newer"):
        shutil.copytree(sample_run, folder / name)
    write_report(sample_report(shifts=SHIFTS | {"restored:beta": 0.6}), folder / "two")
    newer = json.loads((folder / "newer" / "report.json").read_text())
    newer["setup"]["protocol"] = {"name": "fmor", "version": 2}
    (folder / "newer" / "report.json").write_text(json.dumps(sealed(newer)))
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*args: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, args)])


def test_the_terminal_gets_table_and_differences(runs: Path) -> None:
    result = call(runs / "one", runs / "two")
    assert result.exit_code == 0 and result.stderr == ""
    assert "restored:beta, one" in result.stdout and "restored:beta, two" in result.stdout
    assert "'two' minus 'one', on the same probes:" in result.stdout
    assert list(Path().iterdir()) == []


def test_the_folder_is_written_and_named(runs: Path) -> None:
    result = call(runs / "one", runs / "two", "-o", "it")
    assert result.exit_code == 0
    assert result.stdout.endswith("The whole comparison: it/compare.html\n")
    pairing = json.loads(Path("it/compare.json").read_text())["pairings"][0]
    assert (pairing["first"], pairing["second"], pairing["refusal"]) == ("one", "two", None)


def test_other_versions_of_a_protocol_are_shown_but_not_paired(runs: Path) -> None:
    result = call(runs / "one", runs / "newer")
    assert result.exit_code == 0
    assert "Curves are not drawn over each other" in result.stdout
    assert "'newer' cannot be paired with 'one'" in result.stdout
    assert "restored:beta, newer" in result.stdout


def test_an_existing_folder_is_refused_before_any_work(runs: Path) -> None:
    Path("it").mkdir()
    result = call(runs / "gone", runs / "two", "-o", "it")
    assert result.exit_code == 1 and "'it' exists" in result.stderr
    assert list(Path("it").iterdir()) == []


@pytest.mark.parametrize("given", [[], ["one"]])
def test_one_run_is_not_enough(runs: Path, given: list[str]) -> None:
    result = call(*[runs / name for name in given])
    assert result.exit_code == 2 and result.stderr.startswith("Usage: ")


def test_a_folder_that_is_no_run(runs: Path) -> None:
    result = call(runs / "one", runs)
    assert result.exit_code == 1
    assert "cannot be read as a results folder" in result.stderr
