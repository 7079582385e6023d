"""Covered phantoms of people that no training has seen, for tests of the shipped weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from restore_recog import registry
from restore_recog.coverings import cover
from restore_recog.images import to_tensor
from restore_recog.labels import code
from restore_recog.photographs import photographed
from restore_recog.types import FaceBatch, FaceImage

SIDE = 128


@cache
def covered_phantoms(people: int) -> FaceBatch:
    """Return one covered face each of so many test people, with truth, expression and gender."""
    dataset = registry.datasets.create(f"phantom:{people}x1")
    samples = [s for s in dataset.samples() if s.attributes["split"] == "test"]
    images, clean, masks = [], [], []
    told: dict[str, list[int]] = {"expression": [], "gender": []}
    for number, (sample, image) in enumerate(zip(samples, dataset.read(samples), strict=True)):
        assert isinstance(image, FaceImage)
        crop = photographed(image, SIDE)
        drawn = cover(crop.pixels, crop.landmarks, seed=number)
        clean.append(crop.pixels)
        images.append(drawn.pixels)
        masks.append(drawn.mask)
        for kind, codes in told.items():
            codes.append(code(kind, sample.attributes[kind]))
    return FaceBatch(
        to_tensor(images),
        torch.from_numpy(np.stack(masks)).unsqueeze(1).float(),  # (N, 1, S, S)
        clean=to_tensor(clean),
        attributes={kind: torch.tensor(codes) for kind, codes in told.items()},
    )
