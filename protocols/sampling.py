"""What several protocols share: galleries without the probes' clean counterparts, and seeded draws.

Every random choice has a stream of its own, so that one cannot shift another.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from restore_recog.api import Plan
from restore_recog.types import FaceSample, Trial

SPLIT, PROBES, GENUINE, IMPOSTOR, COSINE = range(5)

MOST_PAIRS = 10_000
"""Trials of each kind where a protocol sets no number: a sample, as an evaluation compares
all probes with all references besides."""

BySubject = dict[str, list[str]]
"""Subject -> sorted image_ids."""


def stream(seed: int, choice: int) -> np.random.Generator:
    """Return the random numbers of one kind of choice (``SPLIT``, ``PROBES``, ...)."""
    return np.random.default_rng([seed, choice])


def by_subject(samples: Iterable[FaceSample]) -> BySubject:
    """Return the image_ids of every subject, subjects and ids in the order of *samples*."""
    ids: BySubject = {}
    for sample in samples:
        ids.setdefault(sample.subject, []).append(sample.image_id)
    return ids


def by_condition(samples: Sequence[FaceSample]) -> tuple[list[FaceSample], list[FaceSample]]:
    """Return (unoccluded, occluded) samples."""
    clean = [sample for sample in samples if sample.condition == "clean"]
    return clean, [sample for sample in samples if sample.condition != "clean"]


def total(references: BySubject) -> int:
    """Return how many images there are."""
    return sum(map(len, references.values()))


def as_found(
    clean: Sequence[FaceSample], occluded: Sequence[FaceSample], seed: int
) -> tuple[BySubject, list[FaceSample], list[str]]:
    """Return (references by subject, possible probes, notes) of data with occluded images.

    The clean counterpart of a probe must not be in the gallery. A subject who has nothing but
    counterparts gives half of them to the gallery, and their occluded versions are not probes;
    those with the attribute ``twin`` = ``yes`` are there to compare with and never enrolled.
    Probes whose subjects have no reference are among the possible ones; see :func:`enrolled`.

    Args:
        clean, occluded: In the order of their ids.
        seed: Of the choice among counterparts.
    """
    rng = stream(seed, SPLIT)
    counterparts = {sample.clean_id for sample in occluded}
    own = [sample for sample in clean if sample.attributes.get("twin") != "yes"]
    references: BySubject = {}
    for subject, ids in sorted(by_subject(own).items()):
        free = [image_id for image_id in ids if image_id not in counterparts]
        if not free:
            free = sorted(ids[i] for i in rng.permutation(len(ids))[: (len(ids) + 1) // 2])
        references[subject] = free
    inside = {image_id for ids in references.values() for image_id in ids}
    pool = [sample for sample in occluded if sample.clean_id not in inside]
    notes = [f"{total(references)} unoccluded references of {len(references)} subjects."]
    if kept_out := len(clean) - len(inside):
        notes.append(f"{kept_out} clean counterparts of occluded images stay out of the gallery.")
    if dropped := len(occluded) - len(pool):
        notes.append(
            f"{dropped} occluded images are not probes: their clean images are references."
        )
    return references, pool, notes


def enrolled(
    pool: Sequence[FaceSample], references: Container[str]
) -> tuple[list[FaceSample], list[str]]:
    """Return the probes of a closed-set test, and a note on those that it leaves out."""
    closed = [sample for sample in pool if sample.subject in references]
    if strangers := len(pool) - len(closed):
        return closed, [
            f"{strangers} occluded images are left out: their subjects have no unoccluded "
            "reference."
        ]
    return closed, []


def trials(
    probes: Sequence[str],
    references: BySubject,
    subjects: Mapping[str, str],
    wanted: int,
    seed: int,
) -> list[Trial]:
    """Return distinct trials of probes and references, the genuine ones first.

    Args:
        probes: In a fixed order.
        references: The gallery.
        subjects: image_id -> subject, of both.
        wanted: Trials of each kind; fewer where there are not that many.
        seed: Of the choice.
    """
    genuine = [(r, p) for p in probes for r in references.get(subjects[p], ())]
    chosen = stream(seed, GENUINE).permutation(len(genuine))[:wanted]
    pairs = [Trial(*genuine[int(i)], True) for i in sorted(chosen)]

    everyone = sorted(image_id for ids in references.values() for image_id in ids)
    possible = len(probes) * len(everyone) - len(genuine)
    rng = stream(seed, IMPOSTOR)
    impostors: set[tuple[str, str]] = set()
    while len(impostors) < min(wanted, possible):
        reference = everyone[int(rng.integers(len(everyone)))]
        probe = probes[int(rng.integers(len(probes)))]
        if subjects[reference] != subjects[probe]:
            impostors.add((reference, probe))
    return pairs + [Trial(*pair, False) for pair in sorted(impostors)]


def one_each(references: BySubject, seed: int) -> dict[str, str]:
    """Return one random image per subject."""
    rng = stream(seed, COSINE)
    return {subject: ids[rng.integers(len(ids))] for subject, ids in sorted(references.items())}


def choose(
    pool: Sequence[FaceSample], tested: int, out_of: int, seed: int
) -> tuple[list[str], str]:
    """Return test images in random order, and a note on how many there are and why.

    Images that the data set itself marks as test images are all used, up to the paper's
    number; of others as large a share as the paper's, at least one.

    Args:
        pool: In the order of their ids.
        tested, out_of: The paper's numbers.
        seed: Of the choice.
    """
    fixed = [sample for sample in pool if sample.attributes.get("split") == "test"]
    candidates = fixed or list(pool)
    if fixed:
        count = min(tested, len(fixed))
        reason = f"of {len(fixed)} in the data's own test split"
    else:
        count = min(tested, max(1, round(len(candidates) * tested / out_of)))
        reason = (
            f"of {len(candidates)}, the paper's share of {tested:,} in {out_of:,}; the others "
            "are left for training"
        )
    return shuffled(candidates, seed)[:count], f"{count} probes {reason}."


def shuffled(pool: Sequence[FaceSample], seed: int) -> list[str]:
    """Return the image_ids in random order, so that any first part is a fair sample."""
    return [pool[i].image_id for i in stream(seed, PROBES).permutation(len(pool))]


@dataclass(frozen=True, slots=True)
class Search:
    """Probes to be searched in a gallery.

    Attributes:
        references: The gallery.
        test: image_ids of the probes, in the order in which a limit takes them.
        synthetic: As in :class:`~restore_recog.api.Plan`.
        notes: Sentences for the report.
        pairs: Number of probes -> trials of each kind; None takes every genuine one, up to
            :data:`MOST_PAIRS`, and as many impostor ones.
    """

    references: BySubject
    test: Sequence[str]
    synthetic: bool
    notes: Sequence[str]
    pairs: Callable[[int], int] | None = None

    def plan(self, ordered: Sequence[FaceSample], seed: int, limit: int | None) -> Plan:
        """Return the plan: pairs and cosine images drawn, all other images for training.

        Args:
            ordered: All samples, in the order of their ids.
            seed: Of the pairs and the cosine images.
            limit: At most this many probes.
        """
        samples = {sample.image_id: sample for sample in ordered}
        subjects = {sample.image_id: sample.subject for sample in ordered}
        probes = sorted(self.test[:limit])
        notes = list(self.notes)
        if len(probes) < len(self.test):
            notes.append(f"Limited to {len(probes)} of {len(self.test)} probes.")
        if self.pairs is None:
            every = sum(len(self.references.get(subjects[probe], ())) for probe in probes)
            wanted = min(every, MOST_PAIRS)
        else:
            wanted = self.pairs(len(probes))
        pairs = trials(probes, self.references, subjects, wanted, seed)
        genuine = sum(pair.genuine for pair in pairs)
        notes.append(f"{len(pairs)} verification pairs, {genuine} of them genuine.")
        gallery = sorted(image_id for ids in self.references.values() for image_id in ids)
        unoccluded = by_subject(samples[i] for i in gallery if samples[i].condition == "clean")
        return Plan(
            references=tuple(gallery),
            probes=tuple(probes),
            pairs=tuple(pairs),
            cosine_references=one_each(unoccluded, seed),
            synthetic=self.synthetic,
            training=_left_over(ordered, {*gallery, *self.test}),
            notes=tuple(notes),
        )


def _left_over(samples: Sequence[FaceSample], kept: Set[str]) -> tuple[str, ...]:
    """Return the image_ids that are left for training.

    Neither in the test, nor a clean counterpart of an image in it, nor marked for testing.
    """
    counterparts = {sample.clean_id for sample in samples if sample.image_id in kept}
    return tuple(
        sample.image_id
        for sample in samples
        if sample.image_id not in kept
        and sample.image_id not in counterparts
        and sample.clean_id not in kept
        and sample.attributes.get("split") != "test"
    )
