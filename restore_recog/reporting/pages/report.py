"""The page of one report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from restore_recog.evaluation.results import Example, Report
from restore_recog.reporting import csv_files, report_figures, strips
from restore_recog.reporting.columns import ACQUISITION, NOTHING, known
from restore_recog.reporting.pages import groups
from restore_recog.reporting.pages.elements import (
    arms_table,
    bullets,
    document,
    folded,
    paragraph,
    photograph,
    sections,
    table,
)
from restore_recog.reporting.pages.groups import cohorts, coverings, likeness
from restore_recog.reporting.pages.recognition import flips, recognition, transfer, verification
from restore_recog.reporting.report_figures import Plot
from restore_recog.system.atomic import plain

QUESTION = "Does restoring the face first help the recogniser?"
QUALITY = "How near do restored faces come to the unoccluded ones?"
LIKENESS = "Likeness to the unoccluded twin"

FLIPS_FIRST = (
    " Flips come first: probes that were found only after restoring, then those that were found "
    "only before."
)

LEAST_WIDTH = 900
"""Strips are shown at least so wide, in pixels."""


def page(report: Report, images: Mapping[str, Plot] | None = None) -> str:
    """Return the HTML page of a report; *images* are its figures where they are drawn already."""
    drawn = report_figures.images(report) if images is None else images
    parts = [
        *_first(report, drawn),
        ("Flips", flips(report)),
        ("Verification", verification(report, drawn)),
        ("Threshold carried over", transfer(report)),
        ("Groups of probes", cohorts(report, drawn)),
        *(() if groups.asked(report) else [(LIKENESS, likeness(report, drawn))]),
        ("Coverings drawn", coverings(report)),
        ("What failed", _failures(report)),
        ("Before and after", _examples(report)),
        ("Cost", _cost(report)),
        ("Notes", bullets(report.notes) if report.notes else ""),
        ("To repeat it", _repeat(report)),
    ]
    body = [
        f"<h1>{QUALITY if groups.asked(report) else QUESTION}</h1>",
        "<p>" + "".join(f'<span class="label">{escape(x)}</span>' for x in report.labels) + "</p>",
        *_verdicts(report),
        sections(parts),
    ]
    return document("restore-recog: report", body)


def _first(report: Report, drawn: Mapping[str, Plot]) -> list[tuple[str, str]]:
    """Return the sections that answer what the report asks."""
    if groups.asked(report):
        return [(LIKENESS, groups.images(report, drawn)), ("Identity", groups.identity(report))]
    return [("Recognition", recognition(report, drawn))]


def _verdicts(report: Report) -> list[str]:
    """Return the verdicts, each under its answer."""
    return [
        f'<p class="verdict {verdict.answer.partition(" ")[0]}"><b>{verdict.answer}</b>'
        f"{escape(verdict.sentence)}</p>"
        for verdict in report.verdicts
    ]


def _failures(report: Report) -> str:
    shown = arms_table(ACQUISITION, [(arm.name, arm.figures) for arm in report.arms])
    stages = csv_files.failures_by_stage(report.failures)
    lines = csv_files.losses(report.arms)
    counts = table(
        ["Stage", "Images", "People", "Entries in the ledger"],
        [
            [stage, str(count["images"]), str(count["subjects"]), str(count["events"])]
            for stage, count in stages.items()
        ],
    )
    if not (lines or stages):
        return shown + paragraph("Nothing failed.")
    return (
        shown
        + (counts if stages else "")
        + (bullets(lines) if lines else "")
        + paragraph("Every failure is listed in failures.csv; none left a denominator.")
    )


def _examples(report: Report) -> str:
    if not report.examples:
        return ""
    words = paragraph(
        "Every restored region is painted by a model: a guess, not evidence."
        + ("" if groups.asked(report) else FLIPS_FIRST)
    )
    return words + groups.sheet_words(report) + "".join(map(_example, report.examples))


def _example(example: Example) -> str:
    restored = [title for title in example.titles if title.startswith("restored")]
    label = f" ({', '.join(restored)}: {strips.GUESS})" if restored else ""
    width = example.strip.shape[1]
    return photograph(
        strips.labelled(example, 2 if width < LEAST_WIDTH else 1),
        ", ".join(example.titles),
        f"{example.probe_id}: {example.caption}{label}",
        max(width, LEAST_WIDTH),
    )


def _cost(report: Report) -> str:
    rows = [[stage, *_costs(cost)] for stage, cost in report.timing.items()]
    head = ["Stage", "Median, ms an image", "95 % within, ms", "Mean, ms", "Images/s", "Images"]
    shown = table(head, rows) if rows else ""
    peak = report.setup.get("peak_memory_mib")
    if isinstance(peak, Mapping) and peak:
        sizes = ", ".join(f"{name} {value:.0f} MiB" for name, value in peak.items() if known(value))
        shown += paragraph(f"Peak memory: {sizes}.") if sizes else ""
    return shown


def _costs(cost: Mapping[str, float]) -> list[str]:
    def number(key: str, digits: int = 1) -> str:
        value = cost.get(key)
        return f"{value:.{digits}f}" if known(value) else NOTHING

    keys = ("ms_median", "ms_p95", "ms_per_image", "images_per_s")
    return [*(number(key) for key in keys), number("images", 0)]


def _repeat(report: Report) -> str:
    command = report.setup.get("command")
    parts = [f"<pre>{escape(str(command))}</pre>"] if command else []
    if report.protocol:
        names = ", ".join(sorted(report.protocol))
        parts.append(
            paragraph(
                f"Who was compared with whom is fixed by the files {names} in the folder "
                "'protocol'; others repeat the run with --protocol csv:protocol."
            )
        )
    setup = json.dumps(plain(report.setup), indent=1, ensure_ascii=False)
    parts.append(folded("Everything the run rests on", f"<pre>{escape(setup)}</pre>"))
    return "".join(parts)
