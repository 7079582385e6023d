"""The protocol of the FMODR paper for its FMOR data: occluded probes, unoccluded gallery.

Source: "Toward High-quality Face-Mask Occluded Restoration", ACM TOMM 2022, section 5.1:
2,000 of 5,500 occluded images are the test set, rank-1 is measured against the unoccluded
ones (table 5), 3,000 random pairs, half of them genuine, give the DET curve (figure 11), and
one random unoccluded image per subject gives the cosine similarity (table 6).

Deviation: the paper leaves open which images make the pairs; here each is one probe and one
reference, and no pair occurs twice.
Deviation: the split and the pairs of the paper are unpublished; here they follow from the seed.
Deviation: data without occluded images is split by image: of each subject's clean
images half are references, the others are to be covered and used as probes.
"""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.protocols.sampling import (
    SPLIT,
    BySubject,
    Search,
    as_found,
    by_condition,
    by_subject,
    choose,
    enrolled,
    stream,
    total,
)
from restore_recog.types import FaceSample

TEST_IMAGES = 2000
OCCLUDED_IMAGES = 5500
PAIRS = 3000


class Fmor(EvaluationProtocol):
    """FMOR's test: rank-1, verification and cosine similarity of occluded faces."""

    name = "fmor"
    version = 1

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the comparisons, in proportion where there are fewer images than FMOR has.

        Args:
            samples: Any order; the plan does not depend on it.
            seed: Of the split, the probes, the pairs and the cosine images.
            limit: At most this many probes; they are a part of those without a limit.

        Raises:
            DataError: No subject has both a probe and a reference, or there is only one.
        """
        ordered = sorted(samples, key=lambda sample: sample.image_id)
        clean, occluded = by_condition(ordered)
        if occluded:
            references, possible, notes = as_found(clean, occluded, seed)
            pool, left_out = enrolled(possible, references)
            notes += left_out
        else:
            references, pool, notes = _halves(clean, seed)
        _check(references, pool)
        test, note = choose(pool, TEST_IMAGES, OCCLUDED_IMAGES, seed)
        return Search(references, test, not occluded, [*notes, note], _pairs).plan(
            ordered, seed, limit
        )


def _pairs(probes: int) -> int:
    """Return how many pairs of each kind a number of probes makes: three pairs for two probes."""
    return max(1, round(probes * PAIRS / TEST_IMAGES / 2))


def _halves(
    clean: Sequence[FaceSample], seed: int
) -> tuple[BySubject, list[FaceSample], list[str]]:
    """Return (references by subject, possible probes, notes) of data that is clean throughout."""
    rng = stream(seed, SPLIT)
    samples = {sample.image_id: sample for sample in clean}
    references: BySubject = {}
    pool: list[FaceSample] = []
    for subject, ids in sorted(by_subject(clean).items()):
        order = [ids[i] for i in rng.permutation(len(ids))]
        half = (len(ids) + 1) // 2
        references[subject] = sorted(order[:half])
        pool += [samples[image_id] for image_id in order[half:]]
    pool.sort(key=lambda sample: sample.image_id)
    single = sum(len(ids) == 1 for ids in by_subject(clean).values())
    notes = [
        "The data has no occluded images: the probes are given synthetic coverings.",
        f"{total(references)} unoccluded references of {len(references)} subjects (half of each "
        "subject's images, rounded up); no probe's own image is among them.",
    ]
    if single:
        notes.append(f"{single} subjects have one image: it is in the gallery, they have no probe.")
    return references, pool, notes


def _check(references: BySubject, pool: Sequence[FaceSample]) -> None:
    if not pool:
        raise DataError(
            "No subject has both a probe and an unoccluded reference; the fmor protocol needs "
            "people with at least two images, one of them unoccluded."
        )
    if len(references) < 2:
        raise DataError(
            "Only one subject has an unoccluded image; the fmor protocol compares people and "
            "needs at least two."
        )
