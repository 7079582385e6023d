"""How far the classifier of a run can be believed, from what a report says of every probe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from restore_recog.evaluation.results import EvaluationReport, SightRow
from restore_recog.labels import KINDS
from restore_recog.metrics.calibration import Bin, calibration_curve
from restore_recog.system.text import write_csv

FILE = "calibration.csv"
"""The curves; written where the protocol asks a classifier of two classes."""

COLUMNS = ("arm", "low", "high", "n", "probability", "observed", "observed_low", "observed_high")


def curves(report: EvaluationReport) -> dict[str, list[Bin]]:
    """Return arm -> calibration curve of the second class; empty with more classes than two."""
    words = KINDS.get(report.setup.get("asks", ""), ())
    if len(words) != 2:
        return {}
    subjects = {row.probe_id: row.subject for row in report.probes}
    arms: dict[str, list[SightRow]] = {}
    for row in report.sights:
        if math.isfinite(row.confidence):
            arms.setdefault(row.arm, []).append(row)
    return {
        arm: calibration_curve(
            [row.confidence if row.told == words[1] else 1 - row.confidence for row in rows],
            [float(row.true == words[1]) for row in rows],
            [subjects[row.probe_id] for row in rows],
            seed=int(report.setup.get("seed", 0)),
        )
        for arm, rows in arms.items()
    }


def write(report: EvaluationReport, folder: Path) -> None:
    """Write :data:`FILE` where there are curves."""
    if drawn := curves(report):
        write_csv(folder / FILE, COLUMNS, rows(drawn))


def rows(drawn: Mapping[str, Sequence[Bin]]) -> Iterator[tuple[Any, ...]]:
    """Yield one row per arm and bin."""
    for arm, bins in drawn.items():
        for one in bins:
            seen = one.observed
            yield (arm, one.low, one.high, seen.n, one.probability, seen.value, seen.low, seen.high)
