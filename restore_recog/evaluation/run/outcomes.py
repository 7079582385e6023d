"""What the arms made of the probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.types import Templates


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an arm made of one probe.

    Attributes:
        template: (D,) of unit length, or None where there is none.
        fallback: The restorer failed and the probe was used as it came.
        quality: Likeness to the clean twin.
        found: The mask that it was restored with, packed; None where nothing looked for one.
        features: (F,) of the image for FID, or None.
    """

    template: Templates | None
    fallback: bool
    quality: ImageQuality
    found: bytes | None = None
    features: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ArmRun:
    """What an arm produced.

    Attributes:
        templates: (P, D) in the plan's order; NaN rows where there is none.
        fallbacks, qualities: By image_id, of the probes that got this far.
        masks: The packed masks that a segmenter found, by image_id, where one looked.
        features: (P, F) for FID, or None.
    """

    templates: Templates
    fallbacks: Mapping[str, bool]
    qualities: Mapping[str, ImageQuality]
    masks: Mapping[str, bytes]
    features: NDArray[np.float32] | None = None
