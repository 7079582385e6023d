"""How plug-ins are asked for: names, arguments, weights files."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from restore_recog import specs
from restore_recog.cli import options


@pytest.mark.parametrize(
    ("spec", "name", "argument", "file"),
    [
        ("fmodr", "fmodr", None, None),
        ("fmodr=w.bin", "fmodr", None, "w.bin"),
        ("ecgan:fear", "ecgan", "fear", None),
        ("ecgan:fear=runs/w.safetensors", "ecgan", "fear", "runs/w.safetensors"),
        ("onnx:a=b.onnx", "onnx", "a=b.onnx", None),
        ("fmodr=hf:me/fmodr@v1", "fmodr", None, "hf:me/fmodr@v1"),
        ("ecgan:fear=hf:me/ecgan", "ecgan", "fear", "hf:me/ecgan"),
        ("my.module:Mine=w.safetensors", "my.module", "Mine", "w.safetensors"),
    ],
)
def test_a_spec_falls_into_its_parts(spec, name, argument, file) -> None:
    assert specs.split(spec) == (name, argument)
    assert specs.weighted(spec)[1] == (None if file is None else Path(file))


def test_an_expression_goes_to_the_restorers_that_can_be_told_one() -> None:
    assert options.told(["fmodr", "ecgan"], None) == ("fmodr", "ecgan")
    assert options.told(["fmodr", "ecgan"], "fear") == ("fmodr", "ecgan:fear")
    assert options.told(["ecgan=a.safetensors"], "fear") == ("ecgan:fear=a.safetensors",)
    each = options.told(["ecgan:no-label", "ecgan"], "each")
    assert len(each) == 8 and each[:2] == ("ecgan:no-label", "ecgan:surprise")
    with pytest.raises(click.UsageError, match="None of the restorers fmodr can be told"):
        options.told(["fmodr"], "fear")


def test_a_gender_goes_to_the_restorers_that_can_be_told_one() -> None:
    own = "gender_fakes:Decider"
    assert options.told(["telea", own]) == ("telea", own)
    assert options.told(["telea", own], gender="male") == ("telea", f"{own}:male")
    assert options.told([f"{own}=a.safetensors"], gender="pooled") == (
        f"{own}:pooled=a.safetensors",
    )
    each = options.told([f"{own}:no-landmarks", own], gender="each", unsure=0.2)
    words = ("no-landmarks", "predicted@0.2", "male", "female", "pooled")
    assert each == tuple(f"{own}:{word}" for word in words)
    assert options.told([own], unsure=0.0) == (f"{own}:predicted@0",)
    with pytest.raises(click.UsageError, match="restorers telea, ecgan can be told a gender"):
        options.told(["telea", "ecgan"], gender="each")
    with pytest.raises(click.UsageError, match="--gender male predicts none"):
        options.told([own], gender="male", unsure=0.1)


def test_an_expression_and_a_gender_go_each_to_its_own() -> None:
    told = options.told(["ecgan", "gender_fakes:Decider"], "fear", "female")
    assert told == ("ecgan:fear", "gender_fakes:Decider:female")


@pytest.mark.parametrize("text", ["0.5", "-0.1", "nan", "inf"])
def test_a_band_that_is_none_is_refused(text: str) -> None:
    command = click.Command("eval", params=[], callback=lambda unsure: unsure)
    result = CliRunner().invoke(options.unsure(command), ["--unsure", text])
    assert result.exit_code == 2 and "it is a number from 0 to below 0.5" in result.output
