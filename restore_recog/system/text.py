"""Lists, CSV and JSON: the one reader of all that others wrote, and the one writer of tables.

Text is UTF-8, with or without a byte order mark, with any line ends. Whatever else a file holds
becomes one sentence that names the file and, where there is one, the line.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from restore_recog.errors import DataError
from restore_recog.names import cell, from_cell

_RETURN = re.compile(r"(?<=\r)(?!\n)")
"""Where a line ends in a file without line feeds, as old spreadsheets wrote them."""
_DIGITS = 18
"""A whole number of more digits counts nothing here, and Python refuses thousands of them."""


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, text) of every line of a text file, without its line end.

    Raises:
        DataError: It cannot be read, or a line is not UTF-8.
    """
    for number, text in _decoded(file):
        yield number, text.rstrip("\r\n")


def read_text(file: Path) -> str:
    """Return the whole of a text file.

    Raises:
        DataError: As :func:`lines`.
    """
    return "".join(text for _, text in _decoded(file))


def read_json(file: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        DataError: It cannot be read, is not JSON in UTF-8, or is nested too deep.
    """
    return parse_json(read_text(file), str(file))


def parse_json(text: str, place: str) -> Any:
    """Return what a JSON text holds.

    Args:
        text: The text.
        place: Where it comes from, for the message.

    Raises:
        DataError: It is not JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError(f"{place} cannot be read as JSON: it is nested too deep.") from error
    except ValueError as error:
        raise DataError(f"{place} cannot be read as JSON: {str(error).rstrip('.')}.") from error


def csv_rows(
    file: Path, columns: Sequence[str] = (), *, once: bool = False, lower: bool = True
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV file with a header; what :func:`csv_text` wrote returns.

    Semicolons or tabs between the columns, as spreadsheets may write them, are known by the header.

    Args:
        file: With a header.
        columns: Must be in the header.
        once: Whether a header that names a column twice is refused.
        lower: Whether the names of columns become lower case.

    Raises:
        DataError: It cannot be read, the header is another, or a row has more or fewer values.
    """
    rows = _rows(file, columns)
    header = [name.strip().lower() if lower else name for name in next(rows, (1, []))[1]]
    if missing := [column for column in columns if column not in header]:
        raise DataError(
            f"{file}, line 1: the header lacks {', '.join(missing)}; it must name at least "
            f"{_some(columns)}, separated by commas."
        )
    twice = sorted({column for column in header if header.count(column) > 1})
    if once and twice:
        raise DataError(f"{file}, line 1: the column {', '.join(twice)} is named twice.")
    for line, values in rows:
        if not any(map(str.strip, values[:1])) and len(values) < 2:
            continue
        if len(values) != len(header):
            raise DataError(
                f"{file}, line {line}: {len(values)} values where the header "
                f"names {len(header)} columns."
            )
        yield line, dict(zip(header, values, strict=True))


def plain_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, values) of a list with commas and without a header; blanks go.

    Raises:
        DataError: It cannot be read.
    """
    for line, row in _rows(file, skipinitialspace=True):
        values = [value.strip() for value in row]
        if any(values):
            yield line, values


def _rows(
    file: Path, columns: Sequence[str] = (), *, skipinitialspace: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, values) of every row."""
    text = (line for _, line in _decoded(file))
    first = next(text, "")
    reader = csv.reader(
        chain([first], text),
        strict=True,
        delimiter=_delimiter(first, columns),
        skipinitialspace=skipinitialspace,
    )
    try:
        for values in reader:
            yield reader.line_num, [from_cell(v) if v[:1] == "'" else v for v in values]
    except csv.Error as error:
        reason = str(error)
        if "field larger" in reason:
            reason = (
                f"a value has more than {csv.field_size_limit():,} characters, as where a"
                " quotation mark is not closed"
            )
        where = f"line {reader.line_num}"
        raise DataError(f"{file} cannot be read as CSV: {where}: {reason}.") from error


def _some(columns: Sequence[str]) -> str:
    """Return the names of columns for a sentence; of a hundred not all."""
    shown = columns if len(columns) <= 16 else (*columns[:5], "...", columns[-1])
    return ", ".join(shown)


def _delimiter(header: str, columns: Sequence[str]) -> str:
    """Return what stands between the columns that must be there; a comma where in doubt."""
    for delimiter in ",;\t":
        names = {name.strip().strip('"').lower() for name in header.split(delimiter)}
        if columns and names.issuperset(column.lower() for column in columns):
            return delimiter
    return ","


def whole(text: str) -> int | None:
    """Return a number that is written in digits and nothing else, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def numbers(texts: Iterable[str]) -> list[float] | None:
    """Return finite numbers, or None where one of the texts is none."""
    try:
        values = [float(text) for text in texts]
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as the text of a CSV file with plain line ends, safe to open in a spreadsheet."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(map(_cells, rows))
    return buffer.getvalue()


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, one row at a time, safe to open in a spreadsheet.

    Raises:
        OSError: It cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_cells(header))
        writer.writerows(map(_cells, rows))


def _cells(row: Sequence[Any]) -> list[Any]:
    return [cell(value) for value in row]


def _decoded(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, text with its line end) of every line."""
    number = 0
    try:
        with file.open("rb") as content:
            for raw in content:
                number += 1
                if number == 1 and (raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:4]):
                    raise DataError(
                        f"{file} cannot be read as text in UTF-8: it is UTF-16; save it as UTF-8."
                    )
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                for part in filter(None, _RETURN.split(text)) if "\r" in text else (text,):
                    yield number, part
                    number += 1
                number -= 1
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(
            f"{file} cannot be read as text in UTF-8: line {number} has the byte {byte:#04x}, as"
            " files in Latin-1 have; save it as UTF-8."
        ) from error
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error
