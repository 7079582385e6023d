"""What a report's page says of recognition: arms, flips, verification, fixed thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from restore_recog.evaluation.figure import NO_FIGURE, FigureName
from restore_recog.evaluation.results import HARMED, OUTCOMES, RESCUED, ArmReport, EvaluationReport
from restore_recog.evaluation.words.grounds import told
from restore_recog.reporting import csv_files
from restore_recog.reporting.columns import (
    FIXED,
    NOTHING,
    RECOGNITION,
    TRANSFER_AT,
    VERIFICATION,
    Cell,
    Column,
    answering,
    column_of,
    floor_of,
    p_text,
)
from restore_recog.reporting.csv_files import Flip
from restore_recog.reporting.pages.elements import Grid, arms_table, grid

NAMED = 12
"""At most so many probes are named for every outcome; flips.csv has them all."""

PAIR_GAINS = ("accuracy_gain", "dir_gain", "fnmr_frozen_change")
"""Kinds of figures that count flips of pairs, or of the searches of several trials."""

_RATE = Column("", "", 100, 3)
_SHARE = Column("", "", 100, 2)
_SCORE = Column("", "", 1, 4)


def recognition(report: EvaluationReport) -> dict[str, Any]:
    """Return the table of arms, and what it rests on."""
    figures = [(arm.name, arm.figures) for arm in report.arms]
    return {"table": arms_table(RECOGNITION, figures), "basis": _basis(report)}


def _basis(report: EvaluationReport) -> dict[str, Any]:
    """Return the probes and the gallery behind the occluded arm's rank-1, if it is known."""
    floor = floor_of(report.arms)
    rank1 = NO_FIGURE if floor is None else floor.figures.get("rank1", NO_FIGURE)
    if rank1.n is None:
        return {}
    return {
        "n": rank1.n,
        "people": rank1.n_subjects,
        "gallery": rank1.details.get("gallery_subjects"),
        "references": f"{rank1.details.get('references_per_subject', math.nan):.1f}",
    }


def flips(report: EvaluationReport) -> dict[str, Any]:
    """Return what became of every probe, with the names of the first ones; else of pairs."""
    probes = csv_files.flips(report)
    cases = [(name, kind) for name in csv_files.counted(probes) for kind in (RESCUED, HARMED)]
    return {
        "of_probes": _probe_flips(report, probes),
        "named": [one for name, kind in cases for one in _named(probes, name, kind)],
        "of_pairs": _pair_flips(report),
    }


def _probe_flips(report: EvaluationReport, flips: Sequence[Flip]) -> Grid | None:
    figures = {arm.name: arm.figures for arm in report.arms}
    rows = []
    for name, counts in csv_files.counted(flips).items():
        gain = figures[name].get("rank1_gain", NO_FIGURE)
        tests = [p_text(gain.details.get(test)) for test in ("p_sign_flip", "p_mcnemar")]
        against = next(flip.against for flip in flips if flip.arm == name)
        rows.append([name, against, *(str(counts[kind]) for kind in OUTCOMES.values()), *tests])
    head = ["Arm", "Against", *(kind.capitalize() for kind in OUTCOMES.values())]
    return grid([*head, "p, flipping people", "p, McNemar"], rows)


def _pair_flips(report: EvaluationReport) -> Grid | None:
    """Return what became of pairs, for protocols that search for nobody."""
    rows = []
    for arm in report.arms:
        for figure in arm.figures.values():
            if arm.restorer and figure.name.kind in PAIR_GAINS and "rescued" in figure:
                counts = [figure.get(kind.replace(" ", "_"), NOTHING) for kind in OUTCOMES.values()]
                p = p_text(figure.get("p_sign_flip"))
                rows.append([arm.name, column_of(figure.name).title, *map(str, counts), p])
    return grid(
        ["Arm", "In", *(k.capitalize() for k in OUTCOMES.values()), "p, flipping people"], rows
    )


def _named(flips: Sequence[Flip], arm: str, outcome: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a summary and the first probes of one outcome, if there is any."""
    chosen = [flip for flip in flips if (flip.arm, flip.outcome) == (arm, outcome)]
    if chosen:
        count = f"the first {NAMED} of {len(chosen)}" if len(chosen) > NAMED else str(len(chosen))
        lines = [f"{f.probe_id}: rank {f.before} → {f.after}" for f in chosen[:NAMED]]
        yield f"{arm}, {outcome}: {count}", lines


def verification(report: EvaluationReport) -> dict[str, Any]:
    """Return the one-to-one figures of every arm, with operating points and folds."""
    genuine = sum(trial.genuine for trial in report.trials)
    return {
        "table": arms_table(VERIFICATION, [(arm.name, arm.figures) for arm in report.arms]),
        "genuine": genuine,
        "impostor": len(report.trials) - genuine,
        "points": _points(report),
        "view2": _view2(report),
    }


def _points(report: EvaluationReport) -> Grid | None:
    """Return each operating point with its threshold and what it rests on."""
    rows: list[Sequence[str | Cell]] = []
    for arm in report.arms:
        for figure in arm.figures.values():
            name, facts = figure.name, figure.details
            if (name.kind, name.rate) != ("fnmr", "fmr") or "threshold" not in facts:
                continue
            rows.append(
                [
                    f"{arm.name}, FMR ≤ {name.target:.4%}".replace("0%", "%"),
                    _SCORE.number(facts["threshold"]) or NOTHING,
                    _RATE.number(facts.get("achieved_fmr")) or NOTHING,
                    str(facts.get("false_accept_budget", NOTHING)),
                    column_of(name).cell(arm.figures),
                    _SHARE.number(facts.get("fnmr_completed")) or NOTHING,
                ]
            )
    head = ["Operating point", "Threshold", "Achieved FMR, %", "False accepts allowed"]
    return grid([*head, "FNMR, %", "FNMR of completed, %"], rows)


def _view2(report: EvaluationReport) -> Grid | None:
    """Return the ten-fold accuracies with what the list asked for and the data lacks."""
    rows: list[Sequence[str | Cell]] = []
    for arm in report.arms:
        figure = arm.figures.get("accuracy")
        if figure is not None:
            numbers = [figure.details.get(name) for name in ("se", "value_missing_wrong")]
            shares = [_SHARE.number(value) or NOTHING for value in numbers]
            missing = str(figure.details.get("missing_pairs", NOTHING))
            cell = column_of("accuracy").cell(arm.figures)
            rows.append([arm.name, cell, shares[0], missing, shares[1]])
    head = ["Arm", "Accuracy, %", "Standard error", "Pairs missing", "With those as errors, %"]
    return grid(head, rows)


def thresholds(report: EvaluationReport) -> list[dict[str, Any]]:
    """Return what each arm does at every threshold that was fixed before covering."""
    return [one for target in TRANSFER_AT for one in _fixed(report, target)]


def _fixed(report: EvaluationReport, target: float) -> Iterator[dict[str, Any]]:
    """Yield the figures at one threshold, and in words who is accepted there."""
    name = FigureName("fmr_frozen", target)
    columns = [
        replace(column, title=column.title.replace(FIXED.format(100 * target), ""))
        for column in TRANSFER_AT[target]
    ]
    table = arms_table(columns, [(arm.name, arm.figures) for arm in report.arms])
    if table is None:
        return
    fixed = next((a.figures[name] for a in report.arms if name in a.figures), NO_FIGURE)
    title = f"Threshold for FMR {100 * target:g} %"
    if "threshold" in fixed.details:
        where = fixed.details.get("calibrated_on", "unknown")
        title += f": {_SCORE.number(fixed['threshold']) or NOTHING}, fixed on {where}"
    change = FigureName("fmr_frozen_change", target)
    known = {arm for arm, figure, _ in told(report) if figure == change}
    arms = answering(report.arms)
    lines = [line for arm in arms for line in _drift(arm, change, known=arm.name in known)]
    yield {"title": title, "table": table, "lines": lines}


def _drift(arm: ArmReport, name: FigureName, *, known: bool) -> Iterator[str]:
    """Yield what a fixed threshold says about strangers who are accepted."""
    figure = arm.figures.get(name, NO_FIGURE)
    low, high = figure.low, figure.high
    if not (math.isfinite(low) and math.isfinite(high)) or low == high == 0:
        return
    answer = "as often as before, as far as can be told"
    if known and (low > 0 or high < 0):
        answer = "more often than before" if low > 0 else "less often than before"
    cell = column_of(name).cell(arm.figures)
    yield f"{arm.name} accepts strangers {answer}: {cell.value} points, {cell.low} to {cell.high}"
