"""Contract tests that every plug-in must pass; subclass one in your own test suite.

    from restore_recog.testing import RestorerContract

    class TestMine(RestorerContract):
        def create(self):
            return MyRestorer()

The checks need no data and no GPU, and no weights but what ``create`` loads.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from restore_recog.api import Dataset, EvaluationProtocol, Recognizer, Restorer
from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation.run.quality_models import asks_quality
from restore_recog.types import FaceBatch, FaceImage, FaceSample

NAME = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")


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


class _Contract(ABC):
    """What the four contracts share."""

    @abstractmethod
    def create(self) -> Restorer | Recognizer | Dataset | EvaluationProtocol:
        """Return the object under test, small and on the CPU."""

    def test_name_is_lower_case(self) -> None:
        """The name is what users type and stands in file names: letters, digits, _ and -."""
        assert NAME.fullmatch(self.create().name)

    def test_has_a_summary(self) -> None:
        """``restore-recog list --long`` shows the docstring's first line."""
        assert (type(self.create()).__doc__ or "").strip()


class RestorerContract(_Contract):
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

    def test_its_segmenter_returns_binary_masks(self) -> None:
        """Where the method has a segmenter of its own."""
        restorer = self.create()
        segmenter = restorer.segmenter()
        if segmenter is not None:
            batch = self.batch(restorer)
            masks = segmenter.segment(batch.images)
            assert masks.shape == batch.masks.shape and masks.dtype == torch.float32
            assert bool(((masks == 0) | (masks == 1)).all())


class RecognizerContract(_Contract):
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
        """Scores in [-1, 1], the same in any block; an image is most like itself."""
        recognizer = self.create()
        images = face_batch(12, recognizer.image_size).images
        templates = recognizer.embed(images).double().numpy()
        compare = recognizer.enrol(templates, np.array([f"s{i // 2}" for i in range(12)]))
        scores = np.asarray(compare(templates, templates))
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


class DatasetContract(_Contract):
    """What every data set must do."""

    @abstractmethod
    def create(self) -> Dataset:
        """Return the data set under test, over a small folder or a small rendering."""

    def test_samples_are_sorted_and_unique(self) -> None:
        """The order never comes from the file system, and is the same every time."""
        ids = [sample.image_id for sample in self.create().samples()]
        assert ids, "give the contract a data set with at least one image"
        assert ids == sorted(set(ids))
        assert ids == [sample.image_id for sample in self.create().samples()]

    def test_twins_exist_and_are_clean(self) -> None:
        """A clean counterpart shows the same subject, uncovered."""
        samples = {sample.image_id: sample for sample in self.create().samples()}
        for sample in samples.values():
            assert sample.subject
            if sample.clean_id is not None:
                clean = samples[sample.clean_id]
                assert clean.subject == sample.subject and clean.condition == "clean"

    def test_split_is_train_or_test_and_by_subject(self) -> None:
        """No subject is on both sides."""
        sides: dict[str, set[str | None]] = {}
        for sample in self.create().samples():
            split = sample.attributes.get("split")
            assert split in (None, "train", "test")
            sides.setdefault(sample.subject, set()).add(split)
        assert not [subject for subject, splits in sides.items() if {"train", "test"} <= splits]

    def test_reads_one_answer_for_every_sample(self) -> None:
        """An image or the reason why there is none, in order, whatever is asked for."""
        dataset = self.create()
        samples = list(dataset.samples())[:3]
        for asked in (samples, samples[::-1], []):
            answers = dataset.read(asked)
            assert len(answers) == len(asked)
            for answer in answers:
                _check_answer(answer)

    def test_reads_the_same_twice(self) -> None:
        """Reading changes nothing; rendering is seeded."""
        dataset = self.create()
        sample = dataset.samples()[0]
        first, second = dataset.read([sample])[0], dataset.read([sample])[0]
        assert type(first) is type(second)
        if isinstance(first, FaceImage) and isinstance(second, FaceImage):
            assert np.array_equal(first.pixels, second.pixels)


def _check_answer(answer: FaceImage | RestoreRecogError) -> None:
    if isinstance(answer, RestoreRecogError):
        assert str(answer)
        return
    height, width, channels = answer.pixels.shape
    assert answer.pixels.dtype == np.uint8 and channels == 3
    if answer.landmarks is not None:
        assert answer.landmarks.shape in ((5, 2), (98, 2))
        assert answer.landmarks.dtype == np.float32
    if answer.mask is not None:
        assert answer.mask.shape == (height, width) and answer.mask.dtype == np.uint8
        assert set(np.unique(answer.mask).tolist()) <= {0, 1}


def people(subjects: int = 6, images: int = 5) -> list[FaceSample]:
    """Return unoccluded samples without files: enough for a protocol's plan."""
    names = [f"s{number:02d}" for number in range(subjects)]
    return [FaceSample(f"{name}/{image:02d}", name) for name in names for image in range(images)]


class ProtocolContract(_Contract):
    """What every protocol must do."""

    @abstractmethod
    def create(self) -> EvaluationProtocol:
        """Return the protocol under test."""

    def samples(self) -> Sequence[FaceSample]:
        """Return what the protocol is tried on; override if it needs other labels.

        One that follows a list of pairs is given the list in :meth:`create`.
        """
        return people()

    def test_compares_what_exists(self) -> None:
        """Probes and references are samples, and every trial is between them."""
        samples = {sample.image_id: sample for sample in self.samples()}
        plan = self.create().plan(self.samples())
        assert plan.probes and plan.references
        assert len(set(plan.probes)) == len(plan.probes)
        assert len(set(plan.references)) == len(plan.references)
        assert {*plan.probes, *plan.references, *plan.training} <= set(samples)
        if plan.identification:
            assert not set(plan.probes) & set(plan.references)
        assert not plan.folds or len(plan.folds) == len(plan.pairs)
        if plan.synthetic:
            assert all(samples[image_id].condition == "clean" for image_id in plan.probes)
        for trial in plan.pairs:
            assert trial.reference_id in plan.references and trial.probe_id in plan.probes

    def test_both_kinds_of_pairs_occur_and_are_labelled_right(self) -> None:
        """No pair occurs twice; plans about image quality have genuine pairs only."""
        samples = {sample.image_id: sample for sample in self.samples()}
        plan = self.create().plan(self.samples())
        kinds = {True} if asks_quality(plan, samples) else {True, False}
        assert {trial.genuine for trial in plan.pairs} == kinds
        for trial in plan.pairs:
            reference, probe = samples[trial.reference_id], samples[trial.probe_id]
            assert trial.genuine == (reference.subject == probe.subject)
        assert max(Counter(plan.pairs).values()) == 1

    def test_cosine_references_show_their_subject(self) -> None:
        """One clean image per subject."""
        samples = {sample.image_id: sample for sample in self.samples()}
        for name, image_id in self.create().plan(self.samples()).cosine_references.items():
            assert samples[image_id].subject == name and samples[image_id].condition == "clean"

    def test_nobody_is_tested_on_a_training_image(self) -> None:
        """What is left for training is neither probe nor reference."""
        plan = self.create().plan(self.samples())
        assert not set(plan.training) & {*plan.probes, *plan.references}

    def test_the_seed_decides_and_nothing_else(self) -> None:
        """Same seed, same plan, whatever the order of the samples."""
        samples = list(self.samples())
        plan = self.create().plan(samples, seed=3)
        assert plan == self.create().plan(samples, seed=3)
        assert plan == self.create().plan(samples[::-1], seed=3)

    def test_limit_is_kept(self) -> None:
        """At most this many probes, all of them among those without a limit."""
        whole = self.create().plan(self.samples())
        part = self.create().plan(self.samples(), limit=2)
        assert len(part.probes) <= 2 and set(part.probes) <= set(whole.probes)
