"""What a classifier sees in the images of an arm, and what a restorer went by, beside the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.labels import UNKNOWN, code
from restore_recog.types import FaceSample, Mask, Vector

Codes = NDArray[np.int64]


def truth(kind: str, samples: Iterable[FaceSample]) -> Codes:
    """Return the (P,) codes of samples' own labels, -1 for unknown ones."""
    return np.array([code(kind, one.attributes.get(kind, "")) for one in samples], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The classes of one arm's images; P probes in the plan's order.

    Attributes:
        kind: The label, a key of :data:`restore_recog.labels.KINDS`.
        true: (P,) codes of the truth, all known.
        told: (P,) codes that the classifier told; -1 where an image is missing.
        confidence: (P,) how likely the classifier took that to be; NaN where an image is missing.
        features: (P, G) by which the classifier decides, NaN rows where there are none, or None.
    """

    kind: str
    true: Codes
    told: Codes
    confidence: Vector
    features: NDArray[np.float32] | None

    @property
    def right(self) -> Mask:
        """Return (P,) whether the classifier is right; a missing image counts as wrong."""
        return self.told == self.true

    @property
    def odds(self) -> Vector:
        """Return (P,) how likely the second of two classes is; NaN where an image is missing."""
        return np.where(self.told == 1, self.confidence, 1 - self.confidence)


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """The labels that a restorer went by, in one arm; P probes in the plan's order.

    Attributes:
        kind: The label, a key of :data:`restore_recog.labels.KINDS`.
        true: (P,) codes of the truth; -1 where it is unknown.
        taken: (P,) codes that it went by; -1 for none: it was unsure, or not asked.
    """

    kind: str
    true: Codes
    taken: Codes

    @property
    def right(self) -> Vector:
        """Return (P,) whether it went by the truth: 1 or 0; NaN where by nothing, or unknown."""
        known = (self.taken != UNKNOWN) & (self.true != UNKNOWN)
        return np.where(known, self.taken == self.true, np.nan)

    @property
    def wrong(self) -> Vector:
        """Return (P,) whether it went by what is not true: 1 or 0; NaN where that is unknown."""
        wrong = (self.taken != UNKNOWN) & (self.taken != self.true)
        return np.where(self.true == UNKNOWN, np.nan, wrong)
