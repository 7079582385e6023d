"""The sections on groups of probes and on image quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from restore_recog.evaluation.results import Cohort, Report
from restore_recog.reporting.columns import LIKENESS, NOTHING, Cell, Figures, column_of, known
from restore_recog.reporting.pages.elements import (
    arms_table,
    bullets,
    drawing,
    folded,
    paragraph,
    table,
)
from restore_recog.reporting.report_figures import Plot, people
from restore_recog.reporting.strips import CAPTION

SHOWN = (
    "rank1",
    "rank1_gain",
    "accuracy",
    "accuracy_gain",
    "cosine_gain",
    "fmr_frozen@fmr=0.001",
    "fnmr_frozen@fmr=0.001",
    "fta",
)
"""Figures in the tables of groups; cohorts.csv and report.json have them all."""


def cohorts(report: Report, images: Mapping[str, Plot]) -> str:
    """Return the gain by group as a chart, the groups' figures, and how far they lie apart."""
    if not report.cohorts:
        return ""
    chart = drawing(images.get("cohorts"), "Gain of every group of probes with its interval")
    columns = [column_of(name) for name in SHOWN]
    shown = arms_table(columns, _rows(report), "Group and arm")
    parts = [chart, _suppressed(report)]
    parts += [folded("Figures of every group", shown)] if shown else []
    parts += (
        [folded("How far the groups lie apart", spread)] if (spread := _spreads(report)) else []
    )
    parts.append(
        paragraph(
            "All groups are judged at the same thresholds. Intervals are from resampling people; "
            "a group that looks worse may only be small, and the best and the worst are picked "
            "after seeing all, so some distance comes by chance. Ratio: worst over best of error "
            "rates, best over worst of success rates. FDR: fairness discrepancy rate, 1 is even; "
            "GARBE: Gini's measure of error rates, 0 is even."
        )
    )
    return "".join(parts)


def _rows(report: Report) -> Iterator[tuple[str, Figures]]:
    for cohort in report.cohorts:
        for name in _arms(report):
            if name in cohort.arms:
                yield f"{_name(cohort)}, {name}", cohort.arms[name]


def _arms(report: Report) -> list[str]:
    return [arm.name for arm in report.arms if arm.arm in ("occluded", "restored")]


def _name(cohort: Cohort) -> str:
    return f"{cohort.column} = {cohort.value}"


def _suppressed(report: Report) -> str:
    """Return the groups that were not measured, by label."""
    found: dict[str, list[str]] = {}
    for cohort in report.cohorts:
        if not cohort.arms:
            text = f"{cohort.value} ({people(cohort.n_subjects)}, n = {cohort.n})"
            found.setdefault(cohort.column, []).append(text)
    if not found:
        return ""
    lead = paragraph("Too few people to be measured, so only counted:")
    return lead + bullets(f"{column}: {', '.join(values)}" for column, values in found.items())


def _spreads(report: Report) -> str:
    names = _arms(report)
    spreads = [s for s in report.spreads if s.arm in names and s.figure in SHOWN]
    if not spreads:
        return ""
    more = list(dict.fromkeys(name for spread in spreads for name in spread.other))
    rows: list[list[str | Cell]] = []
    for spread in spreads:
        column = column_of(spread.figure)
        rows.append(
            [
                f"{spread.column}, {spread.arm}",
                column.title,
                spread.best,
                spread.worst,
                column.cell({spread.figure: spread.difference}),
                _plain(spread.ratio, 2),
                *(_plain(spread.other.get(name), 3) for name in more),
            ]
        )
    head = ["Label and arm", "Figure", "Best", "Worst", "Best less worst", "Ratio"]
    return table([*head, *(name.upper() for name in more)], rows)


def _plain(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if known(value) else NOTHING


def likeness(report: Report, images: Mapping[str, Plot]) -> str:
    """Return image quality, and whether it goes with recognition."""
    shown = arms_table(LIKENESS, [(arm.name, arm.figures) for arm in report.arms])
    if not shown:
        return paragraph("No unoccluded twins are known, so likeness cannot be measured.")
    chart = drawing(images.get("quality"), "Gain in PSNR against gain in cosine, every probe")
    return (
        shown
        + chart
        + bullets(_correlations(report))
        + paragraph(
            "Each dot is a probe: how much nearer its image came to the unoccluded twin, and how "
            "much nearer its template came to the person's own. An image can look better and be "
            "recognised worse (lower right)."
        )
        if chart
        else shown
    )


def _correlations(report: Report) -> Iterator[str]:
    column = column_of("quality_vs_recognition")
    for arm in report.arms:
        cell = column.cell(arm.figures)
        if arm.arm == "restored" and cell.value != NOTHING:
            interval = f" (95 % interval {cell.low} to {cell.high}; n = {cell.n})"
            yield (
                f"{arm.name}: Spearman's rank correlation of the two gains is ρ = {cell.value}"
                f"{interval if cell.low else ''}"
            )


IDENTITY = ("cosine", "cosine_gain")


def asked(report: Report) -> bool:
    """Return whether a report asks how near images come to their unoccluded versions."""
    return report.setup.get("asks") == "quality"


def images(report: Report, drawn: Mapping[str, Plot]) -> str:
    """Return the likeness of every arm, and what its figures are."""
    return likeness(report, drawn) + paragraph(
        "Every figure is the mean over the probes, with its 95 % interval from resampling people; "
        "arrows say which way is better. L1 is in per cent and L2 in squares of the range [0, 1]. "
        "FID and the Fréchet distance of templates are of all images of an arm together against "
        "the unoccluded ones, have no interval, and compare only with figures of as many images. "
        "NIQE and BRISQUE look at an image alone and know of no face. PSNR of an image that "
        "is the same as its twin is infinite, and such images are left out of its mean."
    )


def identity(report: Report) -> str:
    """Return how much of the identity the templates keep."""
    columns = [column_of(name) for name in IDENTITY]
    shown = arms_table(columns, [(arm.name, arm.figures) for arm in report.arms])
    return shown and shown + paragraph(
        "Cosine of the template to the one of the same unoccluded image. It says how much of "
        "the identity is kept; how well people are told apart needs another protocol."
    )


def sheet_words(report: Report) -> str:
    """Return where the sheet of differences is, if there is one."""
    if not any("clean" in example.titles for example in report.examples):
        return ""
    return paragraph(f"The same rows with the difference are in figures/sheet.png. {CAPTION}")


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
