"""The arms in which a restorer is handed the truth, or its opposite: what decisions cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from restore_recog.evaluation.arms.arm import Masks, Restored
from restore_recog.labels import EXPRESSION, GENDER, UNKNOWN, code
from restore_recog.landmarks import COUNT
from restore_recog.types import Landmarks, Pixels

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


class Oracle(Restored):
    """Restored, told something that the restorer has to find by itself in ``restored``.

    Attributes:
        kind: What it is told: the word for it in a restorer's ``needs``.
        unknown: Why probes without it rule the arm out.
        untold: Why a run without a restorer that can be told it does.
    """

    default = answers = keeps_mask = False
    beside = Restored.name
    kind: str
    unknown: str
    untold: str


class OracleLabel(Oracle):
    """Restored, told the true expression: what a perfect prediction of it would give."""

    name = "restored-oracle-label"
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


class WrongGender(OracleGender):
    """Restored, told the other gender: what every wrong decision would do."""

    name = "restored-wrong-gender"
    beside = OracleGender.name

    def labels(self, face: ProbeFace) -> Mapping[str, int]:
        """Return the gender that it is not."""
        true = super().labels(face)[GENDER]
        return {GENDER: true if true == UNKNOWN else 1 - true}


class OracleLandmarks(Oracle):
    """Restored, told the true landmarks: what a perfect landmarker would give."""

    name = "restored-oracle-landmarks"
    kind = "landmarks98"
    unknown = "not all of the 98 landmarks of some probes are known"
    untold = "no restorer of the run is led by landmarks"

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out: its landmarks are five, or not all known."""
        return self.unknown if self.landmarks(face) is None else ""

    def landmarks(self, face: ProbeFace) -> Landmarks | None:
        """Return the landmarks, of a face of which all are known."""
        points = face.crop.landmarks
        return points if points.shape == (COUNT, 2) and bool(np.isfinite(points).all()) else None


ORACLE_LABELS = (OracleLabel(), OracleGender())
"""The arms that tell the truth of a label."""

ORACLES: tuple[Oracle, ...] = (*ORACLE_LABELS, WrongGender(), OracleLandmarks())
"""The arms that tell something that not every restorer can be told."""
