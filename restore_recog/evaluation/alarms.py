"""What makes a run's figures worth less than they look, said in plain words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Plan
from restore_recog.evaluation.comparisons import Templates, without

if TYPE_CHECKING:
    from restore_recog.evaluation.findings import Findings


def missing_pairs(plan: Plan) -> list[str]:
    """Return how many pairs on the list the data has no pictures for, and why."""
    missing = len(plan.missing_pairs)
    if not missing:
        return []
    (reason, count), *_ = Counter(reason for _, reason in plan.missing_pairs).most_common()
    return [
        f"Warning: {missing:,} pairs on the list are missing, for the data lacks pictures; the "
        f"figures are of the {len(plan.pairs):,} that are compared and must not be set beside "
        f"figures of the whole list. Commonest reason ({count:,}): {reason}"
    ]


def collapse(findings: Findings) -> list[str]:
    """Return a warning for every arm in which different people look exactly alike.

    A recogniser that has collapsed, or a restorer that paints everybody the same, gives one
    template to many people; ties then decide, and ties count against.
    """
    found = []
    for name, arm in findings.measured.items():
        same, constant = shared_templates(arm.probes, findings.board.people)
        if constant:
            found.append(
                f"Warning: in the arm '{name}' all probes have one and the same template; the "
                "recogniser or the restorer has collapsed, and nothing in this arm means anything."
            )
        elif same:
            found.append(
                f"Warning: in the arm '{name}' {same} probes have exactly the template of "
                "another person's probe."
            )
        tied = arm.scores.ranks.n_tied if arm.scores.search is not None else 0
        if tied:
            found.append(
                f"Warning: in the arm '{name}' {tied} probes score the same with their own and "
                "with another subject; such ties count against."
            )
    return found


def shared_templates(probes: Templates, people: NDArray[np.intp]) -> tuple[int, bool]:
    """Return how many probes have another person's template, and whether all have one.

    Templates that agree to float32 are the same; probes without one are left out.
    """
    known = ~without(probes)
    owners: dict[bytes, set[int]] = {}
    keys = [row.astype(np.float32).tobytes() for row in probes[known]]
    for key, person in zip(keys, people[known].tolist(), strict=True):
        owners.setdefault(key, set()).add(person)
    shared = sum(len(owners[key]) > 1 for key in keys)
    return shared, len(owners) == 1 and shared == len(keys) > 1


def strangers(findings: Findings) -> list[str]:
    """Return how many probes are of people that the gallery does not hold."""
    if findings.measured["occluded"].scores.search is None:
        return []
    n = int((~findings.mated).sum())
    if not n:
        return []
    return [
        f"{n} of the {findings.mated.size} probes are of people without a reference: they make "
        "open-set searches and impostor comparisons; ranks are of the others only."
    ]


def calibration(findings: Findings) -> list[str]:
    """Return what the frozen thresholds rest on."""
    frozen = findings.calibration
    if frozen is None:
        return ["No thresholds are frozen: there is no impostor comparison of bare faces."]
    weak = [f"{100 * target:g} %" for target, n in frozen.budgets.items() if n == 0]
    note = (
        f"Frozen thresholds are fixed on: {frozen.on}, {frozen.n_impostor:,} impostor comparisons."
    )
    if weak:
        note += f" These are too few for an FMR of {' and '.join(weak)}."
    return [note]
