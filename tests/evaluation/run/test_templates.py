"""Crops as a recogniser wants them, and templates that can be compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Recognizer
from restore_recog.errors import PluginError
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.templates import Face, embed, stacked
from restore_recog.recognizers.crop_templates import SPHEREFACE
from restore_recog.types import FaceSample

SIDE = 128


class Narrow(Recognizer):
    """Keeps what it is shown."""

    name = "narrow"
    image_size = (112, 96)
    template = SPHEREFACE.array()

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        self.shown = images
        return torch.nn.functional.normalize(images.flatten(1))


def test_a_crop_that_is_not_square_has_the_points_where_the_template_says() -> None:
    """The face is a ramp whose value is the distance across, so that a pixel tells its place."""
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    pixels = np.stack([across, down, np.zeros_like(across)], axis=2).astype(np.uint8)
    landmarks = (TEMPLATE * SIDE - 0.5).astype(np.float32)
    narrow = Narrow()
    face = Face(FaceSample("a", "a"), pixels, landmarks)
    assert embed(narrow, [face], Ledger())[0] is not None
    assert narrow.shown.shape == (1, 3, 112, 96)
    # The two sets of points differ in shape, so a similarity leaves some pixels between them.
    for (x, y), point in zip(SPHEREFACE.array() * (96, 112) - 0.5, landmarks, strict=True):
        value = narrow.shown[0, :2, round(y), round(x)] * 255
        assert np.abs(value.numpy() - point).max() < 6


def test_templates_of_two_lengths_are_refused() -> None:
    with pytest.raises(PluginError, match="templates of 4 and 5 numbers"):
        stacked({"a": np.ones(4), "b": np.ones(5)}, ["a", "b"])
    with pytest.raises(PluginError, match="templates of 4 and 6 numbers"):
        stacked({"a": np.ones(4)}, ["a"], 6)
