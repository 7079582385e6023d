"""Which figures a report has, and what is drawn in them."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from restore_recog.evaluation.figure import NO_FIGURE, FigureName
from restore_recog.evaluation.figure import Figure as Measured
from restore_recog.evaluation.figures.sights import confusion
from restore_recog.evaluation.results import ArmReport, Cohort, EvaluationReport, ProbeRow
from restore_recog.evaluation.words.grounds import told
from restore_recog.images import PNG
from restore_recog.labels import KINDS
from restore_recog.metrics.verification import DetCurve, det_curve
from restore_recog.reporting import calibration, plots, plots_classes, plots_panels
from restore_recog.reporting.columns import answering, column_of
from restore_recog.reporting.csv_files import base
from restore_recog.reporting.figure_support import bits, distinct, weaknesses
from restore_recog.reporting.plots_panels import Estimate
from restore_recog.types import Vector

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn figure.

    Attributes:
        png: The file's content, sharp at about one and a half times *width*.
        width: To show it at, in pixels.
        weakness: In one sentence why the data cannot support it; empty where they can.
    """

    png: bytes
    width: int
    weakness: str = ""


GAINS = {
    **{FigureName(f"{kind}_gain"): False for kind in KINDS},
    FigureName("rank1_gain"): False,
    FigureName("accuracy_gain"): False,
    FigureName("fnmr_frozen_change", 0.001): True,
    FigureName("fnmr_frozen_change", 0.01): True,
    FigureName("cosine_gain"): False,
}
"""What groups are compared by, the first of these that they have -> whether less is better."""

_FIXED = FigureName("fmr_frozen", 0.001)


def of(report: EvaluationReport) -> dict[str, Figure]:
    """Return file name -> figure; what the report has no numbers for is left out.

    Arms that do not differ in a figure are drawn once, under all their names.
    """
    curves, pairs = (distinct(one, bits) for one in (report.curves, pair_curves(report)))
    rates = distinct(cmc_curves(report), bits)
    drawn = {
        "det": plots.det_figure(curves) if curves else None,
        "det-pairs": plots.det_figure(pairs) if pairs else None,
        "cmc": plots.cmc_figure(rates) if rates else None,
        "histograms": histograms(report),
        "cohorts": cohorts(report),
        "quality": quality(report),
        **classes(report),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def classes(report: EvaluationReport) -> dict[str, Figure]:
    """Return what a classifier confuses, and a map of its features; nothing without one."""
    kind = report.setup.get("asks", "")
    if kind not in KINDS or not report.sights:
        return {}
    tables = distinct(confusion(report.sights, kind), bits)
    drawn = {"confusion": plots_classes.confusion_figure(tables, KINDS[kind])}
    placed = [row for row in report.sights if math.isfinite(row.x)]
    if placed:
        drawn["tsne"] = plots_classes.map_figure(placed, KINDS[kind])
    if curves := distinct(calibration.curves(report), bits):
        drawn["calibration"] = plots_classes.calibration_figure(curves, KINDS[kind][1])
    return drawn


def images(report: EvaluationReport) -> dict[str, Plot]:
    """Return file name -> drawn image of every figure."""
    weak = weaknesses(report)
    return {name: drawn(figure, weak.get(name, "")) for name, figure in of(report).items()}


def drawn(figure: Figure, weakness: str = "") -> Plot:
    """Return a figure as an image for pages, as :class:`Plot` describes it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    figure.set_dpi(140)
    # savefig would lay everything out twice.
    FigureCanvasAgg(figure).print_png(buffer, pil_kwargs=PNG)  # type: ignore[no-untyped-call]
    return Plot(buffer.getvalue(), round(96 * float(figure.get_figwidth())), weakness)


def cmc_curves(report: EvaluationReport) -> dict[str, Vector]:
    """Return arm name -> (S,) rates at ranks 1 to S, of the arms that were searched."""
    return {arm.name: np.array(arm.cmc) for arm in report.arms if arm.cmc}


def det_curves(report: EvaluationReport) -> Mapping[str, DetCurve]:
    """Return arm name -> DET curve, of all comparisons where there are such, else of the pairs."""
    return report.curves or pair_curves(report)


def pair_curves(report: EvaluationReport) -> dict[str, DetCurve]:
    """Return arm name -> DET curve over the pairs; empty without trials of both kinds."""
    return {
        name: det_curve(genuine, impostor) for name, (genuine, impostor) in _split(report).items()
    }


def histograms(report: EvaluationReport) -> Figure | None:
    """Return the score histograms of all arms, or None without a finite score."""
    panels = distinct(_split(report), bits)
    if not any(np.isfinite(scores).any() for pair in panels.values() for scores in pair):
        return None
    fixed = {
        arm.name: float(arm.figures[_FIXED].details.get("threshold", math.nan))
        for arm in report.arms
        if _FIXED in arm.figures
    }
    thresholds = {title: fixed.get(title.split(" = ")[0], math.nan) for title in panels}
    normalised = report.setup.get("score_norm") is not None
    label = "Standard deviations of the cohort" if normalised else "Cosine similarity"
    return plots_panels.histogram_figure(panels, thresholds, label)


def _split(report: EvaluationReport) -> dict[str, tuple[Vector, Vector]]:
    """Return arm name -> (genuine, impostor) scores; empty without trials of both kinds."""
    genuine = np.array([trial.genuine for trial in report.trials], dtype=bool)
    if genuine.all() or not genuine.any():
        return {}
    return {name: (row[genuine], row[~genuine]) for name, row in report.scores.items()}


def cohorts(report: EvaluationReport) -> Figure | None:
    """Return the gain of every restored arm by group, or None where none was measured."""
    figure = gain_of_groups(report)
    if figure is None:
        return None
    column = column_of(figure)
    panels = {
        arm.name: _estimates(report, arm, figure, column.factor) for arm in answering(report.arms)
    }
    return plots_panels.forest_figure(panels, column.title, less_is_better=GAINS[figure])


def gain_of_groups(report: EvaluationReport) -> FigureName | None:
    """Return which gain the groups of the restored arms have, or None."""
    names = [arm.name for arm in answering(report.arms)]
    for figure in GAINS:
        if any(figure in c.arms.get(name, {}) for c in report.cohorts for name in names):
            return figure
    return None


def _estimates(
    report: EvaluationReport, arm: ArmReport, figure: str, factor: float
) -> list[Estimate]:
    """Return a row for everybody and for every group that was measured."""
    known = {group for name, of, group in told(report) if (name, of) == (arm.name, figure)}
    rows = [_estimate("everybody", arm.figures.get(figure), factor, told="" in known)]
    columns: dict[str, list[Cohort]] = {}
    for cohort in report.cohorts:
        columns.setdefault(cohort.column, []).append(cohort)
    for column, cohorts in columns.items():
        measured = [cohort for cohort in cohorts if cohort.arms]
        small = len(cohorts) - len(measured)
        rest = f" ({small} of {len(cohorts)} groups too small)" if small else ""
        rows.append(Estimate(column + rest, heading=True))
        for cohort in measured:
            label = f"{cohort.value} (n = {cohort.n}, {people(cohort.n_subjects)})"
            gain = cohort.arms.get(arm.name, {}).get(figure)
            rows.append(_estimate(label, gain, factor, told=cohort.title in known))
    return rows


def people(count: int) -> str:
    """Return a number of people in words."""
    return "1 person" if count == 1 else f"{count} people"


def _estimate(label: str, figure: Measured | None, factor: float, *, told: bool) -> Estimate:
    measured = figure or NO_FIGURE
    ends = factor * measured.low, factor * measured.high
    return Estimate(label, factor * measured.value, *ends, told=told)


def quality(report: EvaluationReport) -> Figure | None:
    """Return each probe's gain in PSNR against its gain in cosine, or None without
    clean counterparts."""
    panels = distinct(quality_changes(report), bits)
    if not panels:
        return None
    return plots_panels.scatter_figure(
        panels, "Gain in PSNR inside the mask (dB)", "Gain in genuine cosine"
    )


def quality_changes(report: EvaluationReport) -> dict[str, tuple[Vector, Vector]]:
    """Return answering arm -> its probes' gains in PSNR inside the mask and in cosine."""
    rows = report.rows()
    changes = {
        arm.name: _changes(rows.get(base(arm), {}), rows.get(arm.name, {}).values())
        for arm in answering(report.arms)
    }
    return {name: pair for name, pair in changes.items() if pair[0].size}


def _changes(before: Mapping[str, ProbeRow], after: Iterable[ProbeRow]) -> tuple[Vector, Vector]:
    """Return the (x, y) changes of the probes for which both are known."""
    pairs: Sequence[tuple[float, float]] = [
        (
            row.quality.psnr_mask - before[row.probe_id].quality.psnr_mask,
            row.cosine - before[row.probe_id].cosine,
        )
        for row in after
        if row.probe_id in before
    ]
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    table = table[np.isfinite(table).all(axis=1)]
    return table[:, 0], table[:, 1]
