"""The arm that tells a restorer the true landmarks, from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from evaluation_fakes import Breaker, KeyDetector, Squares, request
from torch import Tensor

from restore_recog.alignment import TEMPLATE, WFLW_FIVE
from restore_recog.api import Restorer, Segmenter
from restore_recog.errors import DataError, ImageError, RestoreRecogError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.types import FaceBatch, FaceImage, FaceSample

ORACLE = "restored-oracle-landmarks"
SIDE = 64


def points98(hidden: bool = False) -> np.ndarray:
    """Return (98, 2) pixels of which five are those that the squares are aligned by."""
    points = np.full((98, 2), SIDE / 2, np.float32)
    points[list(WFLW_FIVE.values())] = TEMPLATE * SIDE - 0.5
    if hidden:
        points[0] = np.nan
    return points


class Marked(Squares):
    """Squares whose 98 landmarks are known; in some only 97."""

    hidden: str = ""

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        images = super().read(samples)
        return [
            image
            if isinstance(image, RestoreRecogError)
            else replace(image, landmarks=points98(sample.image_id == self.hidden))
            for image, sample in zip(images, samples, strict=True)
        ]


class Led(Restorer):
    """Paints a covering in the grey of its first landmark's x; finds the landmarks at 0 itself."""

    name = "led"
    image_size = (32, 32)
    needs = frozenset({"masks", "landmarks98"})
    told: list[Tensor | None]

    def __init__(self) -> None:
        super().__init__()
        self.told = []

    def segmenter(self) -> Segmenter:
        return KeyDetector()

    def restore(self, batch: FaceBatch) -> Tensor:
        self.told.append(batch.landmarks98)
        level = torch.zeros(len(batch.images))
        if batch.landmarks98 is not None:
            level = batch.landmarks98[:, 0, 0] / 32
        grey = level.view(-1, 1, 1, 1).expand_as(batch.images)
        return torch.where(batch.masks > 0, grey, batch.images)


class Lost(Led):
    """Finds no landmarks on the faces of subject 00, which are the reddest."""

    name = "lost"

    def restore(self, batch: FaceBatch) -> Tensor:
        if bool((batch.images[:, 0, 0, 0] > 0.5).any()):
            raise ImageError("No landmarks were found on the face.")
        return super().restore(batch)


def run(restorer: Restorer, data: Squares | None = None, **options: Any) -> EvaluationReport:
    return evaluate(request(data or Marked(6, 3, occluded=1), restorer, **options))


def test_the_restorer_is_told_them_at_its_own_size_and_nowhere_else() -> None:
    led = Led()
    report = run(led, arms=("restored", ORACLE), batch_size=4)
    told = [one for one in led.told if one is not None]
    assert len(told) * 2 == len(led.told) and max(map(len, told)) == 4
    wanted = torch.from_numpy((points98() + 0.5) / 2 - 0.5)
    torch.testing.assert_close(told[0][0], wanted, atol=0.1, rtol=0)
    names = [arm.name for arm in report.arms]
    assert f"{ORACLE}:led" in names and "restored:led" in names
    assert not report.failures


def test_it_does_not_run_by_default() -> None:
    assert not any(arm.name.startswith(ORACLE) for arm in run(Led()).arms)


def test_probes_with_unknown_points_rule_it_out() -> None:
    asked = ("restored", ORACLE)
    with pytest.raises(DataError, match="not all of the 98 landmarks of some probes are known"):
        run(Led(), Squares(6, 3, occluded=1), arms=asked)
    partly = Marked(6, 3, occluded=1)
    partly.hidden = "02/m0"
    with pytest.raises(DataError, match=r"some probes are known \('02/m0' is the first\)"):
        run(Led(), partly, arms=asked)


def test_a_run_without_a_restorer_that_landmarks_lead() -> None:
    with pytest.raises(DataError, match="no restorer of the run is led by landmarks"):
        run(Breaker(), arms=("restored", ORACLE))


@pytest.mark.parametrize("policy", ["input", "fta"])
def test_a_face_without_landmarks_is_a_failure_by_policy(policy: str) -> None:
    report = run(Lost(), arms=("restored",), restorer_failure=policy)
    lost = [one for one in report.failures if one.stage == "restore"]
    assert lost and len(lost) < 6
    assert all("lost: No landmarks were found on the face." in one.reason for one in lost)
    arm = next(arm for arm in report.arms if arm.name == "restored:lost")
    assert (arm.fallbacks if policy == "input" else arm.misses) == len(lost)
