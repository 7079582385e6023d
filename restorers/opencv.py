"""The two inpainting methods of OpenCV, as controls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import cv2

from restore_recog.api import Restorer
from restore_recog.errors import PluginError
from restore_recog.restoring.by_image import each_filled

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

METHODS = {"ns": cv2.INPAINT_NS, "telea": cv2.INPAINT_TELEA}
RADIUS = 3.0
"""Neighbourhood of a pixel that is filled in, in pixels of the crop (OpenCV's usual value)."""


class OpenCV(Restorer):
    """Fill the hole with OpenCV: ns (Navier-Stokes, the default) or telea.

    Deterministic, nothing to learn, any image size; runs on the CPU whatever the device.

    Source: M. Bertalmio, A. L. Bertozzi and G. Sapiro, CVPR 2001, and A. Telea, Journal of Graphics
    Tools 9(1), 2004, as ``cv2.inpaint``.

    Args:
        argument: ``ns`` or ``telea``; None takes the first.
        weights, device: As for every restorer; it has no use for them.

    Raises:
        PluginError: There is no such method.
    """

    name: ClassVar[str] = "opencv"

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(weights=weights, device=device)
        if argument is not None and argument not in METHODS:
            raise PluginError(
                f"The restorer 'opencv' fills by {' or '.join(METHODS)}, not by '{argument}'; "
                "name one of them: opencv:ns."
            )
        self.argument = argument
        self.method = METHODS[argument or "ns"]

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the filled images; outside the masks they are returned bit for bit."""
        return each_filled(batch, lambda x, hole: cv2.inpaint(x, hole, RADIUS, self.method))
