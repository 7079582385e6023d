"""What one would do instead of restoring: a recogniser that was trained on covered faces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from restore_recog.evaluation.arms import ARMS, Occluded
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.evaluation.words.grounds import Ground, grounds


def instead(reports: Mapping[str, EvaluationReport]) -> list[str]:
    """Return a sentence for each recogniser that was trained on covered faces.

    It holds what that recogniser makes of the covered faces as they are against the best that
    the others make of restored ones. There is none where every recogniser was trained on covered
    faces, or none was.

    Args:
        reports: By the names of the recognisers, on the same probes.
    """
    shares = {name: _covered(report) for name, report in reports.items()}
    arms = [(name, arm) for name, report in reports.items() for arm in report.arms]
    rivals = [
        (name, arm)
        for name, arm in arms
        if not shares[name] and (ARMS[arm.arm].answers or ARMS[arm.arm].fuses)
    ]
    base = next((one for _, arm in rivals for one in grounds(arm)), None)
    if base is None:
        return []
    best = max(rivals, key=lambda pair: base.sign * _value(pair[1], base))
    return [
        _sentence(name, shares[name], arm, *best, base)
        for name, arm in arms
        if shares[name] and arm.arm == Occluded.name and base.rate in arm.figures
    ]


def _covered(report: EvaluationReport) -> float:
    """Return the share of covered faces in the training of a report's recogniser, if told."""
    settings: Mapping[str, Any] = report.setup.get("recognizer", {}).get("settings", {})
    return float(settings.get("trained_on", {}).get("covered", 0.0))


def _value(arm: ArmReport, base: Ground) -> float:
    figure = arm.figures.get(base.rate)
    return -base.sign * math.inf if figure is None else figure.value


def _sentence(
    name: str, share: float, floor: ArmReport, other: str, best: ArmReport, base: Ground
) -> str:
    return (
        f"What one would do instead: with '{name}', of whose training faces {100 * share:g} % were "
        f"covered, {base.words} on the occluded faces as they are is {_shown(floor, base)}; the "
        f"best of restoring without such a training is '{best.name}' with '{other}', "
        f"{_shown(best, base)}."
    )


def _shown(arm: ArmReport, base: Ground) -> str:
    figure = arm.figures[base.rate]
    shown = f"{100 * figure.value:.1f} %"
    if math.isnan(figure.low):
        return shown
    return f"{shown} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
