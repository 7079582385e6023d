"""The protocol for your own images: a gallery, and probes that may show strangers.

Who is what, in this order of preference:

* the attribute ``role``: ``gallery``, ``probe`` or ``unknown`` (a probe of a person who must
  not be in the gallery); it comes from a column of a manifest or from the folders;
* without roles: unoccluded images are the gallery, occluded ones the probes;
* without roles and without occluded images: the first image of each person, in the order
  of the ids, is the gallery, all others are probes.
"""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.protocols.sampling import (
    BySubject,
    Search,
    as_found,
    by_condition,
    by_subject,
    shuffled,
    total,
)
from restore_recog.types import FaceSample

GALLERY, PROBE, UNKNOWN = "gallery", "probe", "unknown"
AS_FOUND = "as-found"

Roles = tuple[BySubject, list[FaceSample], list[str]]
"""(Gallery by subject, probes, notes)."""


class GalleryProbe(EvaluationProtocol):
    """Own folders or lists: roles, or clean against occluded; strangers make open-set searches.

    Where no probe is occluded, all are given synthetic coverings; ``gallery-probe:as-found``
    takes them as they are, for images that wear masks without saying so.

    Raises:
        DataError: There is another argument.
    """

    name = "gallery-probe"
    version = 1

    def __init__(self, argument: str | None = None) -> None:
        super().__init__(argument)
        if argument not in (None, AS_FOUND):
            raise DataError(
                f"The protocol 'gallery-probe' does not know '{argument}'; the only "
                f"argument is '{AS_FOUND}'."
            )

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the comparisons: all probes, a balanced sample of pairs.

        Args:
            samples: Any order.
            seed: Of the pairs and the cosine images.
            limit: At most this many probes, in random order.

        Raises:
            DataError: Roles that are unknown or contradict each other, no probe of a person in
                the gallery, or one person only.
        """
        ordered = sorted(samples, key=lambda sample: sample.image_id)
        references, probes, notes = _roles(ordered, seed)
        _check(references, probes)
        people = {sample.subject for sample in probes}
        strangers = [sample for sample in probes if sample.subject not in references]
        if strangers:
            unknown = len({sample.subject for sample in strangers})
            notes.append(
                f"{len(strangers)} probes of {unknown} people who are not in the gallery make "
                "open-set searches only."
            )
        clean = sum(sample.condition == "clean" for sample in probes)
        synthetic = clean == len(probes) and self.argument != AS_FOUND
        if synthetic:
            notes.append("No probe is occluded: they are given synthetic coverings.")
        elif clean:
            notes.append(f"{clean} of the probes are not known to be occluded; taken as found.")
        notes.append(f"{len(probes)} probes of {len(people)} people.")
        order = shuffled(probes, seed)
        return Search(references, order, synthetic, notes).plan(ordered, seed, limit)


def _roles(ordered: Sequence[FaceSample], seed: int) -> Roles:
    if any("role" in sample.attributes for sample in ordered):
        return _by_role(ordered)
    clean, occluded = by_condition(ordered)
    if occluded:
        return as_found(clean, occluded, seed)
    references = {subject: ids[:1] for subject, ids in by_subject(ordered).items()}
    first = {image_id for ids in references.values() for image_id in ids}
    note = f"{len(first)} references: the first image of each person, in the order of the names."
    return references, [s for s in ordered if s.image_id not in first], [note]


def _by_role(ordered: Sequence[FaceSample]) -> Roles:
    """Return what the attribute ``role`` says; images without it are counted and left out."""
    roles: dict[str, list[FaceSample]] = {GALLERY: [], PROBE: [], UNKNOWN: [], "": []}
    for sample in ordered:
        role = sample.attributes.get("role", "")
        if role not in roles:
            raise DataError(
                f"The image '{sample.image_id}' has the role '{role}'; it must be {GALLERY}, "
                f"{PROBE}, {UNKNOWN} or empty."
            )
        roles[role].append(sample)
    references = by_subject(roles[GALLERY])
    probes = sorted([*roles[PROBE], *roles[UNKNOWN]], key=lambda sample: sample.image_id)
    for sample in roles[UNKNOWN]:
        if sample.subject in references:
            raise DataError(
                f"The image '{sample.image_id}' has the role '{UNKNOWN}', but its person "
                f"'{sample.subject}' is in the gallery; make it a {PROBE}."
            )
    inside = {sample.image_id for sample in roles[GALLERY]}
    for sample in probes:
        if sample.clean_id in inside:
            raise DataError(
                f"The probe '{sample.image_id}' is the covered version of '{sample.clean_id}', "
                "which is in the gallery; an image must not be searched in itself."
            )
    notes = [f"{total(references)} references of {len(references)} people, as marked."]
    if roles[""]:
        notes.append(
            f"{len(roles[''])} images have no role; they serve as clean counterparts of probes "
            "or not at all."
        )
    return references, probes, notes


def _check(references: BySubject, probes: Sequence[FaceSample]) -> None:
    if not any(sample.subject in references for sample in probes):
        raise DataError(
            "No probe shows a person who is in the gallery; the protocol 'gallery-probe' needs "
            "people with a reference and another image, under one subject."
        )
    if len({*references, *(sample.subject for sample in probes)}) < 2:
        raise DataError(
            "All images show one person; the protocol 'gallery-probe' compares people and "
            "needs at least two."
        )
