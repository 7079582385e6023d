"""What a report's page says of groups of probes, of image quality and of the coverings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from restore_recog.evaluation.arms.oracle import ORACLE_LABELS
from restore_recog.evaluation.figure import FigureName, Figures
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.labels import KINDS
from restore_recog.reporting.columns import (
    CLASSES,
    LIKENESS,
    NOTHING,
    Cell,
    answering,
    column_of,
    floor_and_answers,
    known,
    p_text,
)
from restore_recog.reporting.pages.elements import Grid, arms_table, grid
from restore_recog.reporting.report_figures import people

SHOWN = (
    *(name for kind in KINDS for name in (kind, f"{kind}_gain", f"{kind}_wrong")),
    "rank1",
    "rank1_gain",
    "accuracy",
    "accuracy_gain",
    "cosine_gain",
    FigureName("fmr_frozen", 0.001),
    FigureName("fnmr_frozen", 0.001),
    "fta",
)
"""Figures in the tables of groups; cohorts.csv and report.json have them all."""

IDENTITY = ("cosine", "cosine_gain")


def classes(report: EvaluationReport) -> dict[str, Any]:
    """Return what a classifier told in every arm, and what a reader must know of it."""
    figures = [(arm.name, arm.figures) for arm in report.arms]
    kind = report.setup.get("asks", "")
    rates = [arm.figures[kind] for arm in report.arms if kind in arm.figures]
    return {
        "table": arms_table(CLASSES, figures),
        "by": report.setup.get("told_by", {}),
        "oracle": next((arm.name for arm in ORACLE_LABELS if arm.kind == kind), ""),
        "chance": f"{100 * rates[0].get('chance', 0.0):.1f}" if rates else "",
    }


def groups(report: EvaluationReport) -> dict[str, Any]:
    """Return the groups' figures, how far apart they are, and those that were not measured."""
    if not report.cohorts:
        return {}
    columns = [column_of(name) for name in SHOWN]
    return {
        "too_small": _too_small(report),
        "table": arms_table(columns, _rows(report), "Group and arm"),
        "spreads": _spreads(report),
    }


def _rows(report: EvaluationReport) -> Iterator[tuple[str, Figures]]:
    for cohort in report.cohorts:
        for name in _arms(report):
            if name in cohort.arms:
                yield f"{cohort.column} = {cohort.value}, {name}", cohort.arms[name]


def _arms(report: EvaluationReport) -> list[str]:
    return [arm.name for arm in floor_and_answers(report.arms)]


def _too_small(report: EvaluationReport) -> list[str]:
    """Return the groups that were not measured, one line per label."""
    small: dict[str, list[str]] = {}
    for cohort in report.cohorts:
        if not cohort.arms:
            text = f"{cohort.value} ({people(cohort.n_subjects)}, n = {cohort.n})"
            small.setdefault(cohort.column, []).append(text)
    return [f"{column}: {', '.join(values)}" for column, values in small.items()]


def _spreads(report: EvaluationReport) -> Grid | None:
    names = _arms(report)
    spreads = [s for s in report.spreads if s.arm in names and s.figure in SHOWN]
    more = list(dict.fromkeys(name for spread in spreads for name in spread.other))
    rows: list[Sequence[str | Cell]] = []
    for spread in spreads:
        column = column_of(spread.figure)
        rows.append(
            [
                f"{spread.column}, {spread.arm}",
                column.title,
                spread.best,
                spread.worst,
                column.cell({spread.figure: spread.difference}),
                p_text(spread.difference.get("p_permutation")),
                _plain(spread.ratio, 2),
                *(_plain(spread.other.get(name), 3) for name in more),
            ]
        )
    head = ["Label and arm", "Figure", "Best", "Worst", "Best minus worst", "p", "Ratio"]
    return grid([*head, *(name.upper() for name in more)], rows)


def _plain(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if known(value) else NOTHING


def likeness(report: EvaluationReport) -> dict[str, Any]:
    """Return image quality, and whether it goes with recognition."""
    return {
        "table": arms_table(LIKENESS, [(arm.name, arm.figures) for arm in report.arms]),
        "correlations": list(_correlations(report)),
    }


def _correlations(report: EvaluationReport) -> Iterator[str]:
    column = column_of("quality_vs_recognition")
    for arm in answering(report.arms):
        cell = column.cell(arm.figures)
        if cell.measured:
            interval = f" (95 % interval {cell.low} to {cell.high}; n = {cell.n})"
            yield (
                f"{arm.name}: Spearman's rank correlation of the two gains is ρ = {cell.value}"
                f"{interval if cell.low else ''}"
            )


def identity(report: EvaluationReport) -> Grid | None:
    """Return how much of the identity the templates keep."""
    columns = [column_of(name) for name in IDENTITY]
    return arms_table(columns, [(arm.name, arm.figures) for arm in report.arms])


def coverings(report: EvaluationReport) -> dict[str, Any]:
    """Return the counts by kind, colour, pattern and difficulty; nothing where none was drawn."""
    drawn = report.setup.get("coverings_drawn")
    if not isinstance(drawn, Mapping):
        return {}
    area, by = drawn["area_percent"], drawn["by"]
    return {
        "count": drawn["count"],
        "area": f"{area['mean']:.1f} %",
        "range": f"{area['min']:.1f} to {area['max']:.1f} %",
        "tables": [_counts(name, by[name]) for name in ("kind", "pattern", "difficulty")],
        "colours": _counts("colour", by["colour"]),
    }


def _counts(name: str, counted: Mapping[str, Mapping[str, Any]]) -> Grid:
    head = [name.capitalize(), "Probes", "Area, mean, % of the crop", "Least, %", "Most, %"]
    return Grid(
        head,
        [
            [value, str(group["count"]), *(f"{group[key]:.1f}" for key in ("mean", "min", "max"))]
            for value, group in counted.items()
        ],
    )
