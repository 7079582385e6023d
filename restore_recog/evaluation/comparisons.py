"""Single comparisons of templates, and the averages that enrolment and tables take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Templates = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Genuine comparisons, one by one.

    Attributes:
        scores: (G,) -inf where a template is missing.
        probe: (G,) the row of each one's probe.
    """

    scores: Vector
    probe: NDArray[np.intp]


def without(templates: Templates) -> Mask:
    """Return (N,) which rows hold no template."""
    return np.asarray(np.isnan(templates).any(axis=1))


def averaged(
    templates: Templates, subjects: NDArray[np.str_]
) -> tuple[Templates, NDArray[np.str_]]:
    """Return one unit-length template a subject, the mean of those that there are.

    A subject without any template, or whose templates cancel, has a row of NaN.

    Args:
        templates: (R, D), NaN rows for failed ones.
        subjects: (R,).

    Returns:
        (S, D) templates and the (S,) subjects in sorted order.
    """
    names, index = np.unique(subjects, return_inverse=True)
    sums = np.zeros((len(names), templates.shape[1]))
    np.add.at(sums, index, np.nan_to_num(templates))
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = np.full_like(sums, np.nan)
    np.divide(sums, length, out=unit, where=length > 1e-12)
    return unit, names


def genuine_comparisons(
    probes: Templates,
    references: Templates,
    probe_subjects: NDArray[np.str_],
    reference_subjects: NDArray[np.str_],
) -> Comparisons:
    """Return every comparison of a probe with a reference of the same subject."""
    order = np.argsort(reference_subjects, kind="stable")
    names = reference_subjects[order]
    first = np.searchsorted(names, probe_subjects, side="left")
    count = np.searchsorted(names, probe_subjects, side="right") - first
    rows = np.repeat(np.arange(len(probes)), count)
    within = np.arange(rows.size) - np.repeat(np.cumsum(count) - count, count)
    columns = order[np.repeat(first, count) + within]
    return Comparisons(dots(probes, rows, references, columns), rows)


def dots(
    probes: Templates,
    rows: NDArray[np.intp],
    references: Templates,
    columns: NDArray[np.intp],
    *,
    chunk: int = 65_536,
) -> Vector:
    """Return (T,) scores of chosen comparisons, -inf where a template is missing.

    Rounded to float32 as in :mod:`restore_recog.evaluation.search`, so that one threshold suits
    both.
    """
    found = np.empty(len(rows))
    for start in range(0, len(rows), chunk):
        part = slice(start, start + chunk)
        found[part] = np.einsum("ij,ij->i", probes[rows[part]], references[columns[part]])
    scores: Vector = found.astype(np.float32).astype(np.float64)
    return np.where(np.isnan(scores), -np.inf, scores)


def row_means(scores: Vector, rows: NDArray[np.intp], where: Mask, n_rows: int) -> Vector:
    """Return (n_rows,) the mean of the chosen finite scores of every row, NaN without any."""
    known = where & np.isfinite(scores)
    count = np.bincount(rows[known], minlength=n_rows)
    total = np.bincount(rows[known], scores[known], n_rows)
    return np.asarray(np.divide(total, count, out=np.full(n_rows, np.nan), where=count > 0))
