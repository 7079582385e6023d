"""Tables as text and CSV, from the columns of :mod:`restore_recog.reporting.columns`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from string import ascii_lowercase

from tabulate import tabulate

from restore_recog.evaluation.figure import NO_FIGURE, Figures
from restore_recog.evaluation.results import OUTCOMES, ArmReport, EvaluationReport
from restore_recog.reporting import csv_files
from restore_recog.reporting.columns import (
    ALL,
    BRIEF,
    Cell,
    Column,
    known,
    legend,
    used,
)
from restore_recog.system.text import csv_text

TERMINAL = 120
"""Characters across that tables for the terminal keep to where they can."""


class Marks:
    """Letters that stand beside values for flags that are spelled out below a table."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def of(self, flag: str) -> str:
        """Return the letter of a flag, nothing for an empty one."""
        if not flag:
            return ""
        place = len(self._letters)
        letter = ascii_lowercase[place % 26] * (1 + place // 26)
        return self._letters.setdefault(flag, letter)

    def lines(self) -> list[tuple[str, str]]:
        """Return (letter, flag) in order of appearance."""
        return [(letter, flag) for flag, letter in self._letters.items()]


def text_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Collection[int] = (0,),
    width: int | None = None,
) -> str:
    """Return rows as columns of text.

    Args:
        head: A title for every column.
        rows: As many cells each.
        left: Columns that are set to the left; the others are set to the right.
        width: Columns that would reach beyond it go into another table below, behind the first
            column again; None for one table, however wide.
    """
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    groups: list[list[int]] = [[0]]
    for i in range(1, len(columns)):
        taken = sum(widths[j] + 2 for j in groups[-1]) + widths[i]
        if width is not None and taken > width and len(groups[-1]) > 1:
            groups.append([0])
        groups[-1].append(i)
    # The head is a row like the others: tabulate makes columns of a head of its own wider.
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n\n".join(
        tabulate(
            [[line[i] for i in group] for line in lines],
            tablefmt="plain",
            colalign=["left" if i in left else "right" for i in group],
            disable_numparse=True,
        )
        for group in groups
    )


def figures_table(
    first: str, columns: Sequence[Column], rows: Sequence[tuple[str, Figures]]
) -> str:
    """Return the brief columns that any row has for a terminal; nothing where there is none.

    Args:
        first: Head of the names.
        columns: All that may be shown.
        rows: Names and their figures.
    """
    shown = [c for c in columns if c.brief and any(c.figure in figures for _, figures in rows)]
    if not shown:
        return ""
    return text_table(
        [first, *(column.brief for column in shown)],
        [
            [name, *(_bare(column.cell(figures), column) for column in shown)]
            for name, figures in rows
        ],
        width=TERMINAL,
    )


def _bare(cell: Cell, column: Column) -> str:
    """Return a figure with its interval, where the column shows that, and without its flag."""
    if not (column.interval and cell.low) or not cell.measured:
        return cell.value
    return f"{cell.value} [{cell.low}, {cell.high}]"


def report_text(report: EvaluationReport) -> str:
    """Return the report's labels, table, flips, failures and verdicts, ready to print."""
    lost = csv_files.losses(report.arms)
    lost += csv_files.stage_lines(csv_files.failures_by_stage(report.failures))
    flips = [
        f"{name}: {', '.join(f'{counts[kind]} {kind}' for kind in OUTCOMES.values())}"
        for name, counts in csv_files.counted(csv_files.flips(report)).items()
    ]
    parts = [
        "\n".join(report.labels),
        arms_text(report.arms),
        _listed("Probes at rank 1, before and after", flips),
        _listed("Counted as misses, never left out", lost),
        "\n".join(verdict.sentence for verdict in report.verdicts),
        report.family,
    ]
    return "\n\n".join(part for part in parts if part)


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)]) if lines else ""


def arms_text(arms: Sequence[ArmReport]) -> str:
    """Return the brief table of arms for a terminal; below it what its heads and flags mean."""
    columns, marks = used(BRIEF, arms), Marks()
    head = ["arm", *(c.brief_head + (" [95 % CI]" if c.interval else "") for c in columns)]
    rows = [[arm.name, *(_text(c, c.cell(arm.figures), marks) for c in columns)] for arm in arms]
    notes = [f"({letter}) {flag}" for letter, flag in marks.lines()]
    table = text_table(head, rows, width=TERMINAL)
    return "\n".join([table, *notes, legend(columns)])


def _text(column: Column, cell: Cell, marks: Marks) -> str:
    mark = marks.of(cell.flag)
    text = cell.value + (f" ({mark})" if mark else "")
    return text + (f" [{cell.low}, {cell.high}]" if column.interval and cell.low else "")


def arms_csv(arms: Sequence[ArmReport], recognizers: Sequence[str] = ()) -> str:
    """Return every figure of every arm as CSV: one row per arm, in the units of the titles.

    Each column has its interval, n and flag beside it. Numbers are unrounded.

    Args:
        arms: Of one recogniser, or of several.
        recognizers: Whose each arm is, where there are several; then they are the first column.
    """
    columns = used(ALL, arms)
    parts = ("", " (low)", " (high)", " (n)", " (flag)")
    head = ["Arm", *(f"{c.title}{part}" for c in columns for part in parts)]
    rows = [[arm.name, *(x for c in columns for x in csv_values(c, arm.figures))] for arm in arms]
    if recognizers:
        head = ["Recogniser", *head]
        rows = [[name, *row] for name, row in zip(recognizers, rows, strict=True)]
    return csv_text([head, *rows])


def csv_values(column: Column, figures: Figures) -> list[str]:
    """Return [value, low, high, n, flag] of a column's figure, unrounded, in the column's unit."""
    figure = figures.get(column.figure, NO_FIGURE)
    numbers = [
        f"{value * column.factor:.10g}" if known(value) else ""
        for value in (figure.value, figure.low, figure.high)
    ]
    cell = column.cell(figures)
    return [*numbers, cell.n, cell.flag]
