"""A comparison of runs as a page, JSON, tables and curves, and its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from restore_recog.reporting.columns import (
    LIKENESS,
    NOTHING,
    RECOGNITION,
    TRANSFER,
    VERIFICATION,
    Cell,
    answering,
    p_text,
)
from restore_recog.reporting.compare import Comparison
from restore_recog.reporting.comparison_text import (
    COLUMNS,
    arms,
    images,
    sentence,
    side_by_side,
    split,
    verdict_lines,
)
from restore_recog.reporting.latex import arms_latex
from restore_recog.reporting.pages.elements import Grid, arms_table, grid, render
from restore_recog.reporting.pairing import Difference, Pairing
from restore_recog.reporting.report_figures import Plot
from restore_recog.reporting.tables import arms_csv
from restore_recog.system.atomic import json_text, plain, whole_folder

FORMAT = 2
"""Raised by any change of a field's meaning in ``compare.json``."""

LOOKS = {"better": "helps", "worse": "hurts"}
"""Answer of a difference -> how the page sets it."""

TABLES = {
    "recognition": RECOGNITION,
    "verification": VERIFICATION,
    "fixed": TRANSFER,
    "likeness": LIKENESS,
}


def write(comparison: Comparison, folder: Path) -> None:
    """Write ``compare.html``, ``compare.json``, ``table.csv``, ``table.tex`` and the curves.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    rows = side_by_side(comparison)
    names = ", ".join(run.name for run in comparison.runs)
    with whole_folder(folder) as staging:
        drawn = images(comparison)
        (staging / "compare.json").write_text(json_text(as_json(comparison)), encoding="utf-8")
        (staging / "table.csv").write_text(arms_csv(rows), encoding="utf-8")
        latex = arms_latex(rows, f"Runs side by side: {names}.")
        (staging / "table.tex").write_text(latex, encoding="utf-8")
        (staging / "figures").mkdir()
        for name, image in drawn.items():
            (staging / "figures" / f"{name}.png").write_bytes(image.png)
        (staging / "compare.html").write_text(page(comparison, drawn), encoding="utf-8")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return what ``compare.json`` holds, in strict JSON values."""
    runs = [
        {
            "name": run.name,
            "setup": run.report.setup,
            "verdicts": [asdict(verdict) for verdict in verdicts],
            "arms": [arm.facts() for arm in run.report.arms],
        }
        for run, verdicts in zip(comparison.runs, comparison.judgement.verdicts, strict=True)
    ]
    pairings = []
    for pairing in comparison.pairings:
        entry = asdict(pairing)
        for item, difference in zip(entry["differences"], pairing.differences, strict=True):
            item["result"] = difference.result.facts()
            item["answer"] = difference.answer
        pairings.append(entry)
    return plain(
        {
            "format": FORMAT,
            "runs": runs,
            "overlay_refusal": comparison.overlay_refusal,
            "settings_that_differ": comparison.settings,
            "pairings": pairings,
            "family": comparison.family,
            "verdicts_family": comparison.judgement.family,
        }
    )


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
        family=comparison.family,
        verdicts=verdict_lines(comparison),
        verdicts_family=comparison.judgement.family,
    )


def _pairing(comparison: Comparison, pairing: Pairing) -> dict[str, Any]:
    told, same = split(pairing)
    spoken = {arm.name for run in comparison.runs for arm in answering(run.report.arms)}
    head = ["Arm", "Figure", "Difference", "p, flipping people", "p, corrected"]
    head += ["Rescued", "Harmed", "Answer"]
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
    tests = [p_text(result["p_sign_flip"]), p_text(difference.p_corrected)]
    return [arms(difference), column.title, cell, *tests, *flips, difference.answer]


def _settings(comparison: Comparison) -> Grid | None:
    names = [run.name for run in comparison.runs]
    return grid(
        ["Setting", *names],
        ([name, *map(_short, values)] for name, values in comparison.settings.items()),
    )


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:18]}…{value[-18:]}"
