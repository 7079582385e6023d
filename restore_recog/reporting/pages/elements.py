"""What the templates of the pages are given: tables, plots and photographs."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from restore_recog.evaluation.figure import Figures
from restore_recog.evaluation.results import Example
from restore_recog.names import printable
from restore_recog.reporting.columns import Cell, Column
from restore_recog.reporting.strips import labelled
from restore_recog.reporting.tables import Marks
from restore_recog.system.atomic import plain

ACROSS = 126
"""Letters of a head that fit a page beside the first column; more columns go into a table below."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of a page; strings are text.

    Attributes:
        head: A title for every column.
        rows: As many cells each.
        marks: Letters for the flags, handed out while the template writes the cells.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    marks: Marks = field(default_factory=Marks)

    @property
    def shared(self) -> list[str]:
        """Return for every column the n that all its measured figures have, or nothing."""
        columns = zip(*self.rows, strict=True)
        counts = [{c.n for c in column if isinstance(c, Cell) and c.measured} for column in columns]
        return [one.pop() if len(one) == 1 else "" for one in counts]

    @property
    def parts(self) -> list[Grid]:
        """Return the table, or several with the first column again where it is too wide."""
        count = len(self.head) - 1
        # A column is at least as wide as the longest word of its head; 2 letters are its margin.
        width = sum(max(map(len, re.split(r"[ -]", title))) + 2 for title in self.head[1:])
        step = math.ceil(count / math.ceil(width / ACROSS))
        ends = [slice(i, i + step) for i in range(1, count + 1, step)]
        return [
            Grid(
                [self.head[0], *self.head[end]],
                [[row[0], *row[end]] for row in self.rows],
                self.marks,
            )
            for end in ends
        ]


@dataclass(frozen=True, slots=True)
class Photograph:
    """An image of a page: a JPEG file, shown *width* pixels wide or as wide as the page is."""

    jpeg: bytes
    alt: str
    caption: str
    width: int


def render(template: str, **given: Any) -> str:
    """Return a page: a template of the folder ``templates``, filled."""
    return printable(_environment().get_template(template).render(given)) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("restore_recog.reporting.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"minus": _minus, "data_uri": _data_uri, "json": _json}
    return environment


def _minus(text: str) -> str:
    """Return a number with the sign that typesetters use."""
    return "−" + text[1:] if text.startswith("-") else text


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=1, ensure_ascii=False)


def grid(head: Sequence[str], rows: Iterable[Sequence[str | Cell]]) -> Grid | None:
    """Return a table, or None without a row."""
    filled = list(rows)
    return Grid(head, filled) if filled else None


def arms_table(
    columns: Sequence[Column], rows: Iterable[tuple[str, Figures]], first: str = "Arm"
) -> Grid | None:
    """Return one row per name with its figures in the columns that any of them has.

    Args:
        columns: All that may be shown.
        rows: Names and their figures.
        first: Head of the names.
    """
    everything = list(rows)
    used = [c for c in columns if any(c.figure in figures for _, figures in everything)]
    return grid(
        [first, *(column.head for column in used)],
        (
            [name, *(column.cell(figures) for column in used)]
            for name, figures in everything
            if any(column.figure in figures for column in used)
        ),
    )


def photograph(
    example: Example, alt: str, caption: str, *, width: int, scale: int = 1
) -> Photograph:
    """Return a strip under its titles, *scale* times as large as it is stored."""
    buffer = io.BytesIO()
    Image.fromarray(labelled(example, scale)).save(buffer, format="JPEG", quality=90)
    return Photograph(buffer.getvalue(), alt, caption, width)
