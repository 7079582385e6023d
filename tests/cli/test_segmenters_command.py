"""``restore-recog segmenters``: what it prints, writes and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from evaluation_fakes import Healer, KeyDetector, Squares
from torch import Tensor

from restore_recog.cli import main

HERE = __name__


class Data(Squares):
    """Four people, two covered images each."""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(4, 4, occluded=2)


class Heal(Healer):
    """As a user's plug-in is made."""

    def __init__(self, **options: Any) -> None:
        super().__init__()


class Key(KeyDetector):
    """Perfect."""


class Grey(KeyDetector):
    """Forgets its threshold."""

    name = "grey"

    def segment(self, images: Tensor) -> Tensor:
        return torch.full_like(images[:, :1], 0.4)


def run(folder: Path, *more: str) -> Result:
    arguments = [
        *("segmenters", "-r", f"{HERE}:Heal", "-d", f"{HERE}:Data", "--margin", "4"),
        *("--recognizer", "evaluation_fakes:Colours", "--device", "cpu", "-o", str(folder / "out")),
    ]
    return CliRunner().invoke(main, [*arguments, *more])


def test_prints_tables_and_writes_the_folder(tmp_path: Path) -> None:
    result = run(tmp_path, "--segmenter", f"{HERE}:Key", "--worst", "1")
    assert result.exit_code == 0, result.output
    first = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    rows = ["true-4", "true", "true+4", "average", f"{HERE}:Key"]
    named = [word for word in first if word in rows]
    repeats, rest = divmod(len(named), len(rows))  # a wide table goes on below
    assert repeats >= 2 and not rest and named == rows * repeats
    assert result.stdout.endswith(f"The whole study: {tmp_path / 'out' / 'segmenters.html'}\n")
    assert (tmp_path / "out" / "figures" / "worst.png").is_file()
    again = run(tmp_path, "--segmenter", f"{HERE}:Key")
    assert again.exit_code == 1 and "never overwritten" in again.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--segmenter", "fmdor"], "No segmenter named 'fmdor'. Did you mean 'fmodr'?"),
        (["--segmenter", "fmodr=no.safetensors"], "There is no weights file no.safetensors"),
        (["--segmenter", f"{HERE}:Grey"], "'grey' returned the value 0.4 where a mask holds"),
        (["--segmenter", "own"], "'own' is another segmenter for every restorer"),
        (["--segmenter", "telea"], "'telea' has no segmenter"),
        (["-d", "lfw:/no/such/folder"], "/no/such/folder"),
    ],
)
def test_one_sentence(tmp_path: Path, more: list[str], words: str) -> None:
    result = run(tmp_path, *more)
    assert result.exit_code == 1
    assert words in " ".join(result.output.split())
    assert "Traceback" not in result.output and not (tmp_path / "out").exists()
