"""The sections on recognition: the table of arms, flips, verification, carried thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from restore_recog.evaluation.results import ArmReport, Report
from restore_recog.reporting import csv_files
from restore_recog.reporting.columns import (
    FROZEN,
    NOTHING,
    RECOGNITION,
    TARGETS,
    TRANSFER,
    VERIFICATION,
    Cell,
    Column,
    column_of,
    known,
)
from restore_recog.reporting.csv_files import OUTCOMES, Flip
from restore_recog.reporting.pages.elements import (
    arms_table,
    bullets,
    drawing,
    folded,
    heading,
    paragraph,
    table,
)
from restore_recog.reporting.report_figures import Plot

NAMED = 12
"""At most so many probes are named for every outcome; flips.csv has them all."""

PAIR_GAINS = ("accuracy_gain", "fnmr_frozen_change@")
"""Differences that count flips of pairs; those over fill do not belong here."""

_RATE = Column("", "", 100, 3)
_SHARE = Column("", "", 100, 2)
_SCORE = Column("", "", 1, 4)


def recognition(report: Report, images: Mapping[str, Plot]) -> str:
    """Return the table of arms, what it rests on, and the CMC."""
    figures = [(arm.name, arm.figures) for arm in report.arms]
    cmc = drawing(images.get("cmc"), "Cumulative match characteristic of every arm")
    return arms_table(RECOGNITION, figures) + _explanation(report) + cmc


def _explanation(report: Report) -> str:
    floor = next((arm for arm in report.arms if arm.arm == "occluded"), None)
    rank1 = {} if floor is None else floor.figures.get("rank1", {})
    if not {"n", "n_subjects"} <= set(rank1):
        return ""
    gallery = ""
    if "gallery_subjects" in rank1:
        gallery = (
            f", searched in a gallery of {rank1['gallery_subjects']} people with "
            f"{rank1.get('references_per_subject', math.nan):.1f} references each; rank-1 depends "
            "on that size"
        )
    return paragraph(
        f"Every arm has the same {rank1['n']} probes of {rank1['n_subjects']} people{gallery}. "
        "Ties count against the probe. Small print: 95 % interval from resampling people, and "
        "what the figure rests on. Gain: paired difference to the occluded arm. Recovered: share "
        "of the mask's cost in rank-1 that came back. Margin: cosine to the own person less that "
        "to the most similar other person."
    )


def flips(report: Report) -> str:
    """Return what became of every probe, with the names of the first ones."""
    found = csv_files.flips(report)
    if not found:
        return _pair_flips(report)
    rows = []
    for name, counts in csv_files.counted(found).items():
        figure = next(arm.figures for arm in report.arms if arm.name == name).get("rank1_gain", {})
        tests = [_p(figure.get("p_sign_flip")), _p(figure.get("p_mcnemar"))]
        against = next(flip.against for flip in found if flip.arm == name)
        rows.append([name, against, *(str(counts[kind]) for kind in OUTCOMES), *tests])
    head = ["Arm", "Against", *(kind.capitalize() for kind in OUTCOMES)]
    head += ["p, flipping people", "p, McNemar"]
    names = "".join(_named(found, name, kind) for name in _arms(found) for kind in OUTCOMES[:2])
    return (
        table(head, rows)
        + names
        + paragraph(
            "Rescued: found first only after the arm; harmed: found first only before. McNemar's "
            "test is given only where everybody has one probe. Every probe is in flips.csv."
        )
    )


def _pair_flips(report: Report) -> str:
    """Return what became of pairs, where nobody is searched."""
    rows = []
    for arm in report.arms:
        for name, figure in arm.figures.items():
            if arm.restorer and _counts_pairs(name) and "rescued" in figure:
                counts = [figure.get(kind.replace(" ", "_"), NOTHING) for kind in OUTCOMES]
                rows.append([arm.name, column_of(name).title, *map(str, counts)])
    if not rows:
        return ""
    words = paragraph(
        "Nobody is searched under this protocol, so pairs are counted. Rescued: decided rightly "
        "only after the arm; harmed: only before. At a frozen threshold genuine pairs count."
    )
    return table(["Arm", "In", *(kind.capitalize() for kind in OUTCOMES)], rows) + words


def _counts_pairs(name: str) -> bool:
    return name.startswith(PAIR_GAINS) and not name.endswith("over_fill")


def _arms(found: Sequence[Flip]) -> list[str]:
    return list(dict.fromkeys(flip.arm for flip in found))


def _named(found: Sequence[Flip], arm: str, outcome: str) -> str:
    chosen = [flip for flip in found if (flip.arm, flip.outcome) == (arm, outcome)]
    if not chosen:
        return ""
    lines = [f"{f.probe_id}: rank {f.before} → {f.after}" for f in chosen[:NAMED]]
    count = f"the first {NAMED} of {len(chosen)}" if len(chosen) > NAMED else str(len(chosen))
    return folded(f"{arm}, {outcome}: {count}", bullets(lines))


def _p(value: Any) -> str:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def verification(report: Report, images: Mapping[str, Plot]) -> str:
    """Return the one-to-one figures, the DET curve and the score histograms."""
    figures = [(arm.name, arm.figures) for arm in report.arms]
    shown = arms_table(VERIFICATION, figures)
    det = drawing(images.get("det"), "Detection error trade-off over all comparisons")
    of_pairs = drawing(images.get("det-pairs"), "Detection error trade-off over the pairs")
    histograms = drawing(images.get("histograms"), "Genuine and impostor scores of every arm")
    if not (shown or det or of_pairs):
        return ""
    genuine = sum(trial.genuine for trial in report.trials)
    words = paragraph(
        "FMR: false match rate; FNMR: false non-match rate, comparisons that failed counted as "
        "non-matches; each arm at its own threshold, which is the lowest whose FMR does not "
        f"exceed the target. EER: where the two meet. {genuine} genuine and "
        f"{len(report.trials) - genuine} impostor comparisons. Failures are never accepted. "
        "Dashed line in the histograms: the threshold fixed before covering, at FMR 0.1 %."
    )
    if det and of_pairs:
        words += paragraph(
            "The first DET curve is over all comparisons of probes with references and reaches "
            "the lowest rates; the second is over the protocol's pairs alone."
        )
    return shown + words + _points(report) + _view2(report) + det + of_pairs + histograms


def _points(report: Report) -> str:
    """Return each operating point with its threshold and what it rests on."""
    rows: list[list[str | Cell]] = []
    for arm in report.arms:
        for name, figure in arm.figures.items():
            if not name.startswith("fnmr@fmr=") or "threshold" not in figure:
                continue
            rows.append(
                [
                    f"{arm.name}, FMR ≤ {float(name.partition('=')[2]):.4%}".replace("0%", "%"),
                    _SCORE.number(figure["threshold"]) or NOTHING,
                    _RATE.number(figure.get("achieved_fmr")) or NOTHING,
                    str(figure.get("false_accept_budget", NOTHING)),
                    column_of(name).cell(arm.figures),
                    _SHARE.number(figure.get("fnmr_completed")) or NOTHING,
                ]
            )
    head = ["Operating point", "Threshold", "Achieved FMR, %", "False accepts allowed"]
    head += ["FNMR, %", "FNMR of completed, %"]
    return folded("Operating points with thresholds", table(head, rows)) if rows else ""


def _view2(report: Report) -> str:
    """Return the ten-fold accuracies with what the list asked for and the data lacks."""
    rows: list[list[str | Cell]] = []
    for arm in report.arms:
        figure = arm.figures.get("accuracy")
        if figure is not None:
            numbers = [figure.get("se"), figure.get("value_missing_wrong")]
            shares = [_SHARE.number(value) or NOTHING for value in numbers]
            missing = str(figure.get("missing_pairs", NOTHING))
            cell = column_of("accuracy").cell(arm.figures)
            rows.append([arm.name, cell, shares[0], missing, shares[1]])
    if not rows:
        return ""
    head = ["Arm", "Accuracy, %", "Standard error", "Pairs missing", "With those as errors, %"]
    return table(head, rows) + paragraph(
        "Accuracy in the manner of LFW's View 2: nine folds set the threshold, the tenth is "
        "judged; the standard error is over the ten folds. Pairs that the list names and the "
        "data lacks are counted, and the last column takes every one of them as an error."
    )


def transfer(report: Report) -> str:
    """Return what each arm does at thresholds that were fixed before covering."""
    parts = [_frozen(report, target) for target in TARGETS]
    if not any(parts):
        return ""
    words = paragraph(
        "A system in use keeps its threshold. An FMR that rises in the restored arm says that "
        "restored faces drift together and that strangers are accepted more often. The change is "
        "paired, against the occluded arm. All comparisons of probes with references count."
    )
    return words + "".join(parts)


def _frozen(report: Report, target: str) -> str:
    """Return the figures at one threshold, and in words who is accepted there."""
    name = f"fmr_frozen@fmr={target}"
    columns = [
        replace(column, title=column.title.replace(FROZEN.format(_percent(target)), ""))
        for column in TRANSFER
        if column.figure.endswith(f"={target}")
    ]
    shown = arms_table(columns, [(arm.name, arm.figures) for arm in report.arms])
    if not shown:
        return ""
    fixed: Mapping[str, Any] = next((a.figures[name] for a in report.arms if name in a.figures), {})
    title = f"Threshold for FMR {_percent(target)} %"
    if "threshold" in fixed:
        where = fixed.get("calibrated_on", "unknown")
        title += f": {_SCORE.number(fixed['threshold']) or NOTHING}, fixed on {where}"
    lines = [line for arm in report.arms if arm.arm == "restored" for line in _drift(arm, target)]
    return heading(title) + shown + (bullets(lines) if lines else "")


def _percent(target: str) -> str:
    return f"{100 * float(target):g}"


def _drift(arm: ArmReport, target: str) -> Iterator[str]:
    """Yield what a frozen threshold says about strangers who are accepted."""
    name = f"fmr_frozen_change@fmr={target}"
    figure = arm.figures.get(name, {})
    low, high = figure.get("low"), figure.get("high")
    if not (known(low) and known(high)) or low == high == 0:
        return
    answer = "as often as before, as far as can be told"
    if low > 0 or high < 0:
        answer = "more often than before" if low > 0 else "less often than before"
    cell = column_of(name).cell(arm.figures)
    yield f"{arm.name} accepts strangers {answer}: {cell.value} points, {cell.low} to {cell.high}"
