"""A comparison as text, markdown, CSV and JSON, and as files; a table alone as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabulate import tabulate

from restore_recog.published.compared import (
    NOT_HERE,
    ComparedCell,
    ComparedRow,
    Ours,
    TableComparison,
)
from restore_recog.published.presets import PRESETS, Preset
from restore_recog.published.tables import METRICS, PaperTable, Printed
from restore_recog.reporting.tables import text_table
from restore_recog.system.atomic import json_text, plain, write_text
from restore_recog.system.text import csv_text

DASH = "–"

ENDINGS = {"text": "txt", "markdown": "md", "csv": "csv", "json": "json"}
"""Form -> ending of its file in the results folder."""

_CSV = (
    *("table", "row", "in_paper", "metric", "unit", "paper"),
    *("here", "low", "high", "n", "verdict", "obstacles"),
)


def shown(comparison: TableComparison, preset: Preset, form: str) -> str:
    """Return a comparison in one of :data:`ENDINGS`' forms."""
    if form == "json":
        return json_text(comparison_json(comparison, preset))
    if form == "csv":
        return comparison_csv(comparison)
    if form == "markdown":
        return comparison_markdown(comparison, preset)
    return comparison_text(comparison, preset) + "\n"


def write(comparison: TableComparison, preset: Preset, folder: Path) -> None:
    """Write ``reproduce.*`` into a results folder, replacing what an earlier run wrote.

    Raises:
        OutputError: The files cannot be written.
    """
    for form, ending in ENDINGS.items():
        text = shown(comparison, preset, form)
        write_text(folder / f"reproduce.{ending}", text)


def overview(tables: Iterable[PaperTable]) -> str:
    """Return one row per table: what it shows and what it needs."""
    rows = []
    for table in tables:
        preset = PRESETS.get(table.preset or "")
        data = DASH if preset is None else f"{preset.data}:PATH"
        restorers = "" if preset is None else " ".join(table.restorers)
        where = table.where.partition(",")[0].removeprefix("text of ")
        rows.append([table.name, where, data, restorers or DASH, table.title])
    head = ["table", "in the paper", "--data", "restorer", "shows"]
    ending = f"{DASH} under --data: printed for reading only; naming the table says why."
    return f"{text_table(head, rows, left=range(len(head)))}\n\n{ending}"


def table_text(table: PaperTable) -> str:
    """Return the paper's own figures, and what is needed to measure them here."""
    rows = [
        [row.label, *(_printed(row.values[key]) for key in table.metrics)] for row in table.rows
    ]
    preset = PRESETS.get(table.preset or "")
    parts = [
        title(table),
        text_table(["paper's figures", *(METRICS[key].heading for key in table.metrics)], rows),
        "\n".join(_doubts(table)),
        "\n".join(f"Note: {note}" for note in table.notes),
        f"There is no evaluation for this table: {table.why_not}."
        if preset is None
        else needs(table, preset),
    ]
    return "\n\n".join(part for part in parts if part)


def needs(table: PaperTable, preset: Preset) -> str:
    """Return what a run needs, and how it is set up."""
    measuring = f"restore-recog reproduce {table.name} --data {preset.data}:PATH"
    covered = f", coverings {preset.coverings}" if preset.coverings else ""
    lines = [
        f"To measure it here: {measuring}",
        *([f"  but not on '{preset.data}': {preset.unfit}."] if preset.unfit else []),
        *(
            f"  weights: {command}, then --weights DIR/weights.safetensors"
            for command in dict.fromkeys(map(preset.training, table.restorers))
        ),
        f"  the paper trained on {preset.trained_on}",
        f"  tested: {preset.images:,} images at {preset.size} x {preset.size}, protocol "
        f"'{preset.protocol}'{covered}",
        f"  rehearsal on made-up faces: --data {preset.rehearsal} --limit 20",
        *(f"Decided here: {sentence}" for sentence in preset.decided),
    ]
    return "\n".join(lines)


def title(table: PaperTable) -> str:
    """Return two lines that say which table it is."""
    return f"{table.name}: {table.title}\n{table.paper}, {table.where}; {table.tested_on}."


def comparison_text(comparison: TableComparison, preset: Preset) -> str:
    """Return the comparison for a terminal."""
    reasons = "; ".join(comparison.reasons())
    parts = [
        title(comparison.table),
        # What must be read before the numbers, where they reproduce nothing.
        f"NOT A REPRODUCTION: {reasons}." if reasons else "",
        "\n".join(comparison.weights),
        text_table(*_grid(comparison)),
        "\n".join(map(_gain, comparison.gains)),
        "\n".join(_doubts(comparison.table)),
        "\n".join(_remarks(comparison, preset)),
        comparison.verdict(),
    ]
    return "\n\n".join(part for part in parts if part)


def comparison_markdown(comparison: TableComparison, preset: Preset) -> str:
    """Return the comparison as markdown."""
    head, rows = _grid(comparison)
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    align = ["left", *["right"] * (len(head) - 1)]
    remarks = (
        *comparison.weights,
        *map(_gain, comparison.gains),
        *_doubts(comparison.table),
        *_remarks(comparison, preset),
    )
    parts = [
        f"### {comparison.table.name}",
        title(comparison.table).partition("\n")[2],
        tabulate(cells[1:], cells[0], tablefmt="pipe", colalign=align, disable_numparse=True),
        f"**{comparison.verdict()}**",
        "\n".join(f"* {remark}" for remark in remarks),
    ]
    return "\n\n".join(parts) + "\n"


def comparison_csv(comparison: TableComparison) -> str:
    """Return one row per cell, numbers unrounded."""
    return csv_text([_CSV, *_csv_rows(comparison)])


def _csv_rows(comparison: TableComparison) -> Iterator[list[Any]]:
    for row in (*comparison.rows, *comparison.gains):
        obstacles = "; ".join((*comparison.obstacles, *row.obstacles))
        for cell in row.cells:
            ours = cell.ours or Ours(math.nan)
            yield [
                comparison.table.name,
                row.label,
                "yes" if row.published else "no",
                cell.metric,
                METRICS[cell.metric].unit,
                cell.paper.text if cell.paper else "",
                *map(_number, (ours.value, ours.low, ours.high)),
                "" if ours.n is None else ours.n,
                cell.verdict,
                obstacles if cell.ours else "",
            ]


def _number(value: float) -> str:
    return f"{value:.10g}" if math.isfinite(value) else ""


def comparison_json(comparison: TableComparison, preset: Preset) -> dict[str, Any]:
    """Return everything as plain JSON values."""
    table = comparison.table
    return plain(
        {
            "table": table.name,
            "paper": table.cite,
            "where": table.where,
            "verdict": comparison.verdict(),
            "obstacles": comparison.obstacles,
            "cautions": comparison.cautions,
            "weights": comparison.weights,
            "decided": preset.decided,
            "notes": table.notes,
            "definitions": {key: METRICS[key].definition for key in table.columns},
            "lines": [_row_json(row) for row in comparison.rows],
            "gains": [_row_json(row) for row in comparison.gains],
        }
    )


def _row_json(row: ComparedRow) -> dict[str, Any]:
    return {
        "label": row.label,
        "in_paper": row.published,
        "obstacles": row.obstacles,
        "cells": [
            {
                "metric": cell.metric,
                "unit": METRICS[cell.metric].unit,
                "paper": cell.paper.number if cell.paper else None,
                "paper_as_printed": cell.paper.text if cell.paper else None,
                "doubt": cell.paper.doubt if cell.paper else "",
                "here": asdict(cell.ours) if cell.ours else None,
                "verdict": cell.verdict,
            }
            for cell in row.cells
        ],
    }


def _grid(comparison: TableComparison) -> tuple[list[str], list[list[str]]]:
    """Return head and rows: two columns per metric, the paper's and ours; one where we add it."""
    table = comparison.table
    head = ["system"]
    for key in table.metrics:
        head += [f"{METRICS[key].heading}: paper", "here [95 % CI]"]
    head += [f"{METRICS[key].heading}: here" for key in table.added]
    rows = []
    for row in comparison.rows:
        cells: list[str] = []
        for cell in row.cells:
            papers = [] if cell.metric in table.added else [_printed(cell.paper)]
            cells += [*papers, _here(cell)]
        counts = [cell.ours.n for cell in row.cells if cell.ours and cell.ours.n is not None]
        label = row.label if row.published else f"({row.label})"
        rows.append([label, *cells, f"{max(counts):,}" if counts else DASH])
    return [*head, "n"], rows


def _here(cell: ComparedCell) -> str:
    if cell.ours is None:
        return NOT_HERE if cell.verdict == NOT_HERE else DASH
    return _with_interval(cell) + ("*" if cell.ours.flag else "")


def _with_interval(cell: ComparedCell, sign: str = "") -> str:
    """Return our figure with as many digits as the paper's."""
    ours, digits = cell.ours, cell.paper.digits if cell.paper else 2
    if ours is None:
        return DASH
    text = f"{ours.value:{sign}.{digits}f}"
    if math.isfinite(ours.low) and math.isfinite(ours.high):
        text += f" [{ours.low:{sign}.{digits}f}, {ours.high:{sign}.{digits}f}]"
    return text


def _gain(row: ComparedRow) -> str:
    (cell,) = row.cells
    unit = METRICS[cell.metric].unit.replace("%", "points")
    here = f"{_with_interval(cell, '+')} {unit}".rstrip()
    return f"{row.label}: paper {_printed(cell.paper)}, here {here}; {cell.verdict}."


def _remarks(comparison: TableComparison, preset: Preset) -> list[str]:
    """Return what stands beneath a table: verdicts, definitions, differences, decisions."""
    lines = []
    for row in comparison.rows:
        if row.published and any(cell.ours for cell in row.cells):
            words = (f"{METRICS[c.metric].label} {c.verdict}" for c in row.cells if c.paper)
            lines.append(f"{row.label}: {', '.join(words)}".rstrip(": ") + ".")
    flags = {c.ours.flag for row in comparison.rows for c in row.cells if c.ours and c.ours.flag}
    lines += [f"*: {flag}." for flag in sorted(flags)]
    for metric in (METRICS[key] for key in comparison.table.columns):
        lines.append(f"{metric.label}: {metric.definition}.")
    lines += [f"Note: {note}" for note in comparison.table.notes]
    lines += [f"Differs: {caution}." for caution in comparison.cautions]
    return lines + [f"Decided here: {sentence}" for sentence in preset.decided]


def _doubts(table: PaperTable) -> list[str]:
    return [
        f"?: {row.label}, {METRICS[key].label}: {value.doubt}."
        for row in table.rows
        for key, value in row.values.items()
        if value and value.doubt
    ]


def _printed(value: Printed | None) -> str:
    return DASH if value is None else value.text + ("?" if value.doubt else "")
