"""The papers' tables, and what their columns mean, read from plain files.

The numbers are the papers' own, as printed: text with all its digits, so that a figure is
never more exact than what was published. A cell that the paper leaves empty is None.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from restore_recog.errors import DataError

FILES = ("ganmasker", "fmodr", "ecgan", "landmark_gender")
"""One file a paper, in the order of display."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of a published table.

    Attributes:
        label: Its head.
        better: ``higher`` or ``lower``.
        definition: What ours is, and what the paper leaves open; goes beneath the table.
        unit: Of the paper's numbers, e.g. ``dB`` or ``%``; empty for a pure number.
        figure: Our figure (see :class:`~restore_recog.evaluation.results.ArmReport`), or None
            where an evaluation measures nothing of the kind.
        factor, offset: Our figure times the one plus the other is in the paper's unit.
        recognition: Whether it depends on the recogniser.
        classification: Whether it depends on the classifier.
        noted: What a report calls it where it says why it is missing; empty for the label.
    """

    label: str
    better: str
    definition: str
    unit: str = ""
    figure: str | None = None
    factor: float = 1.0
    offset: float = 0.0
    recognition: bool = False
    classification: bool = False
    noted: str = ""

    @property
    def heading(self) -> str:
        """Return the column's head with its unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


def _read(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))


METRICS = {key: Metric(**entry) for key, entry in _read("metrics").items()}
"""Key in the tables' files -> what it means."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One printed number, or a range of which only the ends are printed.

    Attributes:
        text: As printed; a range as ``12.5 to 13.5``.
        doubt: Why it may be misprinted; empty where there is no reason to think so.
    """

    text: str
    doubt: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """Return the ends of the range, which are the same for a number."""
        low, _, high = self.text.partition(" to ")
        return float(low), float(high or low)

    @property
    def number(self) -> float:
        """Return the number, or the middle of the range."""
        return sum(self.ends) / 2

    @property
    def digits(self) -> int:
        """Return how many digits are printed behind the point."""
        return len(self.text.partition(" to ")[0].partition(".")[2])

    @property
    def rounding(self) -> float:
        """Return how far the number may lie from what was measured: half its last digit."""
        return float(0.5 * 10.0**-self.digits)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One row of a table.

    Attributes:
        label: The system, as the paper calls it.
        values: Metric -> what is printed, None where the paper has no number.
        restorer: Ours of that name, with its argument where it has one, or None.
        arm: Our arm; None for the one that answers. It has a row without a restorer where nothing
            is restored (``occluded``).
        group: Title of the group of probes that the row is about (``gender = female``); empty
            for everybody.
        options: What the restorer's weights must have been trained with to stand in this row.
        recognizer: Key of :data:`~.row_recognizers.ROLES`, or None for the run's recogniser.
        rival: Whether the system is one that the paper only compares with: it is measured where
            its restorer is asked for.
    """

    label: str
    values: Mapping[str, Printed | None]
    restorer: str | None = None
    arm: str | None = None
    group: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    recognizer: str | None = None
    rival: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """Two rows of a table whose difference tells what restoring gains.

    Attributes:
        metric: Key of :data:`METRICS`.
        before, after: Labels of the rows.
        printed: What the paper says of it; empty where it is only the difference of the rows.
    """

    metric: str
    before: str
    after: str
    printed: str = ""


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One table of a paper, or that part of it that one evaluation can be set beside.

    Attributes:
        name: What ``restore-recog reproduce`` calls it.
        paper, cite: Short name, and where it was published.
        where: Number and section in the paper.
        title: What it shows.
        tested_on: The paper's test images in a few words.
        images: How many they are, or None where the paper does not say.
        rows, metrics: As printed; metrics by key of :data:`METRICS`.
        preset: Name of the evaluation, see :mod:`~restore_recog.published.presets`, or None.
        why_not: Why there is no evaluation for it; empty where there is one.
        gains: Pairs of rows whose difference is compared as well.
        added: Metrics that ours is measured by as well, without a number in the paper.
        notes: What a reader of the paper should know.
    """

    name: str
    paper: str
    cite: str
    where: str
    title: str
    tested_on: str
    rows: tuple[PaperRow, ...]
    metrics: tuple[str, ...]
    images: int | None = None
    preset: str | None = None
    why_not: str = ""
    gains: tuple[Gain, ...] = ()
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the printed metrics and those that are added here."""
        return (*self.metrics, *self.added)

    @property
    def grouped(self) -> bool:
        """Return whether its rows are groups of probes."""
        return any(row.group for row in self.rows)

    @property
    def restorers(self) -> tuple[str, ...]:
        """Return the restorers that are the paper's own."""
        rows = (row for row in self.rows if not row.rival)
        return tuple(dict.fromkeys(row.restorer for row in rows if row.restorer))

    @property
    def recognizers(self) -> tuple[str, ...]:
        """Return the recognisers that rows have of their own, beside the run's."""
        return tuple(dict.fromkeys(row.recognizer for row in self.rows if row.recognizer))


@cache
def tables() -> Mapping[str, PaperTable]:
    """Return every table by name, in the papers' order."""
    return {
        name: _table(name, paper["paper"], entry)
        for paper in map(_read, FILES)
        for name, entry in paper["tables"].items()
    }


def table(name: str) -> PaperTable:
    """Return one table.

    Raises:
        DataError: There is none of that name; the message names its parts or the nearest.
    """
    several = parts(name)
    if len(several) > 1:
        names = ", ".join(part.name for part in several)
        raise DataError(f"'{name}' has several parts; name one of {names}.")
    return several[0]


def parts(name: str) -> tuple[PaperTable, ...]:
    """Return the table of a name, or all parts of one, such as ``fmodr-table5``.

    Raises:
        DataError: There is none of that name; the message names the nearest.
    """
    known = tables()
    if name in known:
        return (known[name],)
    wanted = name.strip().lower().replace("_", "-")
    if re.fullmatch(r".+-(table|figure)\d+", wanted):
        several = tuple(one for other, one in known.items() if other.startswith(f"{wanted}-"))
        if several:
            return several
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else "'restore-recog reproduce --list' names all."
    )
    raise DataError(f"No published table is called '{name}'; {hint}")


def _table(name: str, paper: Mapping[str, str], entry: Mapping[str, Any]) -> PaperTable:
    """Return a table of a file, in which ``each`` is what all its rows have in common."""
    rest = dict(entry)
    metrics, common = tuple(rest["metrics"]), rest.pop("each", {})
    parts = {
        "rows": tuple(_row(metrics, {**common, **row}) for row in rest["rows"]),
        "metrics": metrics,
        "gains": tuple(Gain(**gain) for gain in rest.get("gains", ())),
        "added": tuple(rest.get("added", ())),
        "notes": tuple(rest.get("notes", ())),
    }
    return PaperTable(name, paper["name"], paper["cite"], **{**rest, **parts})


def _row(metrics: tuple[str, ...], entry: Mapping[str, Any]) -> PaperRow:
    doubts = entry.get("uncertain", {})
    values = {
        key: None if text is None else Printed(text, doubts.get(key, ""))
        for key, text in zip(metrics, entry["values"], strict=True)
    }
    return PaperRow(
        **{key: fact for key, fact in entry.items() if key != "uncertain"} | {"values": values}
    )
