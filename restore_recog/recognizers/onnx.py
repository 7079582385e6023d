"""``onnx:FILE``: any recogniser that was exported to ONNX, run by ONNX Runtime.

Size, layout and names come from the file. Colour order, range and template do not stand in it:
see :mod:`restore_recog.recognizers.feeding`.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.errors import WeightsError
from restore_recog.recognizers.from_file import Fed, FileRecognizer
from restore_recog.recognizers.onnx_net import differentiable
from restore_recog.system import onnx_runtime

ON_CPU = "--recognizer-input provider=cpu"
"""How one asks that ONNX Runtime computes on the CPU."""

TOLERANCE = 1e-3
"""By which a number of a template of unit length may differ in PyTorch's reading."""


class OnnxRecognizer(FileRecognizer):
    """Recogniser from an ONNX file: one float32 image input of fixed size, one row an image.

    Args:
        argument: The file; or leave it out and give *weights*.
        weights: The file.
        device: Where ONNX Runtime computes.
        provider: ``cpu`` or ``cuda``, where it shall not be that of *device*.
        settings: As for :class:`~restore_recog.recognizers.from_file.FileRecognizer`.

    Raises:
        DeviceError: ONNX Runtime cannot compute on that device.
        PluginError: ONNX Runtime is not installed; a setting is wrong.
        WeightsError: The file is none of a recogniser.
    """

    name = "onnx"
    suffixes = (".onnx",)

    def __init__(
        self,
        argument: str | None = None,
        *,
        weights: Path | None = None,
        device: str = "cpu",
        provider: str | None = None,
        **settings: Any,
    ) -> None:
        self._provider = provider
        super().__init__(argument, weights=weights, device=device, **settings)

    def _open(self) -> None:
        who = "The recogniser 'onnx'"
        self.device = onnx_runtime.place(who, self._provider, self.device, ON_CPU)
        self.session = onnx_runtime.session(self.weights, self.device, ON_CPU)
        self._input = _image_input(self.session, self.weights)
        self._output = _template_output(self.session, self.weights, self.feeding.output)
        batch, *shape = self._input.shape
        self._batch = batch if isinstance(batch, int) else None
        self._channels_last = shape[2] == 3
        height, width = shape[:2] if self._channels_last else shape[1:]
        self.frame((height, width), output=self._output)

    @cached_property
    def net(self) -> Fed:
        """The same network in PyTorch: (N, 3, H, W) images in [0, 1] -> (N, D), differentiable.

        Raises:
            PluginError: A package that this needs is missing.
            WeightsError: PyTorch cannot read the file, or computes something else.
        """
        if self._channels_last or self.feeding.output is not None:
            raise WeightsError(
                f"Gradients pass only through ONNX files that take (N, 3, H, W) and have one "
                f"output; {self.weights} does not."
            )
        net = Fed(differentiable(self.weights), self.feeding)
        images = torch.rand(2, 3, *self.image_size, generator=torch.Generator().manual_seed(0))
        wanted = F.normalize(self.run(self.feeding.prepared(images)))
        apart = float((F.normalize(net(images)) - wanted).abs().max())
        if apart > TOLERANCE:
            raise WeightsError(
                f"{self.weights} computes something else in PyTorch than in ONNX Runtime: "
                f"templates of unit length differ by {apart:.2g}."
            )
        return net

    def run(self, images: Tensor) -> Tensor:
        """Return (N, D) of (N, 3, H, W), in the number of images at a time that the file takes."""
        array = images.cpu().numpy()
        if self._channels_last:
            array = array.transpose(0, 2, 3, 1)  # (N, H, W, 3)
        feed = {self._input.name: array}
        rows = onnx_runtime.run(self.session, self.weights, feed, self._output, self._batch)
        return torch.from_numpy(np.asarray(rows, np.float32))


def _image_input(session: Any, file: Path) -> Any:
    """Return the one input: float32 images of three channels and of a fixed size.

    Raises:
        WeightsError: There is none.
    """
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise WeightsError(
            f"{file} has {len(inputs)} inputs ({onnx_runtime.names(inputs)}); a recogniser takes "
            "images alone."
        )
    one = inputs[0]
    if one.type != "tensor(float)":
        raise WeightsError(
            f"The input '{one.name}' of {file} is {one.type}; export the network with a float32 "
            "input."
        )
    shape = list(one.shape)
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise WeightsError(
            f"The input '{one.name}' of {file} has the shape {shape}; images of three channels, "
            "(N, 3, H, W) or (N, H, W, 3), are expected."
        )
    size = shape[2:] if shape[1] == 3 else shape[1:3]
    if not all(isinstance(side, int) and side > 0 for side in size):
        raise WeightsError(
            f"The input '{one.name}' of {file} has no fixed height and width ({shape}); only the "
            "number of images may be free, so export it for the size that it was trained on."
        )
    return one


def _template_output(session: Any, file: Path, wanted: str | None) -> str:
    """Return the name of the output that is the templates.

    Raises:
        WeightsError: It is unclear which, or it has another shape than (N, D).
    """
    outputs = session.get_outputs()
    chosen = [one for one in outputs if wanted in (None, one.name)]
    if len(chosen) != 1:
        lead = "" if wanted is None else f"no output '{wanted}' but "
        raise WeightsError(
            f"{file} has {lead}{len(outputs)} outputs ({onnx_runtime.names(outputs)}), as "
            "detectors have; a recogniser gives one row of numbers for each image. If one of them "
            "is the template, say which with --recognizer-input output=NAME."
        )
    shape = list(chosen[0].shape or ())
    if shape and (len(shape) != 2 or shape[1] == 1):  # where none stands there, a run will show
        raise WeightsError(
            f"The output '{chosen[0].name}' of {file} has the shape {shape}, and a recogniser's "
            "is (N, D): one row of D numbers for each image. Is it a detector or a classifier?"
        )
    return str(chosen[0].name)
