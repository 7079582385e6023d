"""Rates over the trials of an open set: detection and identification, and verification.

Source: Liao, Lei, Yi, Li, "A Benchmark Study of Large-scale Unconstrained Face Recognition",
IJCB 2014. The rate of a trial is 1 - FNIR at an FPIR, or 1 - FNMR at an FMR, in the words of the
rest of this project; each arm sets its own threshold in each trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.paired import flips
from restore_recog.evaluation.figures.single import People
from restore_recog.evaluation.scores.open_trials import FARS, PAIRS_FAR, Outcomes, TrialScores
from restore_recog.metrics.open_set import over_trials
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import bootstrap_mean
from restore_recog.types import Mask

Named = tuple[str, float, Sequence[Outcomes]]
"""What a rate is called, its false alarm rate, and its outcomes in every trial."""


def _rates(trials: Sequence[TrialScores]) -> Iterator[Named]:
    """Yield the rates that trials have, by name."""
    for far in FARS:
        yield "dir", far, [trial.found[far] for trial in trials]
    yield "vr", PAIRS_FAR, [t.accepted for t in trials if t.accepted is not None]


def figures(trials: Sequence[TrialScores], people: People, seed: int) -> Iterator[Figure]:
    """Yield each rate's mean over the trials, and that mean less the standard deviation.

    The interval draws people, who keep their part in every trial; the thresholds stay the same.

    Args:
        trials: Of one arm.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
    """
    for kind, far, outcomes in _rates(trials):
        if not outcomes:
            continue
        rates = [float(one.right.mean()) for one in outcomes]
        summary, (right, owners) = over_trials(rates), _pooled(outcomes, people)
        sizes = np.array([one.right.size for one in outcomes])
        # So weighted, a mean over all outcomes is the mean of the trials' rates.
        weights = np.repeat(right.size / (len(outcomes) * sizes), sizes)
        interval = bootstrap_mean(right * weights, owners, seed=seed)
        budget = min(one.budget for one in outcomes)
        wrong, n_subjects = int((~right).sum()), interval.n_subjects
        why = flag(wrong, right.size, n_subjects, false_accept_budget=budget)
        within = replace(
            interval,
            value=summary.mean,
            low=max(interval.low, 0.0),
            high=min(interval.high, 1.0),
        )
        details = {
            "sd": summary.sd,
            "trials": summary.count,
            "by_trial": rates,
            "thresholds": [one.threshold for one in outcomes],
            "n_impostor": sum(one.n_impostor for one in outcomes),
            "false_alarm_budget": budget,
        }
        name = FigureName(kind, far, "far")
        yield Figure.of(name, within, why, **details)
        if summary.count > 1:
            fused = FigureName(f"{kind}_less_sd", far, "far")
            yield Figure(
                fused, summary.less_sd, n=right.size, n_subjects=n_subjects, flag=why or ""
            )


def gains(
    ending: str,
    mine: Sequence[TrialScores],
    theirs: Sequence[TrialScores],
    people: People,
    seed: int,
) -> Iterator[Figure]:
    """Yield what an arm gained in each rate over another, on the same searches and pairs.

    Every search has the same weight here, whatever its trial.

    Args:
        ending: Of the figures' names, ``gain`` or ``gain_over_fill``.
        mine, theirs: Both arms in the same trials.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
    """
    for (kind, far, now), (_, _, before) in zip(_rates(mine), _rates(theirs), strict=True):
        if now:
            (right, owners), (other, _) = _pooled(now, people), _pooled(before, people)
            yield flips(FigureName(f"{kind}_{ending}", far, "far"), right, other, owners, seed)


def _pooled(outcomes: Sequence[Outcomes], people: People) -> tuple[Mask, NDArray[np.intp]]:
    """Return the outcomes of all trials, and whose each is."""
    rows = np.concatenate([one.rows for one in outcomes])
    return np.concatenate([one.right for one in outcomes]), people[rows]
