"""The part of the page that says which synthetic coverings were drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.reporting.pages.elements import folded, paragraph, table
from restore_recog.reporting.report import Report

_HEAD = ["", "Probes", "Area, mean, % of the crop", "Least, %", "Most, %"]


def coverings(report: Report) -> str:
    """Return the counts by kind, colour, pattern and difficulty; nothing where none was drawn."""
    drawn = report.setup.get("coverings_drawn")
    if not isinstance(drawn, Mapping):
        return ""
    area = drawn["area_percent"]
    said = paragraph(
        f"{drawn['count']} probes were covered; a covering and its shadow touch "
        f"{area['mean']:.1f} % of the crop on average ({area['min']:.1f} to {area['max']:.1f} %)."
    )
    by = drawn["by"]
    parts = [_table(name.capitalize(), by[name]) for name in ("kind", "pattern", "difficulty")]
    colours = folded(f"Colours ({len(by['colour'])})", _table("Colour", by["colour"]))
    return said + "".join(part for part in parts if part) + colours


def _table(title: str, groups: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [value, str(group["count"]), *(f"{group[key]:.1f}" for key in ("mean", "min", "max"))]
        for value, group in groups.items()
    ]
    return table([title, *_HEAD[1:]], rows)
