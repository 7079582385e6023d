"""What the shipped weights of the landmark-gender model do: its parts matter.

Of no use without them, so that nothing here runs until they are in the package.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from unseen import covered_phantoms, covered_photographs

from restore_recog import registry, weights
from restore_recog.labels import GENDERS
from restore_recog.nn.figures import psnr_figures
from restore_recog.types import FaceBatch

NAME = "landmark_gender"

pytestmark = pytest.mark.skipif(
    not (weights.SHIPPED / f"{NAME}.safetensors").is_file(), reason="no weights are shipped"
)


@pytest.fixture(scope="module")
def faces() -> FaceBatch:
    return covered_phantoms(48)


def restored(argument: str, batch: FaceBatch, **told: Tensor) -> Tensor:
    """Return the batch restored by one generator, told nothing else than *told*."""
    model = registry.restorers.create(f"{NAME}:{argument}")
    return model.restore(FaceBatch(batch.images, batch.masks, attributes=told))


def decibels(images: Tensor, batch: FaceBatch) -> float:
    assert batch.clean is not None
    return psnr_figures(images, batch.clean, batch.masks)["psnr_mask"]


def test_landmarks_are_worth_half_a_decibel(faces: FaceBatch) -> None:
    told = {"gender": faces.attributes["gender"]}
    led, unled = (restored(name, faces, **told) for name in ("predicted", "no-landmarks"))
    assert decibels(led, faces) >= decibels(unled, faces) + 0.5


def test_the_attention_is_not_idle(faces: FaceBatch) -> None:
    told = {"gender": faces.attributes["gender"]}
    with_it, without = (restored(name, faces, **told) for name in ("predicted", "no-attention"))
    assert decibels(with_it, faces) > decibels(without, faces)


@pytest.mark.data
def test_the_wrong_generator_makes_people_less_like_themselves(data_root: Path) -> None:
    photographs = covered_photographs(data_root / "lfw", 60)
    assert photographs.clean is not None
    true = photographs.attributes["gender"]
    assert set(true.tolist()) == set(range(len(GENDERS)))
    recognizer = registry.recognizers.create(registry.DEFAULT_RECOGNIZER)

    def templates(images: Tensor) -> Tensor:
        size = recognizer.image_size
        return recognizer.embed(torch.nn.functional.interpolate(images, size, mode="bilinear"))

    wanted = templates(photographs.clean)
    right, wrong = (
        (templates(restored("predicted", photographs, gender=told)) * wanted).sum(1).mean()
        for told in (true, 1 - true)
    )
    assert right > wrong


def test_each_generator_takes_less_than_4_mb(faces: FaceBatch) -> None:
    model = registry.restorers.create(f"{NAME}:pooled")
    for generator in model.nets.generators.values():  # type: ignore[attr-defined]
        assert 2 * sum(tensor.numel() for tensor in generator.state_dict().values()) < 4e6


def test_it_says_who_taught_it() -> None:
    config, _ = weights.load(weights.shipped(NAME), NAME)
    assert not any(teacher.startswith("dlib") for teacher in config["teachers"])
    assert config["landmarker_mark"] == weights.teacher_mark(weights.shipped(config["landmarker"]))
