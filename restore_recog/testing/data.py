"""The contracts of data sets and protocols, and the samples that they are tried on."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence

import numpy as np

from restore_recog.api import Dataset, EvaluationProtocol
from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation.run.quality_models import asks_quality
from restore_recog.testing.shared import Contract
from restore_recog.types import FaceImage, FaceSample


class DatasetContract(Contract):
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


class ProtocolContract(Contract):
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
