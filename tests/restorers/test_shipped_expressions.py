"""What the shipped ECGAN does with an expression, judged by the shipped classifier on phantoms that
neither has seen.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from restore_recog import registry
from restore_recog.api import answers
from restore_recog.coverings import cover
from restore_recog.images import to_tensor
from restore_recog.labels import EXPRESSIONS, code
from restore_recog.photographs import photographed
from restore_recog.restoring.restoration import resize
from restore_recog.types import FaceBatch, FaceImage

SIDE = 128


@pytest.fixture(scope="module")
def covered() -> FaceBatch:
    """Return covered faces of 120 test people, with their expressions."""
    dataset = registry.datasets.create("phantom:120x1")
    samples = [s for s in dataset.samples() if s.attributes["split"] == "test"]
    images, masks, codes = [], [], []
    for number, (sample, image) in enumerate(zip(samples, dataset.read(samples), strict=True)):
        assert isinstance(image, FaceImage)
        crop = photographed(image, SIDE)
        drawn = cover(crop.pixels, crop.landmarks, seed=number)
        images.append(drawn.pixels)
        masks.append(drawn.mask)
        codes.append(code("expression", sample.attributes["expression"]))
    shapes = torch.from_numpy(np.stack(masks)).unsqueeze(1).float()  # (N, 1, S, S)
    return FaceBatch(to_tensor(images), shapes, attributes={"expression": torch.tensor(codes)})


def right(spec: str, batch: FaceBatch, truth: Tensor) -> float:
    """Return how often the classifier tells the truth of what a restorer made, in per cent."""
    restored = registry.restorers.create(spec).restore(batch)
    classifier = registry.classifiers.create("resnet18")
    told = answers.classified(classifier, resize(restored, classifier.image_size)).argmax(1)
    return 100 * float((told == truth).float().mean())


def test_withholding_the_label_costs_ten_points(covered: FaceBatch) -> None:
    truth = covered.attributes["expression"]
    untold = FaceBatch(covered.images, covered.masks)
    told = right("ecgan", covered, truth)
    assert told - right("ecgan:no-label", untold, truth) >= 10
    assert told - right("deepgan", untold, truth) >= 10


def test_each_expression_paints_another_face(covered: FaceBatch) -> None:
    """Told one expression for everybody, the classifier sees it more often than it occurs."""
    untold = FaceBatch(covered.images, covered.masks)
    truth = covered.attributes["expression"]
    for word in ("surprise", "happiness"):
        one = torch.full_like(truth, EXPRESSIONS.index(word))
        share = 100 * float((truth == one).float().mean())
        assert right(f"ecgan:{word}", untold, one) > share + 20
