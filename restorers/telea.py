"""Telea's fast marching inpainting: the classic fill-in that any learnt method must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import cv2

from restore_recog.api import Restorer
from restore_recog.restoring.by_image import each_filled

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

RADIUS = 3.0
"""Neighbourhood of a pixel that is filled in, in pixels of the crop (OpenCV's usual value)."""


class Telea(Restorer):
    """Fill the hole from its rim inwards with weighted means of known neighbours.

    Deterministic, nothing to learn, any image size; runs on the CPU whatever the device.

    Source: A. Telea, Journal of Graphics Tools 9(1), 2004, as ``cv2.inpaint``.
    """

    name: ClassVar[str] = "telea"

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the filled images; outside the masks they are returned bit for bit.

        OpenCV fills 8-bit images, so pixels inside the masks are multiples of 1/255.
        """
        return each_filled(batch, lambda x, hole: cv2.inpaint(x, hole, RADIUS, cv2.INPAINT_TELEA))
