"""The arms: what is done to the same probes before the same recogniser sees them.

Adding an arm is adding one class here and naming it in :data:`ARMS`.

========================  ====================================================================
``clean``                 the unoccluded counterpart: the ceiling
``occluded``              as given: the floor
``restored``              restored, with the mask from the segmenter
``fused``                 occluded and restored, the mean of the two templates
``fused-scores``          occluded and restored, the mean of the two scores
``restored-oracle-mask``  restored, with the true mask: what a perfect segmenter would give
``restored-oracle-label`` restored, told the true expression, by restorers that can be told one
``fill``                  mean face of the gallery inside the mask: what a restorer must beat
``upper-half``            only what lies above the nose tip, on probes and references alike
``eyes``                  only what lies above the middle between eyes and nose tip, likewise
``restored-clean``        the restorer on unoccluded probes: does it do harm?
========================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from restore_recog.labels import UNKNOWN, code
from restore_recog.types import FaceCrop, Pixels, Templates

if TYPE_CHECKING:
    from restore_recog.evaluation.run.faces import ProbeFace

NO_CLEAN = "the data has no unoccluded counterparts of all probes"
NO_IMAGE = "the protocol asks about images, and it has none of its own"
NO_MASK = "the true masks of some probes are unknown"
NO_LABEL = "the expressions of some probes are unknown"
NOT_TOLD = "no restorer of the run can be told an expression"

WHOLE = "whole"

EXPRESSION = "expression"
"""The label that some restorers can be told."""


class Masks(Protocol):
    """Where an arm gets the masks of a block of probes; it also records failures."""

    def for_restorer(self, restorer: str, face: ProbeFace, *, clean: bool = False) -> Pixels | None:
        """Return the (S, S) mask that a restorer is given, or None where there is none."""

    def to_fill(self, face: ProbeFace) -> Pixels | None:
        """Return the true mask, or where that is unknown the first from a segmenter."""


class Arm:
    """One thing that is done to every probe.

    Attributes:
        name: As on the command line and in every table.
        default: Whether it runs when no arms are named.
        restores: Whether every restorer has its own.
        covered: Whether it starts from the probe as given; else from its clean counterpart.
        base: Arm that it is compared with, where that is measured (else ``occluded``); empty
            for the floor itself.
        beside: Arm that it is also compared with, where that is measured; empty for none.
        answers: Whether a verdict is based on it.
        keeps_mask: Whether the segmenter's mask is kept and compared with the true one.
        quality: How its images are compared with their clean counterparts: ``mask`` (whole and
            inside the true mask), ``whole``, or empty for not at all.
        part: Which part of a face it shows, and its references too: ``whole``, or one of
            :data:`restore_recog.alignment.PARTS`.
        fuses: Arms whose templates it joins, having no images of its own; empty for all others.
        side_by_side: Whether it puts them side by side, so that each is compared by itself.
    """

    name: str
    default = True
    restores = False
    covered = True
    base = "occluded"
    beside = ""
    answers = False
    keeps_mask = False
    quality = "mask"
    part = WHOLE
    fuses: tuple[str, ...] = ()
    side_by_side = False

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out, or nothing.

        Args:
            face: The probe.
            segmented: Whether the run has a segmenter.
        """
        return "" if self.covered or face.clean is not None else NO_CLEAN

    def mask(self, face: ProbeFace, masks: Masks, restorer: str | None) -> Pixels | None:
        """Return the (S, S) mask that it uses on a probe, or None where it has none."""
        return None

    def image(self, face: ProbeFace, mask: Pixels | None, mean_face: Pixels) -> Pixels:
        """Return the (S, S, 3) crop that the arm makes, or that a restorer is given.

        A recogniser of another alignment sees the photograph with what differs put back into it.
        """
        return self.taken(face).pixels

    def labels(self, face: ProbeFace) -> Mapping[str, int]:
        """Return the true labels that a restorer is told of a probe, as codes; usually none."""
        return {}

    def taken(self, face: ProbeFace) -> FaceCrop:
        """Return the face as it was photographed, to which the arm does what it does."""
        if self.covered:
            return face.crop
        assert face.bare is not None
        return face.bare

    def join(self, templates: Sequence[Templates]) -> Templates:
        """Return the (N, D') unit-length templates of an arm that fuses others.

        Args:
            templates: Of each arm in :attr:`fuses`, (N, D) of unit length with rows of NaN for
                what has none. A row that is missing in one of them is missing in the result.
        """
        raise NotImplementedError(f"The arm '{self.name}' has images and joins no templates.")


class Clean(Arm):
    """The unoccluded counterpart: the ceiling."""

    name = "clean"
    covered = False
    quality = ""


class Occluded(Arm):
    """The probe as given: the floor."""

    name = "occluded"
    base = ""


class Restored(Arm):
    """Restored with the segmenter's mask: the answer."""

    name = "restored"
    restores = answers = keeps_mask = True
    beside = "fill"

    def mask(self, face: ProbeFace, masks: Masks, restorer: str | None) -> Pixels | None:
        """Return the mask that the restorer is given."""
        assert restorer is not None
        return masks.for_restorer(restorer, face, clean=not self.covered)


class Fused(Arm):
    """The mean of the occluded and of the restored template: both faces as one.

    Occluded references are fused as the probes are; clean ones stay as they are. Two templates
    that point in opposite directions have no mean direction, and so no template.
    """

    name = "fused"
    restores = True
    beside = Restored.name
    quality = ""
    fuses = (Occluded.name, Restored.name)

    def join(self, templates: Sequence[Templates]) -> Templates:
        """Return the (N, D) means of the templates, made unit length again."""
        total: Templates = np.sum(templates, axis=0)  # (N, D)
        length = np.linalg.norm(total, axis=1, keepdims=True)  # (N, 1)
        unit = np.full_like(total, np.nan)
        np.divide(total, length, out=unit, where=length > 1e-12)
        return unit


class FusedScores(Fused):
    """The mean of the occluded and of the restored score.

    A product of two templates side by side, each 1/sqrt(2) long, is the mean of the products of
    the two: so this is a search like any other, in twice the numbers. A recogniser that compares
    in its own way is asked about each of the two.
    """

    name = "fused-scores"
    default = False
    side_by_side = True

    def join(self, templates: Sequence[Templates]) -> Templates:
        """Return the (N, k D) templates side by side, of unit length all together."""
        table: Templates = np.concatenate(templates, axis=1) / np.sqrt(len(templates))  # (N, k D)
        table[np.isnan(table).any(axis=1)] = np.nan
        return table


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
    """Restored, told the true expression: what a perfect prediction of it would give."""

    name = "restored-oracle-label"
    default = answers = keeps_mask = False
    beside = Restored.name

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out: its expression is unknown."""
        return NO_LABEL if self.labels(face)[EXPRESSION] == UNKNOWN else ""

    def labels(self, face: ProbeFace) -> Mapping[str, int]:
        """Return the expression."""
        return {EXPRESSION: code(EXPRESSION, face.sample.attributes.get(EXPRESSION, ""))}


class Fill(Arm):
    """The mean face of the gallery inside the mask: what a restorer must beat."""

    name = "fill"

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out: it has no mask and no segmenter is asked."""
        return "" if segmented or face.crop.mask is not None else "there is no mask to fill"

    def mask(self, face: ProbeFace, masks: Masks, restorer: str | None) -> Pixels | None:
        """Return the mask to fill."""
        return masks.to_fill(face)

    def image(self, face: ProbeFace, mask: Pixels | None, mean_face: Pixels) -> Pixels:
        """Return the probe with the mean face in its mask."""
        if mask is None:
            return face.crop.pixels
        return np.where(mask[:, :, None] > 0, mean_face, face.crop.pixels)  # (S, S, 3)


class UpperHalf(Arm):
    """Only what lies above the nose tip, on probes and references alike."""

    name = "upper-half"
    default = False
    quality = ""
    part = "upper"

    def image(self, face: ProbeFace, mask: Pixels | None, mean_face: Pixels) -> Pixels:
        """Return the part of the probe."""
        from restore_recog.alignment import part_of

        return part_of(face.crop.pixels, self.part)


class Eyes(UpperHalf):
    """Only what lies above the middle between the eyes and the nose tip, likewise.

    The ``upper-half`` still shows the upper edge of most masks (of drawn coverings on LFW: 9 % of
    what is left); here they are nearly gone (2 %).
    """

    name = "eyes"
    part = "eyes"


class RestoredClean(Restored):
    """The restorer on unoccluded probes: does it do harm?"""

    name = "restored-clean"
    default = covered = answers = False
    base = "clean"
    beside = ""
    quality = "whole"


ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Clean(), Occluded(), Restored(), Fused(), FusedScores(), OracleMask(), OracleLabel(),
        Fill(), UpperHalf(), Eyes(), RestoredClean(),
    )
}  # fmt: skip
"""Every arm by its name, in order of display."""

DEFAULT_ARMS = tuple(name for name, arm in ARMS.items() if arm.default)
