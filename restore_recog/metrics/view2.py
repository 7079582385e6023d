"""Accuracy of yes-or-no answers on pair lists in folds, as for LFW's View 2.

Source: Huang et al., Labeled Faces in the Wild, UMass technical report 07-49, 2007,
"View 2": the threshold of each fold comes from the other folds alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.errors import DataError
from restore_recog.metrics.inputs import as_array, people
from restore_recog.metrics.verification import checked_scores
from restore_recog.types import Vector

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class View2:
    """Accuracy over F folds.

    Attributes:
        accuracy: Mean of the fold accuracies; every fold weighs the same, however many
            pairs it has.
        standard_error: Their standard deviation (F - 1) over sqrt(F).
        thresholds: (F,) the threshold used on each fold, found on all others.
        fold_accuracies: (F,) in the sorted order of the fold labels.
        correct: (T,) whether each pair was answered rightly, in the order given.
    """

    accuracy: float
    standard_error: float
    thresholds: Vector
    fold_accuracies: Vector
    correct: Flags


def view2(scores: ArrayLike, genuine: ArrayLike, folds: ArrayLike) -> View2:
    """Return accuracy by cross-validated thresholds.

    A pair is answered "same" if and only if score >= threshold. A failed pair (-inf) is
    never accepted: wrong if genuine, right if impostor, and always counted.

    Args:
        scores: (T,) scores; -inf = failed.
        genuine: (T,) True where both images show one person.
        folds: (T,) fold label of each pair; at least two folds.

    Raises:
        ValueError: A score is NaN or +inf, or shapes disagree.
        DataError: There are fewer than two folds, or only one kind of pair.
    """
    values, labels = checked_scores(scores), people(folds, "Folds")
    same = as_array(genuine, "Kinds of pairs")
    if not same.shape == labels.shape == values.shape or same.dtype.kind != "b":
        raise ValueError("Each pair needs one score, one bool (genuine) and one fold.")
    names = np.unique(labels)
    if names.size < 2 or same.all() or not same.any():
        raise DataError(
            f"View 2 needs two folds or more and pairs of both kinds, not {names.size} folds "
            f"with {int(same.sum())} genuine and {int((~same).sum())} impostor pairs."
        )
    correct = np.zeros(values.size, dtype=bool)
    thresholds, accuracies = np.empty(names.size), np.empty(names.size)
    for number, name in enumerate(names):
        held_out = labels == name
        thresholds[number] = best_threshold(values[~held_out], same[~held_out])
        correct[held_out] = (values[held_out] >= thresholds[number]) == same[held_out]
        accuracies[number] = correct[held_out].mean()
    error = float(accuracies.std(ddof=1)) / math.sqrt(names.size)
    return View2(float(accuracies.mean()), error, thresholds, accuracies, correct)


def best_threshold(scores: ArrayLike, genuine: ArrayLike) -> float:
    """Return a threshold of the highest accuracy on these pairs.

    Accuracy is the same for all thresholds between two neighbouring scores. Of the best
    stretches the **lowest** is taken, and of it the **middle**; at the ends the lowest
    finite score (all accepted that can be) or +inf (nobody accepted).

    Args, Raises: As :func:`view2`; one kind of pair is enough here.
    """
    values, same = checked_scores(scores), as_array(genuine, "Kinds of pairs")
    if same.shape != values.shape or same.dtype.kind != "b":
        raise ValueError("Each pair needs one score and one bool (genuine).")
    distinct = np.unique(values[np.isfinite(values)])
    candidates = np.append(distinct, np.inf)
    mated, other = np.sort(values[same]), np.sort(values[~same])
    accepted = mated.size - np.searchsorted(mated, candidates, side="left")
    refused = np.searchsorted(other, candidates, side="left")
    best = int(np.argmax(accepted + refused))  # the first, and so the lowest, of the best
    if best in (0, distinct.size):
        return float(candidates[best])
    below, above = float(distinct[best - 1]), float(distinct[best])
    middle = below + (above - below) / 2
    return middle if below < middle <= above else above
