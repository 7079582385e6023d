"""Weights files that were damaged, or made to hurt: one sentence, never a traceback."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from restore_recog import registry, weights
from restore_recog.errors import RestoreRecogError, WeightsError
from restore_recog.recognizers.timm import TimmRecognizer
from tests.fakes.tiny import stored

HUGE = "[" * 5000

VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    3,
    10**9,
    10**30,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "own",
    "x" * 200,
    [],
    [0],
    [4, 4, 8],
    [4] * 200_000,
    [10**9, 4, 8],
    ["a"],
    [[4]],
    {},
    {"a": 1},
]
"""What an option may be made to say."""

CONFIGS = ["", "{}", "[]", "7", "null", '"text"', "{", HUGE, '{"size": 1' + "0" * 5000 + "}"]
"""What may stand in place of all options."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return sound weights of the models that have options."""
    folder = tmp_path_factory.mktemp("weights")
    made = {name: stored(folder, name) for name in ("fmodr", "ganmasker", "ecgan")}
    torch.manual_seed(0)
    training = TimmRecognizer.trainable("resnet10t", image_size=32, dimension=8)
    made["timm"] = folder / "timm.safetensors"
    weights.save(made["timm"], "timm", *training.weights())
    return made


def parts(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return a file's header and tensors."""
    with safe_open(path, "pt") as file:
        return dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def use(name: str, path: Path) -> None:
    """Make the model that a file belongs to."""
    if name == "timm":
        registry.recognizers.create(name, weights=path).prepare()
    else:
        registry.restorers.create(name, weights=path)


def refused(name: str, path: Path) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(WeightsError) as caught:
        use(name, path)
    sentence = str(caught.value)
    assert str(path) in sentence and "\n" not in sentence and len(sentence) < 600, sentence
    return sentence


@pytest.mark.parametrize("name", ["fmodr", "ganmasker", "ecgan", "timm"])
def test_whatever_the_configuration_says_there_is_no_traceback(
    name: str, files: dict[str, Path], tmp_path: Path
) -> None:
    header, tensors = parts(files[name])
    config = json.loads(header["config"])
    rng = random.Random(7)
    changed: list[str] = list(CONFIGS)
    for option in config:
        changed.append(json.dumps(config | {option: rng.choice(VALUES)}))
    for option in rng.sample(sorted(config), min(6, len(config))):
        changed.append(json.dumps({k: v for k, v in config.items() if k != option}))
    changed += [json.dumps(config | {"extra": 1}), json.dumps(config | {"x" * 500: None})]
    refusals = 0
    for number, text in enumerate(changed):
        path = tmp_path / f"{number}.safetensors"
        save_file(tensors, path, metadata=header | {"config": text})
        try:
            use(name, path)
        except RestoreRecogError as error:
            refusals += 1
            assert "\n" not in str(error) and len(str(error)) < 600
        path.unlink()
    assert refusals > len(changed) / 3


def _without(*keys: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda header: {k: v for k, v in header.items() if k not in keys}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without("model"), "holds weights for 'None'"),
        (_without("config"), "no readable 'config'"),
        (_without("format"), "was not written by restore-recog"),
        (lambda h: h | {"config": "{}"}, "does not say the option"),
        (lambda h: h | {"config": "7"}, "'config' is a int and no set of options"),
        (lambda h: h | {"sha256": "0" * 64}, "do not have the checksum"),
    ],
)
def test_what_is_wrong_with_a_header_is_said(
    change: Callable[[dict[str, str]], dict[str, str]],
    said: str,
    files: dict[str, Path],
    tmp_path: Path,
) -> None:
    header, tensors = parts(files["fmodr"])
    save_file(tensors, tmp_path / "w", metadata=change(header))
    assert said in refused("fmodr", tmp_path / "w")


@pytest.mark.parametrize(
    ("name", "option", "value", "said"),
    [
        ("fmodr", "coarse_convs", 10**9, "a number from 1 to 8"),
        ("fmodr", "coarse_widths", [4] * 100_000, "a list of 1 to 6 numbers"),
        ("fmodr", "coarse_widths", [4096, 4096, 4096], "far larger than its tensors"),
        ("fmodr", "refine_widths", [1, 4, 8], "made of numbers from 2 to 4096"),
        ("fmodr", "attention", "sideways", "one of sca, ca, none"),
        ("fmodr", "dilate", "2", "a value such as 0"),
        ("fmodr", "gated", 1, "a value such as True"),
        ("fmodr", "hole", float("nan"), "a value such as 0.0"),
        ("fmodr", "depth", 3, "does not know"),
        ("ganmasker", "base_funet", 10**6, "a number from 1 to 512"),
        ("ganmasker", "teachers", "timm", "a value such as ['timm']"),
        ("ecgan", "depth", 9, "one of 4, 5"),
        ("ecgan", "visible", [8, 8], "a list of 4 to 4 numbers"),
        ("ecgan", "visible", [8, 8, 8, 10**6], "made of numbers from 1 to 512"),
        ("ecgan", "label", False, "does not fit"),
        ("timm", "backbone", "hf-hub:somebody/something", "does not have"),
        ("timm", "image_size", 10**6, "a number from 16 to 1024"),
        ("timm", "dimension", 16384, "of another shape"),
        ("timm", "pretrained", True, "does not know"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(
    name: str, option: str, value: Any, said: str, files: dict[str, Path], tmp_path: Path
) -> None:
    header, tensors = parts(files[name])
    config = json.loads(header["config"]) | {option: value}
    save_file(tensors, tmp_path / "w", metadata=header | {"config": json.dumps(config)})
    assert said in refused(name, tmp_path / "w")


@pytest.mark.parametrize("name", ["fmodr", "ganmasker", "ecgan", "timm"])
def test_a_flipped_bit_is_noticed(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    content = bytearray(files[name].read_bytes())
    content[-1000] ^= 1
    (tmp_path / "w").write_bytes(content)
    assert "do not have the checksum" in refused(name, tmp_path / "w")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_refused(
    value: float, files: dict[str, Path], tmp_path: Path
) -> None:
    header, tensors = parts(files["fmodr"])
    del header["sha256"]  # as files were written before it
    tensors["coarse.head.bias"][1] = value
    save_file(tensors, tmp_path / "w", metadata=header)
    assert "1 of" in refused("fmodr", tmp_path / "w")
    assert "first 'coarse.head.bias'" in refused("fmodr", tmp_path / "w")


def test_files_from_before_the_checksum_load(files: dict[str, Path], tmp_path: Path) -> None:
    header, tensors = parts(files["fmodr"])
    del header["sha256"]
    save_file(tensors, tmp_path / "w", metadata=header)
    use("fmodr", tmp_path / "w")


@pytest.mark.parametrize("text", ["[]", "{", HUGE, '{"covered": "all"}', '{"covered": NaN}'])
def test_what_a_recogniser_was_trained_on_is_checked(
    text: str, files: dict[str, Path], tmp_path: Path
) -> None:
    header, tensors = parts(files["timm"])
    save_file(tensors, tmp_path / "w", metadata=header | {"training": text})
    assert "The header of" in refused("timm", tmp_path / "w")


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="first 'b'; the training diverged"):
        weights.save(tmp_path / "w", "fmodr", {}, {"a": torch.ones(2), "b": torch.tensor([1e99])})
    assert not (tmp_path / "w").exists()


def test_numbers_beyond_half_precision_are_kept_whole(tmp_path: Path) -> None:
    large = {"a": torch.tensor([70_000.0, 1.0]), "b": torch.tensor([0.1])}
    weights.save(tmp_path / "w", "fmodr", {}, large)
    _, tensors = weights.load(tmp_path / "w", "fmodr")
    assert torch.equal(tensors["a"], large["a"])
    assert torch.equal(tensors["b"], large["b"].half().float())


@pytest.mark.parametrize("name", ["fmodr", "ganmasker", "timm"])
def test_the_shipped_weights_are_sound(name: str) -> None:
    config, tensors = weights.load(weights.shipped(name), name)
    assert config and all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    use(name, weights.shipped(name))
