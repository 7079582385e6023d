"""A report as text for the terminal."""

from __future__ import annotations

from restore_recog.reporting import tallies
from restore_recog.reporting.report import Report
from restore_recog.reporting.table_formats import arms_text


def render(report: Report) -> str:
    """Return the report's labels, table, flips, failures and verdicts, ready to print."""
    lost = tallies.losses(report.arms)
    lost += tallies.stage_lines(tallies.failures_by_stage(report.failures))
    flips = [
        f"{name}: {', '.join(f'{counts[kind]} {kind}' for kind in tallies.OUTCOMES)}"
        for name, counts in tallies.counted(tallies.flips(report)).items()
    ]
    parts = [
        "\n".join(report.labels),
        arms_text(report.arms),
        _listed("Probes at rank 1, before and after", flips),
        _listed("Counted as misses, never left out", lost),
        "\n".join(report.verdicts),
    ]
    return "\n\n".join(part for part in parts if part)


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)]) if lines else ""
