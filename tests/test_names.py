"""A name that a file system can hold becomes an id, a label and a cell, and comes back."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from restore_recog import names

ODD = [
    b"plain.png",
    b"caf\xe9.png",  # Latin-1
    b"\xff\xfe\x80.png",
    "é.png".encode(),
    unicodedata.normalize("NFD", "é.png").encode(),
    b"\x1b[31mred.png",
    b"two\nlines\tand\rmore.png",
    b"literal\\xff and \\u001b.png",
    "\u202egnp.exe".encode(),
    "\u0085\u2028.png".encode(),
    b"=cmd|' 'C calc'!A0",
    ("字" * 85).encode(),
]


@pytest.mark.parametrize("raw", ODD)
def test_any_bytes_become_a_label_and_come_back(raw: bytes) -> None:
    name = os.fsdecode(raw)
    label = names.label(name)
    label.encode("utf-8")
    assert not set(label) & {"\x1b", "\n", "\r", "\t", "\u202e", "\u0085", "\u2028"}
    assert names.unescaped(label) == unicodedata.normalize("NFC", name)
    assert names.from_cell(names.cell(label)) == label


def test_different_names_have_different_labels_but_for_their_unicode_form() -> None:
    labels = {names.label(os.fsdecode(raw)) for raw in ODD}
    assert len(labels) == len(ODD) - 1  # e with accent, twice
    assert names.label("\udcff") == r"\xff" != names.label(r"\xff") == r"\u005cxff"
    assert names.label("Ann Lee_0001.jpg") == "Ann Lee_0001.jpg"
    assert names.label(r"a\b.png") == r"a\b.png"


@pytest.mark.parametrize("raw", ODD)
def test_a_list_may_hold_a_name_or_its_label(raw: bytes) -> None:
    label = names.label(os.fsdecode(raw))
    assert names.written(label) == label
    assert names.written("e\u0301\x1b") == "\u00e9\\u001b"


def test_an_id_is_the_place_below_the_root(tmp_path: Path) -> None:
    place = tmp_path / "e\u0301" / os.fsdecode(b"\xff.png")
    assert names.identifier(place, tmp_path) == r"é/\xff.png"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum", "\tx", "\rx", "'=1", "''-x", "＝1"])
def test_formulas_are_neutralised_and_read_back(text: str) -> None:
    assert names.cell(text) == f"'{text}"
    assert names.from_cell(f"'{text}") == text


@pytest.mark.parametrize("value", ["-0.25", "+3", "-1e-05", "-inf", "nan", "-", "'tis", "a=b", ""])
def test_numbers_and_ordinary_texts_stay(value: str) -> None:
    assert names.cell(value) == value == names.from_cell(value)


def test_numbers_that_are_no_texts_stay() -> None:
    for value in (-0.25, -3, None, True, np.float32(-1)):
        assert names.cell(value) is value


def test_what_steers_a_terminal_is_escaped_in_cells_and_sentences() -> None:
    assert names.cell("\x1b[31mred\udcff") == r"\u001b[31mred\xff"
    assert names.printable("a\x1b\nb") == "a\\u001b\nb"


@pytest.mark.parametrize("other", ["ANN lee", "ann_lee", "Ann - Lee", " Ann Lee", "Ａnn Lee"])
def test_names_that_differ_in_little_fold_to_one(other: str) -> None:
    assert names.folded(other) == names.folded("Ann Lee")


def test_names_that_differ_in_more_do_not() -> None:
    assert len({names.folded(name) for name in ("1_1", "11", "Annlee", "Ann Lee", "Anna Lee")}) == 5


def test_a_list_may_spell_a_file_in_any_way(tmp_path: Path) -> None:
    raw = os.fsdecode(b"\xff.png")
    for name in ("e\u0301.png", raw, "back\\slash.png", "sub/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for written, there in (
        ("é.png", "e\u0301.png"),
        (r"\xff.png", raw),
        ("back\\slash.png", "back\\slash.png"),
        ("sub\\a.png", "sub/a.png"),
        ("gone\\b.png", "gone/b.png"),
        ("gone.png", "gone.png"),
    ):
        assert names.listed(tmp_path, written) == there
