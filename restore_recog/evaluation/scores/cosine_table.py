"""The cosine-similarity table: every probe against one clean image of each subject."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Compare
from restore_recog.evaluation.scores.comparison import cosines
from restore_recog.metrics.separation import CosineSummary, d_prime_of
from restore_recog.types import Mask, Templates, Vector

CELLS = 4_000_000
"""Entries of the table that are held at once: 32 MB."""

AT_ONCE = 1024
"""Chosen pairs whose templates are compared at once, all with all, by a recogniser's own way."""


@dataclass(frozen=True, slots=True, eq=False)
class CosineTable:
    """The table of one arm, P probes.

    Attributes:
        own: (P,) cosine to the image of the probe's own subject; NaN without both
            templates or without such an image.
        others: (P,) mean cosine to the images of all other subjects; NaN likewise.
        summary: Of all entries: *own* as genuine, each other entry as impostor.
    """

    own: Vector
    others: Vector
    summary: CosineSummary


def cosine_table(
    probes: Vector,
    probe_subjects: NDArray[np.str_],
    images: Vector,
    subjects: NDArray[np.str_],
    *,
    cells: int = CELLS,
) -> CosineTable:
    """Return the means of the table's rows and its summary; memory does not grow with P times S.

    The summary is what :func:`~restore_recog.metrics.separation.cosine_summary` gives of the
    whole table: the overlap is exact, for the sum of the two error rates is smallest at a
    genuine score.

    Args:
        probes: (P, D) unit-length templates, NaN rows for failed ones.
        probe_subjects: (P,).
        images: (S, D) the same of one image per subject.
        subjects: (S,) their subjects, each once.
        cells: Entries held at once.
    """
    place = {str(subject): i for i, subject in enumerate(subjects)}
    column = np.array([place.get(str(subject), -1) for subject in probe_subjects], dtype=np.intp)
    has = column >= 0
    own = np.full(len(probes), np.nan)
    own[has] = np.einsum("ij,ij->i", probes[has], images[column[has]])
    genuine = np.sort(own[np.isfinite(own)])
    impostors = _ImpostorCosines(genuine)
    others = np.full(len(probes), np.nan)
    size = max(1, cells // max(1, len(subjects)))
    for start in range(0, len(probes), size):
        rows = slice(start, start + size)
        cosines = probes[rows] @ images.T  # (rows, S)
        foreign = np.arange(len(subjects))[None, :] != column[rows, None]
        known = foreign & ~np.isnan(cosines)
        count = known.sum(axis=1)
        total = np.where(known, cosines, 0.0).sum(axis=1)
        np.divide(total, count, out=others[rows], where=count > 0)
        impostors.add(cosines[known], int(foreign.sum()))
    return CosineTable(own, others, impostors.summary(int(has.sum())))


class _ImpostorCosines:
    """Count, mean and spread of impostor entries, and their places among the genuine ones."""

    def __init__(self, genuine: Vector) -> None:
        self.genuine = genuine
        self.places = np.zeros(genuine.size + 1, dtype=np.int64)
        self.attempted = self.n = 0
        self.mean = self.squares = 0.0

    def add(self, scores: Vector, attempted: int) -> None:
        self.attempted += attempted
        if not scores.size:
            return
        passed = np.searchsorted(self.genuine, scores, side="right")
        self.places += np.bincount(passed, minlength=self.places.size)
        mean, n = float(scores.mean()), self.n + scores.size
        gap = mean - self.mean
        self.squares += float(((scores - mean) ** 2).sum()) + gap**2 * self.n * scores.size / n
        self.mean += gap * scores.size / n
        self.n = n

    def summary(self, genuine_attempted: int) -> CosineSummary:
        genuine = self.genuine
        genuine_sd = float(genuine.std(ddof=1)) if genuine.size > 1 else math.nan
        impostor_sd = math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else math.nan
        genuine_mean = float(genuine.mean()) if genuine.size else math.nan
        impostor_mean = self.mean if self.n else math.nan
        return CosineSummary(
            genuine_mean=genuine_mean,
            genuine_sd=genuine_sd,
            impostor_mean=impostor_mean,
            impostor_sd=impostor_sd,
            d_prime=d_prime_of(genuine_mean, genuine_sd, impostor_mean, impostor_sd),
            overlap=self._overlap(),
            n_genuine=genuine_attempted,
            n_impostor=self.attempted,
            failed_genuine=genuine_attempted - genuine.size,
            failed_impostor=self.attempted - self.n,
        )

    def _overlap(self) -> float:
        """Return the smallest FMR + FNMR, over the thresholds at genuine scores and +inf."""
        size = self.genuine.size
        if not size or not self.n:
            return math.nan
        below = np.searchsorted(self.genuine, self.genuine, side="left") / size
        # places[k] entries reach exactly k of the genuine scores, so those with more than
        # `rank` places are at or above the genuine score of that rank.
        at_or_above = self.n - np.cumsum(self.places)[:-1]
        return float(min(1.0, np.min(below + at_or_above / self.n)))


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Genuine comparisons.

    Attributes:
        scores: (G,) -inf where a template is missing.
        probe: (G,) the row of the probe of each.
    """

    scores: Vector
    probe: NDArray[np.intp]


def without(templates: Templates) -> Mask:
    """Return (N,) which rows hold no template."""
    return np.asarray(np.isnan(templates).any(axis=1))


def averaged(
    templates: Templates, subjects: NDArray[np.str_], weights: Vector | None = None
) -> tuple[Templates, NDArray[np.str_]]:
    """Return one unit-length template per subject, the mean of its templates.

    A subject without a template, or whose templates sum to zero, has a row of NaN.

    Args:
        templates: (R, D), NaN rows for failed ones.
        subjects: (R,).
        weights: (R,) positive, of those that have a template; None for all the same.

    Returns:
        (S, D) templates and the (S,) subjects in sorted order.
    """
    names, index = np.unique(subjects, return_inverse=True)
    sums = np.zeros((len(names), templates.shape[1]))
    summands = np.nan_to_num(templates)
    if weights is not None:
        summands *= np.nan_to_num(weights)[:, None]
    np.add.at(sums, index, summands)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = np.full_like(sums, np.nan)
    np.divide(sums, length, out=unit, where=length > 1e-12)
    return unit, names


def genuine_comparisons(
    probes: Templates,
    references: Templates,
    probe_subjects: NDArray[np.str_],
    reference_subjects: NDArray[np.str_],
    *,
    compare: Compare = cosines,
) -> Comparisons:
    """Return every comparison of a probe with a reference of the same subject."""
    rows, columns = genuine_pairs(probe_subjects, reference_subjects)
    return Comparisons(pair_scores(probes, rows, references, columns, compare=compare), rows)


def genuine_pairs(
    probe_subjects: NDArray[np.str_], reference_subjects: NDArray[np.str_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (G,) probes and (G,) references, every two of the same subject."""
    order = np.argsort(reference_subjects, kind="stable")
    names = reference_subjects[order]
    first = np.searchsorted(names, probe_subjects, side="left")
    count = np.searchsorted(names, probe_subjects, side="right") - first
    rows = np.repeat(np.arange(len(probe_subjects)), count)
    within = np.arange(rows.size) - np.repeat(np.cumsum(count) - count, count)
    return rows, order[np.repeat(first, count) + within]


def pair_scores(
    probes: Templates,
    rows: NDArray[np.intp],
    references: Templates,
    columns: NDArray[np.intp],
    *,
    compare: Compare = cosines,
    chunk: int = 65_536,
) -> Vector:
    """Return (T,) scores of chosen comparisons, -inf where a template is missing.

    Rounded to float32 as in :mod:`restore_recog.evaluation.scores.search`, so that one
    threshold applies to both.

    Args:
        probes, references: (P, D) and (R, D) templates, NaN rows for failed ones.
        rows, columns: (T,) which of them are compared.
        compare: As for :func:`~restore_recog.evaluation.scores.search.search`.
        chunk: Cosines computed at once.
    """
    raw = np.empty(len(rows))
    if compare is cosines:
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            raw[part] = np.einsum("ij,ij->i", probes[rows[part]], references[columns[part]])
    else:
        raw[:] = np.nan
        usable = ~(without(probes)[rows] | without(references)[columns])
        # By probe, so that few templates make up the table of a part.
        order = np.flatnonzero(usable)[np.argsort(rows[usable], kind="stable")]
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            mine, row = np.unique(rows[some], return_inverse=True)
            theirs, column = np.unique(columns[some], return_inverse=True)
            raw[some] = compare(references[theirs], probes[mine])[column, row]
    scores: Vector = raw.astype(np.float32).astype(np.float64)
    return np.where(np.isnan(scores), -np.inf, scores)


def row_means(scores: Vector, rows: NDArray[np.intp], where: Mask, n_rows: int) -> Vector:
    """Return (n_rows,) the mean of the chosen finite scores of every row, NaN without any."""
    known = where & np.isfinite(scores)
    count = np.bincount(rows[known], minlength=n_rows)
    total = np.bincount(rows[known], scores[known], n_rows)
    return np.asarray(np.divide(total, count, out=np.full(n_rows, np.nan), where=count > 0))
