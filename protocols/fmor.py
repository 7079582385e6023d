"""The protocol of the FMODR paper for its FMOR data: occluded probes, unoccluded gallery.

Source: "Toward High-quality Face-Mask Occluded Restoration", ACM TOMM 2023, section 5.1:
2,000 of 5,500 occluded pictures are the test set, rank-1 is measured against the unoccluded
ones (table 5), 3,000 random pairs, half of them genuine, give the DET curve (figure 11), and
one random unoccluded picture a subject gives the cosine similarity (table 6).

Deviation: the paper leaves open which pictures make the pairs; here each is one probe and one
reference, and no pair occurs twice.
Deviation: the split and the pairs of the paper are unpublished; here they follow from the seed.
Deviation: data without occluded pictures is split by picture: of each subject's clean
pictures half are references, the others are to be covered and used as probes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.types import FaceSample, Trial

TEST_PICTURES = 2000
OCCLUDED_PICTURES = 5500
PAIRS = 3000

# Each random choice has a stream of its own, so that one cannot shift another.
_SPLIT, _PROBES, _GENUINE, _IMPOSTOR, _COSINE = range(5)

BySubject = dict[str, list[str]]


class Fmor(EvaluationProtocol):
    """FMOR's test: rank-1, verification and cosine similarity of occluded faces."""

    name = "fmor"
    version = 1

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the comparisons, in proportion where there are fewer pictures than FMOR has.

        Args:
            samples: Any order; the plan does not depend on it.
            seed: Of the split, the probes, the pairs and the cosine pictures.
            limit: At most so many probes; they are a part of those without a limit.

        Raises:
            DataError: No subject has both a probe and a reference, or there is only one.
        """
        ordered = sorted(samples, key=lambda sample: sample.image_id)
        clean = [sample for sample in ordered if sample.condition == "clean"]
        occluded = [sample for sample in ordered if sample.condition != "clean"]
        if occluded:
            references, pool, notes = _as_found(clean, occluded, seed)
        else:
            references, pool, notes = _halves(clean, seed)
        _check(references, pool)
        test, note = _choose(pool, seed)
        probes = sorted(test[:limit])
        if len(probes) < len(test):
            note += f" Limited to {len(probes)} of them."
        subjects = {sample.image_id: sample.subject for sample in ordered}
        pairs = _pairs(probes, references, subjects, seed)
        gallery = {image_id for ids in references.values() for image_id in ids}
        kept = gallery | set(test)
        genuine = sum(pair.genuine for pair in pairs)
        return Plan(
            references=tuple(sorted(gallery)),
            probes=tuple(probes),
            pairs=tuple(pairs),
            cosine_references=_cosine_references(references, seed),
            synthetic=not occluded,
            training=tuple(
                sample.image_id
                for sample in ordered
                if sample.image_id not in kept and sample.attributes.get("split") != "test"
            ),
            notes=(
                *notes,
                note,
                f"{len(pairs)} verification pairs, {genuine} of them genuine.",
            ),
        )


def _as_found(
    clean: Sequence[FaceSample], occluded: Sequence[FaceSample], seed: int
) -> tuple[BySubject, list[FaceSample], list[str]]:
    """Return (references by subject, possible probes, notes) of data with occluded pictures.

    The unoccluded twin of a probe must not be in the gallery. A subject who has nothing but
    twins gives half of them to the gallery, and their occluded versions are no probes.
    """
    rng = np.random.default_rng([seed, _SPLIT])
    twins = {sample.clean_id for sample in occluded}
    references: BySubject = {}
    for subject, ids in sorted(_by_subject(clean).items()):
        free = [image_id for image_id in ids if image_id not in twins]
        if not free:
            free = sorted(ids[i] for i in rng.permutation(len(ids))[: (len(ids) + 1) // 2])
        references[subject] = free
    enrolled = {image_id for ids in references.values() for image_id in ids}
    closed = [sample for sample in occluded if sample.subject in references]
    pool = [sample for sample in closed if sample.clean_id not in enrolled]
    notes = [f"{_total(references)} unoccluded references of {len(references)} subjects."]
    if kept_out := len(clean) - len(enrolled):
        notes.append(f"{kept_out} unoccluded twins of probes stay out of the gallery.")
    if dropped := len(closed) - len(pool):
        notes.append(f"{dropped} occluded pictures are no probes: their twins are references.")
    if strangers := len(occluded) - len(closed):
        notes.append(
            f"{strangers} occluded pictures are left out: their subjects have no unoccluded "
            "reference."
        )
    return references, pool, notes


def _halves(
    clean: Sequence[FaceSample], seed: int
) -> tuple[BySubject, list[FaceSample], list[str]]:
    """Return (references by subject, possible probes, notes) of data that is clean throughout."""
    rng = np.random.default_rng([seed, _SPLIT])
    samples = {sample.image_id: sample for sample in clean}
    references: BySubject = {}
    pool: list[FaceSample] = []
    for subject, ids in sorted(_by_subject(clean).items()):
        order = [ids[i] for i in rng.permutation(len(ids))]
        half = (len(ids) + 1) // 2
        references[subject] = sorted(order[:half])
        pool += [samples[image_id] for image_id in order[half:]]
    pool.sort(key=lambda sample: sample.image_id)
    single = sum(len(ids) == 1 for ids in _by_subject(clean).values())
    notes = [
        "The data has no occluded pictures: the probes are given synthetic coverings.",
        f"{_total(references)} unoccluded references of {len(references)} subjects (half of each "
        "subject's pictures, rounded up); no probe's own picture is among them.",
    ]
    if single:
        notes.append(
            f"{single} subjects have one picture: it is in the gallery, they have no probe."
        )
    return references, pool, notes


def _choose(pool: Sequence[FaceSample], seed: int) -> tuple[list[str], str]:
    """Return the test pictures in random order, and a note on how many there are and why.

    Pictures that the data set itself marks as test pictures are all used, up to the paper's
    2,000; of others as large a share as the paper's, at least one.
    """
    fixed = [sample for sample in pool if sample.attributes.get("split") == "test"]
    candidates = fixed or list(pool)
    if fixed:
        count = min(TEST_PICTURES, len(fixed))
        reason = f"of {len(fixed)} in the data's own test split"
    else:
        share = round(len(candidates) * TEST_PICTURES / OCCLUDED_PICTURES)
        count = min(TEST_PICTURES, max(1, share))
        reason = (
            f"of {len(candidates)}, the paper's share of {TEST_PICTURES:,} in "
            f"{OCCLUDED_PICTURES:,}; the others are left for training"
        )
    order = np.random.default_rng([seed, _PROBES]).permutation(len(candidates))[:count]
    return [candidates[i].image_id for i in order], f"{count} probes {reason}."


def _pairs(
    probes: Sequence[str], references: BySubject, subjects: Mapping[str, str], seed: int
) -> list[Trial]:
    """Return distinct trials, 1.5 a probe and half of them genuine as far as there are so many."""
    wanted = max(1, round(len(probes) * PAIRS / TEST_PICTURES / 2))
    genuine = [(r, p) for p in probes for r in references[subjects[p]]]
    rng = np.random.default_rng([seed, _GENUINE])
    chosen = rng.permutation(len(genuine))[:wanted]
    pairs = [Trial(*genuine[int(i)], True) for i in sorted(chosen)]

    everyone = sorted(image_id for ids in references.values() for image_id in ids)
    possible = len(probes) * len(everyone) - len(genuine)
    rng = np.random.default_rng([seed, _IMPOSTOR])
    found: set[tuple[str, str]] = set()
    while len(found) < min(wanted, possible):
        reference = everyone[int(rng.integers(len(everyone)))]
        probe = probes[int(rng.integers(len(probes)))]
        if subjects[reference] != subjects[probe]:
            found.add((reference, probe))
    return pairs + [Trial(*pair, False) for pair in sorted(found)]


def _cosine_references(references: BySubject, seed: int) -> dict[str, str]:
    rng = np.random.default_rng([seed, _COSINE])
    return {subject: ids[rng.integers(len(ids))] for subject, ids in sorted(references.items())}


def _check(references: BySubject, pool: Sequence[FaceSample]) -> None:
    if not pool:
        raise DataError(
            "No subject has both a probe and an unoccluded reference; the fmor protocol needs "
            "people with at least two pictures, one of them unoccluded."
        )
    if len(references) < 2:
        raise DataError(
            "Only one subject has an unoccluded picture; the fmor protocol compares people and "
            "needs at least two."
        )


def _by_subject(samples: Sequence[FaceSample]) -> BySubject:
    found: BySubject = {}
    for sample in samples:
        found.setdefault(sample.subject, []).append(sample.image_id)
    return found


def _total(references: BySubject) -> int:
    return sum(map(len, references.values()))
