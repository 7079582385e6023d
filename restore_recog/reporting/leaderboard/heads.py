"""The columns of a leaderboard: what a row has in each, as text, in CSV and to sort by."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.results import ArmReport
from restore_recog.reporting.columns import NOTHING, Cell, column_of, known, p_text
from restore_recog.reporting.leaderboard.rows import Row
from restore_recog.reporting.tables import csv_values

PARTS = ("", " (low)", " (high)", " (n)", " (flag)")


@dataclass(frozen=True, slots=True)
class Head:
    """A column of text.

    Attributes:
        title: Its head on the page and in CSV.
        brief: Its head in the terminal and in LaTeX; empty where it is left out there.
        text: What a row has in it.
    """

    title: str
    brief: str
    text: Callable[[Row], str]

    @property
    def csv_heads(self) -> list[str]:
        """Return the heads of its columns in CSV."""
        return [self.title]

    def cell(self, row: Row) -> str | Cell:
        """Return what tables show."""
        return self.text(row)

    def csv(self, row: Row) -> list[str]:
        """Return what CSV holds."""
        text = self.text(row)
        return ["" if text == NOTHING else text]

    def key(self, row: Row) -> str:
        """Return what the page sorts by: a number where it is one."""
        return self.text(row)


@dataclass(frozen=True, slots=True)
class NumberHead(Head):
    """A column of numbers that are no figures of an arm.

    Attributes:
        number: What a row has in it; NaN for nothing.
    """

    number: Callable[[Row], float] = lambda row: math.nan

    def csv(self, row: Row) -> list[str]:
        """Return the number, unrounded."""
        return [self.key(row)]

    def key(self, row: Row) -> str:
        """Return the number."""
        number = self.number(row)
        return f"{number:.10g}" if known(number) else ""


@dataclass(frozen=True, slots=True)
class FigureHead(Head):
    """A column of figures with their intervals, each in the unit that tables have for it.

    Attributes:
        where: The arm of a row and the name of its figure; None for nothing.
    """

    where: Callable[[Row], tuple[ArmReport | None, str | None]] = lambda row: (None, None)

    @property
    def csv_heads(self) -> list[str]:
        """Return the heads of its columns in CSV: the value, its interval, n and flag."""
        return [f"{self.title}{part}" for part in PARTS]

    def cell(self, row: Row) -> Cell:
        """Return the figure as tables show it."""
        arm, name = self.where(row)
        return Cell() if arm is None or name is None else column_of(name).cell(arm.figures)

    def csv(self, row: Row) -> list[str]:
        """Return the figure unrounded."""
        arm, name = self.where(row)
        if arm is None or name is None:
            return [""] * len(PARTS)
        return csv_values(column_of(name), arm.figures)

    def key(self, row: Row) -> str:
        """Return the figure's value."""
        return self.csv(row)[0]


def _figure(
    title: str, brief: str, where: Callable[[Row], tuple[ArmReport | None, str | None]]
) -> FigureHead:
    return FigureHead(title, brief, lambda row: "", where)


def _number(title: str, brief: str, digits: int, number: Callable[[Row], float]) -> NumberHead:
    def text(row: Row) -> str:
        value = number(row)
        return f"{value:.{digits}f}" if known(value) else NOTHING

    return NumberHead(title, brief, text, number)


def _measured(row: Row) -> str:
    """Return what the next columns hold."""
    column = column_of(row.rate)
    return column.brief or column.title


def _frozen_fmr(row: Row) -> FigureName | None:
    """Return the change of the FMR at the threshold of a row's change of FNMR."""
    return None if row.frozen is None else FigureName("fmr_frozen_change", row.frozen.target)


def _flips(row: Row) -> str:
    figure: Figure | None = row.arm.figures.get(row.gain)
    if figure is None or "rescued" not in figure:
        return NOTHING
    return f"{figure['rescued']} / {figure['harmed']}"


def _groups(row: Row) -> str:
    """Return how many groups are harmed, and which."""
    if not row.groups:
        return NOTHING
    return "; ".join([f"{len(row.harmed)} of {row.groups}", *row.harmed])


HEADS: tuple[Head, ...] = (
    Head("Protocol", "protocol", lambda row: row.run.protocol),
    Head("Recogniser", "recogniser", lambda row: row.run.recognizer),
    Head("Restorer", "restorer", lambda row: row.restorer),
    Head("Segmenter", "segmenter", lambda row: row.segmenter or NOTHING),
    Head("Verdict", "verdict", lambda row: row.verdict.answer),
    Head("Measured", "measured", _measured),
    _figure("Bare", "bare", lambda row: (row.bare, row.rate)),
    _figure("Occluded", "occluded", lambda row: (row.floor, row.rate)),
    _figure("Restored", "restored", lambda row: (row.arm, row.rate)),
    _figure("Gain", "gain", lambda row: (row.arm, row.gain)),
    NumberHead(
        "p, corrected", "p", lambda row: p_text(row.p_corrected), lambda row: row.p_corrected
    ),
    _figure("Change of FNMR, points", "FNMR", lambda row: (row.arm, row.frozen)),
    _figure("Change of FMR, points", "", lambda row: (row.arm, _frozen_fmr(row))),
    _figure("Shift of impostors", "impostors", lambda row: (row.arm, "impostor_shift")),
    _figure("PSNR in the mask, dB", "PSNR", lambda row: (row.arm, "psnr_mask")),
    Head("Rescued / harmed", "", _flips),
    NumberHead("Groups harmed", "", _groups, lambda row: float(len(row.harmed))),
    _number(
        "ms an image", "ms", 1, lambda row: math.nan if row.cost is None else row.cost.ms_per_image
    ),
    _number(
        "Memory, MiB", "MiB", 0, lambda row: math.nan if row.cost is None else row.cost.peak_mib
    ),
)
"""In order."""

LEFT = 6
"""So many columns from the first are words."""

LEGEND = (
    "Bare, occluded, restored and gain are of what is measured: of a fixed FNMR less is better. p: "
    "of the gain, corrected over the whole table. "
    "FNMR, FMR: their change at the threshold that was fixed on bare faces, in points; below 0 is "
    "better. Impostors: change of the cosine to other people; above 0 people look more alike. ms, "
    "MiB: the restorer alone on this machine, in a process of its own."
)
