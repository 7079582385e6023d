"""The arms in which a restorer is handed the truth: what finding it by itself costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from restore_recog.evaluation.arm import Masks, Restored
from restore_recog.labels import EXPRESSION, GENDER, UNKNOWN, code
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from restore_recog.evaluation.run.faces import ProbeFace

NO_MASK = "the true masks of some probes are unknown"


class OracleMask(Restored):
    """Restored with the true mask: what a perfect segmenter would give."""

    name = "restored-oracle-mask"
    answers = keeps_mask = False

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out: its true mask is unknown."""
        return NO_MASK if face.crop.mask is None else ""

    def mask(self, face: ProbeFace, masks: Masks, restorer: str | None) -> Pixels | None:
        """Return the true mask."""
        from restore_recog.alignment import repeated

        true = face.crop.mask
        return None if true is None else repeated(true, face.crop.valid)


class OracleLabel(Restored):
    """Restored, told the true expression: what a perfect prediction of it would give.

    Attributes:
        kind: The label that a restorer is told, a key of :data:`restore_recog.labels.KINDS`.
        unknown: Why probes without it rule the arm out.
        untold: Why a run without a restorer that can be told it does.
    """

    name = "restored-oracle-label"
    default = answers = keeps_mask = False
    beside = Restored.name
    kind = EXPRESSION
    unknown = "the expressions of some probes are unknown"
    untold = "no restorer of the run can be told an expression"

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out: its label is unknown."""
        return self.unknown if self.labels(face)[self.kind] == UNKNOWN else ""

    def labels(self, face: ProbeFace) -> Mapping[str, int]:
        """Return the label."""
        return {self.kind: code(self.kind, face.sample.attributes.get(self.kind, ""))}


class OracleGender(OracleLabel):
    """Restored, told the true gender."""

    name = "restored-oracle-gender"
    kind = GENDER
    unknown = "the genders of some probes are unknown, or neither male nor female"
    untold = "no restorer of the run can be told a gender"


ORACLE_LABELS = (OracleLabel(), OracleGender())
"""The arms that tell a label."""
