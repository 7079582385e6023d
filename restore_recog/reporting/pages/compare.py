"""The page that sets several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from restore_recog.reporting.columns import (
    LIKENESS,
    NOTHING,
    RECOGNITION,
    TRANSFER,
    VERIFICATION,
    Cell,
    answering,
)
from restore_recog.reporting.compare import Comparison, Difference, Pairing
from restore_recog.reporting.comparison_text import (
    COLUMNS,
    arms,
    images,
    sentence,
    side_by_side,
    split,
)
from restore_recog.reporting.pages.elements import Grid, arms_table, grid, render
from restore_recog.reporting.report_figures import Plot

LOOKS = {"better": "helps", "worse": "hurts"}
"""Answer of a difference -> how the page sets it."""

TABLES = {
    "recognition": RECOGNITION,
    "verification": VERIFICATION,
    "fixed": TRANSFER,
    "likeness": LIKENESS,
}


def page(comparison: Comparison, plots: Mapping[str, Plot] | None = None) -> str:
    """Return the HTML page of a comparison; *plots* are its figures where there are some."""
    rows = [(arm.name, arm.figures) for arm in side_by_side(comparison)]
    return render(
        "compare.html.j2",
        runs=comparison.runs,
        pairings=[_pairing(comparison, pairing) for pairing in comparison.pairings],
        tables={name: arms_table(columns, rows, "Arm and run") for name, columns in TABLES.items()},
        overlay_refusal=comparison.overlay_refusal,
        plots=images(comparison) if plots is None else plots,
        settings_table=_settings(comparison),
        verdicts=[f"{run.name}: {v}" for run in comparison.runs for v in run.report.verdicts],
    )


def _pairing(comparison: Comparison, pairing: Pairing) -> dict[str, Any]:
    told, same = split(pairing)
    spoken = {arm.name for run in comparison.runs for arm in answering(run.report.arms)}
    head = ["Arm", "Figure", "Difference", "p, flipping people", "Rescued", "Harmed", "Answer"]
    return {
        "refusal": pairing.refusal,
        "first": pairing.first,
        "second": pairing.second,
        "spoken": [
            (d.answer, sentence(d), LOOKS.get(d.answer, ""))
            for d in told
            if d.figure == "rank1" and d.second in spoken
        ],
        "table": grid(head, map(_row, told)),
        "same": same,
        "notes": pairing.notes,
    }


def _row(difference: Difference) -> Sequence[str | Cell]:
    result, column = difference.result, COLUMNS[difference.figure]
    flips = [str(result.get(name, NOTHING)) for name in ("rescued", "harmed")]
    cell = column.cell({difference.figure: result})
    p = f"{result['p_sign_flip']:.2g}"
    return [arms(difference), column.title, cell, p, *flips, difference.answer]


def _settings(comparison: Comparison) -> Grid | None:
    names = [run.name for run in comparison.runs]
    return grid(
        ["Setting", *names],
        ([name, *map(_short, values)] for name, values in comparison.settings.items()),
    )


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:18]}…{value[-18:]}"
