"""What a report's page says of wrong decisions: a table for each contrast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from restore_recog.evaluation.figure import NO_FIGURE
from restore_recog.evaluation.figures.harm import DECISION
from restore_recog.evaluation.results import EvaluationReport, Harm
from restore_recog.reporting.columns import NOTHING, Cell, column_of, p_text
from restore_recog.reporting.pages.elements import Grid, grid

TITLES = {
    "wrong": "Told the wrong gender: what every mistake would do",
    "decided": "By its own decision: what its mistakes did",
    "pooled": "One generator for everybody: what splitting by gender gains",
}

TESTED = ("rank1_gain", "cosine_gain", "psnr_mask_gain")
"""Figures that have their corrected p beside them, where they were measured."""


def harms(report: EvaluationReport) -> list[dict[str, Any]]:
    """Return title, a sentence and a table of every contrast, in the order of the run."""
    tables: dict[tuple[str, str], list[Harm]] = {}
    for one in report.harms:
        tables.setdefault((one.restorer, one.contrast), []).append(one)
    return [
        {
            "title": f"{TITLES[contrast]} ({restorer})",
            "arm": rows[0].arm,
            "against": rows[0].against,
            "table": _table(rows),
            "small": [_group(one) + f" (n = {one.n})" for one in rows if not one.figures],
        }
        for (restorer, contrast), rows in tables.items()
    ]


def _table(rows: Sequence[Harm]) -> Grid | None:
    measured = [one for one in rows if one.figures]
    names = list(dict.fromkeys(name for one in measured for name in one.figures))
    head = ["Probes", "n", "People"]
    for name in names:
        head += [column_of(name).title] + (["p, corrected"] if name in TESTED else [])
    return grid(head, ([*_group_cells(one), *_cells(one, names)] for one in measured))


def _group_cells(one: Harm) -> list[str]:
    return [_group(one), str(one.n), str(one.n_subjects)]


def _group(one: Harm) -> str:
    """Return what a group is called."""
    if not one.column:
        return one.value
    return f"decided {one.value}" if one.column == DECISION else f"{one.column} = {one.value}"


def _cells(one: Harm, names: Sequence[str]) -> Iterator[str | Cell]:
    for name in names:
        yield column_of(name).cell(one.figures)
        if name in TESTED:
            p = one.figures.get(name, NO_FIGURE).get("p_corrected")
            yield NOTHING if p is None else p_text(p)
