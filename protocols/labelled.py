"""What the protocols share that ask a classifier about the label of every probe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.labels import KINDS, UNKNOWN, code
from restore_recog.protocols.quality import Quality
from restore_recog.types import FaceSample


class Labelled(Quality):
    """As the protocol 'quality', with the images whose label is known, for a classifier.

    Attributes:
        label: A key of :data:`restore_recog.labels.KINDS`.
        says: Data sets that say it, for messages.
        verb: What a probe does with a word of it.

    Raises:
        DataError: There is an argument.
    """

    label: ClassVar[str]
    says: ClassVar[str]
    verb: ClassVar[str]

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return every labelled probe with its own unoccluded version.

        Args:
            samples: Any order; the plan does not depend on it.
            seed: Of the order in which a limit takes the probes.
            limit: At most this many probes; they are a part of those without a limit.

        Raises:
            DataError: No image is labelled, or none has an unoccluded version.
        """
        by_id = {sample.image_id: sample for sample in samples}
        known = {i for i, one in by_id.items() if self._known(one)}
        # An unlabelled counterpart is still what an occluded image is held against.
        known |= {one.clean_id for i in known if (one := by_id[i]).clean_id in by_id}
        if not known:
            raise DataError(
                f"None of the {len(by_id)} images has a label '{self.label}' that is one of "
                f"{', '.join(KINDS[self.label])}; give data that says it, such as {self.says}."
            )
        plan = super().plan([by_id[i] for i in known], seed=seed, limit=limit)
        probes = tuple(i for i in plan.probes if self._known(by_id[i]))
        pairs = tuple(pair for pair in plan.pairs if pair.probe_id in set(probes))
        plan = replace(plan, probes=probes, pairs=pairs, label=self.label)
        left = [by_id[i] for i in sorted(set(by_id) - known)]
        return replace(plan, notes=(*plan.notes, *self._notes(plan, by_id, left)))

    def _notes(
        self, plan: Plan, by_id: Mapping[str, FaceSample], left: Sequence[FaceSample]
    ) -> Iterator[str]:
        words = KINDS[self.label]
        counts = Counter(by_id[i].attributes[self.label] for i in plan.probes)
        shown = ", ".join(f"{counts[word]} {word}" for word in words if counts[word])
        yield f"{self.label.capitalize()}s: {shown}."
        absent = [word for word in words if not counts[word]]
        if absent:
            yield f"No probe {self.verb} {', '.join(absent)}: nothing is said of that."
        if left:
            yield f"{len(left)} images without a known {self.label} take no part."

    def _known(self, sample: FaceSample) -> bool:
        return code(self.label, sample.attributes.get(self.label, "")) != UNKNOWN
