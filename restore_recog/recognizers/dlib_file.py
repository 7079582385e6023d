"""Reads the networks that dlib's ``serialize`` has written, without dlib.

The format, as it was found in ``dlib_face_recognition_resnet_model_v1.dat``: an integer is a byte
whose low seven bits say how many bytes follow (least significant first) and whose high bit is the
sign; a real number is two integers, mantissa and exponent of 2; a truth value is the character
``0`` or ``1``; a text is its length and its characters; a tensor is a version, four sizes and
little-endian float32. A network is nested in C++ types that the file does not name: it begins
with one version number for each layer, from the loss down to the input, and then holds the layers
from the input up to the loss.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import PluginError, WeightsError

FILE = "dlib_face_recognition_resnet_model_v1.dat"
COSINE = (
    "The descriptors of dlib are compared by their cosine, as all templates are here; dlib itself "
    "compares them by Euclidean distance (the same person below 0.6)."
)

LOSS, INPUT = "loss_metric_2", "input_rgb_image_sized"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer.

    Attributes:
        kind: ``con``, ``affine``, ``relu``, ``max_pool``, ``avg_pool``, ``add_prev`` or ``fc``.
        numbers: ``con``: filters, height, width, strides and paddings (y before x); pools:
            height, width (0: the whole map), strides, paddings; ``fc``: outputs, inputs.
        values: All its parameters in a row, or None.
    """

    kind: str
    numbers: Sequence[int] = ()
    values: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """What a file holds.

    Attributes:
        mean: (3,) of red, green and blue in 0..255, which the input layer takes away; it divides
            by 256 then.
        size: (H, W) of the images.
        layers: From the input to the descriptors.
    """

    mean: NDArray[np.float64]
    size: tuple[int, int]
    layers: Sequence[Layer]


class _Stream:
    """The values of a file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.place : self.place + count]
        if count < 0 or len(part) < count:
            raise ValueError("it ends too early")
        self.place += count
        return part

    def integer(self) -> int:
        head = self.take(1)[0]
        value = int.from_bytes(self.take(head & 0x7F), "little")
        return -value if head & 0x80 else value

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def real(self) -> float:
        mantissa, exponent = self.integers(2)
        return mantissa * 2.0**exponent

    def text(self) -> str:
        length = self.integer()
        return self.take(length if 0 < length < 100 else -1).decode("ascii")

    def tensor(self) -> NDArray[np.float32]:
        _version, *shape = self.integers(5)
        count = int(np.prod(shape))
        return np.frombuffer(self.take(4 * count), "<f4")


def _con(stream: _Stream) -> Layer:
    values = stream.tensor()
    numbers = stream.integers(7)
    stream.integers(10)  # where filters and biases lie in the values: one after the other
    _rates(stream)
    return Layer("con", numbers, values)


def _affine(stream: _Stream) -> Layer:
    values = stream.tensor()
    stream.integers(11)  # where factors and shifts lie; the mode
    return Layer("affine", (), values)


def _fc(stream: _Stream) -> Layer:
    numbers = stream.integers(2)
    values = stream.tensor()
    stream.integers(11)
    _rates(stream)
    return Layer("fc", numbers, values)


def _rates(stream: _Stream) -> None:
    """Skip the multipliers of learning rate and weight decay."""
    for _ in range(4):
        stream.real()


READERS: dict[str, Callable[[_Stream], Layer]] = {
    "con_4": _con,
    "affine_": _affine,
    "fc_2": _fc,
    "relu_": lambda _: Layer("relu"),
    "add_prev_": lambda _: Layer("add_prev"),
    "max_pool_2": lambda stream: Layer("max_pool", stream.integers(6)),
    "avg_pool_2": lambda stream: Layer("avg_pool", stream.integers(6)),
}
"""By the names under which dlib writes the layers."""


def read(path: Path) -> Network:
    """Read a network that ends in dlib's metric loss.

    Raises:
        WeightsError: The file is missing, damaged, or holds something else.
    """
    try:
        return _network(_Stream(path.read_bytes()))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}.") from error
    except (ValueError, OverflowError, struct.error) as error:
        raise WeightsError(
            f"{path} is no face recogniser of dlib's ({error}); "
            "dlib_face_recognition_resnet_model_v1.dat is expected."
        ) from error


def _network(stream: _Stream) -> Network:
    stream.integer()
    if (loss := stream.text()) != LOSS:
        raise ValueError(f"it begins with '{loss}'")
    stream.real(), stream.real()  # of the loss: margin and threshold
    # A length of the input's name stands where a version number would; no version is that high.
    while stream.integer() != len(INPUT):
        pass
    stream.place -= 2
    if (name := stream.text()) != INPUT:
        raise ValueError(f"its input is '{name}'")
    mean = np.array([stream.real() for _ in range(3)])
    height, width = stream.integers(2)
    layers: list[Layer] = []
    while stream.place < len(stream.data):
        name = stream.text()
        if name not in READERS:
            raise ValueError(f"its layer {len(layers) + 1} is '{name}'")
        layers.append(READERS[name](stream))
        stream.take(3)  # whether it is set up, its gradient is stale, its output is needed
        for _ in range(3):
            stream.tensor()  # gradients and outputs that were kept: none
        if len(layers) == 1:
            stream.integer()  # images that one input was expanded to
    return Network(mean, (height, width), layers)


def model_file(name: str, argument: str | None, weights: Path | None) -> Path:
    """Return dlib's weights file: the one that is given, or that of face_recognition_models.

    The package is not imported: its import needs pkg_resources, which new machines lack.

    Raises:
        PluginError: An argument is given.
        WeightsError: There is no such file.
    """
    if argument is not None:
        raise PluginError(
            f"The recogniser '{name}' has one model and takes no argument, and '{argument}' is "
            "given; another file is given with --recognizer-weights FILE."
        )
    if weights is not None:
        if not weights.is_file():
            raise WeightsError(f"There is no file {weights} for the recogniser '{name}'.")
        return weights
    package = importlib.util.find_spec("face_recognition_models")
    for folder in (package.submodule_search_locations or ()) if package else ():
        file = Path(folder) / "models" / FILE
        if file.is_file():
            return file
    raise WeightsError(
        f"The recogniser '{name}' needs {FILE}, which the package face_recognition_models holds; "
        "install the extra with pip install 'restore-recog[dlib]', or give the file with "
        "--recognizer-weights."
    )
