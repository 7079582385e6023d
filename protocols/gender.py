"""The protocol for gender: how often is it told right of a face, covered, restored and bare?

Source: the landmark-gender model (section III-E) sends a face to one of two generators by what a
classifier tells of the covered face; who is told wrong, and how sure the classifier is then,
decides how much harm that does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from restore_recog.api import Plan
from restore_recog.labels import GENDER
from restore_recog.protocols.labelled import Labelled
from restore_recog.types import FaceSample


class Gender(Labelled):
    """As the protocol 'quality', with the images whose gender is known, for a classifier.

    Raises:
        DataError: There is an argument.
    """

    name = "gender"
    version = 1
    label = GENDER
    says = "lfw:PATH with its labels, or utkface:PATH"
    verb = "is"

    def _notes(
        self, plan: Plan, by_id: Mapping[str, FaceSample], left: Sequence[FaceSample]
    ) -> Iterator[str]:
        yield from super()._notes(plan, by_id, left)
        words = Counter(word for one in left if (word := one.attributes.get(GENDER, "")))
        if words:
            listed = ", ".join(f"{word} ({count})" for word, count in sorted(words.items()))
            yield f"Labels that are neither female nor male count as unknown: {listed}."
