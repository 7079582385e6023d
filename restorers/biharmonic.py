"""Biharmonic inpainting, the smoothest surface over the hole, as a control."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from restore_recog.api import Restorer
from restore_recog.errors import PluginError
from restore_recog.restoring.by_image import each_filled
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch


class Biharmonic(Restorer):
    """Fill the hole with the surface that solves the biharmonic equation.

    Deterministic, nothing to learn, any image size; runs on the CPU whatever the device, and takes
    about half a second for a covered half of 128 x 128 pixels. Needs scikit-image.

    Source: S. B. Damelin and N. S. Hoang, International Journal of Mathematics and Mathematical
    Sciences, 2018, as ``skimage.restoration.inpaint_biharmonic``.

    Raises:
        PluginError: There is no scikit-image.
    """

    name: ClassVar[str] = "biharmonic"

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights=weights, device=device)
        if importlib.util.find_spec("skimage") is None:
            raise PluginError(
                "The restorer 'biharmonic' needs the package 'scikit-image'; install the extra "
                "with pip install 'restore-recog[biharmonic]'."
            )

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the filled images; outside the masks they are returned bit for bit.

        An image that is covered all over has nothing to be filled from and stays as it is.
        """
        return each_filled(batch, _filled)


def _filled(image: Pixels, hole: Pixels) -> Pixels:
    from skimage.restoration import inpaint_biharmonic

    if hole.all() or not hole.any():
        return image
    smooth = inpaint_biharmonic(image / 255.0, hole > 0, channel_axis=-1)  # (H, W, 3), in [0, 1]
    rounded: Pixels = np.clip(255 * smooth, 0, 255).round().astype(np.uint8)
    return rounded
