"""The protocol for image quality: how near do restored images come to the unoccluded ones?

Nobody is searched and no two people are compared. Every probe is paired with its own
unoccluded version, so that the similarity of images, and of their templates, can be measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.protocols.sampling import by_condition, shuffled
from restore_recog.types import FaceSample, Trial

FEW = 100
"""Images under which the mean face of the arm ``fill`` shows too much of each of them."""


class Quality(EvaluationProtocol):
    """Every occluded image with a clean counterpart is a probe; else every clean one, covered.

    Raises:
        DataError: There is an argument.
    """

    name = "quality"
    version = 1

    def __init__(self, argument: str | None = None) -> None:
        super().__init__(argument)
        if argument is not None:
            raise DataError(
                f"The protocol '{self.name}' takes no argument, got '{argument}'; leave out the "
                "colon."
            )

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return every probe with its own unoccluded version.

        Args:
            samples: Any order; the plan does not depend on it.
            seed: Of the order in which a limit takes the probes.
            limit: At most this many probes; they are a part of those without a limit.

        Raises:
            DataError: No image has an unoccluded version.
        """
        ordered = sorted(samples, key=lambda sample: sample.image_id)
        clean, occluded = by_condition(ordered)
        known = {sample.image_id for sample in clean}
        counterparts = {s.image_id: s.clean_id for s in occluded if s.clean_id in known}
        probes = [sample for sample in occluded if sample.image_id in counterparts] or clean
        if not probes:
            raise DataError(
                f"None of the {len(occluded)} occluded images has a clean counterpart, and no "
                "image is unoccluded, so image quality cannot be measured; give data with "
                "unoccluded images (--data), or measure recognition with another --protocol."
            )
        chosen = sorted(shuffled(probes, seed)[:limit])
        pairs = tuple(Trial(counterparts.get(i) or i, i, genuine=True) for i in chosen)
        return Plan(
            references=tuple(sorted({pair.reference_id for pair in pairs})),
            probes=tuple(chosen),
            pairs=pairs,
            cosine_references={},
            synthetic=not counterparts,
            notes=tuple(_notes(len(chosen), len(probes), len(occluded), bool(counterparts))),
            identification=False,
        )


def _notes(chosen: int, probes: int, occluded: int, as_they_came: bool) -> list[str]:
    what = "occluded images with a clean counterpart are"
    if not as_they_came:
        what = "unoccluded images are covered and are"
    notes = [f"{chosen} of {probes} {what} the probes; each is compared with its own clean image."]
    alone = occluded - probes if as_they_came else occluded
    if alone:
        notes.append(f"{alone} occluded images have no clean counterpart and take no part.")
    notes.append(
        "The cosine is that of each probe's template to the one of its own unoccluded image: "
        "how much of the identity is kept, not how well people are told apart."
    )
    if chosen < FEW:
        notes.append(
            f"Warning: the mean face of the arm 'fill' is the mean of only {chosen} images, the "
            "probes' own clean counterparts; do not read that arm as a baseline."
        )
    return notes
