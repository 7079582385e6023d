"""MATLAB files: what SciPy writes, what MATLAB writes, and damage."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from restore_recog.errors import DataError
from restore_recog.system.matlab import read_variables


def cells(*values: object) -> np.ndarray:
    array = np.empty((1, len(values)), dtype=object)
    array[0] = values
    return array


@pytest.mark.parametrize("compressed", [False, True])
def test_numbers_text_and_cells(compressed: bool, tmp_path: Path) -> None:
    file = tmp_path / "a.mat"
    table = np.arange(6).reshape(2, 3)
    facts = {
        "bytes": table.astype(np.uint8), "doubles": table / 3, "wide": table.astype(np.int64),
        "text": "J\u00fcrgen_0001.jpg", "cells": cells("a.jpg", np.array([[1.0], [300.0]])),
        "deep": cells(cells("b"), 5.0), "empty": np.zeros((0, 1)), "other": {"field": 1},
    }  # fmt: skip
    savemat(file, facts, do_compression=compressed)
    known = read_variables(file, facts.keys())
    for name in ("bytes", "doubles", "wide"):
        value = known[name]
        assert isinstance(value, np.ndarray) and value.dtype == np.float64
        assert np.array_equal(value, facts[name].ravel(order="F"))  # type: ignore[attr-defined]
    assert known["text"] == facts["text"] and known["other"] is None
    name, index = known["cells"]  # type: ignore[misc]
    assert name == "a.jpg" and list(index) == [1, 300]
    deep, five = known["deep"]  # type: ignore[misc]
    assert deep == ["b"] and list(five) == [5] and len(known["empty"]) == 0  # type: ignore[arg-type]
    assert read_variables(file, ["text", "nothing"]).keys() == {"text"}


def test_the_other_order_of_bytes_and_text_of_two_bytes(tmp_path: Path) -> None:
    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    parts = (
        element(6, struct.pack(">II", 4, 0))
        + element(5, struct.pack(">ii", 1, 3))
        + (struct.pack(">HH", 1, 1) + b"x\0\0\0")  # a small element: size, kind, data
        + element(4, "a\u00fcb".encode("utf-16-be"))
    )
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "a.mat").write_bytes(header + element(14, parts))
    assert read_variables(tmp_path / "a.mat", ["x"]) == {"x": "a\u00fcb"}


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_variables(tmp_path / "gone.mat", ["x"])
    for content in (b"", b"\x89HDF\r\n\x1a\n" + bytes(600), b"text" * 100):
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(DataError, match="is no MATLAB file of version 5 to 7"):
            read_variables(tmp_path / "a.mat", ["x"])


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_is_told_in_a_sentence(compressed: bool, tmp_path: Path) -> None:
    file, rng = tmp_path / "a.mat", np.random.default_rng(3)
    facts = {"x": cells(*(f"name_{i}.jpg" for i in range(20))), "y": cells(np.arange(50.0), "z")}
    savemat(file, facts, do_compression=compressed)
    content, refused = file.read_bytes(), 0
    for _ in range(400):
        data = bytearray(content)
        for _ in range(rng.integers(1, 5)):
            place = int(rng.integers(128, len(data)))
            if rng.random() < 0.2:
                del data[place:]
            else:
                data[place : place + 4] = rng.bytes(int(rng.integers(1, 9)))
            if len(data) <= 130:
                break
        file.write_bytes(data)
        try:
            read_variables(file, ["x", "y"])
        except DataError:
            refused += 1
    assert refused > 100
