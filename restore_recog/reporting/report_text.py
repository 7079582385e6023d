"""A report as text for the terminal."""

from __future__ import annotations

from restore_recog.evaluation.results import EvaluationReport
from restore_recog.reporting import csv_files
from restore_recog.reporting.tables import arms_text


def render(report: EvaluationReport) -> str:
    """Return the report's labels, table, flips, failures and verdicts, ready to print."""
    lost = csv_files.losses(report.arms)
    lost += csv_files.stage_lines(csv_files.failures_by_stage(report.failures))
    flips = [
        f"{name}: {', '.join(f'{counts[kind]} {kind}' for kind in csv_files.OUTCOMES)}"
        for name, counts in csv_files.counted(csv_files.flips(report)).items()
    ]
    parts = [
        "\n".join(report.labels),
        arms_text(report.arms),
        _listed("Probes at rank 1, before and after", flips),
        _listed("Counted as misses, never left out", lost),
        "\n".join(verdict.sentence for verdict in report.verdicts),
    ]
    return "\n\n".join(part for part in parts if part)


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)]) if lines else ""
