"""What fails before a comparison, and searches for people who are not in the gallery."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.comparisons import Mask, Templates, Vector, without
from restore_recog.evaluation.figures import Figure, Figures, flagged
from restore_recog.evaluation.scoring import ArmScores, Board
from restore_recog.metrics.open_set import fnir_at_fpir
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import bootstrap_mean
from restore_recog.metrics.verification import completed, rates_at_threshold, system_rates

FPIR = 0.01
"""False positive identification rate that the open-set figure allows."""


def failure_rates(board: Board, scores: ArmScores, references: Templates, seed: int) -> Figures:
    """Return failure to enrol and failure to acquire, by picture and never by comparison.

    ``failed_subjects`` counts the people none of whose pictures gave a template. A failed
    probe or reference stays in every denominator, so no other figure needs correcting.

    Args:
        references: (R, D) templates of the board's columns in this arm.
    """
    size = len(board.plan.references)
    lost = without(references[:size])
    found: Figures = {}
    if size:
        found["fte"] = _failures(lost, board.column_subjects[:size], seed)
    found["fta"] = _failures(scores.failed, board.probe_subjects, seed)
    return found


def _failures(failed: Mask, subjects: NDArray[np.str_], seed: int) -> Figure:
    names, index = np.unique(subjects, return_inverse=True)
    working = np.bincount(index, ~failed, names.size)
    figure = asdict(bootstrap_mean(failed, index, seed=seed)) | {
        "failed": int(failed.sum()),
        "failed_subjects": int((working == 0).sum()),
    }
    return flagged(figure, flag(figure["failed"], failed.size, names.size))


def generalised(board: Board, trials: Vector, found: Figures) -> Figures:
    """Return GFAR and GFRR: failures to enrol and to acquire folded into the pairs' rates.

    At the thresholds at which the arm has its FNMR; there is no interval.

    Args:
        trials: (T,) scores of the pairs, -inf where a template is missing.
        found: The arm's figures so far: ``fnmr@fmr=...``, ``fta`` and ``fte``.
    """
    mated, other = completed(trials[board.genuine]), completed(trials[~board.genuine])
    if "fte" not in found or not mated.size or not other.size:
        return {}
    fta, fte = found["fta"]["value"], found["fte"]["value"]
    genuine = int(board.genuine.sum())
    counts = {"n": trials.size, "n_genuine": genuine, "n_impostor": trials.size - genuine}
    rates: Figures = {}
    for point in [name for name in found if name.startswith("fnmr@fmr=")]:
        threshold = found[point]["threshold"]
        fmr, fnmr = rates_at_threshold(mated, other, threshold)
        system = system_rates(fmr, fnmr, fta=fta, fte=fte)
        rest = {"low": np.nan, "high": np.nan, "threshold": threshold} | counts
        end = point.partition("@")[2]
        rates[f"gfar@{end}"] = {"value": system.gfar, "far": system.far} | rest
        rates[f"gfrr@{end}"] = {"value": system.gfrr, "frr": system.frr} | rest
    return rates


def open_set(board: Board, scores: ArmScores, seed: int) -> Figures:
    """Return FNIR at an FPIR of 1 %, where there are probes of people outside the gallery.

    The interval draws the mated people, with the threshold as it is.
    """
    mated = scores.mated
    if scores.search is None or mated.all() or not mated.any():
        return {}
    own, strangers = scores.search.own[mated], scores.search.best_other[~mated]
    point = fnir_at_fpir(own, scores.ranks.pessimistic, strangers, FPIR)
    missed = (own < point.threshold) | (scores.hit()[mated] == 0)
    people = board.people[mated]
    figure = asdict(bootstrap_mean(missed, people, seed=seed)) | {
        "threshold": point.threshold,
        "achieved_fpir": point.achieved_fpir,
        "false_alarm_budget": point.false_alarm_budget,
        "supported": point.supported,
        "n_non_mated": int((~mated).sum()),
    }
    reason = flag(
        int(missed.sum()),
        missed.size,
        figure["n_subjects"],
        false_accept_budget=point.false_alarm_budget,
    )
    return {f"fnir@fpir={FPIR:g}": flagged(figure, reason)}
