"""The page of one report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.evaluation.results import EvaluationReport, Example
from restore_recog.labels import KINDS
from restore_recog.reporting import csv_files, report_figures, strips
from restore_recog.reporting.columns import ACQUISITION, NOTHING, known
from restore_recog.reporting.pages import answer, groups, harm, recognition
from restore_recog.reporting.pages.elements import (
    Grid,
    Photograph,
    arms_table,
    grid,
    photograph,
    render,
)
from restore_recog.reporting.report_figures import Plot

LEAST_WIDTH = 900
"""Strips are shown at least so wide, in pixels."""


def page(report: EvaluationReport, plots: Mapping[str, Plot] | None = None) -> str:
    """Return the HTML page of a report; *plots* are its figures where they are drawn already."""
    return render(
        "report.html.j2",
        report=report,
        answers=answer.answers(report),
        glossary=answer.GLOSSARY,
        quality=report.setup.get("asks") not in (None, "recognition"),
        kind=kind if (kind := report.setup.get("asks")) in KINDS else "",
        classes=groups.classes(report),
        plots=report_figures.images(report) if plots is None else plots,
        recognition=recognition.recognition(report),
        flips=recognition.flips(report),
        verification=recognition.verification(report),
        thresholds=recognition.thresholds(report),
        groups=groups.groups(report),
        harms=harm.harms(report),
        likeness=groups.likeness(report),
        identity=groups.identity(report),
        coverings=groups.coverings(report),
        failures=_failures(report),
        photographs=[_photograph(example) for example in report.examples],
        sheet_caption=strips.CAPTION if any("clean" in e.titles for e in report.examples) else "",
        timing=_timing(report),
        memory=_memory(report),
    )


def _failures(report: EvaluationReport) -> dict[str, Any]:
    """Return what failed: as rates, by stage, and what each arm lost."""
    stages = csv_files.failures_by_stage(report.failures)
    return {
        "rates": arms_table(ACQUISITION, [(arm.name, arm.figures) for arm in report.arms]),
        "stages": grid(
            ["Stage", "Images", "People", "Entries in the ledger"],
            (
                [stage, *(str(counts[key]) for key in ("images", "subjects", "events"))]
                for stage, counts in stages.items()
            ),
        ),
        "losses": csv_files.losses(report.arms),
    }


def _photograph(example: Example) -> Photograph:
    restored = [title for title in example.titles if strips.restored(title)]
    label = f" ({', '.join(restored)}: {strips.GUESS})" if restored else ""
    width = example.strip.shape[1]
    return photograph(
        example,
        ", ".join(example.titles),
        f"{example.probe_id}: {example.caption}{label}",
        width=max(width, LEAST_WIDTH),
        scale=2 if width < LEAST_WIDTH else 1,
    )


def _timing(report: EvaluationReport) -> Grid | None:
    head = ["Stage", "Median, ms an image", "95 % within, ms", "Mean, ms", "Images/s", "Images"]
    return grid(head, ([stage, *_costs(cost)] for stage, cost in report.timing.items()))


def _costs(cost: Mapping[str, float]) -> list[str]:
    def number(key: str, digits: int = 1) -> str:
        value = cost.get(key)
        return f"{value:.{digits}f}" if known(value) else NOTHING

    keys = ("ms_median", "ms_p95", "ms_per_image", "images_per_s")
    return [*(number(key) for key in keys), number("images", 0)]


def _memory(report: EvaluationReport) -> list[str]:
    peak = report.setup.get("peak_memory_mib") or {}
    return [f"{name} {value:.0f} MiB" for name, value in peak.items() if known(value)]
