"""What a classifier sees in the images of an arm, beside the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.labels import UNKNOWN
from restore_recog.types import Mask, Vector

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The classes of one arm's images; P probes in the plan's order.

    Attributes:
        kind: The label, a key of :data:`restore_recog.labels.KINDS`.
        true: (P,) codes of the truth, all known.
        told: (P,) codes that the classifier told; -1 where an image is missing.
        predicted: (P,) codes that the restorer went by; -1 for none.
        features: (P, G) by which the classifier decides, NaN rows where there are none, or None.
    """

    kind: str
    true: Codes
    told: Codes
    predicted: Codes
    features: NDArray[np.float32] | None

    @property
    def right(self) -> Mask:
        """Return (P,) whether the classifier is right; a missing image counts as wrong."""
        return self.told == self.true

    @property
    def foreseen(self) -> Vector:
        """Return (P,) whether the restorer went by the truth: 1 or 0; NaN where by nothing."""
        return np.where(self.predicted == UNKNOWN, np.nan, self.predicted == self.true)
