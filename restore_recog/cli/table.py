"""A report as text for the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from restore_recog.report import ArmReport, Report


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    Attributes:
        title: Its head, units included.
        figure: Which figure of the arm it shows.
        scale: Factor on the value, e.g. 100 for per cent.
        digits: After the point.
        signed: Write a plus; for differences.
        interval: Also show the 95 % interval.
    """

    title: str
    figure: str
    scale: float = 1.0
    digits: int = 1
    signed: bool = False
    interval: bool = False

    def cell(self, arm: ArmReport) -> str:
        """Return the figure as text, or a dash where it was not measured."""
        figure = arm.figures.get(self.figure, {})
        text = self._number(figure.get("value"))
        low, high = figure.get("low"), figure.get("high")
        if self.interval and _known(low) and _known(high):
            text += f" [{self._number(low)}, {self._number(high)}]"
        return text

    def _number(self, value: Any) -> str:
        if not _known(value):
            return "-"
        sign = "+" if self.signed else ""
        return f"{value * self.scale:{sign}.{self.digits}f}"


COLUMNS = (
    Column("rank-1 % [95 % CI]", "rank1", 100, interval=True),
    Column("gain [95 % CI]", "rank1_gain", 100, signed=True, interval=True),
    Column("cosine", "cosine", digits=3),
    Column("EER %", "eer", 100),
    Column("FNMR %", "fnmr@fmr=0.01", 100),
    Column("PSNR dB", "psnr_mask", digits=2),
    Column("SSIM", "ssim_mask", digits=3),
    Column("Dice", "dice", digits=3),
)
LEGEND = (
    "gain: rank-1 against 'occluded', in points; FNMR: at 1 % FMR; PSNR and SSIM: inside the "
    "covering;\nDice: of the map that was used."
)


def render(report: Report) -> str:
    """Return the report's labels, table, failures and verdicts, ready to print."""
    columns = [c for c in COLUMNS if any(c.figure in arm.figures for arm in report.arms)]
    head = ["arm", *(column.title for column in columns)]
    rows = [[arm.name, *(column.cell(arm) for column in columns)] for arm in report.arms]
    parts = [_aligned([head, *rows]) + "\n" + LEGEND]
    if report.labels:
        parts.insert(0, "\n".join(report.labels))
    lost = [
        f"{arm.name}: {arm.misses} probes without a template, {arm.fallbacks} not restored"
        for arm in report.arms
        if arm.misses or arm.fallbacks
    ]
    stages = Counter(failure.stage for failure in report.failures)
    lost += [f"{count} failures at the stage '{stage}'" for stage, count in stages.items()]
    if lost:
        parts.append("Counted as misses, never left out:\n" + "\n".join(f"  {x}" for x in lost))
    parts.append("\n".join(report.verdicts))
    return "\n\n".join(part for part in parts if part)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _known(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
