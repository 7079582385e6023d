"""The figures of one arm on its own: recognition, verification, cosines, likeness.

A figure is a dictionary with ``value``, ``low``, ``high``, ``n`` and what else belongs to
it; one that cannot be measured is absent. ``flag`` says in a short phrase why a figure must
not be quoted bare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.image_quality import QUALITIES, Quality
from restore_recog.evaluation.scores.board import ArmScores, Board
from restore_recog.evaluation.scores.cosine_table import without
from restore_recog.metrics.identification import expected_rank_rate
from restore_recog.metrics.open_set import fnir_at_fpir
from restore_recog.metrics.separation import CosineSummary, cosine_summary, d_prime_of
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import bootstrap_mean
from restore_recog.metrics.verification import (
    OperatingPoint,
    completed,
    equal_error_rate,
    fnmr_at_fmr,
    rates_at_threshold,
    system_rates,
    zero_fmr,
)
from restore_recog.metrics.verification_intervals import bootstrap_verification
from restore_recog.types import Mask, Templates, Vector

FMR_TARGETS = (1e-2, 1e-3)
"""Where each arm has a threshold of its own."""

Figure = dict[str, Any]
Figures = dict[str, Figure]
People = NDArray[np.intp]


def mean_figure(values: Vector, people: People, seed: int) -> Figure | None:
    """Return the mean of the finite values, or None where there is none."""
    known = np.isfinite(values)
    if not known.any():
        return None
    interval = bootstrap_mean(values[known], people[known], seed=seed)
    return asdict(interval) | {"left_out": int((~known).sum())}


def rate_figure(
    found: Vector | Mask,
    people: People,
    seed: int,
    *,
    errors: bool = False,
    budget: int | None = None,
) -> Figure | None:
    """Return a rate with its flag, or None without any value.

    Args:
        found: (n,) 0 or 1.
        people: (n,) whose each is.
        errors: Whether a 1 is an error (FNMR) or a success (rank-1).
        budget: False accepts that the threshold rests on, where the rate has one.
    """
    if not len(found):
        return None
    figure = asdict(bootstrap_mean(found, people, seed=seed))
    ones = int(np.sum(found))
    wrong = ones if errors else len(found) - ones
    return flagged(
        figure, flag(wrong, len(found), figure["n_subjects"], false_accept_budget=budget)
    )


def flagged(figure: Figure, reason: str | None) -> Figure:
    """Return the figure with its flag, where there is one."""
    return figure if reason is None else figure | {"flag": reason}


def arm_figures(
    scores: ArmScores, qualities: Sequence[Quality], board: Board, seed: int
) -> Figures:
    """Return the figures of one arm by name; those that cannot be measured are absent."""
    found: dict[str, Figure | None] = {}
    found |= _identification(scores, board, seed)
    found |= _cosines(scores, board, seed)
    found |= _verification(scores.trials, board, seed)
    for name in QUALITIES:
        column = np.array([getattr(quality, name) for quality in qualities], dtype=float)
        found[name] = mean_figure(column, board.people, seed)
    return {name: figure for name, figure in found.items() if figure is not None}


def _identification(scores: ArmScores, board: Board, seed: int) -> dict[str, Figure | None]:
    mated = scores.mated
    if scores.search is None or not mated.any():
        return {}
    ranks, people = scores.ranks, board.people[mated]
    rank1 = rate_figure(scores.hit()[mated], people, seed)
    assert rank1 is not None
    return {
        "rank1": rank1
        | {
            "tied_probes": ranks.n_tied,
            "value_ties_at_random": expected_rank_rate(ranks, 1),
            "gallery_subjects": ranks.n_subjects,
            "references_per_subject": len(board.plan.references) / ranks.n_subjects,
            "non_mated": int((~mated).sum()),
        },
        "rank5": rate_figure(scores.hit(5)[mated], people, seed),
    }


def _cosines(scores: ArmScores, board: Board, seed: int) -> dict[str, Figure | None]:
    own = mean_figure(scores.cosine, board.people, seed)
    others = mean_figure(scores.impostor, board.people, seed)
    found: dict[str, Figure | None] = {"cosine": own, "impostor_cosine": others}
    found["margin"] = mean_figure(scores.cosine - scores.best_impostor, board.people, seed)
    summary = _summary(scores, board)
    if summary is not None:
        _add_table(found, summary)
        found["overlap"] = _plain(summary.overlap, summary.n_genuine, summary.n_impostor)
        found["d_prime"] = _plain(summary.d_prime, summary.n_genuine, summary.n_impostor)
    if scores.search is not None:
        genuine, impostor = scores.search.genuine, scores.search.impostor
        value = d_prime_of(genuine.mean, genuine.sd, impostor.mean, impostor.sd)
        found["d_prime"] = _plain(value, genuine.count, impostor.count)
    return found


def _summary(scores: ArmScores, board: Board) -> CosineSummary | None:
    """Return mean and spread of the cosine table, or where there is none, of the pairs."""
    if scores.table is not None:
        return scores.table.summary
    if not len(scores.trials):
        return None
    return cosine_summary(scores.trials[board.genuine], scores.trials[~board.genuine])


def _add_table(found: dict[str, Figure | None], summary: CosineSummary) -> None:
    """Add spread, separation and counts of the cosine table to the two means."""
    for name, sd, n in (
        ("cosine", summary.genuine_sd, summary.n_genuine),
        ("impostor_cosine", summary.impostor_sd, summary.n_impostor),
    ):
        figure = found[name]
        if figure is not None:
            found[name] = figure | {"sd": sd, "n_cosines": n, "d_prime": summary.d_prime}


def _plain(value: float, n_genuine: int, n_impostor: int) -> Figure | None:
    """Return a figure without an interval, or None where it is unknown."""
    if not np.isfinite(value):
        return None
    counts = {"n": n_genuine + n_impostor, "n_genuine": n_genuine, "n_impostor": n_impostor}
    return {"value": value, "low": np.nan, "high": np.nan} | counts


def _verification(scores: Vector, board: Board, seed: int) -> dict[str, Figure | None]:
    genuine = board.genuine
    if not genuine.any() or genuine.all():
        return {}
    people = board.trial_subjects()
    mated, other = scores[genuine], scores[~genuine]
    intervals = bootstrap_verification(
        mated, other, people[genuine, 0], people[~genuine], seed=seed, fmr_targets=FMR_TARGETS
    )
    counts = {"n_genuine": mated.size, "n_impostor": other.size}
    eer = equal_error_rate(mated, other)
    found: dict[str, Figure | None] = {
        "eer": asdict(intervals.eer) | {"fvc_low": eer.low, "fvc_high": eer.high} | counts,
        "zero_fmr": _plain(zero_fmr(mated, other).fnmr, mated.size, other.size),
    }
    subjects = np.unique(people[genuine, 0]).size
    for target in FMR_TARGETS:
        point = fnmr_at_fmr(mated, other, target)
        figure = asdict(intervals.fnmr[target]) | _point(point, mated) | counts
        wrong = int((mated < point.threshold).sum())
        reason = flag(wrong, mated.size, subjects, false_accept_budget=point.false_accept_budget)
        found[f"fnmr@fmr={target:g}"] = flagged(figure, reason)
    return found


def _point(point: OperatingPoint, mated: Vector) -> Figure:
    return {
        "threshold": point.threshold,
        "achieved_fmr": point.achieved_fmr,
        "false_accept_budget": point.false_accept_budget,
        "supported": point.supported,
        "fnmr_completed": rates_at_threshold(completed(mated), [], point.threshold)[1],
    }


FPIR = 0.01
"""False positive identification rate that the open-set figure allows."""


def failure_rates(board: Board, scores: ArmScores, references: Templates, seed: int) -> Figures:
    """Return failure to enrol and failure to acquire, by image and never by comparison.

    ``failed_subjects`` counts the people none of whose images gave a template. A failed
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
