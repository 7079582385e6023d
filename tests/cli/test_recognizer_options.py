"""``restore-recog eval`` with a recogniser from a file: how it is fed is asked for and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recognizer_files import onnx_file

from restore_recog.cli import main
from restore_recog.reporting.folder import read as read_report

BASE = ("-r", "telea", "-d", "phantom:3x4", "--segmenter", "true", "--arms", "occluded,restored")


def run(*args: object) -> Result:
    command = ["eval", *BASE, "--limit", "4", "--device", "cpu", *map(str, args)]
    return CliRunner().invoke(main, command)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    return onnx_file(tmp_path_factory.mktemp("net") / "net.onnx")


def test_the_report_says_how_the_recogniser_was_fed(
    network: Path, tmp_path: Path, undrawn: None
) -> None:
    asked = ["--recognizer-input", "bgr", "--recognizer-input", "std=128", "--template", "own"]
    whole = ["--recognizer", f"onnx:{network}", "-o", tmp_path / "out"]
    result = run(*whole, *asked)
    assert result.exit_code == 0, result.output
    report = read_report(tmp_path / "out")
    assert any("fed BGR as (x - 127.5) / 128" in note and "own" in note for note in report.notes)
    settings = report.setup["recognizer"]["settings"]
    assert settings["input"] == "bgr" and settings["std"] == [128.0] * 3
    assert settings["template"] == "own" and settings["size"] == [16, 16]
    assert "finished before" in run(*whole, *asked, "--resume").output
    other = run(*whole, *asked[2:], "--resume")
    assert other.exit_code == 1 and "recognizer" in other.output


def test_words_that_are_no_setting(network: Path, tmp_path: Path) -> None:
    whole = ["--recognizer", f"onnx:{network}", "-o", tmp_path / "out"]
    result = run(*whole, "--recognizer-input", "yuv")
    assert result.exit_code == 2 and "--recognizer-input is rgb, bgr or KEY=VALUE" in result.output
    result = run(*whole, "--recognizer-input", "colour=yuv")
    assert result.exit_code == 1 and "no setting 'colour'" in result.output
