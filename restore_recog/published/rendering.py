"""A comparison as text, markdown, CSV and JSON; a table alone as text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

from restore_recog.published.comparison import NOT_HERE, Cell, Comparison, Line, Ours
from restore_recog.published.metrics import METRICS, Metric
from restore_recog.published.presets import PRESETS, Preset
from restore_recog.published.tables import Table, Value
from restore_recog.reporting.tables import text_table

DASH = "–"


def heading(metric: Metric) -> str:
    """Return a column's head with its unit."""
    return f"{metric.label}, {metric.unit}" if metric.unit else metric.label


def overview(tables: Iterable[Table]) -> str:
    """Return one line a table: what it shows and what it needs."""
    rows = []
    for table in tables:
        preset = PRESETS.get(table.preset or "")
        data = DASH if preset is None else f"{preset.data[0]}:PATH"
        restorers = "" if preset is None else " ".join(table.restorers)
        where = table.where.partition(",")[0].removeprefix("text of ")
        rows.append([table.name, where, data, restorers or DASH, table.title])
    head = ["table", "in the paper", "--data", "restorer", "shows"]
    ending = f"{DASH} under --data: printed for reading only; naming the table says why."
    return f"{_left(head, rows)}\n\n{ending}"


def table_text(table: Table) -> str:
    """Return the paper's own figures, and what is needed to measure them here."""
    columns = [METRICS[key] for key in table.metrics]
    rows = [
        [row.label, *(_printed(row.values[key]) for key in table.metrics)] for row in table.rows
    ]
    parts = [
        title(table),
        text_table(["paper's figures", *map(heading, columns)], rows),
        _doubts(table),
        "\n".join(f"Note: {note}" for note in table.notes),
    ]
    preset = PRESETS.get(table.preset or "")
    if preset is None:
        parts.append(f"There is no evaluation for this table: {table.why_not}.")
    else:
        parts.append(needs(table, preset))
    return "\n\n".join(part for part in parts if part)


def needs(table: Table, preset: Preset) -> str:
    """Return what a run needs, and how it is set up."""
    lines = [
        f"To measure it here: restore-recog reproduce {table.name} --data {preset.data[0]}:PATH"
    ]
    for name, reason in preset.refused:
        lines.append(f"  but not on '{name}': {reason}.")
    for restorer in table.restorers:
        train = preset.training.format(restorer=restorer)
        lines.append(f"  weights: {train}, then --weights DIR/weights.safetensors")
    lines += [
        f"  the paper trained on {preset.trained_on}",
        f"  tested: {preset.images:,} images at {preset.size} x {preset.size}, protocol "
        f"'{preset.protocol}'" + (f", coverings {preset.coverings}" if preset.coverings else ""),
        f"  rehearsal on made-up faces: --data {preset.rehearsal} --limit 20",
        *(f"Decided here: {sentence}" for sentence in preset.decided),
    ]
    return "\n".join(lines)


def title(table: Table) -> str:
    """Return two lines that say which table it is."""
    return f"{table.name}: {table.title}\n{table.paper}, {table.where}; {table.tested_on}."


def comparison_text(found: Comparison, preset: Preset) -> str:
    """Return the comparison for a terminal."""
    head, rows = _grid(found)
    parts = [
        title(found.table),
        _warning(found),
        "\n".join(found.weights),
        text_table(head, rows),
        _gain_text(found.gains),
        _doubts(found.table),
        "\n".join(_remarks(found, preset)),
        found.verdict(),
    ]
    return "\n\n".join(part for part in parts if part)


def comparison_markdown(found: Comparison, preset: Preset) -> str:
    """Return the comparison as markdown."""
    head, rows = _grid(found)
    lines = [
        f"### {found.table.name}",
        "",
        title(found.table).partition("\n")[2],
        "",
        _markdown_row(head),
        "|" + "---|" + "---:|" * (len(head) - 1),
        *map(_markdown_row, rows),
        "",
        f"**{found.verdict()}**",
        "",
        *(f"* {line}" for line in found.weights),
        *(f"* {line}" for line in _gain_text(found.gains).splitlines()),
        *(f"* {line}" for line in _doubts(found.table).splitlines()),
        *(f"* {line}" for line in _remarks(found, preset)),
    ]
    return "\n".join(lines) + "\n"


def comparison_csv(found: Comparison) -> str:
    """Return one line a cell, numbers unrounded."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["table", "row", "in_paper", "metric", "unit", "paper", "here", "low", "high", "n",
         "verdict", "obstacles"]
    )  # fmt: skip
    for line in (*found.lines, *found.gains):
        for cell in line.cells:
            ours = cell.ours or Ours(math.nan)
            writer.writerow(
                [found.table.name, line.label, "yes" if line.published else "no", cell.metric,
                 METRICS[cell.metric].unit, cell.paper.text if cell.paper else "",
                 _number(ours.value), _number(ours.low), _number(ours.high),
                 "" if ours.n is None else ours.n, cell.verdict,
                 "; ".join((*found.obstacles, *line.obstacles)) if cell.ours else ""]
            )  # fmt: skip
    return buffer.getvalue()


def comparison_json(found: Comparison, preset: Preset) -> dict[str, Any]:
    """Return everything as plain JSON values."""
    return {
        "table": found.table.name,
        "paper": found.table.cite,
        "where": found.table.where,
        "verdict": found.verdict(),
        "obstacles": list(found.obstacles),
        "cautions": list(found.cautions),
        "weights": list(found.weights),
        "decided": list(preset.decided),
        "notes": list(found.table.notes),
        "definitions": {key: METRICS[key].definition for key in found.table.metrics},
        "lines": [_line_json(line) for line in found.lines],
        "gains": [_line_json(line) for line in found.gains],
    }


def _warning(found: Comparison) -> str:
    """Return what must be read before the numbers, where they reproduce nothing."""
    return f"NOT A REPRODUCTION: {'; '.join(found.reasons())}." if found.reasons() else ""


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "label": line.label,
        "in_paper": line.published,
        "obstacles": list(line.obstacles),
        "cells": [
            {
                "metric": cell.metric,
                "unit": METRICS[cell.metric].unit,
                "paper": cell.paper.number if cell.paper else None,
                "paper_as_printed": cell.paper.text if cell.paper else None,
                "doubt": cell.paper.doubt if cell.paper else "",
                "here": _ours_json(cell.ours),
                "verdict": cell.verdict,
            }
            for cell in line.cells
        ],
    }


def _ours_json(ours: Ours | None) -> dict[str, Any] | None:
    if ours is None:
        return None
    numbers = {"value": ours.value, "low": ours.low, "high": ours.high}
    strict = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
    return {**strict, "n": ours.n, "flag": ours.flag}


def _grid(found: Comparison) -> tuple[list[str], list[list[str]]]:
    """Return head and rows: two columns a metric, the paper's and ours."""
    head = ["system"]
    for key in found.table.metrics:
        head += [f"{heading(METRICS[key])}: paper", "here [95 % CI]"]
    rows = []
    for line in found.lines:
        row = [line.label if line.published else f"({line.label})"]
        for cell in line.cells:
            row += [_printed(cell.paper), _ours(cell)]
        rows.append(row)
    return [*head, "n"], [[*row, _n(line)] for row, line in zip(rows, found.lines, strict=True)]


def _ours(cell: Cell) -> str:
    if cell.ours is None:
        return NOT_HERE if cell.verdict == NOT_HERE else DASH
    digits = len(cell.paper.text.partition(".")[2]) if cell.paper else 2
    return _with_interval(cell.ours, digits) + ("*" if cell.ours.flag else "")


def _with_interval(ours: Ours, digits: int, sign: str = "") -> str:
    text = f"{ours.value:{sign}.{digits}f}"
    if math.isfinite(ours.low) and math.isfinite(ours.high):
        text += f" [{ours.low:{sign}.{digits}f}, {ours.high:{sign}.{digits}f}]"
    return text


def _n(line: Line) -> str:
    counts = {cell.ours.n for cell in line.cells if cell.ours and cell.ours.n is not None}
    return f"{max(counts):,}" if counts else DASH


def _gain_text(gains: Sequence[Line]) -> str:
    lines = []
    for line in gains:
        (cell,) = line.cells
        digits = len(cell.paper.text.partition(".")[2]) if cell.paper else 2
        here = _with_interval(cell.ours, digits, "+") if cell.ours else DASH
        unit = METRICS[cell.metric].unit.replace("%", "points")
        lines.append(
            f"{line.label}: paper {_printed(cell.paper)}, here {here} {unit}".rstrip()
            + f"; {cell.verdict}."
        )
    return "\n".join(lines)


def _remarks(found: Comparison, preset: Preset) -> list[str]:
    """Return what stands beneath a table: verdicts, definitions, differences, decisions."""
    lines = []
    for line in found.lines:
        if line.published and any(cell.ours for cell in line.cells):
            words = (
                f"{METRICS[cell.metric].label} {cell.verdict}" for cell in line.cells if cell.paper
            )
            lines.append(f"{line.label}: {', '.join(words)}".rstrip(": ") + ".")
    flags = {c.ours.flag for line in found.lines for c in line.cells if c.ours and c.ours.flag}
    lines += [f"*: {flag}." for flag in sorted(flags)]
    for key in found.table.metrics:
        lines.append(f"{METRICS[key].label}: {METRICS[key].definition}.")
    lines += [f"Note: {note}" for note in found.table.notes]
    lines += [f"Differs: {caution}." for caution in found.cautions]
    return lines + [f"Decided here: {sentence}" for sentence in preset.decided]


def _doubts(table: Table) -> str:
    return "\n".join(
        f"?: {row.label}, {METRICS[key].label}: {value.doubt}."
        for row in table.rows
        for key, value in row.values.items()
        if value and value.doubt
    )


def _printed(value: Value | None) -> str:
    return DASH if value is None else value.text + ("?" if value.doubt else "")


def _number(value: float) -> str:
    return f"{value:.10g}" if math.isfinite(value) else ""


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _left(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns of text, all to the left."""
    everything = [head, *rows]
    widths = [max(len(row[i]) for row in everything) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    )
