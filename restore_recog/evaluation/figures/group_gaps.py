"""How far the cohorts of a label lie apart: who fares worst, who is helped most and least.

The best and the worst are picked after seeing all of them, so with many cohorts some
distance is to be expected by chance alone: read the interval, not the distance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from restore_recog.evaluation.figures.groups import LEVEL, UNKNOWN, Breakdown
from restore_recog.evaluation.figures.single import Figure
from restore_recog.evaluation.results import Cohort, Spread
from restore_recog.metrics.differential import (
    fairness_discrepancy_rate,
    garbe,
    worst_best_ratio,
)
from restore_recog.metrics.resampling import percentile_limits
from restore_recog.types import Vector

ERRORS = ("fnmr_frozen", "fmr_frozen", "fta")
SUCCESSES = ("rank1", "accuracy")


def spreads(breakdown: Breakdown) -> list[Spread]:
    """Return the spread of every figure of every arm that two cohorts or more have."""
    cohorts = [c for c in breakdown.cohorts if c.arms and c.value != UNKNOWN]
    names = dict.fromkeys((arm, f) for c in cohorts for arm in c.arms for f in c.arms[arm])
    found = []
    for arm, figure in names:
        rated = [c for c in cohorts if figure in c.arms.get(arm, {})]
        if len(rated) > 1:
            found.append(_spread(breakdown, rated, arm, figure))
    return found


def _spread(breakdown: Breakdown, cohorts: Sequence[Cohort], arm: str, figure: str) -> Spread:
    values = np.array([cohort.arms[arm][figure]["value"] for cohort in cohorts])
    error = figure.partition("@")[0] in ERRORS
    order = np.argsort(values if error else -values, kind="stable")
    best, worst = cohorts[order[0]], cohorts[order[-1]]
    other = _shared(cohorts, arm) if figure.startswith("fnmr_frozen") else {}
    return Spread(
        column=best.column,
        arm=arm,
        figure=figure,
        best=best.value,
        worst=worst.value,
        difference=_difference(breakdown, (best, worst), arm, figure),
        ratio=_ratio(values, figure),
        other=other,
    )


def _difference(breakdown: Breakdown, ends: tuple[Cohort, Cohort], arm: str, figure: str) -> Figure:
    """Return best less worst; its interval draws people, who may belong to both."""
    best, worst = ends
    value = best.arms[arm][figure]["value"] - worst.arms[arm][figure]["value"]
    found: Figure = {"value": value, "low": math.nan, "high": math.nan, "n": best.n + worst.n}
    draws = breakdown.draws.get((arm, figure))
    if draws is not None and draws.size:
        place = {cohort.value: i for i, cohort in enumerate(breakdown.cohorts)}
        gaps: Vector = draws[:, place[best.value]] - draws[:, place[worst.value]]
        found["low"], found["high"] = percentile_limits(gaps[~np.isnan(gaps)], LEVEL)
    return found


def _ratio(values: Vector, figure: str) -> float:
    """Return the highest rate over the lowest, NaN for differences and where the lowest is 0."""
    if figure.partition("@")[0] not in (*ERRORS, *SUCCESSES) or not values.min() > 0:
        return math.nan
    return worst_best_ratio(values)


def _shared(cohorts: Sequence[Cohort], arm: str) -> Mapping[str, float]:
    """Return FDR and GARBE over the cohorts that have both rates; those that are defined."""
    rates = []
    for cohort in cohorts:
        figures = cohort.arms[arm]
        pair = [
            next((figures[name]["value"] for name in figures if name.startswith(kind)), None)
            for kind in ("fmr_frozen", "fnmr_frozen")
        ]
        if None not in pair:
            rates.append(pair)
    if len(rates) < 2:
        return {}
    fmr, fnmr = np.array(rates, dtype=float).T
    found = {"fdr": fairness_discrepancy_rate(fmr, fnmr), "garbe": garbe(fmr, fnmr)}
    return {name: value for name, value in found.items() if math.isfinite(value)}
