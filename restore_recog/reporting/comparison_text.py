"""A comparison of runs as text and curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.metrics.verification import DetCurve
from restore_recog.reporting import plots, report_figures
from restore_recog.reporting.columns import Column
from restore_recog.reporting.compare import Comparison
from restore_recog.reporting.pairing import Difference, Pairing, Run
from restore_recog.reporting.report_figures import Plot
from restore_recog.reporting.tables import arms_text
from restore_recog.system.atomic import json_text, plain

OVERLAID = ("clean", "occluded", "restored")
"""Arms whose curves are drawn over each other."""


COLUMNS = {
    "rank1": Column("Rank-1, points", "rank1", 100, 1, True),
    "cosine": Column("Genuine cosine", "cosine", 1, 3, True),
}
"""How differences are written."""


def side_by_side(comparison: Comparison) -> list[ArmReport]:
    """Return the arms of all runs, named ``arm, run``, those of one kind together.

    An arm with the same figures in several runs of one protocol is there once.
    """
    arms = [(run, arm) for run in comparison.runs for arm in run.report.arms]
    kinds = list(dict.fromkeys(arm.arm for _, arm in arms))
    names = list(dict.fromkeys(arm.name for _, arm in arms))
    arms.sort(key=lambda pair: (kinds.index(pair[1].arm), names.index(pair[1].name)))
    rows = [
        _Shown(run.name, arm.name, _key(run, arm, apart=bool(comparison.overlay_refusal)), arm)
        for run, arm in arms
    ]
    return [replace(arm, name=name) for name, arm in _merged(rows, len(comparison.runs)).items()]


def _key(run: Run, arm: ArmReport, *, apart: bool) -> str:
    """Return what is equal where two runs have the same figures of an arm; never if *apart*."""
    return json_text(plain(arm.facts())) + (run.name if apart else "")


def text(comparison: Comparison) -> str:
    """Return the table of all arms and the paired differences, ready to print."""
    parts = [arms_text(side_by_side(comparison))]
    if comparison.overlay_refusal:
        parts.append(comparison.overlay_refusal)
    parts += [_pairing_text(pairing) for pairing in comparison.pairings]
    parts += [comparison.family, "\n".join(verdict_lines(comparison)), comparison.judgement.family]
    return "\n\n".join(part for part in parts if part)


def verdict_lines(comparison: Comparison) -> list[str]:
    """Return the verdicts of all runs, corrected together."""
    return [
        f"{run.name}: {verdict.answer}. {verdict.sentence}"
        for run, verdicts in zip(comparison.runs, comparison.judgement.verdicts, strict=True)
        for verdict in verdicts
    ]


def _pairing_text(pairing: Pairing) -> str:
    if pairing.refusal:
        return pairing.refusal
    told, same = split(pairing)
    lines = [f"  {sentence(d)}: {d.answer}" for d in told]
    if same:
        lines.append(f"  identical on every probe: {', '.join(same)}")
    return "\n".join(
        [f"'{pairing.second}' minus '{pairing.first}', on the same probes:", *lines, *pairing.notes]
    )


def split(pairing: Pairing) -> tuple[list[Difference], list[str]]:
    """Return the differences of arms that differ at all, and the names of those that do not."""
    changed = {(d.first, d.second) for d in pairing.differences if d.answer != "the same"}
    told = [d for d in pairing.differences if (d.first, d.second) in changed]
    same = [d.second for d in pairing.differences if (d.first, d.second) not in changed]
    return told, list(dict.fromkeys(same))


def sentence(difference: Difference) -> str:
    """Return one difference in words."""
    column, result = COLUMNS[difference.figure], difference.result
    title, _, unit = column.title.partition(", ")
    cell = column.cell({difference.figure: result})
    interval = f"95 % interval {cell.low} to {cell.high}" if cell.low else "no interval"
    flips = (
        f", {result['rescued']} rescued, {result['harmed']} harmed" if "rescued" in result else ""
    )
    value = f"{cell.value} {unit}".strip()
    return (
        f"{arms(difference)}: {title.lower()} {value} ({interval}; "
        f"p = {result['p_sign_flip']:.2g}, corrected {difference.p_corrected:.2g}; "
        f"{result.n} probes of {result.n_subjects} "
        f"people{flips})"
    )


def arms(difference: Difference) -> str:
    """Return the name of the arm, or of both where they differ."""
    if difference.first == difference.second:
        return difference.second
    return f"{difference.second} minus {difference.first}"


def images(comparison: Comparison) -> dict[str, Plot]:
    """Return the curves of all runs over each other; none where that is refused."""
    if comparison.overlay_refusal:
        return {}
    drawn: dict[str, Plot] = {}
    if curves := _det_curves(comparison):
        drawn["det"] = report_figures.drawn(plots.det_figure(curves))
    if rates := _cmc_curves(comparison):
        drawn["cmc"] = report_figures.drawn(plots.cmc_figure(rates))
    return drawn


def _det_curves(comparison: Comparison) -> Mapping[str, DetCurve]:
    def key(curve: DetCurve) -> bytes:
        return curve.fmr.tobytes() + curve.fnmr.tobytes()

    return _overlaid(comparison, report_figures.det_curves, key)


def _cmc_curves(comparison: Comparison) -> Mapping[str, NDArray[np.float64]]:
    return _overlaid(comparison, report_figures.cmc_curves, lambda rates: rates.tobytes())


def _overlaid(
    comparison: Comparison,
    curves_of: Callable[[EvaluationReport], Mapping[str, Any]],
    key: Callable[[Any], bytes],
) -> Mapping[str, Any]:
    """Return legend text -> curve, of the arms in :data:`OVERLAID` in that order."""
    shown = []
    for run in comparison.runs:
        curves = curves_of(run.report)
        for arm in run.report.arms:
            if arm.arm in OVERLAID and arm.name in curves:
                curve = curves[arm.name]
                place = OVERLAID.index(arm.arm)
                shown.append((place, _Shown(run.name, arm.name, key(curve), curve)))
    shown.sort(key=lambda pair: pair[0])
    return _merged([one for _, one in shown], len(comparison.runs))


class _Shown(NamedTuple):
    """What one run has of an arm; *key* is equal where that is equal."""

    run: str
    arm: str
    key: str | bytes
    what: Any


def _merged(shown: Iterable[_Shown], runs: int) -> dict[str, Any]:
    """Return ``arm, run`` -> what is shown; what is the same in several runs is there once."""
    alike: dict[tuple[str, str | bytes], list[_Shown]] = {}
    for one in shown:
        alike.setdefault((one.arm, one.key), []).append(one)
    merged = {}
    for same in alike.values():
        where = "all runs" if len(same) == runs else " + ".join(one.run for one in same)
        merged[f"{same[0].arm}, {where}"] = same[0].what
    return merged
