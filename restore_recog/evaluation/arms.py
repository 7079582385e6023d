"""The arms: what is done to the same probes before the same recogniser sees them.

========================  ====================================================================
``clean``                 the unoccluded twin: the ceiling
``occluded``              as it came: the floor
``restored``              restored, with the mask that the detector found
``restored-oracle-mask``  restored, with the true mask: what a perfect detector would give
``fill``                  mean face of the gallery inside the mask: what a restorer must beat
``upper-half``            only what lies above the nose tip, on probes and references alike
``restored-clean``        the restorer on unoccluded probes: does it do harm?
========================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from restore_recog.api import Restorer
from restore_recog.evaluation.run.faces import ProbeFace

if TYPE_CHECKING:
    pass

from restore_recog.errors import DataError
from restore_recog.evaluation.request import EvalRequest
from restore_recog.segmenters.names import ChosenSegmenter, margin
from restore_recog.types import FaceSample

ARMS = (
    "clean",
    "occluded",
    "restored",
    "restored-oracle-mask",
    "fill",
    "upper-half",
    "restored-clean",
)
DEFAULT_ARMS = ARMS[:5]
RESTORING = ("restored", "restored-oracle-mask", "restored-clean")
"""Arms that there are one of for every restorer."""


@dataclass(frozen=True, slots=True)
class ArmSpec:
    """One row of the table: an arm, and whose restorer."""

    arm: str
    restorer: str | None = None

    @property
    def name(self) -> str:
        """Return what the row is called."""
        return self.arm if self.restorer is None else f"{self.arm}:{self.restorer}"


NO_TWIN = "the data has no unoccluded twins of all probes"
NO_MASK = "the true masks of some probes are unknown"


class ArmChoice:
    """The arms of one run.

    Whether the probes have twins is known from their labels; whether they have true masks
    shows when they are read. An arm that was asked for by name and cannot be carried stops
    the run at the first probe that shows it; one that runs by default is left out.

    Attributes:
        dropped: Arm -> why it is left out.
    """

    def __init__(
        self,
        request: EvalRequest,
        restorers: Mapping[str, Restorer],
        found: Mapping[str, ChosenSegmenter | None],
    ) -> None:
        self._asked = request.arms
        self._true = margin(request.segmenter) == 0
        self._restorers, self._detectors = restorers, found
        self._mapless = [name for name, one in restorers.items() if "masks" not in one.needs]
        self.dropped: dict[str, str] = {}

    def specs(self) -> tuple[ArmSpec, ...]:
        """Return the arms that can be carried as far as is known, in order of display."""
        asked = {*(self._asked or DEFAULT_ARMS), "occluded"} - set(self.dropped)
        return tuple(spec for arm in ARMS if arm in asked for spec in self._specs(arm))

    def check_samples(
        self, samples: Sequence[FaceSample], known: Mapping[str, FaceSample], synthetic: bool
    ) -> None:
        """Drop the arms that the labels of the probes rule out.

        Args:
            samples: All that pass through the arms.
            known: Every image of the data, by image_id.
            synthetic: Whether the evaluation covers the probes.

        Raises:
            DataError: One of those arms was asked for by name.
        """
        if self._true:
            self._drop("restored-oracle-mask", "the restorers are given the true masks already")
        if self._mapless and len(self._mapless) == len(self._restorers):
            self._drop("restored-oracle-mask", "no restorer of the run reads a mask")
        if not synthetic and any(sample.clean_id not in known for sample in samples):
            self._drop("clean", NO_TWIN)
            self._drop("restored-clean", NO_TWIN)

    def check_faces(self, faces: Sequence[ProbeFace]) -> None:
        """Drop the arms that a block of probes rules out.

        Raises:
            DataError: One of those arms was asked for by name.
        """
        for face in faces:
            if face.clean is None:
                self._drop("clean", NO_TWIN, face)
                self._drop("restored-clean", NO_TWIN, face)
            if face.crop.mask is None:
                self._drop("restored-oracle-mask", NO_MASK, face)
                if not any(self._detectors.values()):
                    self._drop("fill", "there is no mask to fill", face)

    def notes(self) -> list[str]:
        """Return a sentence for every arm, and every restorer's arm, that is left out."""
        found = [
            f"The arm '{a}' is left out: {self.dropped[a]}." for a in ARMS if a in self.dropped
        ]
        return found + [
            f"The restorer '{name}' reads no mask, so no segmenter moves its figures: it has no "
            "arm 'restored-oracle-mask' and no Dice."
            for name in self._mapless
        ]

    def _drop(self, arm: str, reason: str, face: ProbeFace | None = None) -> None:
        if arm not in (self._asked or DEFAULT_ARMS) or arm in self.dropped:
            return
        if self._asked:
            example = "" if face is None else f" ('{face.sample.image_id}' is the first)"
            raise DataError(f"The arm '{arm}' cannot be measured: {reason}{example}.")
        self.dropped[arm] = reason

    def _specs(self, arm: str) -> list[ArmSpec]:
        if arm not in RESTORING:
            return [ArmSpec(arm)]
        return [
            ArmSpec(arm, name)
            for name, restorer in self._restorers.items()
            if arm != "restored-oracle-mask" or "masks" in restorer.needs
        ]
