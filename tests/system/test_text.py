"""The one reader of lists, CSV and JSON, and the one writer of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restore_recog.errors import DataError
from restore_recog.system import text


def rows(file: Path, *columns: str) -> list[dict[str, str]]:
    return [row for _, row in text.csv_rows(file, columns)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_of_any_kind_are_read(
    tmp_path: Path, end: str, encoding: str, separator: str
) -> None:
    lines = (separator.join(cells) for cells in (("Path", "who"), ("é/a.png", '"b, c"')))
    (tmp_path / "a.csv").write_bytes((end.join(lines) + end).encode(encoding))
    assert rows(tmp_path / "a.csv", "path", "who") == [{"path": "é/a.png", "who": "b, c"}]


READERS: list[Callable[[Path], Any]] = [
    lambda file: list(text.csv_rows(file)),
    lambda file: list(text.plain_rows(file)),
    lambda file: list(text.lines(file)),
    text.read_json,
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\ncafé,1\n".encode("latin-1"), "a.csv cannot be read as text in UTF-8: line 2 has"),
        ("a,b\n".encode("utf-16-le"), "a.csv cannot be read as text in UTF-8: it is UTF-16"),
        ("a,b\n".encode("utf-16"), "a.csv cannot be read as text in UTF-8: it is UTF-16"),
    ],
)
def test_other_encodings_are_said_with_their_line(
    tmp_path: Path, read: Callable[[Path], Any], content: bytes, message: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_file_is_said(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    for name in ("gone", ".", "a" * 300):
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path / name)


def test_a_value_without_end_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" + "x" * 131_073 + ",2\n")
    with pytest.raises(DataError, match="line 3: a value has more than 131,072 characters"):
        rows(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text('a,b\n1,2\n1,"2\n')
    with pytest.raises(DataError, match="cannot be read as CSV: line 3"):
        rows(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"a": ' + "1" * 5000 + "}", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
    ],
)
def test_json_that_is_none_is_said(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=reason):
        text.read_json(tmp_path / "a.json")


def test_lines_are_counted_whatever_ends_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\rb\r\nc\n\rd")
    assert list(text.lines(tmp_path / "a.txt")) == [(1, "a"), (2, "b"), (3, "c"), (4, ""), (5, "d")]
    (tmp_path / "a.txt").write_bytes(b"a\rb\n\xe9")
    with pytest.raises(DataError, match="line 3 has the byte 0xe9"):
        list(text.lines(tmp_path / "a.txt"))


def test_numbers_of_any_length() -> None:
    assert text.whole("0042") == 42
    for other in ("1" * 5000, "", "-1", "1.0", "\u0661", "\xb2"):
        assert text.whole(other) is None
    assert text.numbers(["1", " -2.5 ", "1e3"]) == [1.0, -2.5, 1000.0]
    for other in ("1" * 5000, "nan", "inf", "", "x"):
        assert text.numbers(["1", other]) is None


def test_tables_come_back_and_run_nothing(tmp_path: Path) -> None:
    values = [
        "=cmd|' 'C calc'!A0",
        "-2+3",
        "@x",
        "+x",
        "\tx",
        "'=x",
        "two\nlines",
        '"a", b',
        "-0.5",
    ]
    text.write_csv(tmp_path / "a.csv", ["=name", "n"], [(value, -0.5) for value in values])
    (tmp_path / "b.csv").write_text(text.csv_text([["=name", "n"], *((v, -0.5) for v in values)]))
    for name in ("a.csv", "b.csv"):
        back = rows(tmp_path / name)
        assert [row["=name"] for row in back] == values
        assert {row["n"] for row in back} == {"-0.5"}
    for line in (tmp_path / "b.csv").read_text().splitlines():
        assert line.startswith("-0.5") or not line.startswith(("=", "+", "-", "@", "\t"))
