"""A stranger's ONNX model and three lines of TOML in an evaluation, and what is said wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from outside_fakes import Negative, onnx_net

from restore_recog.cli import main

TOML = 'inputs = ["image", "{mask}"]\nrange = [-1, 1]\noutput_range = [0, 255]\n'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An inpainter for 48 x 48 pixels whose file says nothing but that."""
    shapes = [(1, 3, 48, 48), (1, 1, 48, 48)]
    net = Negative(-1, 1, bytes=True)
    return onnx_net(net, tmp_path / "stranger.onnx", shapes, ["x", "hole"], "")


def evaluate(model: Path, recognizer: str) -> Result:
    data = ("-d", "phantom:6x3", "--limit", "6", "--segmenter", "true", "--device", "cpu")
    more = ("--recognizer", recognizer, "--no-cache", "--arms", "occluded,restored")
    output = str(model.parent / "run")
    return CliRunner().invoke(main, ["eval", "-r", f"onnx:{model}", *data, *more, "-o", output])


def test_one_option_and_one_small_file_measure_it(
    model: Path, tiny_recognizer: str, undrawn: None
) -> None:
    model.with_suffix(".toml").write_text(TOML.format(mask="mask"))
    result = evaluate(model, tiny_recognizer)
    assert result.exit_code == 0, result.output
    report = json.loads((model.parent / "run" / "report.json").read_text())
    (note,) = [note for note in report["notes"] if "onnx:stranger.onnx" in note]
    assert note == (
        "The restorer 'onnx:stranger.onnx' is given 48 x 48 pixels, as image and mask, with images "
        "in [-1, 1] and masks in [0, 1]; its results are read in [0, 255]."
    )
    assert "onnx:stranger.onnx" in result.stdout


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (None, "does not say what its inputs take ('x' of 3 channels, 'hole' of 1 channel)"),
        (TOML.format(mask="keep"), "reads masks the other way round; exchange mask and keep"),
        (TOML.format(mask="mask").replace("255", "1"), "do not look like images in [0, 1]"),
        (TOML.format(mask="mask") + "size = 512\n", "takes crops of 48 x 48 pixels and no others"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    toml: str | None, said: str, model: Path, tiny_recognizer: str, undrawn: None
) -> None:
    if toml is not None:
        model.with_suffix(".toml").write_text(toml)
    result = evaluate(model, tiny_recognizer)
    assert result.exit_code == 1 and said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
