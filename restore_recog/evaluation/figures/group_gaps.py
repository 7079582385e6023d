"""How much the groups of a label differ: who fares worst, who is helped most and least.

The best and the worst are picked after all were measured, so with many groups some
difference is to be expected by chance alone: its p says how often groups that are alike lie as far
apart. There is no interval, for one of two groups picked in this way excludes 0 far too often.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.group_labels import UNKNOWN
from restore_recog.evaluation.figures.groups import Breakdown
from restore_recog.evaluation.results import Cohort, Spread
from restore_recog.metrics.differential import (
    fairness_discrepancy_rate,
    garbe,
    worst_best_ratio,
)
from restore_recog.types import Vector

ERRORS = ("fnmr_frozen", "fmr_frozen", "fta")
SUCCESSES = ("rank1", "accuracy")


def spreads(breakdown: Breakdown) -> list[Spread]:
    """Return the spread of every figure of every arm that two groups or more have."""
    groups = [c for c in breakdown.cohorts if c.arms and c.value != UNKNOWN]
    rated: dict[tuple[str, FigureName], list[Cohort]] = {}
    for group in groups:
        for arm, figures in group.arms.items():
            for figure in figures.values():
                rated.setdefault((arm, figure.name), []).append(group)
    return [
        _spread(breakdown, having, arm, name)
        for (arm, name), having in rated.items()
        if len(having) > 1
    ]


def _spread(breakdown: Breakdown, groups: Sequence[Cohort], arm: str, name: FigureName) -> Spread:
    values = np.array([group.arms[arm][name].value for group in groups])
    order = np.argsort(values if name.kind in ERRORS else -values, kind="stable")
    best, worst = groups[order[0]], groups[order[-1]]
    return Spread(
        column=best.column,
        arm=arm,
        figure=name,
        best=best.value,
        worst=worst.value,
        difference=_difference(breakdown, (best, worst), arm, name),
        ratio=_ratio(values, name),
        other=_shared(groups, arm, name) if name.kind == "fnmr_frozen" else {},
    )


def _difference(
    breakdown: Breakdown, ends: tuple[Cohort, Cohort], arm: str, name: FigureName
) -> Figure:
    """Return best less worst, with the p of a gap as large where it was tested."""
    best, worst = ends
    value = best.arms[arm][name].value - worst.arms[arm][name].value
    gap = Figure(name, value, n=best.n + worst.n)
    p = breakdown.gaps.get((arm, name), math.nan)
    return gap if math.isnan(p) else gap.with_details(p_permutation=p)


def _ratio(values: Vector, name: FigureName) -> float:
    """Return the highest rate over the lowest, NaN for differences and where the lowest is 0."""
    if name.kind not in (*ERRORS, *SUCCESSES) or not values.min() > 0:
        return math.nan
    return worst_best_ratio(values)


def _shared(groups: Sequence[Cohort], arm: str, fnmr: FigureName) -> Mapping[str, float]:
    """Return FDR and GARBE, where defined, over the groups that have both rates."""
    fmr = FigureName("fmr_frozen").at(fnmr)
    both = [group.arms[arm] for group in groups if {fmr, fnmr} <= set(group.arms[arm])]
    if len(both) < 2:
        return {}
    rates = (np.array([figures[name].value for figures in both]) for name in (fmr, fnmr))
    fmrs, fnmrs = rates
    shared = {"fdr": fairness_discrepancy_rate(fmrs, fnmrs), "garbe": garbe(fmrs, fnmrs)}
    return {name: value for name, value in shared.items() if math.isfinite(value)}
