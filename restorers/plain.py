"""Two controls that restore nothing: the hole in grey, and the covering out of focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import cv2
import torch

from restore_recog.api import Restorer
from restore_recog.restoring.by_image import each_filled, put_back

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

GREY = 0.5

SPREAD = 1 / 16
"""Standard deviation of the blur, in sides of the crop: 8 pixels of 128."""


class Grey(Restorer):
    """Fill the hole with middle grey: what hiding the covering alone does.

    Deterministic, nothing to learn, any image size.
    """

    name: ClassVar[str] = "grey"

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images with 0.5 in the hole; outside it bit for bit."""
        return put_back(batch, torch.full_like(batch.images, GREY))


class Blur(Restorer):
    """Blur what is in the hole, the covering included, with a Gaussian of a 16th of the side.

    Deterministic, nothing to learn, any image size; runs on the CPU whatever the device.
    """

    name: ClassVar[str] = "blur"

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images blurred in the hole; outside it bit for bit."""
        spread = SPREAD * batch.images.shape[-1]
        return each_filled(batch, lambda image, _: cv2.GaussianBlur(image, (0, 0), spread))
