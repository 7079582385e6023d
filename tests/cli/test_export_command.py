"""``restore-recog export``."""

from __future__ import annotations

from pathlib import Path

import torch
from click.testing import CliRunner

from restore_recog.cli import main


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["export", *arguments])
    return done.exit_code, done.output


def test_it_writes_the_file_and_says_how_near_it_is(tmp_path: Path) -> None:
    path = tmp_path / "none.pt2"
    code, text = run("-r", "none", "--format", "torch-export", "-o", str(path))
    assert code == 0, text
    assert "largest difference from the restorer itself is 0.0e+00" in text
    images = torch.rand(3, 3, 128, 128)
    assert torch.equal(
        torch.export.load(path).module()(images, torch.zeros(3, 1, 128, 128)), images
    )


def test_wrong_calls_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "there.onnx").write_text("mine")
    for arguments, message in (
        (("-r", "nobody"), "No restorer named 'nobody'"),
        (("-r", "fmodr", "-o", str(tmp_path / "there.onnx")), "exists and is never overwritten"),
        (("-r", "fmodr", "--weights", str(tmp_path / "no")), "There is no weights file"),
    ):
        code, text = run(*arguments)
        assert code == 1 and message in text and "Traceback" not in text
