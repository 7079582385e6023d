"""Error rates of more scores than memory holds, in one pass: exact in the tail.

A :class:`ScoreStream` keeps the largest scores themselves and counts all of them in fine
bins. What it says is either **exact**, the very figure that
:mod:`~restore_recog.metrics.verification` gives for the same scores, or has a stated
**bound**:

* above the lowest score kept (:attr:`ScoreStream.floor`) all is exact, and so is every
  threshold for an FMR below tail / number of scores;
* below it rates are exact at the edges of the bins; a threshold lies less than one bin
  (:attr:`ScoreStream.width`) above the exact one and never lets its target be exceeded.

Counts, rates and thresholds do not depend on the order in which scores are added or
streams merged; mean and standard deviation do by float rounding (about 1e-15).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.errors import DataError
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
        self.count = self.failed = 0
        self.least, self.most = math.inf, -math.inf
        self.kinds: set[np.dtype[np.floating]] = set()
        self._zero = bins // 2 + bins // 2048 + 1  # the bin that begins at score 0
        self._histogram: Counts = np.zeros(2 * self._zero, dtype=np.int64)
        self._kept: Vector = np.empty(0)
        self._fresh: list[Vector] = []  # further scores that may be among the largest
        self._waiting = 0  # how many they are
        self._cut = -math.inf  # what is not above it is not among the largest
        self._mean = self._squares = 0.0  # and the sum of squared differences from the mean

    @property
    def width(self) -> float:
        """Return the width of a bin, the bound on thresholds that are not exact."""
        return 1.0 / self._per_one

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
            scores = np.concatenate([self._kept, *self._fresh])
            self._fresh.clear()
            self._waiting = 0
            if scores.size > self.tail:
                scores.partition(scores.size - self.tail)
                scores = scores[-self.tail :].copy()
            scores.sort()
            scores.flags.writeable = False
            self._kept = scores
            if scores.size == self.tail:
                self._cut = float(scores[0])
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
        if vector.size and np.isneginf(vector.min()):
            vector = vector[~np.isneginf(vector)]
        most = self.limit * LIMIT
        if vector.size and not (vector.max() <= most and vector.min() >= -most):
            kind = "cosines" if self.limit == 1 else "numbers"
            raise ValueError(
                f"Scores must be {kind} in [-{self.limit}, {self.limit}], or -inf for a failed "
                "comparison."
            )
        self.kinds |= {digits} if vector.size else set()
        lost = failed + array.size - vector.size
        self.count, self.failed = self.count + lost, self.failed + lost
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
        self._keep(other.kept)

    def threshold_at(self, rate: float) -> tuple[float, bool]:
        """Return the threshold at which a share of at most ``rate`` is accepted.

        It is the lowest such float64, whatever the scores were: compare them with it in float64.
        Where all completed comparisons may be accepted, the lowest score.

        Returns:
            The threshold, and whether it is exact. If not, it is the edge of a bin, too
            high by less than :attr:`width`; the share accepted there is exact all the same.

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
        if budget < kept.size:
            return float(np.nextafter(kept[kept.size - 1 - budget], np.inf)), True
        edge = int(np.argmax(self._at_or_above() <= budget))
        return (edge - self._zero) * self.width, False

    def share_at_or_above(self, threshold: float) -> tuple[float, float]:
        """Return the share of scores >= threshold, and the most by which it may be wrong.

        The bound is 0 above :attr:`floor` and at the edges of bins; elsewhere half the
        share of the bin. Failed comparisons stay in the denominator. NaN without any.
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
        kept, above = self.kept, self._at_or_above()
        places = np.clip(cuts * self._per_one, -self._zero, self._zero)
        low, high = (
            above[side(places).astype(np.int64) + self._zero] for side in (np.ceil, np.floor)
        )
        exact = kept.size - np.searchsorted(kept, cuts, side="left")
        inside = cuts > self.floor
        return np.where(inside, exact, low), np.where(inside, exact, high)

    def occupied_edges(self) -> Vector:
        """Return the lower edges of the bins that hold a score, rising."""
        return np.asarray((np.flatnonzero(self._histogram) - self._zero) * self.width, np.float64)

    def _at_or_above(self) -> Counts:
        """Return how many scores lie in each bin or above; the last entry is 0."""
        return np.append(np.cumsum(self._histogram[::-1])[::-1], 0)

    def _take(self, chunk: NDArray[np.floating]) -> None:
        """Count finite scores, at least one."""
        # Scaling by a power of two, floor and whole numbers below 2^24 are exact in float32.
        places = np.floor(chunk * chunk.dtype.type(self._per_one))
        np.add.at(self._histogram, places.astype(np.intp) + self._zero, 1)
        wide = chunk.astype(np.float64)
        mean = float(wide.mean())
        self._keep(wide[wide > self._cut])
        self.least, self.most = (
            min(self.least, float(wide.min())),
            max(self.most, float(wide.max())),
        )
        wide -= mean
        # Not a BLAS product: its threads would wait for each other at every chunk.
        self._moments(wide.size, mean, float(np.square(wide, out=wide).sum()))
        self.count += wide.size

    def _keep(self, scores: Vector) -> None:
        if scores.size:
            self._fresh.append(scores)
            self._waiting += scores.size
        if self._waiting >= self.tail:
            _ = self.kept  # drops what is not among the largest

    def _moments(self, size: int, mean: float, squares: float) -> None:
        """Join mean and squares of further scores (Chan, Golub, LeVeque 1983)."""
        before = self.count - self.failed
        if not size:
            return
        total, shift = before + size, mean - self._mean
        self._mean += shift * size / total
        self._squares += squares + shift * shift * before * size / total
