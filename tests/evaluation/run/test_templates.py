"""Crops as a recogniser wants them, and templates that can be compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restore_recog.alignment import TEMPLATE, align
from restore_recog.api import Recognizer
from restore_recog.errors import PluginError
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.templates import Face, embed, sharpness, stacked
from restore_recog.photographs import around
from restore_recog.recognizers.crop_templates import SPHEREFACE
from restore_recog.types import FaceCrop, FaceImage, FaceSample

SIDE = 128


class Narrow(Recognizer):
    """Keeps what it is shown."""

    name = "narrow"
    image_size = (112, 96)
    template = SPHEREFACE.array()

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        self.shown = images
        return torch.nn.functional.normalize(images.flatten(1))


def ramps(side: int) -> np.ndarray:
    """Return an image whose values are the places of its pixels."""
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    return np.stack([across, down, np.zeros_like(across)], axis=2).astype(np.uint8)


def test_a_crop_without_a_photograph_is_all_that_can_be_cut_from() -> None:
    landmarks = (TEMPLATE * SIDE - 0.5).astype(np.float32)
    narrow = Narrow()
    crop = FaceCrop(ramps(SIDE), landmarks, None, np.eye(2, 3))
    (made,) = embed(narrow, [Face(FaceSample("a", "a"), crop, crop.pixels)], Ledger())
    assert made.template is not None
    assert narrow.shown.shape == (1, 3, 112, 96)
    # The two sets of points differ in shape, so a similarity leaves some pixels between them.
    for (x, y), point in zip(SPHEREFACE.array() * (96, 112) - 0.5, landmarks, strict=True):
        value = narrow.shown[0, :2, round(y), round(x)] * 255
        assert np.abs(value.numpy() - point).max() < 6


def test_a_recogniser_of_another_template_is_shown_the_photograph_not_the_crop() -> None:
    """What lies outside of the crop is there, and nothing was sampled before."""
    photograph = ramps(250)
    centre = SPHEREFACE.array() * (96, 112) - 0.5 + (80, 90)  # in the photograph, 1:1
    image = FaceImage(photograph, centre.astype(np.float32))
    crop = align(image, 40)  # coarse, so that a crop of it would show
    narrow, ledger = Narrow(), Ledger()
    photo = around(photograph, crop.matrix, 40)
    whole = FaceCrop(crop.pixels, crop.landmarks, None, crop.matrix, photo)
    embed(narrow, [Face(FaceSample("a", "a"), whole, crop.pixels)], ledger)
    shown = (narrow.shown[0].permute(1, 2, 0) * 255).round().numpy()
    np.testing.assert_array_equal(shown, photograph[90 : 90 + 112, 80 : 80 + 96])
    assert ledger.timing()["cut"]["images"] == 1


def test_templates_of_two_lengths_are_refused() -> None:
    with pytest.raises(PluginError, match="templates of 4 and 5 numbers"):
        stacked({"a": np.ones(4), "b": np.ones(5)}, ["a", "b"])
    with pytest.raises(PluginError, match="templates of 4 and 6 numbers"):
        stacked({"a": np.ones(4)}, ["a"], 6)


class Lengths(Narrow):
    """Gives templates as long as the images are bright."""

    def unnormalised(self, images: torch.Tensor) -> torch.Tensor:
        return self.embed(images) * (1 + images.mean((1, 2, 3), keepdim=True)[:, 0, 0])


def test_the_weight_is_the_length_of_the_template_or_else_the_sharpness_of_the_crop() -> None:
    bright = np.full((SIDE, SIDE, 3), 200, np.uint8)
    bright[::2] = 150
    points = (TEMPLATE * SIDE - 0.5).astype(np.float32)
    faces = [
        Face(FaceSample("a", "a"), FaceCrop(pixels, points, None, np.eye(2, 3)), pixels)
        for pixels in (ramps(SIDE), bright)
    ]
    plain = embed(Lengths(), faces, Ledger())
    assert all(np.isnan(one.weight) for one in plain)
    long = embed(Lengths(), faces, Ledger(), weigh=True)
    for one, other in zip(plain, long, strict=True):
        assert one.template is not None and other.template is not None
        np.testing.assert_allclose(one.template, other.template, atol=1e-6)
    assert 1 < long[0].weight < 2 and long[0].weight != long[1].weight
    sharp = [one.weight for one in embed(Narrow(), faces, Ledger(), weigh=True)]
    assert sharp[1] > 3 * sharp[0] > 0
    assert sharpness(np.zeros((8, 8, 3), np.uint8)) > 0
