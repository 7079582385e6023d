"""Covered faces of people that no training has seen, for tests of the shipped weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from restore_recog import registry
from restore_recog.coverings import cover
from restore_recog.face_detection import FaceFinder
from restore_recog.images import to_tensor
from restore_recog.labels import GENDERS, code
from restore_recog.photographs import photographed
from restore_recog.types import FaceBatch, FaceCrop, FaceImage, FaceSample

SIDE = 128


@cache
def covered_phantoms(people: int) -> FaceBatch:
    """Return one covered face each of so many test people, with truth, expression and gender."""
    dataset = registry.datasets.create(f"phantom:{people}x1")
    samples = [s for s in dataset.samples() if s.attributes["split"] == "test"]
    crops = []
    for image in dataset.read(samples):
        assert isinstance(image, FaceImage)
        crops.append(photographed(image, SIDE))
    return _covered(samples, crops, ("expression", "gender"))


@cache
def covered_photographs(folder: Path, people: int) -> FaceBatch:
    """Return one covered face each of the first test people of LFW, with truth and gender."""
    dataset = registry.datasets.create(f"lfw:{folder}")
    firsts: dict[str, FaceSample] = {}
    for sample in dataset.samples():
        if sample.attributes["split"] == "test" and sample.attributes.get("gender") in GENDERS:
            firsts.setdefault(sample.subject, sample)
    samples = list(firsts.values())[:people]
    finder, crops = FaceFinder("largest"), []
    for image in dataset.read(samples):
        assert isinstance(image, FaceImage)
        crops.append(finder.crop(image, SIDE))
    return _covered(samples, crops, ("gender",))


def _covered(
    samples: Sequence[FaceSample], crops: Sequence[FaceCrop], kinds: Sequence[str]
) -> FaceBatch:
    drawn = [cover(crop.pixels, crop.landmarks, seed=number) for number, crop in enumerate(crops)]
    masks = np.stack([one.mask for one in drawn])
    return FaceBatch(
        to_tensor([one.pixels for one in drawn]),
        torch.from_numpy(masks).unsqueeze(1).float(),  # (N, 1, S, S)
        clean=to_tensor([crop.pixels for crop in crops]),
        attributes={
            kind: torch.tensor([code(kind, sample.attributes[kind]) for sample in samples])
            for kind in kinds
        },
    )
