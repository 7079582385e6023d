"""The acceptance table: what restoring is worth to each recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from restore_recog.evaluation.figure import FigureName
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.reporting.columns import column_of
from restore_recog.reporting.folder import read

AT = 0.001
"""FMR that fixes the threshold, on bare faces."""

FIGURES = (
    "rank1",
    "rank1_gain",
    "recovered",
    FigureName("fnmr_frozen", AT),
    FigureName("fmr_frozen", AT),
    "psnr_mask",
)


def acceptance(folders: Sequence[Path]) -> str:
    """Return a Markdown table of all arms of finished evaluations, one recogniser after another.

    Args:
        folders: Results folders.
    """
    heads = ["recogniser", "arm", *(column_of(name).title for name in FIGURES)]
    rows = [row for folder in folders for row in _rows(read(folder))]
    return tabulate(rows, heads, tablefmt="github", disable_numparse=True)


def _rows(report: EvaluationReport) -> list[list[str]]:
    facts = report.setup["recognizer"]
    judge = ":".join(str(facts[key]) for key in ("name", "argument") if facts[key])
    return [[judge, arm.name, *(_text(arm, name) for name in FIGURES)] for arm in report.arms]


def _text(arm: ArmReport, name: str) -> str:
    cell = column_of(name).cell(arm.figures)
    ends = f" ({cell.low} to {cell.high})" if cell.low else ""
    return cell.value + ends + (f" [{cell.flag}]" if cell.flag else "")
