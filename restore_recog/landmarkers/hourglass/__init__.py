"""``hourglass``: 98 landmarks by a stacked hourglass, as the landmark-gender model uses it.

Source: Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression",
ICCV 2019.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.api import Landmarker
from restore_recog.errors import PluginError, WeightsError
from restore_recog.landmarkers.hourglass.heatmaps import read
from restore_recog.landmarkers.hourglass.networks import STRIDE, HourglassNet
from restore_recog.landmarkers.hourglass.presets import CONFIGURATION, NAME
from restore_recog.names import brief
from restore_recog.nn.building import ready


class HourglassLandmarker(Landmarker):
    """Find the 98 landmarks by the heat-maps of a stacked hourglass.

    Args:
        argument: It has none.
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        PluginError: There is an argument.
        WeightsError: There are no weights, or the file is damaged or another network's.
    """

    name = NAME

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        if argument is not None:
            raise PluginError(
                f"'{NAME}:{brief(argument)}' is no landmarker: '{NAME}' takes nothing behind a "
                f"colon; a weights file is named by {NAME}=FILE."
            )
        super().__init__(weights=weights or _shipped(), device=device)
        assert self.weights is not None
        self.net, self.options = ready(
            HourglassNet, self.weights, NAME, device, CONFIGURATION.of_file
        )
        self.image_size = (self.options["size"], self.options["size"])
        self.settings = {name: self.options[name] for name in ("stacks", "features")}

    @torch.inference_mode()
    def find(self, images: Tensor) -> Tensor:
        """Return (N, 98, 2) points in pixels, NaN where no face shows itself."""
        maps = self.net(images.contiguous(memory_format=torch.channels_last))[-1]
        return read(maps, STRIDE, exact=self.options["exact"], least=self.options["least"])


def _shipped() -> Path:
    try:
        return weights_file.shipped(NAME)
    except WeightsError as error:
        raise WeightsError(
            f"No weights of the landmarker '{NAME}' are shipped; train them with 'restore-recog "
            f"train-landmarker --landmarker {NAME} --data ... --output RUN' and name the file: "
            f"{NAME}=RUN/best.safetensors."
        ) from error
