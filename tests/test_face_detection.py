"""The face finder: its policies, its messages, and real faces where there are some."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from restore_recog.alignment import TEMPLATE
from restore_recog.datasets.lfw import LFW
from restore_recog.datasets.rmfrd import RMFRD
from restore_recog.errors import NoFaceError, SeveralFacesError
from restore_recog.face_detection import FaceFinder
from restore_recog.types import FaceImage, FaceSample

DATA = os.environ.get("RESTORE_RECOG_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="RESTORE_RECOG_DATA names no folder")


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder("one")


def photos(dataset: LFW | RMFRD, samples: Sequence[FaceSample]) -> list[FaceImage]:
    read = dataset.read(samples)
    return [image for image in read if isinstance(image, FaceImage)]


@pytest.mark.parametrize("shape", [(16, 16), (16, 300), (120, 90), (40, 2100)])
def test_no_face_is_a_clear_error_at_any_size(finder: FaceFinder, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert finder.find(pixels) == []
    with pytest.raises(NoFaceError, match=f"{shape[1]} x {shape[0]}"):
        finder.crop(FaceImage(pixels), 64)


def test_known_landmarks_are_taken_without_a_search(
    finder: FaceFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "find", None)
    points = (TEMPLATE * 100).astype(np.float32)
    crop = finder.crop(FaceImage(np.zeros((100, 100, 3), np.uint8), points), 64)
    assert np.allclose(crop.landmarks, TEMPLATE * 64 - 0.5, atol=1e-3)


def test_aligned_takes_the_whole_image() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    crop = FaceFinder("aligned").crop(FaceImage(pixels), 64)
    assert np.array_equal(crop.pixels, pixels)


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="some"):
        FaceFinder("some")  # type: ignore[arg-type]


@needs_data
def test_landmarks_agree_with_the_labels_on_lfw() -> None:
    """Median error of the five points within 10 % of the eye distance."""
    dataset = LFW(str(Path(str(DATA)) / "lfw"))
    finder = FaceFinder("largest")
    errors = []
    for image in photos(dataset, dataset.samples()[::700]):
        (found, *_) = finder.find(image.pixels)
        truth = image.landmarks
        assert truth is not None
        eyes = np.linalg.norm(truth[1] - truth[0])
        errors.append(np.linalg.norm(found.landmarks - truth, axis=1).mean() / eyes)
    assert np.median(errors) < 0.1


@needs_data
def test_landmarks_scale_with_the_image(finder: FaceFinder) -> None:
    """An image of six times the size (shrunk for the search) gives six times the points."""
    dataset = LFW(str(Path(str(DATA)) / "lfw"))
    (image,) = photos(dataset, dataset.samples()[:1])
    (small,) = finder.find(image.pixels)
    (large,) = finder.find(np.kron(image.pixels, np.ones((6, 6, 1), np.uint8)))
    eyes = np.linalg.norm(small.landmarks[1] - small.landmarks[0])
    back = (large.landmarks + 0.5) / 6 - 0.5
    assert np.linalg.norm(back - small.landmarks, axis=1).max() < 0.1 * eyes


@needs_data
def test_two_faces_are_refused_or_the_larger_taken(finder: FaceFinder) -> None:
    dataset = LFW(str(Path(str(DATA)) / "lfw"))
    (image,) = photos(dataset, dataset.samples()[:1])
    half = image.pixels[::2, ::2]
    both = np.zeros((250, 500, 3), np.uint8)
    both[:125, :125], both[:, 250:] = half, image.pixels
    with pytest.raises(SeveralFacesError, match="^2 faces"):
        finder.crop(FaceImage(both), 64)
    crop = FaceFinder("largest").crop(FaceImage(both), 64)
    corner = crop.matrix[:, :2] @ [375, 125] + crop.matrix[:, 2]
    assert (corner > 0).all() and (corner < 64).all()


@needs_data
def test_real_masked_faces_are_mostly_found() -> None:
    dataset = RMFRD(str(Path(str(DATA)) / "rmfrd"))
    masked = [sample for sample in dataset.samples() if sample.condition == "mask"]
    finder = FaceFinder("largest")
    found = [bool(finder.find(image.pixels)) for image in photos(dataset, masked[::20])]
    assert np.mean(found) >= 0.85
