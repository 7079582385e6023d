"""What the shipped weights do: segmenters that leave bare faces alone, parts that matter."""

from __future__ import annotations

import pytest
from torch import Tensor

from restore_recog import registry, weights
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.loader import BatchPlan
from restore_recog.types import FaceBatch

MODELS = ("fmodr", "ganmasker")


@pytest.fixture(scope="module")
def faces() -> TrainingFaces:
    return TrainingFaces.from_datasets(
        [registry.datasets.create("phantom:8x2")], 128, seed=3, progress=False
    )


def drawn(faces: TrainingFaces, covered: float) -> FaceBatch:
    return faces.batch(0, BatchPlan("shipped", 16, 0, 1, 0, covered), covered=covered)


@pytest.mark.parametrize("name", MODELS)
def test_bare_faces_are_left_alone_and_coverings_are_found(name: str, faces: TrainingFaces) -> None:
    segmenter = registry.restorers.create(name).segmenter()
    assert segmenter is not None
    bare = segmenter.segment(drawn(faces, 0.0).images).flatten(1).mean(1)
    assert float((bare < 0.015).float().mean()) >= 0.9, bare
    covered = drawn(faces, 1.0)
    masks = segmenter.segment(covered.images)
    overlap = 2 * (masks * covered.masks).sum() / (masks.sum() + covered.masks.sum())
    assert float(overlap) > 0.95


@pytest.mark.parametrize("name", MODELS)
def test_restored_faces_are_nearer_to_the_truth(name: str, faces: TrainingFaces) -> None:
    batch = drawn(faces, 1.0)
    assert batch.clean is not None
    restored = registry.restorers.create(name).restore(batch)
    assert _psnr(restored, batch.clean, batch.masks) > 18
    assert _psnr(batch.images, batch.clean, batch.masks) < 15


@pytest.mark.parametrize("name", MODELS)
def test_they_say_who_taught_them(name: str) -> None:
    config, _ = weights.load(weights.shipped(name), name)
    assert config["teachers"][0] == "timm" and len(config["teachers"]) == 2
    assert not any(teacher.startswith("dlib") for teacher in config["teachers"])


def _psnr(images: Tensor, clean: Tensor, masks: Tensor) -> float:
    error = ((images - clean).square() * masks).sum() / (3 * masks.sum())
    return float(-10 * error.log10())
