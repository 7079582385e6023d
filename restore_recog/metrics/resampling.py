"""The machinery behind :mod:`restore_recog.metrics.uncertainty`: drawing subjects."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse, sparray

from restore_recog.metrics.inputs import Subjects, number, numbers, people
from restore_recog.types import Vector

Counts: TypeAlias = ArrayLike | sparray
_CHUNK = 4_000_000  # entries of a draw matrix held at once: 32 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its bootstrap interval.

    Attributes:
        value: The figure on the data as they are.
        low, high: Ends of the interval; NaN where there is none.
        n: Values it rests on.
        n_subjects: Subjects it rests on.
        resamples: Bootstrap draws.
    """

    value: float
    low: float
    high: float
    n: int
    n_subjects: int
    resamples: int


def finite(values: ArrayLike) -> Vector:
    """Return the values as a float64 vector; ValueError where one is not finite."""
    vector = numbers(values)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError("Values must be a vector of finite numbers; count what failed apart.")
    return vector


def grouped(values: ArrayLike, subjects: Subjects) -> tuple[Vector, NDArray[np.intp], int]:
    """Return the values, the number of each one's subject, and how many subjects there are."""
    vector, names = finite(values), people(subjects)
    if names.shape != vector.shape:
        raise ValueError(f"{vector.size} values need as many subjects, not {names.shape}.")
    known, index = np.unique(names, return_inverse=True)
    return vector, index, known.size


def check_options(resamples: int, level: float) -> None:
    """Raise ValueError for options out of range."""
    share = number(level, "The level")
    if not number(resamples, "Resamples") >= 1 or not 0.0 < share < 1.0:
        raise ValueError(f"Need resamples >= 1 and 0 < level < 1, not {resamples} and {level}.")


def chunks(rows: int, columns: int) -> Iterator[int]:
    """Split a number of rows so that no piece holds more than _CHUNK entries."""
    size = max(1, _CHUNK // max(1, columns))
    for start in range(0, rows, size):
        yield min(size, rows - start)


def resampled(
    statistic: Callable[[Vector], Vector],
    n_subjects: int,
    seed: int,
    resamples: int,
    *,
    width: int = 0,
) -> Vector:
    """Return the statistic of every draw; it maps (B, S) multiplicities to (B, ...).

    Empty with fewer than two subjects, for then there is nothing to draw. ``width`` is
    the length of a draw's row in the statistic's own work, where longer than S.
    """
    if n_subjects < 2:
        return np.empty(0)
    sizes = chunks(resamples, max(n_subjects, width))
    return np.concatenate([statistic(w) for w in _multiplicities(n_subjects, seed, sizes)])


def _multiplicities(n_subjects: int, seed: int, sizes: Iterator[int]) -> Iterator[Vector]:
    """Yield (size, S) how often each subject is drawn, the same however they are cut."""
    pieces = list(sizes)
    total = sum(pieces)
    if total * n_subjects <= _CHUNK:
        kept = _kept_multiplicities(n_subjects, seed, total)
        yield from np.split(kept, np.cumsum(pieces)[:-1])
        return
    rng = np.random.default_rng(seed)
    for size in pieces:
        yield _drawn(rng, n_subjects, size)


@lru_cache(maxsize=4)
def _kept_multiplicities(n_subjects: int, seed: int, resamples: int) -> Vector:
    """Return the draws of the last few calls again: figures of one run share them."""
    weights = _drawn(np.random.default_rng(seed), n_subjects, resamples)
    weights.flags.writeable = False
    return weights


def _drawn(rng: np.random.Generator, n_subjects: int, size: int) -> Vector:
    even = np.full(n_subjects, 1.0 / n_subjects)
    return rng.multinomial(n_subjects, even, size).astype(np.float64)


def percentile_limits(draws: Vector, level: float) -> tuple[float, float]:
    """Return the percentile interval, NaN where there are no draws."""
    if not draws.size:
        return math.nan, math.nan
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return float(low), float(high)


def counts(values: Counts) -> Any:
    """Return a table of counts as it comes, dense or sparse, of finite real numbers.

    Raises:
        ValueError: It holds others.
    """
    sparse = issparse(values)
    table: Any = csr_array(values) if sparse else np.asarray(values)
    entries = table.data if sparse else values
    if not np.isfinite(numbers(entries, "Counts")).all():
        raise ValueError("Counts must be finite numbers.")
    return table


def two_way_design(
    compared: Counts | tuple[ArrayLike, ArrayLike], size: int
) -> tuple[NDArray[np.intp], Callable[[Vector], Vector], float]:
    """Return who was compared, the weight of all comparisons in each draw, and their number.

    Args:
        compared: As in :func:`restore_recog.metrics.uncertainty.bootstrap_two_way_counts`.
        size: S, the people to be expected.

    Returns:
        The numbers of the people with a comparison, a map from (B, people) multiplicities
        to (B,) weights, and how many comparisons there are.

    Raises:
        ValueError: Shapes disagree, a number of images is negative, or a diagonal is not 0.
    """
    if isinstance(compared, tuple):
        probes, references = (numbers(side, "Counts") for side in compared)
        if not probes.shape == references.shape == (size,) or not all(
            np.all((side >= 0) & (side < np.inf)) for side in (probes, references)
        ):
            raise ValueError(f"Two vectors of {size} counts, one per person, are needed.")
        others = probes * (references.sum() - references)
        people = np.flatnonzero(others + references * (probes.sum() - probes))
        a, b = probes[people], references[people]
        return people, lambda w: (w @ a) * (w @ b) - (w * w) @ (a * b), float(others.sum())
    table = counts(compared)
    if table.shape != (size, size) or table.diagonal().any():
        raise ValueError(f"Counts of shape {(size, size)} with an empty diagonal are needed.")
    people = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
    kept = table[people][:, people].astype(np.float64)
    return people, lambda w: np.sum((w @ kept) * w, axis=1), float(kept.sum())


def rank_correlation(x: NDArray[np.intp], y: NDArray[np.intp], weights: Vector) -> Vector:
    """Return (B,) Spearman correlations of values that count ``weights`` (B, n) times.

    Args:
        x, y: (n,) dense ranks (0, 1, ...), equal for equal values.
        weights: (B, n) whole numbers.
    """
    total = weights.sum(axis=1, keepdims=True)
    a, b = (_mean_ranks(keys, weights) - (total + 1) / 2 for keys in (x, y))
    both, first, second = (np.sum(weights * c, axis=1) for c in (a * b, a * a, b * b))
    spread = np.sqrt(first * second)
    return np.asarray(np.divide(both, spread, out=np.full(len(a), np.nan), where=spread > 0))


def _mean_ranks(keys: NDArray[np.intp], weights: Vector) -> Vector:
    """Return the rank of every value in every draw, the mean one among equal values."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    return np.asarray((np.cumsum(sizes, axis=1) - sizes / 2 + 0.5)[:, keys])
