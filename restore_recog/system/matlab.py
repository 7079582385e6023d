"""Variables of a MATLAB file (version 5 to 7): numbers, text, and cells with these.

SciPy's reader crashes the whole process on some damaged files, so this one reads the little that is
needed of the format and checks every length.

Source: "MAT-File Format", MathWorks, chapter on level 5 MAT-files.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import DataError

Value: TypeAlias = "str | NDArray[np.float64] | list[Value] | None"
"""Text; (n,) numbers in MATLAB's order, down the columns; cells; None for what is not read."""

HEADER = 128
MOST = 1 << 28
"""Bytes that one variable may take when it is unpacked."""

DEPTH = 4
"""Most cells within cells."""

_INT32, _MATRIX, _COMPRESSED = 5, 14, 15
_NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _CHAR = 1, 4
_NUMERIC = range(6, 16)


class _Garbled(Exception):
    """What is there is no MATLAB data."""


def read_variables(file: Path, names: Collection[str]) -> dict[str, Value]:
    """Return those of the named variables that a file has.

    Args:
        file: Not of version 7.3, which is another format (HDF5).
        names: Others are passed over.

    Raises:
        DataError: The file cannot be read, is of another format, or is damaged.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from None
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None or content[:1] in (b"", b"\x89"):
        raise DataError(f"{file} is no MATLAB file of version 5 to 7; save it as such ('-v7').")
    try:
        return dict(_variables(memoryview(content)[HEADER:], order, names))
    except (_Garbled, zlib.error, struct.error, UnicodeDecodeError):
        raise DataError(f"{file} is damaged, or no MATLAB file of version 5 to 7.") from None


def _variables(
    content: memoryview, order: str, names: Collection[str]
) -> Iterator[tuple[str, Value]]:
    for kind, data in _elements(content, order):
        if kind == _COMPRESSED:
            unpacked = zlib.decompressobj().decompress(data, MOST)
            kind, data = next(_elements(memoryview(unpacked), order), (0, data))
        if kind == _MATRIX:
            name, value = _matrix(data, order, DEPTH)
            if name in names:
                yield name, value


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield (kind, data) of each element."""
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        start = place + 8
        if kind >> 16:  # a small element: its data stand within the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            place = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(content):
            raise _Garbled
        yield kind, content[start : start + size]


def _matrix(content: memoryview, order: str, depth: int) -> tuple[str, Value]:
    """Return the name and the value of an array."""
    parts = _elements(content, order)
    flags, shape, name = (_part(parts) for _ in range(3))
    (kind,) = struct.unpack_from(f"{order}I", flags[1])
    if shape[0] != _INT32:
        raise _Garbled
    count = math.prod(int(side) for side in _numbers(shape, order))
    title = bytes(name[1]).decode("latin-1")
    return title, _value(kind & 0xFF, count, parts, order, depth)


def _value(
    kind: int, count: int, parts: Iterator[tuple[int, memoryview]], order: str, depth: int
) -> Value:
    if kind == _CELL and depth:
        cells = [_matrix(data, order, depth - 1)[1] for _, data in parts]
        return _complete(cells, count)
    if kind == _CHAR:
        kind, data = _part(parts)
        ending = {"<": "-le", ">": "-be"}[order]
        if kind not in _TEXTS:
            raise _Garbled
        coding = _TEXTS[kind]
        return bytes(data).decode(coding + (ending if coding in ("utf-16", "utf-32") else ""))
    if kind in _NUMERIC:
        return _complete(_numbers(_part(parts), order), count)
    return None


def _complete(values: Value, count: int) -> Value:
    """Return values, as many as the array's shape promises."""
    if values is None or len(values) != count:
        raise _Garbled
    return values


def _numbers(part: tuple[int, memoryview], order: str) -> NDArray[np.float64]:
    """Return (n,) numbers, however they are stored."""
    kind, data = part
    width = int(_NUMBERS.get(kind, "i1")[1:])
    if kind not in _NUMBERS or len(data) % width:
        raise _Garbled
    return np.frombuffer(data, order + _NUMBERS[kind]).astype(np.float64)


def _part(parts: Iterator[tuple[int, memoryview]]) -> tuple[int, memoryview]:
    for part in parts:
        return part
    raise _Garbled
