"""``restore-recog train-landmarker`` and ``landmarks``: what they do, print and refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from restore_recog import weights
from restore_recog.cli import main
from restore_recog.landmarkers.hourglass.training import HourglassTraining


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--device", "cpu"])


def train(output: Path, *more: str) -> Result:
    small = ["--preset", "tiny", "--set", "images=8", "--workers", "0", "--sample-every", "8"]
    return invoke("train-landmarker", "--output", str(output), *small, *more)


def test_trains_and_measures(tmp_path: Path) -> None:
    result = train(tmp_path / "run", "--data", "phantom:8x1", "--validation-share", "0.25")
    assert result.exit_code == 0, result.output
    assert "8 of them have some of the 98 landmarks and are used." in result.stderr
    file = tmp_path / "run" / "best.safetensors"
    assert weights.training(file) == {"covered": 0.5, "coverings": "random"}
    spec = f"hourglass={file}"
    output = tmp_path / "study"
    result = invoke("landmarks", "--landmarker", spec, "-d", "phantom:3x1", "-o", str(output))
    assert result.exit_code == 0, result.output
    assert "phantom (98 points), covered" in result.stdout
    assert result.stdout.endswith(f"The whole study: {output / 'landmarks.html'}\n")
    assert "hourglass=best.safetensors" in (output / "landmarks.json").read_text()
    again = invoke("landmarks", "--landmarker", spec, "-d", "phantom:3x1", "-o", str(output))
    assert again.exit_code == 1 and "never overwritten" in again.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--landmarker", "hourglas"], "No landmarker named 'hourglas'. Did you mean 'hourglass'?"),
        (["--landmarker", "hourglass=no.pth"], "There is no weights file no.pth"),
        (["--landmarker", "hourglass:68={file}"], "'hourglass' takes nothing behind a colon"),
        (["--landmarker", "hourglass={file}", "-d", "lfw:/no/such"], "/no/such"),
        (["--landmarker", "hourglass={file}", "--coverings", "curtain"], "curtain"),
    ],
)
def test_one_sentence(more: list[str], words: str, tmp_path: Path) -> None:
    file = tmp_path / "tiny.safetensors"
    weights.save(file, "hourglass", *HourglassTraining("tiny").weights())
    asked = [one.format(file=file) for one in more]
    result = invoke("landmarks", *asked, "-o", str(tmp_path / "out"))
    assert result.exit_code == 1 and words in result.output
    assert "Traceback" not in result.output and not (tmp_path / "out").exists()
