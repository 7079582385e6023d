"""The contracts of models, from restorers to landmarkers, and what they are tried on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
import torch

from restore_recog.api import Classifier, Landmarker, Recognizer, Restorer, Segmenter, answers
from restore_recog.labels import KINDS
from restore_recog.testing.shared import Contract
from restore_recog.types import FaceBatch


def face_batch(count: int, size: tuple[int, int], *, seed: int = 0) -> FaceBatch:
    """Return smooth random images whose lower half is covered, with five landmarks.

    Args:
        count: Images.
        size: (H, W) in pixels.
        seed: Of the images.
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    coarse = torch.rand(count, 3, 8, 8, generator=generator)
    clean = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
    masks = torch.zeros(count, 1, height, width)
    masks[:, :, height // 2 : height * 7 // 8, width // 4 : width * 3 // 4] = 1
    images = torch.where(masks > 0, torch.tensor(0.5), clean)
    five = torch.tensor([[0.35, 0.37], [0.65, 0.37], [0.5, 0.55], [0.367, 0.7], [0.633, 0.7]])
    landmarks = (five * torch.tensor([width, height])).expand(count, 5, 2).clone()
    return FaceBatch(images, masks, landmarks, clean)


class RestorerContract(Contract):
    """What every restorer must do."""

    @abstractmethod
    def create(self) -> Restorer:
        """Return the restorer under test, on the CPU."""

    def batch(self, restorer: Restorer, count: int = 3) -> FaceBatch:
        """Return what the restorer is tried on; override if it needs other fields."""
        return face_batch(count, restorer.image_size)

    def test_returns_images(self) -> None:
        """Shape, type, range; finite everywhere."""
        restorer = self.create()
        batch = self.batch(restorer)
        restored = restorer.restore(batch)
        assert restored.shape == batch.images.shape and restored.dtype == torch.float32
        assert torch.isfinite(restored).all()
        assert float(restored.min()) >= 0 and float(restored.max()) <= 1
        answers.restored(restorer, batch)  # as every command checks it

    def test_leaves_its_input_alone(self) -> None:
        """The arms of an evaluation share one batch."""
        restorer = self.create()
        batch = self.batch(restorer)
        images, masks = batch.images.clone(), batch.masks.clone()
        restorer.restore(batch)
        assert torch.equal(batch.images, images) and torch.equal(batch.masks, masks)

    def test_is_repeatable(self) -> None:
        """The same input gives the same output."""
        restorer = self.create()
        batch = self.batch(restorer)
        assert torch.equal(restorer.restore(batch), restorer.restore(batch))

    def test_images_do_not_influence_each_other(self) -> None:
        """The result for one image is the same alone and among others."""
        restorer = self.create()
        batch = self.batch(restorer)
        together = restorer.restore(batch)
        landmarks = None if batch.landmarks is None else batch.landmarks[1:2]
        alone = restorer.restore(FaceBatch(batch.images[1:2], batch.masks[1:2], landmarks))
        torch.testing.assert_close(alone, together[1:2], atol=1e-4, rtol=1e-4)

    def test_empty_and_full_masks_are_no_problem(self) -> None:
        """A segmenter may find nothing, or leave no pixel free."""
        restorer = self.create()
        batch = self.batch(restorer)
        for masks in (torch.zeros_like(batch.masks), torch.ones_like(batch.masks)):
            restored = restorer.restore(FaceBatch(batch.images, masks, batch.landmarks))
            assert torch.isfinite(restored).all()

    def test_says_which_labels_it_goes_by(self) -> None:
        """Where it can be told a label, it goes by what it is told, else by what it predicts."""
        restorer = self.create()
        for kind in sorted(restorer.needs & set(KINDS)):
            batch = self.batch(restorer)
            assert kind in answers.labels(restorer, batch)
            truth = torch.arange(len(batch.images)) % len(KINDS[kind])
            told = replace(batch, attributes={kind: truth})
            assert torch.equal(answers.labels(restorer, told)[kind], truth)

    def test_its_segmenter_returns_binary_masks(self) -> None:
        """Where the method has a segmenter of its own."""
        restorer = self.create()
        segmenter = restorer.segmenter()
        if segmenter is not None:
            batch = self.batch(restorer)
            masks = segmenter.segment(batch.images)
            assert masks.shape == batch.masks.shape and masks.dtype == torch.float32
            assert bool(((masks == 0) | (masks == 1)).all())
            answers.segmented(segmenter, batch.images)


class SegmenterContract(Contract):
    """What every segmenter must do."""

    @abstractmethod
    def create(self) -> Segmenter:
        """Return the segmenter under test, on the CPU."""

    def test_returns_binary_masks_at_any_size(self) -> None:
        """Shape, type, values."""
        segmenter = self.create()
        for size in ((64, 64), (96, 80)):
            batch = face_batch(2, size)
            masks = segmenter.segment(batch.images)
            assert masks.shape == batch.masks.shape and masks.dtype == torch.float32
            assert bool(((masks == 0) | (masks == 1)).all())
            answers.segmented(segmenter, batch.images)  # as every command checks it

    def test_is_repeatable_and_leaves_its_input_alone(self) -> None:
        """The arms of an evaluation share one batch."""
        segmenter = self.create()
        images = face_batch(2, (64, 64)).images
        masks = segmenter.segment(images)
        assert torch.equal(images, face_batch(2, (64, 64)).images)
        assert torch.equal(masks, segmenter.segment(images))

    def test_images_do_not_influence_each_other(self) -> None:
        """The mask of one image is the same alone and among others."""
        segmenter = self.create()
        images = face_batch(3, (64, 64)).images
        assert torch.equal(segmenter.segment(images[1:2]), segmenter.segment(images)[1:2])


class RecognizerContract(Contract):
    """What every recogniser must do."""

    @abstractmethod
    def create(self) -> Recognizer:
        """Return the recogniser under test, on the CPU."""

    def test_returns_unit_templates(self) -> None:
        """Shape, type, length 1."""
        recognizer = self.create()
        templates = recognizer.embed(face_batch(3, recognizer.image_size).images)
        assert templates.ndim == 2 and len(templates) == 3 and templates.dtype == torch.float32
        torch.testing.assert_close(templates.norm(dim=1), torch.ones(3), atol=1e-4, rtol=0)
        answers.embedded(recognizer, face_batch(3, recognizer.image_size).images)

    def test_lengths_belong_to_the_templates(self) -> None:
        """Where it tells templates before they are made unit length, they are the same ones."""
        recognizer = self.create()
        images = face_batch(3, recognizer.image_size).images
        raw = recognizer.unnormalised(images)
        if raw is not None:
            unit = torch.nn.functional.normalize(raw)
            torch.testing.assert_close(unit, recognizer.embed(images), atol=1e-4, rtol=0)

    def test_templates_depend_on_their_own_image_only(self) -> None:
        """Alone and among others: the same; another image: another template."""
        recognizer = self.create()
        images = face_batch(3, recognizer.image_size).images
        together = recognizer.embed(images)
        torch.testing.assert_close(recognizer.embed(images[1:2]), together[1:2], atol=1e-4, rtol=0)
        assert not torch.allclose(together[0], together[1], atol=1e-4)

    def test_leaves_its_input_alone(self) -> None:
        """The images are used again."""
        recognizer = self.create()
        images = face_batch(2, recognizer.image_size).images
        recognizer.embed(images)
        assert torch.equal(images, face_batch(2, recognizer.image_size).images)

    def test_compares_each_two_templates_by_themselves(self) -> None:
        """Scores in [-1, 1], the same in any block; a subject's image is most like their own."""
        recognizer = self.create()
        images = face_batch(12, recognizer.image_size).images
        templates = recognizer.embed(images).double().numpy()
        subjects = np.array([f"s{i // 2}" for i in range(12)])
        compare = answers.enrolled(recognizer, templates, subjects)
        scores = answers.compared(recognizer.name, compare, templates, templates)
        assert scores.shape == (12, 12) and np.abs(scores).max() <= 1 + 1e-6
        part = np.asarray(compare(templates[3:5], templates[:7]))
        np.testing.assert_allclose(part, scores[3:5, :7], atol=1e-6)
        copy = templates + 1e-9  # a recogniser may leave out an image that explains itself
        copy /= np.linalg.norm(copy, axis=1, keepdims=True)
        assert (
            np.asarray(compare(templates, copy)).argmax(axis=0) // 2 == np.arange(12) // 2
        ).all()

    def test_its_template_is_five_points_in_the_crop(self) -> None:
        """In units of the side; None means the project's own alignment."""
        template = self.create().template
        if template is not None:
            assert template.shape == (5, 2)
            assert template.min() > 0 and template.max() < 1


class ClassifierContract(Contract):
    """What every classifier must do."""

    @abstractmethod
    def create(self) -> Classifier:
        """Return the classifier under test, on the CPU."""

    def test_returns_probabilities(self) -> None:
        """One row an image, one column a class of its kind of label."""
        classifier = self.create()
        images = face_batch(3, classifier.image_size).images
        chances = answers.classified(classifier, images)
        assert chances.shape == (3, len(classifier.classes))
        assert float(chances.min()) >= 0
        torch.testing.assert_close(chances.sum(1), torch.ones(3), atol=1e-4, rtol=0)

    def test_answers_depend_on_their_own_image_only(self) -> None:
        """Alone and among others: the same."""
        classifier = self.create()
        images = face_batch(3, classifier.image_size).images
        for ask in (classifier.classify, classifier.features):
            torch.testing.assert_close(ask(images[1:2]), ask(images)[1:2], atol=1e-4, rtol=0)

    def test_returns_features(self) -> None:
        """One row an image, all finite."""
        classifier = self.create()
        features = classifier.features(face_batch(3, classifier.image_size).images)
        assert features.ndim == 2 and len(features) == 3 and bool(features.isfinite().all())


class LandmarkerContract(Contract):
    """What every landmarker must do."""

    @abstractmethod
    def create(self) -> Landmarker:
        """Return the landmarker under test, on the CPU."""

    def test_returns_all_points_of_a_face_or_none(self) -> None:
        """Shape, type; no face with some points NaN."""
        landmarker = self.create()
        images = face_batch(3, landmarker.image_size).images
        points = answers.located(landmarker, images)
        assert points.shape == (3, 98, 2)
        known = points.isfinite().flatten(1)
        assert bool((known.all(1) | ~known.any(1)).all())

    def test_is_repeatable_and_leaves_its_input_alone(self) -> None:
        """The arms of an evaluation share one batch."""
        landmarker = self.create()
        images = face_batch(2, landmarker.image_size).images
        points = landmarker.find(images)
        assert torch.equal(images, face_batch(2, landmarker.image_size).images)
        torch.testing.assert_close(points, landmarker.find(images), equal_nan=True)

    def test_images_do_not_influence_each_other(self) -> None:
        """The points of one image are the same alone and among others."""
        landmarker = self.create()
        images = face_batch(3, landmarker.image_size).images
        alone, together = landmarker.find(images[1:2]), landmarker.find(images)[1:2]
        torch.testing.assert_close(alone, together, atol=1e-2, rtol=0, equal_nan=True)
