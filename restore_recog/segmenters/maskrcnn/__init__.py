"""``maskrcnn[:PIXELS]``: an instance segmenter, as ECGAN and the landmark-gender model use it.

Source: He et al., "Mask R-CNN", ICCV 2017, with one class, the covering.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.api import Segmenter
from restore_recog.errors import PluginError, TrainingError
from restore_recog.names import brief
from restore_recog.nn.building import ready
from restore_recog.nn.masks import NetSegmenter, grow
from restore_recog.segmenters.maskrcnn.networks import CoveringNet
from restore_recog.segmenters.maskrcnn.presets import CONFIGURATION, NAME
from restore_recog.system.text import whole

if TYPE_CHECKING:
    from restore_recog.segmenters.maskrcnn.training import MaskRCNNTraining

MOST = 32
"""Pixels by which a mask may be widened."""

TRAIN = f"restore-recog train-segmenter --segmenter {NAME} --data ... --output RUN"
"""The command that makes its weights."""


class MaskRCNNSegmenter(Segmenter):
    """Find the covering with torchvision's Mask R-CNN.

    The mask is the union of the instances with a score of 0.5 or more, each where its mask
    probability is 0.5 or more, without holes; empty where there is no such instance.

    Deviation: islands under a tenth of the largest piece are dropped, as by all segmenters here.

    Args:
        argument: By how many pixels of the image the mask is widened; None for 0. (Restorers
            widen what they fill by themselves.)
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        PluginError: The argument is no such number.
        WeightsError: There are no weights, or the file is damaged or another network's.
    """

    name = NAME

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(
            argument, weights=weights or weights_file.shipped(NAME, TRAIN), device=device
        )
        assert self.weights is not None
        self.wider = 0 if argument is None else _pixels(argument)
        net, _ = ready(CoveringNet, self.weights, NAME, device, CONFIGURATION.of_file)
        self.masks = NetSegmenter(NAME, net.probability, net.size)

    def segment(self, images: Tensor) -> Tensor:
        """Return (N, 1, H, W) masks in {0, 1}."""
        return grow(self.masks.segment(images), self.wider)

    @classmethod
    def trainable(
        cls,
        argument: str | None,
        device: str = "cpu",
        *,
        preset: str = "compact",
        **options: Any,
    ) -> MaskRCNNTraining:
        """Return the training; ``preset`` is ``paper``, ``compact`` or ``tiny``.

        Raises:
            TrainingError: An option does not fit, or what it starts from cannot be had.
        """
        from restore_recog.segmenters.maskrcnn.training import MaskRCNNTraining

        if argument is not None:
            raise TrainingError(
                f"What follows the colon of '{NAME}:{brief(argument)}' widens masks in use and "
                f"changes nothing in a training; train '{NAME}'."
            )
        return MaskRCNNTraining(preset, device, **options)


def _pixels(argument: str) -> int:
    pixels = whole(argument)
    if pixels is None or pixels > MOST:
        raise PluginError(
            f"'{NAME}:{brief(argument)}' is no segmenter: what follows the colon is by how many "
            f"pixels masks are widened, 0 to {MOST}, e.g. '{NAME}:3'."
        )
    return pixels
