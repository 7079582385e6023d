"""The protocol for expressions: does a restored face still show the expression that it had?

Source: Sola and Gera (ECGAN), CVPR Workshops 2023, sections 4.2 to 4.5: a classifier that was
trained on unoccluded faces is asked about the same faces covered and restored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.labels import EXPRESSIONS, UNKNOWN, code
from restore_recog.protocols.quality import Quality
from restore_recog.types import FaceSample

LABEL = "expression"


class Expression(Quality):
    """As the protocol 'quality', with the images whose expression is known, for a classifier.

    Raises:
        DataError: There is an argument.
    """

    name = "expression"
    version = 1

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
        known = {i for i, one in by_id.items() if _code(one) != UNKNOWN}
        # An unlabelled counterpart is still what an occluded image is held against.
        known |= {one.clean_id for i in known if (one := by_id[i]).clean_id in by_id}
        if not known:
            raise DataError(
                f"None of the {len(by_id)} images has a label 'expression' that is one of "
                f"{', '.join(EXPRESSIONS)}; give data that says it, such as ferplus:PATH or "
                "rafdb:PATH."
            )
        plan = super().plan([by_id[i] for i in known], seed=seed, limit=limit)
        probes = tuple(i for i in plan.probes if _code(by_id[i]) != UNKNOWN)
        pairs = tuple(pair for pair in plan.pairs if pair.probe_id in set(probes))
        plan = replace(plan, probes=probes, pairs=pairs, label=LABEL)
        counts = Counter(by_id[i].attributes[LABEL] for i in plan.probes)
        notes = [f"Expressions: {', '.join(f'{counts[e]} {e}' for e in EXPRESSIONS if counts[e])}."]
        absent = [one for one in EXPRESSIONS if not counts[one]]
        if absent:
            notes.append(f"No probe shows {', '.join(absent)}: nothing is said of that.")
        if len(known) < len(by_id):
            notes.append(
                f"{len(by_id) - len(known)} images without a known expression take no part."
            )
        return replace(plan, notes=(*plan.notes, *notes))


def _code(sample: FaceSample) -> int:
    return code(LABEL, sample.attributes.get(LABEL, ""))
