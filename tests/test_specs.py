"""How plug-ins are asked for: names, arguments, weights files."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

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
