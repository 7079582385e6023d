"""Which curves of a figure differ, and which figures the data of a report cannot support."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from restore_recog.evaluation.results import EvaluationReport
from restore_recog.metrics.support import RULE_OF_30
from restore_recog.metrics.verification import DetCurve

T = TypeVar("T")


def distinct(drawn: Mapping[str, T], key: Callable[[T], Any]) -> dict[str, T]:
    """Return what differs, each under the names of all that share it: ``clean = restored-clean:a``.

    Args:
        drawn: Arm -> what is drawn of it.
        key: Returns something hashable that is equal where the drawing is.
    """
    alike: dict[Any, list[str]] = {}
    for name, what in drawn.items():
        alike.setdefault(key(what), []).append(name)
    return {" = ".join(names): drawn[names[0]] for names in alike.values()}


def bits(value: Any) -> Any:
    """Return what is equal of equal curves, arrays and sequences of them; NaN equals NaN."""
    if isinstance(value, DetCurve):
        return bits((value.fmr, value.fnmr))
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    return tuple(map(bits, value)) if isinstance(value, (tuple, list)) else repr(value)


def weaknesses(report: EvaluationReport) -> dict[str, str]:
    """Return file name of a figure -> in one sentence why the data cannot support it."""
    return dict(_weaknesses(report))


def _weaknesses(report: EvaluationReport) -> Iterator[tuple[str, str]]:
    genuine = sum(trial.genuine for trial in report.trials)
    pairs = genuine, len(report.trials) - genuine
    everything = [(curve.n_genuine, curve.n_impostor) for curve in report.curves.values()]
    for name, counts in (
        ("det", min(everything, key=min, default=pairs)),
        ("det-pairs", pairs),
        ("histograms", pairs),
    ):
        if min(counts) < RULE_OF_30:
            why = f"There are {counts[0]} genuine and {counts[1]} impostor comparisons; with fewer"
            yield name, f"{why} than {RULE_OF_30} of either a curve shows chance."
    gallery = max((len(arm.cmc or ()) for arm in report.arms), default=0)
    searched = len({row.probe_id for row in report.probes if row.rank >= 1})
    if gallery == 1:
        yield "cmc", "The gallery holds one subject, so that every probe finds the right one."
    elif searched < RULE_OF_30:
        yield "cmc", _few(searched, "searched")
    known = {row.probe_id for row in report.probes if math.isfinite(row.quality.psnr_mask)}
    if len(known) < RULE_OF_30:
        yield "quality", _few(len(known), "compared with their unoccluded counterparts")
    seen = len({row.probe_id for row in report.sights})
    if seen < RULE_OF_30:
        yield from ((name, _few(seen, "shown to it")) for name in ("confusion", "calibration"))


def _few(count: int, what: str) -> str:
    probes = "1 probe was" if count == 1 else f"{count} probes were"
    return f"Only {probes} {what}; of fewer than {RULE_OF_30} a figure shows chance."
