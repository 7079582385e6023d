"""The CSV files of a results folder: written row by row, and read back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import NO_FIGURE
from restore_recog.evaluation.image_quality import QUALITIES, ImageQuality
from restore_recog.evaluation.results import (
    OUTCOMES,
    ArmReport,
    Cohort,
    EvaluationReport,
    Harm,
    ProbeRow,
    SightRow,
)
from restore_recog.metrics.verification import DetCurve
from restore_recog.reporting import calibration
from restore_recog.reporting.columns import column_of
from restore_recog.system.text import csv_rows, write_csv
from restore_recog.types import Failure, Trial

SUPPRESSED = "too few people: counted, not measured"
"""Flag of a group under the least number of people."""

HARM = "harm.csv"
"""What wrong decisions of a restorer do; written where that was measured."""

SIGHTS = "classes.csv"
"""What a classifier saw; written where the protocol asks one."""

_PROBES = tuple(f.name for f in fields(ProbeRow) if f.name != "quality")
_SCORES = ("arm", "reference_id", "probe_id", "genuine", "score")
RARE = ("perceptual",)
"""Image-quality metrics without a column in ``probes.csv`` where they were not measured."""

CURVES = ("arm", "threshold", "fmr", "fnmr", "n_genuine", "n_impostor")
_HARMS = (
    *("contrast", "restorer", "arm", "against", "column", "value", "n", "n_subjects"),
    *("figure", "result", "low", "high", "p", "p_corrected", "flag"),
)
COHORTS = ("column", "value", "n", "n_subjects", "arm", "figure", "result", "low", "high", "flag")


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, one at a time."""
    return (row for _, row in csv_rows(path, lower=False))


def write_all(report: EvaluationReport, folder: Path) -> None:
    """Write every CSV file of a report."""
    write_csv(folder / "scores.csv", _SCORES, _score_rows(report))
    qualities = _qualities(report.probes)
    rows = (_probe_values(row, qualities) for row in report.probes)
    write_csv(folder / "probes.csv", (*_PROBES, *qualities), rows)
    write_csv(folder / "failures.csv", _names(Failure), map(_values, report.failures))
    write_csv(folder / "flips.csv", _names(Flip), map(_values, flips(report)))
    write_csv(folder / "cohorts.csv", COHORTS, cohort_rows(report.cohorts))
    write_csv(folder / "det.csv", CURVES, curve_rows(report.curves))
    if report.harms:
        write_csv(folder / HARM, _HARMS, _harm_rows(report.harms))
    if report.sights:
        write_csv(folder / SIGHTS, _names(SightRow), map(_values, report.sights))
    calibration.write(report, folder)


def read_probes(path: Path) -> tuple[ProbeRow, ...]:
    """Read ``probes.csv`` back."""
    return tuple(map(_probe_row, read_rows(path)))


def read_failures(path: Path) -> tuple[Failure, ...]:
    """Read ``failures.csv`` back."""
    return tuple(Failure(**row) for row in read_rows(path))


def read_sights(path: Path) -> tuple[SightRow, ...]:
    """Read ``classes.csv`` back; nothing where there is no such file."""
    if not path.is_file():
        return ()
    rows: Iterator[dict[str, Any]] = read_rows(path)
    numbers = ("x", "y", "confidence")  # older folders lack the last
    return tuple(SightRow(**row | {n: float(row[n]) for n in numbers if n in row}) for row in rows)


def read_curves(path: Path) -> dict[str, DetCurve]:
    """Read ``det.csv`` back."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(path):
        rows.setdefault(row["arm"], []).append(row)
    return {arm: _curve(points) for arm, points in rows.items()}


def _curve(points: Sequence[Mapping[str, str]]) -> DetCurve:
    thresholds, fmr, fnmr = (np.array([float(p[name]) for p in points]) for name in CURVES[1:4])
    counts = (int(points[0][name]) for name in CURVES[4:])
    return DetCurve(thresholds, fmr, fnmr, *counts)


def read_scores(
    path: Path, arms: Sequence[str]
) -> tuple[tuple[Trial, ...], dict[str, NDArray[np.float64]]]:
    """Read ``scores.csv`` back: the trials, and each arm's scores of them."""
    columns: dict[str, list[float]] = {name: [] for name in arms}
    trials: list[Trial] = []
    first = None
    for row in read_rows(path):
        first = first or row["arm"]
        columns[row["arm"]].append(float(row["score"]))
        if row["arm"] == first:
            trials.append(Trial(row["reference_id"], row["probe_id"], row["genuine"] == "1"))
    scored = {name: scores for name, scores in columns.items() if scores or not trials}
    if ragged := [name for name, scores in scored.items() if len(scores) != len(trials)]:
        raise ValueError(f"{path.name} lacks scores of the arm '{ragged[0]}'")
    return tuple(trials), {name: np.array(v, dtype=np.float64) for name, v in scored.items()}


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _names(type(row)))


def _score_rows(report: EvaluationReport) -> Iterable[tuple[Any, ...]]:
    for name, row in report.scores.items():
        for trial, score in zip(report.trials, row.tolist(), strict=True):
            yield name, trial.reference_id, trial.probe_id, int(trial.genuine), score


def _qualities(rows: Sequence[ProbeRow]) -> tuple[str, ...]:
    """Return the metrics with a column of their own: all, those of few runs where measured."""
    rare = {n for n in RARE if all(math.isnan(getattr(row.quality, n)) for row in rows)}
    return tuple(name for name in QUALITIES if name not in rare)


def _probe_values(row: ProbeRow, qualities: Sequence[str]) -> tuple[Any, ...]:
    shown = (getattr(row.quality, name) for name in qualities)
    return (*(getattr(row, name) for name in _PROBES), *shown)


def _probe_row(row: Mapping[str, str]) -> ProbeRow:
    values: dict[str, Any] = {name: row[name] for name in _PROBES}
    values |= {
        "rank": int(row["rank"]),
        "cosine": float(row["cosine"]),
        "best_impostor": float(row["best_impostor"]),
        "fallback": row["fallback"] == "True",
    }
    return ProbeRow(
        **values, quality=ImageQuality(**{n: float(row.get(n, "nan")) for n in QUALITIES})
    )


def curve_rows(curves: Mapping[str, DetCurve]) -> Iterable[tuple[Any, ...]]:
    """Yield one row per arm and threshold."""
    for arm, curve in curves.items():
        for point in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
            yield (arm, *map(float, point), curve.n_genuine, curve.n_impostor)


def cohort_rows(cohorts: Iterable[Cohort]) -> Iterable[tuple[Any, ...]]:
    """Yield one row per group, arm and figure, in plain units (rates in [0, 1])."""
    for cohort in cohorts:
        head = (cohort.column, cohort.value, cohort.n, cohort.n_subjects)
        if not cohort.arms:
            yield (*head, "", "", "", "", "", SUPPRESSED)
        for arm, figures in cohort.arms.items():
            for name, figure in figures.items():
                numbers = (figure.value, figure.low, figure.high)
                yield (*head, arm, name, *numbers, column_of(name).cell(figures).flag)


def _harm_rows(harms: Iterable[Harm]) -> Iterable[tuple[Any, ...]]:
    """Yield one row per contrast, group and figure, in plain units."""
    for one in harms:
        head = _values(replace(one, figures={}))[:-1]
        if not one.figures:
            yield (*head, "", "", "", "", "", "", SUPPRESSED)
        for name, figure in one.figures.items():
            numbers = (figure.value, figure.low, figure.high)
            ps = (figure.get("p_sign_flip", ""), figure.get("p_corrected", ""))
            yield (*head, name, *numbers, *ps, column_of(name).cell(one.figures).flag)


@dataclass(frozen=True, slots=True)
class Flip:
    """One probe before and after an arm.

    Attributes:
        arm: Whose rank *after* is.
        against: The arm whose rank *before* is.
        before, after: Pessimistic ranks of the own subject, 1 = ranked first.
        outcome: One of those in :data:`restore_recog.evaluation.results.OUTCOMES`.
    """

    arm: str
    against: str
    probe_id: str
    subject: str
    before: int
    after: int
    outcome: str


def flips(report: EvaluationReport) -> list[Flip]:
    """Return what became of every searched probe in every arm that a restorer worked on.

    Probes whose subject is not in the gallery have no right answer (rank below 1) and are
    left out.
    """
    rows = report.rows()
    flipped: list[Flip] = []
    for arm in report.arms:
        against = base(arm)
        before = rows.get(against, {})
        if arm.restorer is None or not before:
            continue
        flipped += [
            _flip(before[probe_id], row, against)
            for probe_id, row in rows.get(arm.name, {}).items()
            if probe_id in before and min(row.rank, before[probe_id].rank) >= 1
        ]
    return flipped


def base(arm: ArmReport) -> str:
    """Return the name of the arm that an arm's gain is measured against."""
    return str(arm.figures.get("rank1_gain", NO_FIGURE).details.get("against", "occluded"))


def _flip(before: ProbeRow, after: ProbeRow, against: str) -> Flip:
    outcome = OUTCOMES[before.rank == 1, after.rank == 1]
    return Flip(after.arm, against, after.probe_id, after.subject, before.rank, after.rank, outcome)


def counted(flips: Iterable[Flip]) -> dict[str, Counter[str]]:
    """Return arm name -> how many probes had which outcome."""
    table: dict[str, Counter[str]] = {}
    for flip in flips:
        table.setdefault(flip.arm, Counter())[flip.outcome] += 1
    return table


def failures_by_stage(failures: Iterable[Failure]) -> dict[str, dict[str, int]]:
    """Return stage -> {"images", "subjects", "events"}: distinct images and people, and entries.

    One image can fail in several arms, so there can be more events than images.
    """
    by_stage: dict[str, list[Failure]] = {}
    for failure in failures:
        by_stage.setdefault(failure.stage, []).append(failure)
    return {
        stage: {
            "images": len({failure.image_id for failure in entries}),
            "subjects": len({failure.subject for failure in entries}),
            "events": len(entries),
        }
        for stage, entries in sorted(by_stage.items())
    }


def losses(arms: Iterable[ArmReport]) -> list[str]:
    """Return one line for all arms that lost as many probes, or used as many unrestored."""
    names: dict[str, list[str]] = {}
    for arm in arms:
        if arm.misses:
            line = f"{arm.misses} probes without a template: misses at every rank"
            names.setdefault(line, []).append(arm.name)
        if arm.fallbacks:
            line = f"{arm.fallbacks} probes used unrestored because the restorer failed"
            names.setdefault(line, []).append(arm.name)
    return [f"{', '.join(lost)}: {line}" for line, lost in names.items()]


def stage_lines(stages: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return one line for every stage that something failed at."""
    return [
        f"at the stage '{stage}': {count['images']} images of {count['subjects']} people"
        + (f", {count['events']} times" if count["events"] != count["images"] else "")
        for stage, count in stages.items()
    ]
