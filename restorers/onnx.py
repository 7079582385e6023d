"""``onnx:FILE``: any inpainter that was exported to ONNX, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.errors import WeightsError
from restore_recog.restoring.export import METADATA
from restore_recog.restoring.from_file import FileRestorer
from restore_recog.restoring.slots import Described, Slot
from restore_recog.system import onnx_runtime
from restore_recog.system.text import parse_json

TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}
"""What inputs may be of; bool for masks."""

ON_CPU = "provider=cpu before the file's name"
"""How one asks that ONNX Runtime computes on the CPU."""

AT_ONCE = 8
"""Images at a time, at most: ONNX Runtime keeps what all layers have made of them in memory."""

MOST_CHANNELS = 8
"""A dimension up to which it may count channels."""


class OnnxRestorer(FileRestorer):
    """Inpainter from an ONNX file: crops and masks in, restored crops out.

    Names, types, layout and a fixed size come from the file; ``provider=cpu`` or ``provider=cuda``
    says where ONNX Runtime computes, if not on *device*.

    Raises:
        DeviceError: ONNX Runtime cannot compute on that device.
    """

    name = "onnx"
    suffixes = (".onnx",)
    own = ("provider",)

    def _open(self, output: str | int | None, **own: Any) -> Described:
        place = onnx_runtime.place("The restorer 'onnx'", own.get("provider"), self.device, ON_CPU)
        self.session = onnx_runtime.session(self.file, place, ON_CPU)
        values = self.session.get_inputs()
        self._inputs = [_Input.of(value, self.file) for value in values]
        chosen = _chosen(self.session, self.file, output)
        self._output = str(chosen.name)
        sizes = {one.size for one in self._inputs if one.size is not None}
        batches = {one.batch for one in self._inputs if one.batch is not None}
        if len(sizes) > 1 or len(batches) > 1:
            raise WeightsError(
                f"The inputs of {self.file} are of different sizes ({onnx_runtime.names(values)}); "
                "an inpainter takes image and mask of one size."
            )
        self._batch = next(iter(batches), None)
        return Described(
            [Slot(one.name, one.channels, one.type is np.uint8) for one in self._inputs],
            next(iter(sizes), None),
            chosen.type == "tensor(uint8)",
            self._held(),
        )

    def _held(self) -> Mapping[str, Any]:
        """Return the settings that the file holds itself, as those of ``export`` do.

        Raises:
            DataError, WeightsError: They cannot be read.
        """
        text = self.session.get_modelmeta().custom_metadata_map.get(METADATA)
        held = parse_json(text, f"What {self.file} says of itself") if text else {}
        if not isinstance(held, dict):
            raise WeightsError(
                f"What {self.file} says of itself under '{METADATA}' are no settings; export it "
                "again."
            )
        return held

    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return (N, 3, H, W) of the inputs, in the number of images at a time that it takes."""
        step = self._batch or AT_ONCE
        starts = range(0, len(inputs[0]), step)
        return torch.cat([self._made([one[i : i + step] for one in inputs]) for i in starts])

    def _made(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return (N, 3, H, W) of the inputs of few images."""
        pairs = zip(self._inputs, inputs, strict=True)
        feed = {one.name: one.array(tensor) for one, tensor in pairs}
        made = onnx_runtime.run(self.session, self.file, feed, self._output, self._batch)
        if made.ndim == 4 and made.shape[-1] == 3 != made.shape[1]:
            made = made.transpose(0, 3, 1, 2)  # (N, 3, H, W)
        return torch.from_numpy(np.ascontiguousarray(made, np.float32))


@dataclass(frozen=True, slots=True)
class _Input:
    """One input of a model.

    Attributes:
        name: Of the input.
        type: Of its numbers.
        batch, channels, size: What the file fixes of them, None for the rest; size is (H, W).
        last: Whether channels are its last dimension.
    """

    name: str
    type: Any
    batch: int | None
    channels: int | None
    size: tuple[int, int] | None
    last: bool

    @classmethod
    def of(cls, value: Any, file: Path) -> _Input:
        """Return an input of a session.

        Raises:
            WeightsError: It takes no images.
        """
        if value.type not in TYPES or len(value.shape) != 4:
            raise WeightsError(
                f"The input '{value.name}' of {file} is {value.type} {list(value.shape)}; an "
                "inpainter takes images and masks, (N, C, H, W) or (N, H, W, C)."
            )
        batch, *shape = (side if isinstance(side, int) else None for side in value.shape)
        last = _counts(shape[2]) and not _counts(shape[0])
        channels = shape[2] if last else shape[0]
        height, width = shape[:2] if last else shape[1:]
        size = None if height is None or width is None else (height, width)
        return cls(value.name, TYPES[value.type], batch, channels, size, last)

    def array(self, tensor: Tensor) -> NDArray[Any]:
        """Return (N, C, H, W) numbers in the type and the layout of the input."""
        array = tensor.cpu().numpy()
        if self.last:
            array = array.transpose(0, 2, 3, 1)  # (N, H, W, C)
        if self.type is np.uint8:
            array = array.round().clip(0, 255)
        return array.astype(self.type)


def _counts(side: int | None) -> bool:
    """Return whether a dimension may be that of the channels."""
    return side is not None and side <= MOST_CHANNELS


def _chosen(session: Any, file: Path, wanted: str | int | None) -> Any:
    """Return the output that is the restored image.

    Raises:
        WeightsError: It is unclear which.
    """
    outputs = session.get_outputs()
    chosen = [
        value for i, value in enumerate(outputs) if wanted is None or wanted in (i, value.name)
    ]
    if len(chosen) != 1:
        raise WeightsError(
            f"{file} has {len(outputs)} outputs ({onnx_runtime.names(outputs)}); say in "
            f"{file.with_suffix('.toml').name} beside it which one is the restored image: "
            f'output = "{outputs[0].name}".'
        )
    return chosen[0]
