"""The contracts notice plug-ins that break them."""

from __future__ import annotations

import pytest
import torch

from restore_recog.api import Landmarker, Recognizer, Restorer, Segmenter, answers
from restore_recog.errors import PluginError
from restore_recog.testing import (
    LandmarkerContract,
    RecognizerContract,
    RestorerContract,
    SegmenterContract,
    face_batch,
)


class Copy(Restorer):
    """Keeps the contract."""

    name = "copy"
    image_size = (16, 16)

    def restore(self, batch):
        return batch.images.clone()


class TooBright(Copy):
    def restore(self, batch):
        return batch.images + 1


class WrongShape(Copy):
    def restore(self, batch):
        return batch.images[:, :, :8]


class Moody(Copy):
    def restore(self, batch):
        return torch.rand_like(batch.images)


class Gregarious(Copy):
    def restore(self, batch):
        return batch.images * 0 + batch.images.mean()


class Careless(Copy):
    def restore(self, batch):
        batch.images.mul_(0.5)
        return batch.images


class DividesByTheMask(Copy):
    def restore(self, batch):
        return batch.images * (batch.masks.mean() / batch.masks.mean())


@pytest.mark.parametrize(
    ("plugin", "test"),
    [
        (TooBright, "test_returns_images"),
        (WrongShape, "test_returns_images"),
        (Moody, "test_is_repeatable"),
        (Gregarious, "test_images_do_not_influence_each_other"),
        (Careless, "test_leaves_its_input_alone"),
        (DividesByTheMask, "test_empty_and_full_masks_are_no_problem"),
    ],
)
def test_a_restorer_that_breaks_a_rule_fails(plugin, test):
    def contract(which):
        return type("Contract", (RestorerContract,), {"create": lambda self: which()})()

    getattr(contract(Copy), test)()
    with pytest.raises(AssertionError):
        getattr(contract(plugin), test)()


class Dark(Segmenter):
    """Keeps the contract."""

    name = "dark"

    def segment(self, images):
        return (images.mean(1, keepdim=True) < 0.5).float()


class Probable(Dark):
    def segment(self, images):
        return images.mean(1, keepdim=True)


class Fixed(Dark):
    def segment(self, images):
        return torch.ones(len(images), 1, 64, 64)


class Guessing(Dark):
    def segment(self, images):
        return (torch.rand_like(images[:, :1]) < 0.5).float()


class Comparing(Dark):
    def segment(self, images):
        return (images[:, :1] < images.amax((0, 1), keepdim=True)).float()


class Overwriting(Dark):
    def segment(self, images):
        return super().segment(images.mul_(0.5))


@pytest.mark.parametrize(
    ("plugin", "test"),
    [
        (Probable, "test_returns_binary_masks_at_any_size"),
        (Fixed, "test_returns_binary_masks_at_any_size"),
        (Guessing, "test_is_repeatable_and_leaves_its_input_alone"),
        (Overwriting, "test_is_repeatable_and_leaves_its_input_alone"),
        (Comparing, "test_images_do_not_influence_each_other"),
    ],
)
def test_a_segmenter_that_breaks_a_rule_fails(plugin, test):
    def contract(which):
        return type("Contract", (SegmenterContract,), {"create": lambda self: which()})()

    getattr(contract(Dark), test)()
    with pytest.raises(AssertionError):
        getattr(contract(plugin), test)()


class LongTemplates(Recognizer):
    """Templates that are not unit length."""

    name = "long"
    image_size = (8, 8)

    def embed(self, images):
        return images.flatten(1)


def test_a_recognizer_without_unit_length_fails():
    contract = type("C", (RecognizerContract,), {"create": lambda self: LongTemplates()})()
    with pytest.raises(AssertionError):
        contract.test_returns_unit_templates()


class Middle(Landmarker):
    """Keeps the contract: finds no face in a dark image."""

    name = "middle"
    image_size = (32, 32)

    def find(self, images):
        bright = images.mean((1, 2, 3)) > 0.1
        return torch.full((len(images), 98, 2), 15.5).where(bright.view(-1, 1, 1), torch.nan)


class Few(Middle):
    def find(self, images):
        return super().find(images)[:, :68]


class HalfAFace(Middle):
    def find(self, images):
        points = super().find(images)
        points[:, 76:] = torch.nan
        return points


class Averaging(Middle):
    def find(self, images):
        return super().find(images) + 10 * images.mean()


class Blackening(Middle):
    def find(self, images):
        return super().find(images.mul_(0.5))


@pytest.mark.parametrize(
    ("plugin", "test"),
    [
        (Few, "test_returns_all_points_of_a_face_or_none"),
        (HalfAFace, "test_returns_all_points_of_a_face_or_none"),
        (Averaging, "test_images_do_not_influence_each_other"),
        (Blackening, "test_is_repeatable_and_leaves_its_input_alone"),
    ],
)
def test_a_landmarker_that_breaks_a_rule_fails(plugin, test):
    def contract(which):
        return type("Contract", (LandmarkerContract,), {"create": lambda self: which()})()

    getattr(contract(Middle), test)()
    with pytest.raises((AssertionError, PluginError)):
        getattr(contract(plugin), test)()


def test_what_a_landmarker_may_not_answer_is_one_sentence():
    images = torch.rand(2, 3, 32, 32)
    with pytest.raises(PluginError, match=r"'middle' returned shape \(2, 68, 2\) for 2 images"):
        answers.located(Few(), images)
    with pytest.raises(PluginError, match="some are not finite numbers; let it guess"):
        answers.located(HalfAFace(), images)
    assert answers.located(Middle(), images * 0).isnan().all()


def test_the_batch_is_covered_where_the_mask_says():
    batch = face_batch(2, (32, 48))
    assert batch.images.shape == (2, 3, 32, 48)
    assert batch.landmarks.shape == (2, 5, 2)
    assert torch.equal(batch.images != batch.clean, (batch.masks > 0).expand_as(batch.images))
