"""One-to-many search, closed set: ranks, rank-k rates, CMC.

Every subject of the gallery has one score per probe, the best of their references. A
probe's rank is 1 + the number of other subjects ahead of its own. Ties are counted as
ahead (pessimistic): a recogniser that says the same of everybody has not found anybody.
What a random order among the tied would give is :func:`expected_rank_rate`.

All figures depend on the number of subjects in the gallery; print it beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.metrics.inputs import Subjects, numbers, people, same_kind

CELLS = 1 << 17
"""Scores that are compared with each probe's own at once: few enough for the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """The rank of each probe's own subject.

    Attributes:
        pessimistic: (P,) 1-based rank with every tie ahead; ``n_subjects + 1`` for a miss.
        optimistic: (P,) the same with every tie behind; ``n_subjects + 1`` for a miss.
        missed: (P,) bool: the probe, or all references of its subject, failed. A miss at
            every rank, and in every denominator.
        n_subjects: Subjects in the gallery, those whose references failed included.
    """

    pessimistic: NDArray[np.int64]
    optimistic: NDArray[np.int64]
    missed: NDArray[np.bool_]
    n_subjects: int

    @property
    def ties(self) -> NDArray[np.int64]:
        """Return how many other subjects tie with each probe's own, (P,)."""
        return self.pessimistic - self.optimistic

    @property
    def n_tied(self) -> int:
        """Return the number of probes that tie with at least one other subject."""
        return int(np.count_nonzero(self.ties))


def subject_scores(
    scores: ArrayLike, reference_subjects: Subjects
) -> tuple[NDArray[np.float64], NDArray[np.generic]]:
    """Return the best score over each subject's references.

    Args:
        scores: (P, R) scores of probes against references; -inf = failed.
        reference_subjects: (R,) the subject of each reference.

    Returns:
        (P, S) maxima, and the (S,) subjects in sorted order.

    Raises:
        ValueError: Shapes disagree, there is no reference, or a score is NaN or +inf.
    """
    table, subjects = _best(scores, reference_subjects)
    _check(table)
    return table.astype(np.float64, copy=False), subjects


def _best(
    scores: ArrayLike, reference_subjects: Subjects
) -> tuple[NDArray[np.floating], NDArray[np.generic]]:
    """Return what :func:`subject_scores` does, in the precision of the scores."""
    table, owners = _table(scores), people(reference_subjects, "The references' subjects")
    if table.ndim != 2 or owners.shape != (table.shape[1],):
        raise ValueError(
            f"Scores of shape (probes, references) and one subject per reference are "
            f"needed, not {table.shape} and {owners.shape}."
        )
    if not owners.size:
        raise ValueError("There is no reference to search.")
    order = np.argsort(owners, kind="stable")
    subjects, starts = np.unique(owners[order], return_index=True)
    if not np.array_equal(order, np.arange(order.size)):
        table = table[:, order]
    if subjects.size < owners.size:
        table = np.maximum.reduceat(table, starts, axis=1)
    return table, subjects


def _check(table: NDArray[np.floating]) -> None:
    """Refuse NaN and +inf, which go through every maximum."""
    if table.size and not table.max() < np.inf:
        raise ValueError("Scores must not be NaN or +inf; a failed comparison is -inf.")


def _table(scores: ArrayLike) -> NDArray[np.floating]:
    """Return scores in float32 or float64, as they come; anything else in float64."""
    if type(scores) is np.ndarray and scores.dtype in (np.float32, np.float64):
        return scores
    return numbers(scores, "Scores")


def closed_set(probe_subjects: Subjects, reference_subjects: Subjects) -> NDArray[np.bool_]:
    """Return (P,) True where the probe's subject is in the gallery.

    The others are open-set probes: search for them has no right answer. Count them and
    leave them out before :func:`identification_ranks`.
    """
    probes = people(probe_subjects, "The probes' subjects")
    references = people(reference_subjects, "The references' subjects")
    same_kind(probes, references)
    return np.isin(probes, references)


def identification_ranks(
    scores: ArrayLike, probe_subjects: Subjects, reference_subjects: Subjects
) -> Ranks:
    """Return the rank of every probe's own subject.

    Args:
        scores: (P, R) scores of probes against references. A failed probe is a row of
            -inf, a failed reference a column of -inf; both stay in.
        probe_subjects: (P,) the subject of each probe.
        reference_subjects: (R,) the subject of each reference.

    Raises:
        ValueError: As :func:`subject_scores`, or a probe's subject has no reference
            (see :func:`closed_set`).
    """
    table, subjects = _best(scores, reference_subjects)
    probes = people(probe_subjects, "The probes' subjects")
    if probes.shape != (table.shape[0],):
        raise ValueError(f"{table.shape[0]} probes need as many subjects, not {probes.shape}.")
    strangers = np.unique(probes[~closed_set(probes, subjects)])
    if strangers.size:
        raise ValueError(
            f"{strangers.size} probe subjects have no reference, {strangers[0]!s} first; "
            "leave open-set probes out and count them."
        )
    own = table[np.arange(probes.size), np.searchsorted(subjects, probes)]
    missed = np.isneginf(own)
    ahead, level = np.zeros(own.size, np.int64), np.empty(own.size, np.int64)
    rows = max(1, CELLS // subjects.size)
    for start in range(0, own.size, rows):
        part = slice(start, start + rows)
        _check(table[part])
        level[part] = _counted(table[part] >= own[part, None])
        rivalled = start + np.flatnonzero(level[part] > 1)
        ahead[rivalled] = _counted(table[rivalled] > own[rivalled, None])
    level -= 1  # less the subject itself
    worst = subjects.size + 1
    return Ranks(
        pessimistic=np.where(missed, worst, 1 + level),
        optimistic=np.where(missed, worst, 1 + ahead),
        missed=missed,
        n_subjects=subjects.size,
    )


def _counted(true: NDArray[np.bool_]) -> NDArray[np.unsignedinteger]:
    """Return how many entries of each row are true, in the narrowest type, which is the fastest."""
    narrow = np.uint16 if true.shape[1] < 1 << 16 else np.uint64
    return np.asarray(np.add.reduce(true.view(np.uint8), axis=1, dtype=narrow))


def rank_rate(ranks: Ranks, k: int) -> float:
    """Return the share of probes of rank k or better, ties against; NaN without probes."""
    return _mean(hits(ranks, k))


def expected_rank_rate(ranks: Ranks, k: int) -> float:
    """Return the rank-k rate expected if each tie were broken at random; NaN without probes."""
    _check_rank(k)
    places = np.clip(k - ranks.optimistic + 1, 0, ranks.ties + 1)
    return _mean(np.where(ranks.missed, 0.0, places / (ranks.ties + 1)))


def cmc(ranks: Ranks, n_subjects: int) -> NDArray[np.float64]:
    """Return the cumulative match characteristic, ties against.

    Args:
        ranks: From :func:`identification_ranks`.
        n_subjects: Highest rank wanted; all subjects of the gallery for the whole curve.

    Returns:
        (n_subjects,) rank-k rates for k = 1, 2, ...; NaN without probes. The last stays
        below 1 by the share of misses.
    """
    _check_rank(n_subjects)
    if not ranks.pessimistic.size:
        return np.full(n_subjects, np.nan)
    ranked = ranks.pessimistic[~ranks.missed]
    counts = np.bincount(ranked, minlength=n_subjects + 1)[1 : n_subjects + 1]
    return np.cumsum(counts) / ranks.pessimistic.size


def hits(ranks: Ranks, k: int = 1) -> NDArray[np.bool_]:
    """Return (P,) True where the own subject has rank k or better, ties against."""
    _check_rank(k)
    return (ranks.pessimistic <= k) & ~ranks.missed


def _check_rank(k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"A rank is a whole number, 1 or more, not {k!r}.")


def _mean(values: NDArray[np.bool_] | NDArray[np.float64]) -> float:
    return float(np.mean(values)) if values.size else float("nan")
