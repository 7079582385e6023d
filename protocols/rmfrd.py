"""The protocol for really masked faces: every masked image against unoccluded references.

RMFRD (Wang et al., "Masked Face Recognition Dataset and Application", arXiv:2003.09093) came
without a protocol that all use. This one is a closed-set search of every masked image whose
person has an unoccluded one, and a balanced sample of verification pairs.

Deviation: the verification set of RMFRD (4,015 images of 426 people, 3,589 + 3,589 pairs) was
handed out apart from the data and its links are dead; it is not followed.
"""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.protocols.sampling import Search, as_found, by_condition, enrolled, shuffled
from restore_recog.types import FaceSample


class Rmfrd(EvaluationProtocol):
    """All masked images of people who have an unoccluded one, searched among those.

    People who have unoccluded images only stay in the gallery; people who have occluded
    ones only are left for training. Both are counted in the notes.
    """

    name = "rmfrd"
    version = 1

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the comparisons.

        Args:
            samples: With conditions as found; data without occluded images is refused.
            seed: Of the pairs and the cosine images; all probes are used.
            limit: At most this many probes, in random order.

        Raises:
            DataError: No occluded image has a reference, or there is one person only.
        """
        ordered = sorted(samples, key=lambda sample: sample.image_id)
        references, possible, notes = as_found(*by_condition(ordered), seed)
        pool, left_out = enrolled(possible, references)
        if not pool or len(references) < 2:
            raise DataError(
                "The protocol 'rmfrd' needs at least two people with unoccluded images and "
                "one of them with an occluded one; it puts no synthetic coverings on faces "
                "(the protocol 'fmor' does)."
            )
        people = {sample.subject for sample in pool}
        if alone := len(references) - len(people):
            left_out.append(f"{alone} people of the gallery have no occluded image.")
        note = f"{len(pool)} probes of {len(people)} subjects: all their occluded images."
        notes = [*notes, *left_out, note]
        return Search(references, shuffled(pool, seed), False, notes).plan(ordered, seed, limit)
