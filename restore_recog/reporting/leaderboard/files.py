"""A leaderboard as text, page, CSV, LaTeX and JSON, and its files in a folder.

=======================  ==============================================================
``leaderboard.html``     the page, whose columns sort by a click on their heads
``leaderboard.csv``      one row per restorer, segmenter, recogniser and protocol
``leaderboard.tex``      the same as a table to paste
``leaderboard.json``     the same with verdicts and tests; strict JSON with a checksum
``PROTOCOL/``            the results folder of each protocol, where one command ran them
=======================  ==============================================================
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabulate import tabulate

from restore_recog.evaluation.figure import facts_of
from restore_recog.reporting.columns import Cell
from restore_recog.reporting.latex import BOOKTABS, escape_latex
from restore_recog.reporting.leaderboard.heads import HEADS, LEFT, LEGEND
from restore_recog.reporting.leaderboard.rows import Leaderboard, Row
from restore_recog.reporting.pages.elements import render
from restore_recog.reporting.tables import Marks, text_table
from restore_recog.system.atomic import json_text, plain, sealed, write_text
from restore_recog.system.text import csv_text

FORMAT = 1
"""Raised by any change of a field's meaning in ``leaderboard.json``."""

NAME = "leaderboard"


def text(board: Leaderboard) -> str:
    """Return the table, what its heads mean and what was corrected together, ready to print."""
    table = text_table([one.brief for one in _brief()], _cells(board), left=range(LEFT))
    parts = ["\n".join(board.labels), table, LEGEND, board.family, "\n".join(board.left_out)]
    return "\n\n".join(part for part in parts if part)


def _brief() -> list[Any]:
    return [head for head in HEADS if head.brief]


def _cells(board: Leaderboard) -> list[list[str]]:
    """Return what the brief columns hold, row by row."""
    rows = [[head.cell(row) for head in _brief()] for row in board.rows]
    return [[cell.value if isinstance(cell, Cell) else cell for cell in row] for row in rows]


def table_csv(board: Leaderboard) -> str:
    """Return all columns as CSV, unrounded: figures with their intervals, n and flags."""
    head = [title for one in HEADS for title in one.csv_heads]
    return csv_text([head, *([x for one in HEADS for x in one.csv(row)] for row in board.rows)])


def table_latex(board: Leaderboard) -> str:
    """Return the brief columns as LaTeX, ready to paste; it needs ``booktabs``."""
    rows = [[escape_latex(cell) for cell in row] for row in _cells(board)]
    heads = [escape_latex(one.brief.capitalize()) for one in _brief()]
    caption = escape_latex(f"{LEGEND} {board.family}".strip())
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs}.",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{{'l' * LEFT}{'r' * (len(heads) - LEFT)}}}",
            tabulate(rows, heads, tablefmt=BOOKTABS, disable_numparse=True),
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def page(board: Leaderboard) -> str:
    """Return the HTML page."""
    rows = [[(one.cell(row), one.key(row)) for one in HEADS] for row in board.rows]
    return render(
        "leaderboard.html.j2",
        heads=[one.title for one in HEADS],
        rows=list(zip(board.rows, rows, strict=True)),
        board=board,
        legend=LEGEND,
        marks=Marks(),
    )


def as_json(board: Leaderboard) -> dict[str, Any]:
    """Return what ``leaderboard.json`` holds, in strict JSON values."""
    facts = {
        "format": FORMAT,
        "family": board.family,
        "labels": board.labels,
        "rows": [_facts(row) for row in board.rows],
        "left_out": board.left_out,
    }
    return sealed(plain(facts))


def _facts(row: Row) -> dict[str, Any]:
    return {
        "protocol": row.run.protocol,
        "recognizer": row.run.recognizer,
        "restorer": row.restorer,
        "segmenter": row.segmenter,
        "rate": row.rate,
        "gain": row.gain,
        "p_corrected": row.p_corrected,
        "verdict": asdict(row.verdict),
        "figures": facts_of(row.arm.figures),
        "groups_tested": row.groups,
        "groups_harmed": list(row.harmed),
        "cost": None if row.cost is None else asdict(row.cost),
        "page": row.run.page,
    }


def write(board: Leaderboard, folder: Path) -> None:
    """Write the files into a folder that exists; those of an earlier leaderboard are replaced.

    Raises:
        OutputError: The disk is full or not writable.
    """
    for ending, content in (
        ("csv", table_csv(board)),
        ("tex", table_latex(board)),
        ("html", page(board)),
        ("json", json_text(as_json(board))),
    ):
        write_text(folder / f"{NAME}.{ending}", content)
