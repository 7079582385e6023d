"""``onnx:FILE``: any recogniser that was exported to ONNX, run by ONNX Runtime.

Size, layout and names come from the file. Colour order, range and template do not stand in it:
see :mod:`restore_recog.recognizers.feeding`.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.errors import DeviceError, PluginError, WeightsError, first_line
from restore_recog.recognizers.from_file import Fed, FileRecognizer
from restore_recog.recognizers.onnx_net import differentiable

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Of ONNX Runtime, by what ``provider=`` takes."""

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
        self.device = _place(self._provider, self.device)
        self.session = _session(self.weights, self.device)
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
        step = self._batch or len(array)
        rows = [self._rows(array[start : start + step]) for start in range(0, len(array), step)]
        return torch.from_numpy(np.concatenate(rows))

    def _rows(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the network makes of one batch; a smaller one than it takes is filled up."""
        missing = (self._batch or len(images)) - len(images)
        if missing:
            images = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
        feed = {self._input.name: np.ascontiguousarray(images)}
        try:
            rows = np.asarray(self.session.run([self._output], feed)[0], np.float32)
        # ONNX Runtime has its own exceptions, children of nothing but Exception.
        except Exception as error:
            raise PluginError(
                f"{self.weights} fails on {len(images)} images: {first_line(error)}"
            ) from error
        return rows[: len(rows) - missing]


def _place(provider: str | None, device: str) -> str:
    """Return the device that ONNX Runtime computes on.

    Raises:
        DeviceError: It is a GPU, and this ONNX Runtime has none.
        PluginError: There is no ONNX Runtime, or no such provider.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise PluginError(
            "The recogniser 'onnx' needs the package 'onnxruntime'; install the extra with "
            "pip install 'restore-recog[onnx]'."
        )
    if provider not in (None, *PROVIDERS):
        raise PluginError(
            f"ONNX Runtime is asked for the provider {provider!r}; choose cpu or cuda."
        )
    if provider == "cpu" or (provider is None and not device.startswith("cuda")):
        return "cpu"
    import onnxruntime

    if PROVIDERS["cuda"] not in onnxruntime.get_available_providers():
        raise DeviceError(
            "The ONNX Runtime that is installed cannot use a GPU (it has no "
            f"{PROVIDERS['cuda']}); install the package onnxruntime-gpu in place of onnxruntime, "
            "or let it compute on the CPU with --recognizer-input provider=cpu."
        )
    return device if device.startswith("cuda") else "cuda:0"


def _session(file: Path, device: str) -> Any:
    """Return a session of ONNX Runtime, with as many threads as PyTorch has.

    Raises:
        DeviceError: The GPU's libraries do not load.
        WeightsError: The file cannot be read.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; a missing GPU library is told of below
    kind, _, index = device.partition(":")
    chosen: Any = PROVIDERS[kind]
    if kind == "cuda":
        chosen = (chosen, {"device_id": int(index or 0)})
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=[chosen])
    except Exception as error:
        raise WeightsError(f"{file} is no readable ONNX file: {first_line(error)}") from error
    if PROVIDERS[kind] not in session.get_providers():
        raise DeviceError(
            f"ONNX Runtime has a {PROVIDERS[kind]}, but its CUDA libraries do not load on this "
            "machine; install those that its version needs, or let it compute on the CPU with "
            "--recognizer-input provider=cpu."
        )
    return session


def _image_input(session: Any, file: Path) -> Any:
    """Return the one input: float32 images of three channels and of a fixed size.

    Raises:
        WeightsError: There is none.
    """
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise WeightsError(
            f"{file} has {len(inputs)} inputs ({_names(inputs)}); a recogniser takes images alone."
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
            f"{file} has {lead}{len(outputs)} outputs ({_names(outputs)}), as detectors have; a "
            "recogniser gives one row of numbers for each image. If one of them is the template, "
            "say which with --recognizer-input output=NAME."
        )
    shape = list(chosen[0].shape or ())
    if shape and (len(shape) != 2 or shape[1] == 1):  # where none stands there, a run will show
        raise WeightsError(
            f"The output '{chosen[0].name}' of {file} has the shape {shape}, and a recogniser's "
            "is (N, D): one row of D numbers for each image. Is it a detector or a classifier?"
        )
    return str(chosen[0].name)


def _names(values: Any) -> str:
    return ", ".join(f"{value.name} {list(value.shape)}" for value in values)
