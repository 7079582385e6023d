"""What the shipped ECGAN does with an expression, judged by the shipped classifier on phantoms that
neither has seen.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from unseen import covered_phantoms

from restore_recog import registry
from restore_recog.api import answers
from restore_recog.labels import EXPRESSIONS
from restore_recog.restoring.restoration import resize
from restore_recog.types import FaceBatch


@pytest.fixture(scope="module")
def covered() -> FaceBatch:
    return covered_phantoms(48)


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
