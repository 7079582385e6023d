"""A comparison of runs as text, JSON, tables and curves, and its folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from restore_recog.reporting.compare import Comparison
from restore_recog.reporting.comparison_text import images, side_by_side
from restore_recog.reporting.tables import arms_csv, arms_latex
from restore_recog.system.atomic import plain, whole_folder

FORMAT = 1
"""Raised by any change of a field's meaning in ``compare.json``."""


def write(comparison: Comparison, folder: Path) -> None:
    """Write ``compare.html``, ``compare.json``, ``table.csv``, ``table.tex`` and the curves.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    from restore_recog.reporting.pages.compare import page

    rows = side_by_side(comparison)
    names = ", ".join(run.name for run in comparison.runs)
    with whole_folder(folder) as staging:
        drawn = images(comparison)
        text = json.dumps(as_json(comparison), indent=1, ensure_ascii=False, allow_nan=False)
        (staging / "compare.json").write_text(text + "\n", encoding="utf-8")
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
            "verdicts": [asdict(verdict) for verdict in run.report.verdicts],
            "arms": [arm.facts() for arm in run.report.arms],
        }
        for run in comparison.runs
    ]
    pairings = []
    for pairing in comparison.pairings:
        entry = asdict(pairing)
        for item, difference in zip(entry["differences"], pairing.differences, strict=True):
            item["result"] = difference.result.facts()
            item["answer"] = difference.answer
        pairings.append(entry)
    strict: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "runs": runs,
            "overlay_refusal": comparison.overlay_refusal,
            "settings_that_differ": comparison.settings,
            "pairings": pairings,
        }
    )
    return strict
