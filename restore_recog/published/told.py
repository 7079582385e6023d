"""How much oftener a classifier is right on one arm of a report than on another."""

from __future__ import annotations

import numpy as np

from restore_recog.evaluation.figure import Figure
from restore_recog.evaluation.figures.paired import flips
from restore_recog.evaluation.results import EvaluationReport


def told_gain(report: EvaluationReport, mine: str, other: str) -> Figure | None:
    """Return the paired difference of two arms in how often the true class was told.

    Args:
        report: With what a classifier told; its seed is that of the test.
        mine, other: Names of the arms.

    Returns:
        Share of the probes, with the interval for few flips over people; None where one of the
        arms was not shown to a classifier.
    """
    right = {(row.arm, row.probe_id): row.told == row.true for row in report.sights}
    subjects = {row.probe_id: row.subject for row in report.probes}
    both = [i for i in subjects if (mine, i) in right and (other, i) in right]
    if not both:
        return None
    people = np.unique([subjects[i] for i in both], return_inverse=True)[1]
    ours, theirs = (np.array([right[arm, i] for i in both]) for arm in (mine, other))
    return flips("told_gain", ours, theirs, people, int(report.setup["seed"]))
