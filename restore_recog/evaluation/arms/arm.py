"""What an arm is: something that is done to every probe before the recogniser sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from restore_recog.types import FaceCrop, Landmarks, Pixels, Templates

if TYPE_CHECKING:
    from restore_recog.evaluation.run.faces import ProbeFace

NO_CLEAN = "the data has no unoccluded counterparts of all probes"

WHOLE = "whole"


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

    def landmarks(self, face: ProbeFace) -> Landmarks | None:
        """Return the true (98, 2) landmarks that a restorer is told of a probe; usually none."""
        return None

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


class Restored(Arm):
    """Restored with the segmenter's mask: the answer."""

    name = "restored"
    restores = answers = keeps_mask = True
    beside = "fill"

    def mask(self, face: ProbeFace, masks: Masks, restorer: str | None) -> Pixels | None:
        """Return the mask that the restorer is given."""
        assert restorer is not None
        return masks.for_restorer(restorer, face, clean=not self.covered)
