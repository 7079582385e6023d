"""Scores that are known only up to an error, counted in bins as fast as they come.

They are products in float32, say, of which the scores proper are wanted in float64 but would take
longer: see :meth:`restore_recog.metrics.streaming.ScoreStream.of_counted`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]

ROUNDING = 2.0**-22
"""Of a cosine on its way into a bin: two operations in float32, on numbers below 2."""

_CHUNK = 1 << 16  # numbers worked on at once, few enough for the cache


def zero_bin(bins: int) -> int:
    """Return the bin that begins at score 0; below it lies room for more than half of the bins."""
    return bins // 2 + bins // 2048 + 1


class Counted:
    """Cosines in float32, counted in bins over [-1, 1], with their moments.

    Args:
        bins: As of a :class:`~restore_recog.metrics.streaming.ScoreStream`; at most 2^16.
        error: How far a number may be from the score that it stands for.

    Attributes:
        error: The same, with what is rounded when a number is put into its bin.
        zero: The bin that begins at 0.
        counts: (2 zero,) numbers in each bin.
    """

    def __init__(self, bins: int, error: float) -> None:
        self.bins, self.error = bins, error + ROUNDING
        self.zero = zero_bin(bins)
        self.counts = np.zeros(2 * self.zero, dtype=np.int64)
        self._per_one = np.float32(bins / 2)
        self._pivot = np.float32(0.0)  # later the edge next to the mean of the first numbers
        self._begun = False
        self._sum = self._squares = 0.0  # of differences from it
        self._places = np.empty((0, 0), dtype=np.int32)
        self._differences = np.empty((0, 0), dtype=np.float32)

    @property
    def size(self) -> int:
        """Return how many numbers were taken in."""
        return int(self.counts.sum())

    @property
    def width(self) -> float:
        """Return the width of a bin."""
        return 2.0 / self.bins

    @property
    def moments(self) -> tuple[float, float]:
        """Return mean and sum of squared differences from it.

        Mean and standard deviation lie within :attr:`error` of those of the scores, but for the
        rounding of sums in float32: with n columns at most 3 n 2^-24 standard deviations, where
        the mean of the first row lies within one of the mean.
        """
        size = max(1, self.size)
        shift = self._sum / size
        squares = max(0.0, self._squares - shift * self._sum)
        return float(self._pivot) + shift, squares

    def add(self, numbers: Singles) -> None:
        """Take in a (rows, columns) table of cosines, finite ones."""
        rows, columns = numbers.shape
        if not numbers.size:
            return
        if not self._begun:
            edge = np.rint(numbers[0].mean() * self._per_one)
            self._pivot, self._begun = np.float32(edge / self._per_one), True
        step = max(1, _CHUNK // columns)
        if self._places.shape != (step, columns):
            self._differences = np.empty((step, columns), dtype=np.float32)
            self._places = np.empty((step, columns), dtype=np.int32)
        for start in range(0, rows, step):
            self._take(numbers[start : start + step])

    def remove(self, numbers: Singles) -> None:
        """Take out (n,) numbers that were taken in."""
        if not numbers.size:
            return
        differences = numbers - self._pivot
        wide = differences.astype(np.float64)
        self._sum -= float(wide.sum())
        self._squares -= float(wide @ wide)
        places = self._placed(differences).astype(np.intp)
        self.counts -= np.bincount(places, minlength=self.counts.size)

    def at_or_above(self, cut: float) -> int:
        """Return how many numbers lie in the bin of a cut or above."""
        place = math.floor(cut / self.width) + self.zero
        return int(self.counts[max(0, place) :].sum())

    def top(self, number: int) -> float:
        """Return the highest edge that so many numbers reach; -2 where there are fewer."""
        above = np.cumsum(self.counts[::-1])[::-1]
        enough = np.flatnonzero(above >= number)
        return (int(enough[-1]) - self.zero) * self.width if enough.size else -2.0

    def lowest(self) -> float:
        """Return the lower edge of the lowest bin that holds a number."""
        return (int(np.argmax(self.counts > 0)) - self.zero) * self.width

    def _take(self, rows: Singles) -> None:
        differences = np.subtract(rows, self._pivot, out=self._differences[: len(rows)])
        self._sum += float(differences.sum(axis=1).sum(dtype=np.float64))
        squares = np.einsum("ij,ij->i", differences, differences)
        self._squares += float(squares.sum(dtype=np.float64))
        places = self._places[: len(rows)]
        np.copyto(places, self._placed(differences), casting="unsafe")
        self.counts += np.bincount(places.reshape(-1), minlength=self.counts.size)

    def _placed(self, differences: Singles) -> Singles:
        """Return places of the bins, with a fraction; changes what is given."""
        differences *= self._per_one
        differences += np.float32(self.zero + float(self._pivot * self._per_one))
        return differences
