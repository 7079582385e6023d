"""Accuracy on a list of pairs in folds (LFW View 2), and an arm's gain in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import stdtrit

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.chance import judged
from restore_recog.evaluation.figures.paired import flip_table
from restore_recog.evaluation.scores.design import Design, Measured
from restore_recog.metrics.flips import flip_interval
from restore_recog.metrics.resampling import resampled
from restore_recog.metrics.uncertainty import sign_flip_test
from restore_recog.metrics.view2 import View2, view2
from restore_recog.types import Vector

RESAMPLES = 2000
LEVEL = 0.95

UNBALANCED = 0.6
"""Share of one kind of pair above which accuracy says more about the list than about faces."""


def accuracy(design: Design, trials: Vector) -> View2 | None:
    """Return View 2 of one arm, or None where the plan's folds do not support it."""
    folds, genuine = np.array(design.plan.folds), design.genuine
    if np.unique(folds).size < 2 or genuine.all() or not genuine.any():
        return None
    return view2(trials, genuine, folds)


def accuracy_figure(view: View2, design: Design, *, limited: bool = False) -> Figure:
    """Return the mean accuracy over folds with Student's interval of that mean.

    ``value_missing_wrong`` is the accuracy if every pair that the data has no images for
    were decided wrongly: the lowest that the whole list can give. ``chance`` is what the same
    decision on all pairs gives.

    Args:
        limited: Whether only some of the available pairs are compared; then
            ``value_missing_wrong``, which is about the whole list, is absent.
    """
    n_folds = view.fold_accuracies.size
    reach = float(stdtrit(n_folds - 1, (1 + LEVEL) / 2)) * view.standard_error
    folds, missing = np.array(design.plan.folds), [fold for fold, _ in design.plan.missing_pairs]
    genuine = float(design.genuine.mean())
    chance = max(genuine, 1.0 - genuine)
    details = {
        "se": view.standard_error,
        "folds": n_folds,
        "thresholds": view.thresholds.tolist(),
        "fold_accuracies": view.fold_accuracies.tolist(),
        "missing_pairs": len(missing),
        "chance": chance,
    }
    if missing and not limited:
        names = np.unique([*folds, *missing])
        shares = [
            view.correct[folds == name].sum() / ((folds == name).sum() + missing.count(name))
            for name in names
        ]
        details["value_missing_wrong"] = float(np.mean(shares))
    why = f"{len(missing):,} pairs are missing" if missing else ""
    figure = Figure(
        FigureName("accuracy"),
        view.accuracy,
        max(0.0, view.accuracy - reach),
        min(1.0, view.accuracy + reach),
        n=len(folds),
        n_subjects=np.unique(design.trial_subjects()).size,
        flag=why,
        details=details,
    )
    if chance <= UNBALANCED:
        return judged(figure, chance)
    kind = "same" if genuine > 0.5 else "different"
    return replace(figure, flag=f"always '{kind}' gives {100 * chance:.1f} %")


def accuracy_gain(
    name: str, mine: View2, theirs: View2, design: Design, units: NDArray[np.intp], seed: int
) -> Figure:
    """Return the difference in the share of pairs decided rightly, and the flips.

    Every pair has the same weight here, whatever its fold. The interval is that of few flips,
    with the variance of :func:`pair_draws`.

    Args:
        units: (T,) what the sign-flip test flips, of :func:`flipped_together`.
    """
    now, before = mine.correct, theirs.correct
    flips = now.astype(float) - before
    draws = pair_draws(flips, design.trial_subjects(), seed)
    variance = float(draws.var()) if draws.size else None
    people = np.unique(design.trial_subjects())
    interval = replace(flip_interval(flips, units, variance=variance), n_subjects=people.size)
    p = sign_flip_test(flips, units, seed)
    return Figure.of(name, interval, **flip_table(now, before), p_sign_flip=p)


def flipped_together(design: Design, mine: Measured, theirs: Measured) -> NDArray[np.intp]:
    """Return (T,) which pairs change together when a person's two arms are exchanged.

    A pair belongs to its probe's person. Where its reference is another image in one arm than in
    the other (occluded references pass through the arms, too), it ties that person to the
    reference's: all pairs of people who are tied are one unit.
    """
    rows, columns = design.pair_rows.T
    names, index = np.unique(design.trial_subjects(), return_inverse=True)
    owners, probers = index.reshape(-1, 2).T
    plain = theirs.references[:, None]  # (R, 1, D)
    parts = mine.references.reshape(len(plain), -1, plain.shape[2])  # (R, K, D): K arms fused
    same = np.isclose(parts, plain, rtol=0, atol=1e-6, equal_nan=True)
    tied = ~np.all(same, axis=(1, 2))[columns]
    links = csr_array(
        (np.ones(int(tied.sum())), (owners[tied], probers[tied])), shape=(names.size, names.size)
    )
    return np.asarray(connected_components(links, directed=False)[1][probers], dtype=np.intp)


def pair_draws(values: Vector, people: NDArray[np.str_], seed: int) -> Vector:
    """Return the mean over pairs in every draw of people; none with fewer than two people.

    A genuine pair's weight is how often its person was drawn, an impostor pair's the product
    for its two people.

    Args:
        values: (T,) finite numbers.
        people: (T, 2) the subjects of both images.
        seed: Of the draws.
    """
    names, index = np.unique(people, return_inverse=True)
    first, second = index.reshape(-1, 2).T
    same = first == second

    def mean(weights: Vector) -> Vector:
        drawn = weights[:, first] * np.where(same, 1.0, weights[:, second])
        total = drawn.sum(axis=1)
        return np.asarray(
            np.divide(drawn @ values, total, out=np.full(len(total), np.nan), where=total > 0)
        )

    draws = resampled(mean, names.size, seed, RESAMPLES, width=len(values))
    return draws[~np.isnan(draws)]
