"""Error rates of more scores than memory holds, in one pass: exact in the tail.

A :class:`ScoreStream` keeps the largest scores themselves and counts all of them in fine
bins. What it says is either **exact**, the very figure that
:mod:`~restore_recog.metrics.verification` gives for the same scores, or has a stated
**bound**:

* above the lowest score kept (:attr:`ScoreStream.floor`) all is exact, and so is every
  threshold for an FMR below tail / number of scores;
* below it rates are exact at the edges of the bins; a threshold lies less than one bin
  (:attr:`ScoreStream.width`) above the exact one and never lets its target be exceeded.

Where scores were counted up to an error (:meth:`ScoreStream.of_counted`), a rate below the floor is
known but for the scores within the error of its threshold, the bound on thresholds is two errors
more, and mean and standard deviation lie within the error.

Counts, rates and thresholds do not depend on the order in which scores are added or
streams merged; mean and standard deviation do by float rounding (about 1e-15).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.errors import DataError
from restore_recog.metrics.counted import Counted, zero_bin
from restore_recog.metrics.inputs import as_array, numbers, precision
from restore_recog.metrics.inputs import rate as unit_rate
from restore_recog.metrics.verification import largest_count
from restore_recog.types import Vector

Counts = NDArray[np.int64]

LIMIT = 1.0 + 2.0**-10
"""Largest size of a score: a cosine, with room for the rounding of unit vectors."""

_CHUNK = 1 << 16  # scores worked on at once, few enough for the cache


class ScoreStream:
    """Scores of one kind (all impostor, or all genuine), taken in as they come.

    Memory is flat: about 40 bytes a kept score and 8 a bin, however many scores come in.

    Args:
        tail: How many of the largest scores are kept themselves; 2^20 make the threshold for
            FMR 0.001 exact in 10^9 scores.
        bins: Bins over [-limit, limit], a power of two, so that no edge is rounded; a score
            equal to an edge lies above it.
        limit: Largest size of a score, a power of two; 1 for cosines.

    Attributes:
        count: Comparisons attempted, failed ones included.
        failed: Those among them with the score -inf.
        kinds: Floating types that the scores had.
        least, most: Lowest and highest finite score; inf and -inf without any.
        error: How far from itself a score at or below :attr:`floor` may have been counted.

    Raises:
        ValueError: ``tail`` < 1, ``bins`` is not a power of two from 2^10 to 2^24, or ``limit``
            not one from 1 to 2^10.
    """

    def __init__(self, tail: int = 1 << 20, bins: int = 1 << 18, limit: int = 1) -> None:
        if tail < 1 or bins not in {1 << power for power in range(10, 25)}:
            raise ValueError(
                f"A stream needs tail >= 1 and bins = 2^10 ... 2^24, not {tail} and {bins}."
            )
        if limit not in {1 << power for power in range(11)}:
            raise ValueError(f"The limit of scores is a power of two, 1 ... 2^10, not {limit}.")
        self.tail, self.bins, self.limit = tail, bins, limit
        self._per_one = bins / (2 * limit)  # bins in a range of 1
        self._step = 1.0 / self._per_one
        self.count = self.failed = 0
        self.least, self.most = math.inf, -math.inf
        self.kinds: set[np.dtype[np.floating]] = set()
        self.error = 0.0
        self._zero = zero_bin(bins)
        self._histogram: Counts = np.zeros(2 * self._zero, dtype=np.int64)
        self._kept: Vector = np.empty(0)
        self._fresh: list[Vector] = []  # further scores that may be among the largest
        self._waiting = 0  # how many they are
        self._cut = -math.inf  # what is not above it is not among the largest
        self._mean = self._squares = 0.0  # and the sum of squared differences from the mean
        self._marks: Mapping[int, float] = {}  # further known scores, by place from the top

    @classmethod
    def of_counted(
        cls, counted: Counted, largest: Vector, least: float, marks: Mapping[int, float]
    ) -> ScoreStream:
        """Return a stream of float32 cosines that were counted up to an error, one at least.

        Args:
            counted: All of them; ``least`` is the lowest.
            largest: (n,) the largest, rising, as many as are kept.
            marks: Further ones: place from the top, from 0 -> score. Such a threshold is exact too.
        """
        stream = cls(largest.size, counted.bins)
        stream.error, stream._histogram = counted.error, counted.counts
        stream.count, stream.least, stream.most = counted.size, least, float(largest[-1])
        stream._mean, stream._squares = counted.moments
        stream._kept, stream._cut, stream._marks = largest, float(largest[0]), marks
        stream.kinds = {np.dtype(np.float32)}
        return stream

    @property
    def width(self) -> float:
        """Return the bound on thresholds that are not exact: a bin's width and two errors."""
        return self._step + 2 * self.error

    @property
    def mean(self) -> float:
        """Return the mean of the finite scores; NaN without any."""
        return self._mean if self.count > self.failed else math.nan

    @property
    def sd(self) -> float:
        """Return their sample standard deviation (n - 1); NaN with fewer than two."""
        completed = self.count - self.failed
        if completed < 2:
            return math.nan
        return 0.0 if self.least == self.most else math.sqrt(self._squares / (completed - 1))

    @property
    def kept(self) -> Vector:
        """Return the largest scores, rising: all finite ones, or ``tail`` of them."""
        if self._fresh:
            self._kept = self._largest()
            self._kept.sort()
            self._kept.flags.writeable = False
        return self._kept

    @property
    def floor(self) -> float:
        """Return the score above which all is exact; -inf where every score is kept."""
        kept = self.kept
        return float(kept[0]) if kept.size < self.count - self.failed else -math.inf

    def add(self, scores: ArrayLike, *, failed: int = 0) -> None:
        """Take in scores of any shape, float32 or float64; -inf = failed.

        Args:
            scores: What was measured.
            failed: Further failed comparisons that need no place in ``scores``.

        Raises:
            ValueError: A score is NaN or further from 0 than the limit and 2^-10 of it.
                Then nothing is taken in.
        """
        array = as_array(scores, "Scores")
        digits = precision(array)
        if array.dtype not in (np.float32, np.float64):
            array = numbers(array, "Scores")
        vector = array.reshape(-1)
        if np.isneginf(least := vector.min(initial=np.inf)):
            vector = vector[~np.isneginf(vector)]
            least = vector.min(initial=np.inf)
        most = vector.max(initial=-np.inf)
        if vector.size and not max(-least, most) <= self.limit * LIMIT:
            kind = "cosines" if self.limit == 1 else "numbers"
            raise ValueError(
                f"Scores must be {kind} in [-{self.limit}, {self.limit}], or -inf for a failed "
                "comparison."
            )
        self.kinds |= {digits} if vector.size else set()
        lost = failed + array.size - vector.size
        self.count, self.failed = self.count + lost, self.failed + lost
        self.least, self.most = min(self.least, float(least)), max(self.most, float(most))
        for start in range(0, vector.size, _CHUNK):
            self._take(vector[start : start + _CHUNK])

    def merge(self, other: ScoreStream) -> None:
        """Take in what another stream has taken in; it stays as it is.

        Raises:
            ValueError: The streams keep different tails or bins.
        """
        if (self.tail, self.bins, self.limit) != (other.tail, other.bins, other.limit):
            raise ValueError("Only streams of the same tail, bins and limit can be merged.")
        completed = other.count - other.failed
        self._moments(completed, other._mean, other._squares)
        self.count, self.failed = self.count + other.count, self.failed + other.failed
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.kinds |= other.kinds
        self._histogram += other._histogram
        self.error, self._marks = max(self.error, other.error), {}
        self._keep(other.kept)

    def threshold_at(self, rate: float) -> tuple[float, bool]:
        """Return the threshold that accepts a share of at most ``rate``, and whether it is exact.

        It is the lowest such float64, whatever the scores were: compare them with it in float64.
        Where all completed comparisons may be accepted, the lowest score. If it is not exact, it
        lies an :attr:`error` above the edge of a bin, too high by less than :attr:`width`.

        Raises:
            ValueError: ``rate`` lies outside [0, 1].
            DataError: There is no comparison.
        """
        share = unit_rate(rate, "The rate")
        if not self.count:
            raise DataError("There is no comparison to set a threshold on.")
        budget = largest_count(share, self.count)
        if budget >= self.count - self.failed:
            return self.least, True
        kept = self.kept
        known = kept[-1 - budget] if budget < kept.size else self._marks.get(budget)
        if known is not None:
            return float(np.nextafter(known, np.inf)), True
        edge = (int(np.argmax(self._at_or_above() <= budget)) - self._zero) * self._step
        return (float(np.nextafter(edge + self.error, np.inf)) if self.error else edge), False

    def share_at_or_above(self, threshold: float) -> tuple[float, float]:
        """Return the share of scores >= threshold, and the most by which it may be wrong.

        The bound is 0 above :attr:`floor` and, without :attr:`error`, at the edges of bins; else
        half the share of the bin. Failed comparisons stay in the denominator. NaN without any.
        """
        low, high = (int(count[0]) for count in self.counts_at([threshold]))
        if not self.count:
            return math.nan, math.nan
        return (low + high) / 2 / self.count, (high - low) / 2 / self.count

    def counts_at(self, thresholds: ArrayLike) -> tuple[Counts, Counts]:
        """Return (K,) the fewest and the most scores that can be >= each threshold.

        The two are equal where the count is exact. Raises ValueError for NaN and -inf.
        """
        cuts = numbers(thresholds, "Thresholds")
        if np.isnan(cuts).any() or np.isneginf(cuts).any():
            raise ValueError("A threshold must be a number above -inf.")
        kept, above, zero = self.kept, self._at_or_above(), self._zero
        low, high = (
            above[side(np.clip(near * self._per_one, -zero, zero)).astype(np.int64) + zero]
            for side, near in ((np.ceil, cuts + self.error), (np.floor, cuts - self.error))
        )
        exact = kept.size - np.searchsorted(kept, cuts, side="left")
        inside = cuts > self.floor
        low = np.where(cuts <= self.least, above[0], np.maximum(low, kept.size))
        for place, score in self._marks.items():
            low = np.where(cuts <= score, np.maximum(low, place + 1), low)
            high = np.where(cuts > score, np.minimum(high, place), high)
        return np.where(inside, exact, low), np.where(inside, exact, high)

    def occupied_edges(self) -> Vector:
        """Return the lower edges of the bins that hold a score, rising; the first accepts all."""
        edges = np.asarray((np.flatnonzero(self._histogram) - self._zero) * self._step, np.float64)
        edges[:1] = np.minimum(edges[:1], self.least)
        return edges

    def _at_or_above(self) -> Counts:
        """Return how many scores lie in each bin or above; the last entry is 0."""
        return np.append(np.cumsum(self._histogram[::-1])[::-1], 0)

    def _take(self, chunk: NDArray[np.floating]) -> None:
        """Count finite scores, at least one."""
        # Scaling by a power of two, floor and whole numbers below 2^24 are exact in float32.
        scaled = chunk * chunk.dtype.type(self._per_one)
        places = np.floor(scaled, out=scaled).astype(np.intp) + self._zero
        np.add.at(self._histogram, places, 1)
        wide = chunk.astype(np.float64)
        mean = float(wide.mean())
        self._keep(wide.copy() if self._cut == -math.inf else wide[wide > self._cut])
        self._marks = {}
        wide -= mean
        # Not a BLAS product: its threads would wait for each other at every chunk.
        self._moments(wide.size, mean, float(np.square(wide, out=wide).sum()))
        self.count += wide.size

    def _keep(self, scores: Vector) -> None:
        if scores.size:
            self._fresh.append(scores)
            self._waiting += scores.size
        if self._waiting >= self.tail:
            self._kept = self._largest()
            self._fresh.append(np.empty(0))  # what is kept is not sorted yet

    def _largest(self) -> Vector:
        """Return the largest scores so far in any order, and take them as what is kept."""
        scores = np.concatenate([self._kept, *self._fresh])
        self._fresh, self._waiting = [], 0
        if scores.size > self.tail:
            scores = np.partition(scores, scores.size - self.tail)[-self.tail :].copy()
        if scores.size == self.tail:
            self._cut = float(scores.min())
        return scores

    def _moments(self, size: int, mean: float, squares: float) -> None:
        """Join mean and squares of further scores (Chan, Golub, LeVeque 1983)."""
        before = self.count - self.failed
        if not size:
            return
        total, shift = before + size, mean - self._mean
        self._mean += shift * size / total
        self._squares += squares + shift * shift * before * size / total
