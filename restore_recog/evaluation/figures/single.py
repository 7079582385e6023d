"""The figures of one arm alone: recognition, verification, cosines, image quality."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import Figure, FigureName, Figures, collected
from restore_recog.evaluation.figures.chance import judged
from restore_recog.evaluation.image_quality import QUALITIES
from restore_recog.evaluation.scores.cosine_table import without
from restore_recog.evaluation.scores.design import ArmScores, Design, Measured
from restore_recog.metrics.identification import expected_rank_rate
from restore_recog.metrics.open_set import fnir_at_fpir
from restore_recog.metrics.separation import CosineSummary, cosine_summary, d_prime_of
from restore_recog.metrics.support import flag
from restore_recog.metrics.uncertainty import bootstrap_mean
from restore_recog.metrics.verification import (
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
"""Where each arm has its own threshold."""

People = NDArray[np.intp]


def mean_figure(name: str, values: Vector, people: People, seed: int) -> Figure | None:
    """Return the mean of the finite values, or None where there is none."""
    known = np.isfinite(values)
    if not known.any():
        return None
    interval = bootstrap_mean(values[known], people[known], seed=seed)
    return Figure.of(name, interval, left_out=int((~known).sum()))


def rate_figure(
    name: str,
    outcomes: Vector | Mask,
    people: People,
    seed: int,
    *,
    errors: bool = False,
    budget: int | None = None,
) -> Figure | None:
    """Return a rate with its flag, or None without any value.

    Args:
        name: Of the figure.
        outcomes: (n,) 0 or 1.
        people: (n,) the subject of each.
        seed: Of the draws.
        errors: Whether a 1 is an error (FNMR) or a success (rank-1).
        budget: False accepts that the threshold allows, where the rate has one.
    """
    if not len(outcomes):
        return None
    interval = bootstrap_mean(outcomes, people, seed=seed)
    ones = int(np.sum(outcomes))
    wrong = ones if errors else len(outcomes) - ones
    why = flag(wrong, len(outcomes), interval.n_subjects, false_accept_budget=budget)
    return Figure.of(name, interval, why)


def arm_figures(arm: Measured, design: Design, seed: int) -> dict[str, Figure]:
    """Return the figures of one arm by name; those that cannot be measured are absent."""
    scores = arm.scores
    return collected(
        *_identification(scores, design, seed),
        *_cosines(scores, design, seed),
        *_verification(scores.trials, design, seed),
        *(mean_figure(name, arm.quality(name), design.people, seed) for name in QUALITIES),
    )


def _identification(scores: ArmScores, design: Design, seed: int) -> Iterator[Figure | None]:
    mated = scores.mated
    if scores.search is None or not mated.any():
        return
    ranks, people = scores.ranks, design.people[mated]
    rank1 = rate_figure("rank1", scores.hit()[mated], people, seed)
    assert rank1 is not None
    yield judged(rank1, 1 / ranks.n_subjects).with_details(
        tied_probes=ranks.n_tied,
        value_ties_at_random=expected_rank_rate(ranks, 1),
        gallery_subjects=ranks.n_subjects,
        references_per_subject=len(design.plan.references) / ranks.n_subjects,
        non_mated=int((~mated).sum()),
    )
    yield rate_figure("rank5", scores.hit(5)[mated], people, seed)


def _cosines(scores: ArmScores, design: Design, seed: int) -> Iterator[Figure | None]:
    own = mean_figure("cosine", scores.cosine, design.people, seed)
    others = mean_figure("impostor_cosine", scores.impostor, design.people, seed)
    summary = _summary(scores, design)
    if summary is not None:
        # The two means have the spread, separation and counts of the cosine table as details.
        own = own and own.with_details(
            sd=summary.genuine_sd, n_cosines=summary.n_genuine, d_prime=summary.d_prime
        )
        others = others and others.with_details(
            sd=summary.impostor_sd, n_cosines=summary.n_impostor, d_prime=summary.d_prime
        )
    yield own
    yield others
    yield mean_figure("margin", scores.margin, design.people, seed)
    if summary is not None:
        counts = summary.n_genuine, summary.n_impostor
        yield _plain("overlap", summary.overlap, *counts)
        if scores.search is None:
            pairs = summary if scores.by_cosine else _summary_of(scores.trials, design)
            yield _plain("d_prime", pairs.d_prime, *counts)
    if scores.search is not None:
        genuine, impostor = scores.search.genuine, scores.search.impostor
        value = d_prime_of(genuine.mean, genuine.sd, impostor.mean, impostor.sd)
        yield _plain("d_prime", value, genuine.count, impostor.count)


def _summary(scores: ArmScores, design: Design) -> CosineSummary | None:
    """Return mean and spread of the cosine table or, where there is none, of the pairs."""
    if scores.table is not None:
        return scores.table.summary
    return _summary_of(scores.trial_cosines, design) if len(scores.trials) else None


def _summary_of(trials: Vector, design: Design) -> CosineSummary:
    return cosine_summary(trials[design.genuine], trials[~design.genuine])


def _plain(name: str, value: float, n_genuine: int, n_impostor: int) -> Figure | None:
    """Return a figure without an interval, or None where it is unknown."""
    if not np.isfinite(value):
        return None
    counts = {"n_genuine": n_genuine, "n_impostor": n_impostor}
    return Figure(FigureName(name), value, n=n_genuine + n_impostor, details=counts)


def _verification(scores: Vector, design: Design, seed: int) -> Iterator[Figure | None]:
    genuine = design.genuine
    if not genuine.any() or genuine.all():
        return
    people = design.trial_subjects()
    mated, other = scores[genuine], scores[~genuine]
    intervals = bootstrap_verification(
        mated, other, people[genuine, 0], people[~genuine], seed=seed, fmr_targets=FMR_TARGETS
    )
    counts: dict[str, Any] = {"n_genuine": mated.size, "n_impostor": other.size}
    eer = equal_error_rate(mated, other)
    yield Figure.of("eer", intervals.eer, fvc_low=eer.low, fvc_high=eer.high, **counts)
    yield _plain("zero_fmr", zero_fmr(mated, other).fnmr, mated.size, other.size)
    subjects = np.unique(people[genuine, 0]).size
    for target in FMR_TARGETS:
        point = fnmr_at_fmr(mated, other, target)
        wrong = int((mated < point.threshold).sum())
        yield Figure.of(
            FigureName("fnmr", target),
            intervals.fnmr[target],
            flag(wrong, mated.size, subjects, false_accept_budget=point.false_accept_budget),
            threshold=point.threshold,
            achieved_fmr=point.achieved_fmr,
            false_accept_budget=point.false_accept_budget,
            supported=point.supported,
            fnmr_completed=rates_at_threshold(completed(mated), [], point.threshold)[1],
            **counts,
        )


FPIR = 0.01
"""False positive identification rate that the open-set figure allows."""


def failure_rates(
    design: Design, scores: ArmScores, references: Templates, seed: int
) -> Iterator[Figure]:
    """Return failure to enrol and failure to acquire, by image and never by comparison.

    ``failed_subjects`` counts the people none of whose images gave a template. A failed probe
    or reference counts in every denominator, so no other figure needs correcting.

    Args:
        design: Who is compared with whom.
        scores: Of the arm.
        references: (R, D) templates of the design's columns in this arm.
        seed: Of the draws.
    """
    size = len(design.plan.references)
    lost = without(references[:size])
    if size:
        yield _failures("fte", lost, design.column_subjects[:size], seed)
    yield _failures("fta", scores.failed, design.probe_subjects, seed)


def _failures(name: str, failed: Mask, subjects: NDArray[np.str_], seed: int) -> Figure:
    names, index = np.unique(subjects, return_inverse=True)
    working = np.bincount(index, ~failed, names.size)
    rate = rate_figure(name, failed, index, seed, errors=True)
    assert rate is not None
    return rate.with_details(failed=int(failed.sum()), failed_subjects=int((working == 0).sum()))


def generalised(design: Design, trials: Vector, figures: Figures) -> Iterator[Figure]:
    """Return GFAR and GFRR: the pairs' rates with failures to enrol and to acquire included.

    At the thresholds of the arm's FNMR; there is no interval.

    Args:
        design: Who is compared with whom.
        trials: (T,) scores of the pairs, -inf where a template is missing.
        figures: The arm's figures so far: ``fnmr@fmr=...``, ``fta`` and ``fte``.
    """
    mated, other = completed(trials[design.genuine]), completed(trials[~design.genuine])
    if "fte" not in figures or not mated.size or not other.size:
        return
    fta, fte = figures["fta"].value, figures["fte"].value
    genuine = int(design.genuine.sum())
    for point in [figure for figure in figures.values() if figure.name.kind == "fnmr"]:
        threshold = point["threshold"]
        fmr, fnmr = rates_at_threshold(mated, other, threshold)
        system = system_rates(fmr, fnmr, fta=fta, fte=fte)
        for kind, value, raw in (
            ("gfar", system.gfar, {"far": system.far}),
            ("gfrr", system.gfrr, {"frr": system.frr}),
        ):
            counts = {"n_genuine": genuine, "n_impostor": trials.size - genuine}
            name = FigureName(kind, point.name.target)
            details = {**raw, "threshold": threshold, **counts}
            yield Figure(name, value, n=trials.size, details=details)


def open_set(design: Design, scores: ArmScores, seed: int) -> Figure | None:
    """Return FNIR at an FPIR of 1 %, where there are probes of people outside the gallery.

    The interval draws the mated people; the threshold stays the same.
    """
    mated = scores.mated
    if scores.search is None or mated.all() or not mated.any():
        return None
    own, strangers = scores.search.own[mated], scores.search.best_other[~mated]
    point = fnir_at_fpir(own, scores.ranks.pessimistic, strangers, FPIR)
    missed = (own < point.threshold) | (scores.hit()[mated] == 0)
    name, budget = FigureName("fnir", FPIR, "fpir"), point.false_alarm_budget
    people = design.people[mated]
    rate = rate_figure(name, missed, people, seed, errors=True, budget=budget)
    return rate and rate.with_details(
        threshold=point.threshold,
        achieved_fpir=point.achieved_fpir,
        false_alarm_budget=budget,
        supported=point.supported,
        n_non_mated=int((~mated).sum()),
    )
