"""Which arms a run can measure, decided as early as the data allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from restore_recog.api import Restorer
from restore_recog.errors import DataError
from restore_recog.evaluation.arms import (
    ARMS,
    BESIDES,
    DEFAULT_ARMS,
    Occluded,
    RestoredClean,
)
from restore_recog.evaluation.arms.arm import NO_CLEAN, Arm
from restore_recog.evaluation.arms.oracle import ORACLE_LABELS, ORACLES, Oracle, OracleMask
from restore_recog.evaluation.request import EvalRequest
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.types import FaceSample

if TYPE_CHECKING:
    from restore_recog.evaluation.run.faces import ProbeFace

NO_IMAGE = "the protocol asks about images, and it has none of its own"

NOTHING_HIDDEN = "the restorers are given the true masks, and those of bare faces are empty"


@dataclass(frozen=True, slots=True)
class ArmSpec:
    """One row of the table: an arm, and the restorer it uses where it uses one."""

    arm: Arm
    restorer: str | None = None

    @property
    def name(self) -> str:
        """Return what the row is called."""
        return self.arm.name if self.restorer is None else f"{self.arm.name}:{self.restorer}"

    @property
    def parts(self) -> tuple[ArmSpec, ...]:
        """Return the rows whose templates it fuses; none for a row with images of its own."""
        return tuple(self.sibling(name) for name in self.arm.fuses)

    def sibling(self, name: str) -> ArmSpec:
        """Return the row of another arm, with the same restorer where that arm has one."""
        arm = ARMS[name]
        return ArmSpec(arm, self.restorer if arm.restores else None)


class ArmChoice:
    """The arms of one run.

    Whether the probes have clean counterparts is known from their labels; whether they have
    true masks is known when they are read. An arm that was asked for by name and cannot be
    measured stops the run at the first such probe; one that runs by default is left out.

    Attributes:
        dropped: Arm -> why it is left out.
    """

    def __init__(
        self,
        request: EvalRequest,
        restorers: Mapping[str, Restorer],
        segmenters: Mapping[str, ChosenSegmenter | None],
        margins: Mapping[str, int | None],
        *,
        label: str = "",
    ) -> None:
        """Remember what the run has.

        Args:
            request: Names the arms, where they are not the default ones.
            restorers, segmenters: By the restorers' names in this run.
            margins: By how many pixels their true masks are widened; None without them.
            label: What a classifier is asked, as in :class:`restore_recog.api.Plan`.
        """
        asked = request.arms or ()
        self._named = {name.removeprefix(BESIDES) for name in asked}
        self._wanted = set(self._named)
        if all(name.startswith(BESIDES) for name in asked):
            self._wanted |= {*DEFAULT_ARMS, *(a.name for a in ORACLE_LABELS if a.kind == label)}
        self._true = all(margin == 0 for margin in margins.values()) and bool(margins)
        self._restorers = restorers
        self._segmented = any(segmenters.values())
        self._maskless = [name for name, one in restorers.items() if "masks" not in one.needs]
        # A true mask of a bare face is empty, so that restoring it says nothing.
        self._idle = [n for n, one in segmenters.items() if not one and n not in self._maskless]
        self.dropped: dict[str, str] = {}

    def specs(self) -> tuple[ArmSpec, ...]:
        """Return the arms that, as far as is known, can be measured, in order of display.

        An arm that fuses others brings them with it.
        """
        asked = (self._wanted | {Occluded.name}) - set(self.dropped)
        asked |= {part for name in asked for part in ARMS[name].fuses}
        return tuple(
            spec for name, arm in ARMS.items() if name in asked for spec in self._specs(arm)
        )

    def check_samples(
        self, samples: Sequence[FaceSample], known: Mapping[str, FaceSample], synthetic: bool
    ) -> None:
        """Drop the arms that the labels of the probes rule out.

        Args:
            samples: All probes.
            known: Every image of the data, by image_id.
            synthetic: Whether the evaluation draws coverings on the probes.

        Raises:
            DataError: One of those arms was asked for by name.
        """
        if self._true:
            self._drop(OracleMask.name, "the restorers are given the true masks already")
        if self._maskless and len(self._maskless) == len(self._restorers):
            self._drop(OracleMask.name, "no restorer of the run reads a mask")
        if 0 < len(self._idle) == len(self._restorers) and RestoredClean.name not in self._named:
            self._drop(RestoredClean.name, NOTHING_HIDDEN)
        for arm in ORACLES:
            if not any(arm.kind in one.needs for one in self._restorers.values()):
                self._drop(arm.name, arm.untold)
        if not synthetic and any(sample.clean_id not in known for sample in samples):
            for one in ARMS.values():
                if not one.covered:
                    self._drop(one.name, NO_CLEAN)

    def check_question(self, *, asks_quality: bool) -> None:
        """Drop the arms without images where the protocol asks about nothing else.

        Raises:
            DataError: One of those arms was asked for by name.
        """
        for arm in ARMS.values():
            if asks_quality and arm.fuses:
                self._drop(arm.name, NO_IMAGE)

    def check_faces(self, faces: Sequence[ProbeFace]) -> None:
        """Drop the arms that a block of probes rules out.

        Raises:
            DataError: One of those arms was asked for by name.
        """
        for face in faces:
            for arm in ARMS.values():
                reason = arm.lacks(face, segmented=self._segmented)
                if reason:
                    self._drop(arm.name, reason, face)

    def notes(self) -> list[str]:
        """Return a sentence for every arm, and every restorer's arm, that is left out."""
        left_out = [
            f"The arm '{a}' is left out: {self.dropped[a]}." for a in ARMS if a in self.dropped
        ]
        return left_out + [
            f"The restorer '{name}' reads no mask, so no segmenter moves its figures: it has no "
            f"arm '{OracleMask.name}' and no Dice."
            for name in self._maskless
        ]

    def _drop(self, arm: str, reason: str, face: ProbeFace | None = None) -> None:
        if arm not in self._wanted or arm in self.dropped:
            return
        if arm in self._named:
            example = "" if face is None else f" ('{face.sample.image_id}' is the first)"
            raise DataError(f"The arm '{arm}' cannot be measured: {reason}{example}.")
        self.dropped[arm] = reason

    def _specs(self, arm: Arm) -> list[ArmSpec]:
        if not arm.restores:
            return [ArmSpec(arm)]
        idle = arm.name == RestoredClean.name and arm.name not in self._named
        names = [
            name
            for name, restorer in self._restorers.items()
            if not (isinstance(arm, OracleMask) and name in self._maskless)
            and not (isinstance(arm, Oracle) and arm.kind not in restorer.needs)
            and not (idle and name in self._idle)
        ]
        if isinstance(arm, OracleMask):
            # No segmenter moves what a restorer makes of true masks: its first name stands for all.
            firsts = {id(self._restorers[name]): name for name in names[::-1]}
            names = [name for name in names if firsts[id(self._restorers[name])] == name]
        return [ArmSpec(arm, name) for name in names]
