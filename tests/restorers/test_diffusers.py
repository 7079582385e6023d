"""Pipelines of Diffusers: seeds, settings, what is refused. Most tests need the extra."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_diffusion import tiny_pipeline

from restore_recog import registry
from restore_recog.errors import ImageError, PluginError, WeightsError
from restore_recog.evaluation.cache.identity import identity
from restore_recog.restorers.diffusers import Diffusers
from restore_recog.testing import face_batch
from restore_recog.types import FaceBatch

BATCH = face_batch(3, (32, 32))


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipeline(tmp_path_factory.mktemp("diffusion"))


def made(pipeline: Path, settings: str = "steps=2") -> Diffusers:
    restorer = registry.restorers.create(f"diffusers:{settings} '{pipeline}'")
    assert isinstance(restorer, Diffusers)
    return restorer


def test_the_hole_is_filled_and_the_rest_stays_bit_for_bit(pipeline: Path) -> None:
    restorer = made(pipeline)
    assert restorer.image_size == (32, 32) and restorer.argument == "tiny"
    restored = restorer.restore(BATCH)
    hole = BATCH.masks.expand_as(restored) > 0.5
    assert torch.equal(restored[~hole], BATCH.images[~hole])
    assert float((restored - BATCH.images)[hole].abs().mean()) > 0.01


def test_an_image_is_the_same_alone_and_in_any_order(pipeline: Path) -> None:
    restorer = made(pipeline)
    together = restorer.restore(BATCH)
    alone = made(pipeline).restore(FaceBatch(BATCH.images[2:], BATCH.masks[2:]))
    assert torch.equal(alone[0], together[2])
    turned = restorer.restore(FaceBatch(BATCH.images.flip(0), BATCH.masks.flip(0)))
    assert torch.equal(turned.flip(0), together)
    pair = FaceBatch(BATCH.images[:1].repeat(2, 1, 1, 1), BATCH.masks[:1].repeat(2, 1, 1, 1))
    one, other = restorer.restore(pair)
    assert torch.equal(one, other)


@pytest.mark.parametrize("settings", ["seed=1", "steps=3", "prompt='an old man'", "guidance=1"])
def test_every_setting_counts(settings: str, pipeline: Path) -> None:
    usual, other = made(pipeline), made(pipeline, f"steps=2 {settings}")
    assert not torch.equal(usual.restore(BATCH), other.restore(BATCH))
    assert identity(usual) != identity(other)


def test_the_same_settings_are_the_same_work(pipeline: Path) -> None:
    one, same = made(pipeline), made(pipeline)
    before = identity(one)
    one.restore(BATCH)
    assert before == identity(one) == identity(same)


def test_the_record_and_the_report_say_what_was_asked(pipeline: Path) -> None:
    restorer = made(pipeline, "steps=2 seed=3 prompt='a face' size=48")
    settings = dict(restorer.settings)
    assert len(settings.pop("sha256")) == 64
    assert settings == {
        "pipeline": "StableDiffusionInpaintPipeline",
        "half": False,
        "seed": 3,
        "prompt": "a face",
        "steps": 2,
        "guidance": 7.5,
        "strength": 1.0,
    }
    assert restorer.notes == [
        "The restorer 'diffusers:tiny' is a StableDiffusionInpaintPipeline for 48 x 48 pixels; "
        "seed 3, prompt 'a face', steps 2, guidance 7.5, strength 1.0."
    ]


def test_a_folder_needs_no_quotation_marks(pipeline: Path) -> None:
    assert registry.restorers.create(f"diffusers:{pipeline}").settings["steps"] == 50


def test_images_without_covering_are_not_given(
    pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restorer = made(pipeline)
    monkeypatch.setattr(restorer, "_make", None)  # would fail
    none = FaceBatch(BATCH.images, torch.zeros_like(BATCH.masks))
    assert torch.equal(restorer.restore(none), BATCH.images)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (np.full((32, 32, 3), np.nan), ImageError, "'tiny' gives pixels that are not numbers"),
        (np.zeros((64, 64, 3)), PluginError, r"makes \(64, 64, 3\) of an image of \(32, 32, 3\)"),
    ],
)
def test_what_is_no_restored_image_is_refused(
    answer: NDArray[np.float64],
    error: type[Exception],
    said: str,
    pipeline: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restorer = made(pipeline)
    monkeypatch.setattr(restorer, "_make", lambda **_: SimpleNamespace(images=[answer]))
    with pytest.raises(error, match=said):
        restorer.restore(BATCH)


def test_a_pipeline_that_fails_is_named(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restorer = made(pipeline)
    monkeypatch.setattr(restorer, "_make", lambda **_: [][0])
    with pytest.raises(PluginError, match="'tiny' fails on an image of 32 x 32 pixels: list index"):
        restorer.restore(BATCH)


def test_a_size_that_does_not_fit_is_refused(pipeline: Path) -> None:
    with pytest.raises(PluginError, match=r"a multiple of 2; size=33 is none"):
        made(pipeline, "size=33")


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    place = tiny_pipeline(tmp_path, safe=False)
    assert [*place.rglob("*.bin")]
    with pytest.raises(WeightsError, match="no pipeline of Diffusers in safetensors at '.*pickled"):
        made(place)


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    place = tiny_pipeline(tmp_path)
    ran = tmp_path / "ran"
    (place / "unet" / "mine.py").write_text(f"open({str(ran)!r}, 'w')\nclass Net: pass\n")
    index = json.loads((place / "model_index.json").read_text())
    index["unet"] = ["mine", "Net"]
    (place / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="no pipeline of Diffusers in safetensors"):
        made(place)
    assert not ran.exists()


def test_a_place_without_a_pipeline_is_one_sentence(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="no pipeline of Diffusers in safetensors at '.*empty'"):
        made(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"needs one pipeline, a folder or a name on the hub, .*it is given none"),
        ("steps=2", "it is given none"),
        ("a b", "it is given a and b"),
        ("steps=0 a", "'steps' of 'diffusers' is '0'; it is a whole number from 1"),
        ("steps=2.5 a", "a whole number from 1"),
        ("guidance=-1 a", "a number from 0"),
        (f"guidance=1{'0' * 400} a", "a number from 0 to 1000"),
        ("strength=2 a", "above 0, at most 1"),
        ("seed=x a", "'seed' of 'diffusers' is 'x'"),
        ("size=8 a", "pixels from 16"),
        ("half=1 a", "true or false"),
        (
            "sed=1 a",
            r"no setting 'sed'; it has prompt, negative, steps, .* for instance diffusers:",
        ),
        ("prompt='a b", "No closing quotation"),
    ],
)
def test_a_wrong_argument_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        registry.restorers.create(f"diffusers:{text}")


@pytest.mark.parametrize("package", ["diffusers", "transformers"])
def test_a_missing_package_is_named_with_its_install_line(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else object()
    )
    with pytest.raises(
        PluginError, match=rf"'{package}'; .* pip install 'restore-recog\[diffusers\]'"
    ):
        registry.restorers.create("diffusers:somebody/something")
