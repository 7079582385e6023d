"""``hourglass``: 98 landmarks by a stacked hourglass, as the landmark-gender model uses it.

Source: Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression",
ICCV 2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.api import Landmarker
from restore_recog.errors import PluginError, TrainingError
from restore_recog.landmarkers.hourglass import checkpoint
from restore_recog.landmarkers.hourglass.checkpoint import ENDINGS
from restore_recog.landmarkers.hourglass.heatmaps import read
from restore_recog.landmarkers.hourglass.networks import STRIDE, HourglassNet
from restore_recog.landmarkers.hourglass.presets import CONFIGURATION, NAME, PRESETS
from restore_recog.names import brief
from restore_recog.nn.building import ready

if TYPE_CHECKING:
    from restore_recog.landmarkers.hourglass.training import HourglassTraining

TRAIN = f"restore-recog train-landmarker --landmarker {NAME} --data ... --output RUN"
"""The command that makes its weights."""


class HourglassLandmarker(Landmarker):
    """Find the 98 landmarks by the heat-maps of a stacked hourglass.

    Args:
        argument: It has none.
        weights: Weights file, or the published checkpoint (.pth); None for the shipped one.
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
        super().__init__(weights=weights or weights_file.shipped(NAME, TRAIN), device=device)
        assert self.weights is not None
        if self.weights.suffix in ENDINGS:
            self.net, self.options = _published(self.weights, device)
        else:
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

    @classmethod
    def trainable(
        cls,
        argument: str | None,
        device: str = "cpu",
        *,
        preset: str = "compact",
        **options: Any,
    ) -> HourglassTraining:
        """Return the training; ``preset`` is ``paper``, ``compact`` or ``tiny``.

        Raises:
            TrainingError: An option does not fit, or there is an argument.
            WeightsError: What it starts from is missing, damaged or another network's.
        """
        from restore_recog.landmarkers.hourglass.training import HourglassTraining

        if argument is not None:
            raise TrainingError(f"'{NAME}' takes nothing behind a colon; train '{NAME}'.")
        return HourglassTraining(preset, device, **options)


def _published(path: Path, device: str) -> tuple[HourglassNet, dict[str, Any]]:
    """Return the network of a published checkpoint, as :func:`ready` does of our own files."""
    tensors = checkpoint.read(path)
    options = PRESETS["paper"] | checkpoint.options_of(tensors, path)
    net = HourglassNet(options)
    checkpoint.load(net, tensors, options["depth"], path)
    net.eval().requires_grad_(False)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, options
