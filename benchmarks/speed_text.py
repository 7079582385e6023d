"""The figures of ``bench restore`` and ``bench train`` as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]

HIDDEN = 0.02
"""Parts that take less of the time are left out of the text; the JSON has them."""


def restore_text(results: Mapping[str, Any]) -> str:
    """Return all that ``bench restore`` found."""
    lines = [*_machine(results), ""]
    for key, rows in groupby(results["rows"], lambda r: (r["restorer"], r["preset"], r["size"])):
        lines += [" ".join(str(part) for part in key if part is not None), *_table(list(rows)), ""]
    lines += _parts(results["rows"])
    lines += [_check(check) for check in results["checks"]]
    return "\n".join([*lines, "", *_targets(results["targets"]), "", *results["notes"]])


def train_text(results: Mapping[str, Any]) -> str:
    """Return all that ``bench train`` found."""
    lines = [*_machine(results), ""]
    for key, rows in groupby(results["rows"], lambda r: (r["model"], r["preset"], r["phase"])):
        group = list(rows)
        title = " ".join(str(part) for part in key if part is not None)
        lines += [f"{title} at {group[0]['size']}", *_table(group), *_operators(group), ""]
    return "\n".join([*lines, *_targets(results["targets"]), "", *results["notes"]])


def _operators(rows: Sequence[Row]) -> list[str]:
    """Return what takes the time of a phase's step."""
    lines = []
    for row in rows:
        if row["case"] != "step" or not row.get("operators"):
            continue
        lines.append(f"  time by operator, batch {row['batch']}, {row['precision']}:")
        for operator in row["operators"]:
            share, calls = 100 * operator["share"], operator["calls"]
            lines.append(f"    {share:5.1f} %  {calls:7,.0f} calls  {operator['operator']}")
    return lines


def _machine(results: Mapping[str, Any]) -> list[str]:
    about = results["machine"]
    where = about.get("gpu") or about["processor"]
    lines = [
        f"{where}; {about['cores']} cores, {about['threads']} threads (load "
        f"{about['load_1min']:.1f} before, {about['load_1min_after']:.1f} after); PyTorch "
        f"{about['torch']}, Python {about['python']}"
    ]
    for rate in results["matmul"]:
        said = rate["reason"] or f"{_giga(rate['flops_per_s'])} GFLOP/s"
        lines.append(f"Matrix product {rate['side']} x {rate['side']}, {rate['precision']}: {said}")
    return lines


def _table(rows: Sequence[Row]) -> list[str]:
    head = (
        "case",
        "batch",
        "prec.",
        "mode",
        "images/s",
        "ms/image",
        "p95",
        "MiB",
        "GFLOP/image",
    ) + ("GFLOP/s", "of matmul", "speed of ours")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells if i < len(line)) for i in range(len(head))]
    text = []
    for line, row in zip(cells, [None, *rows], strict=True):
        shown = [
            cell.ljust(width) if i in (0, 2, 3) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=False))
        ]
        reason = f"  {row['reason']}" if row and row["reason"] else ""
        if row and row.get("waiting") is not None:
            reason = f"  {100 * row['waiting']:.0f} % of the time waiting for data"
        text.append("  " + "  ".join(shown).rstrip() + reason)
    return text


def _cells(row: Row) -> tuple[str, ...]:
    mode = "compiled" if row["compiled"] else "eager"
    start = (row["case"], str(row["batch"]), row["precision"], mode)
    if row["reason"]:
        return start
    share, ours = row["matmul_share"], row["restorer_times_faster"]
    return (
        *start,
        f"{row['images_per_s']:,.1f}",
        f"{row['ms_median']:,.2f}",
        f"{row['ms_p95']:,.2f}",
        f"{row['peak_mib']:,.0f}",
        f"{row['flops_image'] / 1e9:,.3f}" if row["flops_image"] else "-",
        _giga(row["flops_per_s"]),
        f"{100 * share:.0f} %" if share else "-",
        f"x {ours:.2f}" if ours else "-",
    )


def _giga(value: float | None) -> str:
    return f"{value / 1e9:,.0f}" if value else "-"


def _parts(rows: Sequence[Row]) -> list[str]:
    """Return where the time of each restorer goes, once a batch size."""
    lines = []
    for row in rows:
        shown = [part for part in row.get("parts") or () if part["share"] >= HIDDEN]
        if row["case"] != "restorer" or not shown:
            continue
        lines.append(
            f"{row['restorer']} {row['preset']} {row['size']}, batch {row['batch']}, "
            f"{row['precision']}: share of the time"
        )
        for part in shown:
            depth = "  " * part["part"].count(".")
            lines.append(f"  {100 * part['share']:5.1f} %  {depth}{part['part']}")
    return lines


def _check(check: Row) -> str:
    named = f"{check['restorer']} {check['preset']} and its {check['case']}"
    if check["equal"] is None:
        return f"not compared: {named}: {check['reason']}"
    said, outputs = "equal" if check["equal"] else "DIFFERENT", len(check["compared"])
    return (
        f"{said}: {named}; of {outputs} outputs "
        f"{check['worst']} differs most, by up to {check['largest']:.1g} of its largest value, "
        f"{100 * check['beyond']:.2g} % of values by more than 0.001"
    )


def _targets(targets: Sequence[Row]) -> list[str]:
    lines = ["Targets"]
    for target in targets:
        said = "not applicable to this run"
        if target["met"] is not None:
            said = f"{'met' if target['met'] else 'NOT met'}: {target['measured']:,.3g}"
        lines.append(f"  {target['target']}: {said}")
    return lines
