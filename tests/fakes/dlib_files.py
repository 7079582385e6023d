"""Writes networks in dlib's format, so that reading them needs neither dlib nor its weights."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MEAN = (122.5, 117.25, 104.125)


def integer(value: int) -> bytes:
    size = max(1, math.ceil(abs(value).bit_length() / 8))
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def integers(*values: int) -> bytes:
    return b"".join(map(integer, values))


def real(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integers(int(mantissa * 2**24), exponent - 24)


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def tensor(values: NDArray[np.float32], *shape: int) -> bytes:
    return integers(2, *(shape or (values.size, 1, 1, 1))) + values.astype("<f4").tobytes()


NOTHING = tensor(np.zeros(0, np.float32), 0, 0, 0, 0)
RATES = real(1.0) * 3 + real(0.0)


class DlibFile:
    """A small network of residual blocks with random parameters.

    Attributes:
        size: (H, W) of its images.
        parameters: What stands in the file, in its order, by layer: ``(kind, values)``.
    """

    def __init__(self, size: tuple[int, int] = (41, 41), seed: int = 0) -> None:
        self.size = size
        self.parameters: list[tuple[str, NDArray[np.float32]]] = []
        self._rng = np.random.default_rng(seed)
        self._layers: list[bytes] = []

    def con(self, inputs: int, filters: int, side: int, stride: int) -> None:
        pad = 0 if stride > 1 else side // 2
        weights = self._random(filters * inputs * side * side) / math.sqrt(inputs * side * side)
        values = np.concatenate([weights, self._random(filters) * 0.1]).astype(np.float32)
        places = integers(1, filters, inputs, side, side, 1, 1, filters, 1, 1)
        numbers = integers(filters, side, side, stride, stride, pad, pad)
        self._add("con_4", tensor(values) + numbers + places + RATES, values)

    def affine(self, channels: int) -> None:
        values = np.concatenate([1 + 0.1 * self._random(channels), self._random(channels)])
        places = integers(1, 1, channels, 1, 1) * 2 + integer(0)
        self._add("affine_", tensor(values) + places, values.astype(np.float32))

    def plain(self, name: str, *numbers: int) -> None:
        self._add(name, integers(*numbers))

    def fc(self, inputs: int, outputs: int) -> None:
        values = self._random(inputs * outputs).astype(np.float32)
        places = integers(1, inputs, outputs, 1, 1, 1, 0, 0, 0, 0, 1)
        body = integers(outputs, inputs) + tensor(values, inputs, outputs, 1, 1) + places + RATES
        self._add("fc_2", body, values)

    def block(self, inputs: int, filters: int, stride: int = 1) -> None:
        self.con(inputs, filters, 3, stride)
        self.affine(filters)
        self.plain("relu_")
        self.con(filters, filters, 3, 1)
        self.affine(filters)
        if stride > 1:
            self.plain("avg_pool_2", 2, 2, 2, 2, 0, 0)
        self.plain("add_prev_")
        self.plain("relu_")

    def data(self) -> bytes:
        versions = integers(*[2] * len(self._layers), 3)
        head = integer(1) + text("loss_metric_2") + real(0.04) + real(0.6) + versions
        source = text("input_rgb_image_sized") + b"".join(map(real, MEAN)) + integers(*self.size)
        return head + source + b"".join(self._layers)

    def _add(self, name: str, body: bytes, values: NDArray[np.float32] | None = None) -> None:
        end = b"110" + NOTHING * 3 + (integer(1) if not self._layers else b"")
        self._layers.append(text(name) + body + end)
        if values is not None:
            self.parameters.append((name, values))

    def _random(self, count: int) -> NDArray[np.float64]:
        return self._rng.standard_normal(count)


def small_network() -> DlibFile:
    """Return a network of one plain and two halving blocks: (N, 3, 41, 41) -> (N, 16)."""
    file = DlibFile()
    file.con(3, 4, 7, 2)  # 41 -> 18
    file.affine(4)
    file.plain("relu_")
    file.plain("max_pool_2", 3, 3, 2, 2, 0, 0)  # 18 -> 8
    file.block(4, 4)
    file.block(4, 6, stride=2)  # 8 -> 3, its means 4
    file.block(6, 8, stride=2)  # 4 -> 1, its means 2
    file.plain("avg_pool_2", 0, 0, 1, 1, 0, 0)
    file.fc(8, 16)
    return file


def dlib_file(path: Path, file: DlibFile | None = None) -> Path:
    """Write a network, by default :func:`small_network`."""
    path.write_bytes((file or small_network()).data())
    return path
