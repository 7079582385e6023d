"""Ranks by cosines: products in float32, and float64 for what those cannot decide.

A product of two rows of unit length in float32 differs from the exact one by no more than
:func:`error_bound`, in whatever order a matrix multiplication sums. So a score that is further
than that from a probe's own score is ahead of it or behind it for certain; the others, a few in a
million, are computed in float64. The ranks are those of scores that are all computed in float64
and rounded to float32, as :mod:`~restore_recog.evaluation.scores.search` defines a score. The
products may be counted on the way, see :mod:`~restore_recog.evaluation.scores.tally`.

Source of the bound: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.scores.blocks import TOLERANCE, Index, Scores, Side, Sides
from restore_recog.metrics.streaming import ScoreStream

UNIT = 2.0**-24
"""Rounding of one operation in float32, relative."""

PAIRS = 1 << 7
"""Pairs of templates that are multiplied at once in float64: few enough for the cache."""

MANY = 16
"""Where more than one pair in so many is undecided, as where everybody looks alike, a block is
computed in float64 as a whole."""


def error_bound(length: int) -> float:
    """Return how far a float32 product of two templates may be from their cosine in float32.

    It is n u / (1 - n u) times the product of their lengths, with n the operations that one of
    the summands goes through: its multiplication, the sums, and the rounding of both factors.
    Another 2 u stands for the rounding of the cosine itself.

    Args:
        length: D, numbers in a template; below 2^23.
    """
    steps = (length + 3) * UNIT
    return steps / (1 - steps) * (1 + 2 * TOLERANCE) + 2 * UNIT


class Counter(Protocol):
    """What takes in all comparisons on the way, as a :class:`~.tally.Tally` does.

    Attributes:
        genuine: Takes in the genuine scores.
    """

    genuine: ScoreStream

    def add(self, part: Part, index: Index, products: Scores, own: tuple[Index, Index]) -> None:
        """Take in the (probes, references) products of a block with a part.

        Args:
            part: The references.
            index: Rows of the probes.
            products: May be changed at ``own``.
            own: Rows and columns of the genuine comparisons.
        """


class Ranking:
    """The best scores and ranks of all probes, by block.

    Args:
        sides: What is compared.
        tally: Takes in all comparisons besides.

    Attributes:
        own, best_other: (P,) float32, as in a search's result.
        ahead: (P,) other subjects with a higher score than the probe's own.
        level: (P,) those with the same one, and those ahead.
    """

    def __init__(self, sides: Sides, tally: Counter | None = None) -> None:
        size = sides.probes.people.size
        self.sides, self.tally = sides, tally
        self.own: Scores = np.full(size, -np.inf, dtype=np.float32)
        self.best_other: Scores = np.full(size, -np.inf, dtype=np.float32)
        self.ahead = np.zeros(size, dtype=np.int64)
        self.level = np.zeros(size, dtype=np.int64)
        self._bound = error_bound(sides.probes.templates.shape[1])
        self._parts = [Part(sides, rows) for rows in sides.reference_slices()]

    def run(self) -> None:
        """Search all probes."""
        order, block = self.sides.probes.order, self.sides.block
        for start in range(0, order.size, block):
            self._search(order[start : start + block])

    def _search(self, index: Index) -> None:
        """Search some probes, given by their rows."""
        single = self.sides.probes.single(index)
        mine = [self._own(index, part) for part in self._parts]
        for part, own in zip(self._parts, mine, strict=True):
            products = part.products(single)
            if self.tally is not None:
                self.tally.add(part, index, products, own)
            products[own] = -np.inf
            best = part.best(products)
            highest = best.max(axis=1)
            self._count(index, part, best, highest)
            self._top(index, part, best, highest)

    def _own(self, index: Index, part: Part) -> tuple[Index, Index]:
        """Score some probes against their own subjects, and return rows and columns of these."""
        met, own = part.of(self.sides.probes.people[index])
        probe, reference, begins = part.pairs(met, own)
        if met.size:
            scores = part.exact(self.sides.probes, index, probe, reference)
            self.own[index[met]] = np.maximum.reduceat(scores, begins)
            if self.tally is not None:
                self.tally.genuine.add(scores)
        return probe, reference

    def _count(self, index: Index, part: Part, best: Scores, highest: Scores) -> None:
        """Count the subjects of (probes, subjects) best scores that are ahead or level."""
        own = self.own[index].astype(np.float64)
        low, high = _outwards(own - self._bound, own + self._bound)
        beaten = np.flatnonzero((highest >= low) & np.isfinite(own))
        rivals = best[beaten]
        possible = rivals >= low[beaten, None]
        certain = rivals > high[beaten, None]
        sure = np.count_nonzero(certain, axis=1)
        self.ahead[index[beaten]] += sure
        self.level[index[beaten]] += sure
        probe, subject = _places(possible ^ certain)
        near = beaten[probe]
        scores = part.exact_best(self.sides.probes, index, near, subject)
        np.add.at(self.ahead, index[near], scores > self.own[index[near]])
        np.add.at(self.level, index[near], scores >= self.own[index[near]])

    def _top(self, index: Index, part: Part, best: Scores, highest: Scores) -> None:
        """Keep the best score against others, of those that may be the best."""
        sure = np.maximum(self.best_other[index].astype(np.float64), highest - self._bound)
        cut, _ = _outwards(sure - self._bound, sure)
        hopeful = np.flatnonzero((highest >= cut) & np.isfinite(highest))
        rivals = best if hopeful.size == index.size else best[hopeful]
        probe, subject = _places(rivals >= cut[hopeful, None])
        near = hopeful[probe]
        scores = part.exact_best(self.sides.probes, index, near, subject)
        np.maximum.at(self.best_other, index[near], scores)


class Part:
    """Some references, whole subjects of them, in float32.

    Attributes:
        side, index: The side, and the rows of these references in it.
        starts, ends: (S,) where each subject's references begin and end.
    """

    def __init__(self, sides: Sides, rows: slice) -> None:
        side = sides.references
        self.side, self.index = side, side.order[rows]
        people = side.people[self.index]
        self.starts = np.flatnonzero(np.diff(people, prepend=-1))
        self.ends = np.append(self.starts[1:], people.size)
        self._place = np.full(sides.names.size, -1, dtype=np.intp)
        self._place[people[self.starts]] = np.arange(self.starts.size)

    def of(self, people: Index) -> tuple[Index, Index]:
        """Return which probes meet their own subject here, and which of the subjects that is."""
        place = self._place[people]
        met = np.flatnonzero(place >= 0)
        return met, place[met]

    def products(self, probes: NDArray[np.float32]) -> Scores:
        """Return (probes, references) products in float32."""
        return probes @ self.side.single(self.index).T

    def best(self, products: Scores) -> Scores:
        """Return (probes, subjects) best products; where each has one reference, the same array."""
        if self.starts.size == self.index.size:
            return products
        return np.maximum.reduceat(products, self.starts, axis=1)

    def pairs(self, probe: Index, subject: Index) -> tuple[Index, Index, Index]:
        """Return all pairs of n probes with the references of one subject each.

        Args:
            probe: (n,) of a block.
            subject: (n,) of this part.

        Returns:
            (m,) probes, (m,) references, and (n,) where each given probe's pairs begin.
        """
        first, counts = self.starts[subject], (self.ends - self.starts)[subject]
        begins = np.cumsum(counts) - counts
        reference = np.arange(counts.sum()) - np.repeat(begins, counts) + np.repeat(first, counts)
        return np.repeat(probe, counts), reference, begins

    def exact_best(self, probes: Side, index: Index, probe: Index, subject: Index) -> Scores:
        """Return the best score of each of n pairs of a probe and a subject, (n,) float32.

        Args:
            probes: Their side.
            index: Rows of the block's probes.
            probe: (n,) which of them.
            subject: (n,) which subject of this part.
        """
        if not probe.size:
            return np.empty(0, dtype=np.float32)
        row, reference, begins = self.pairs(probe, subject)
        return np.maximum.reduceat(self.exact(probes, index, row, reference), begins)

    def exact(self, probes: Side, index: Index, probe: Index, reference: Index) -> Scores:
        """Return the scores of n pairs, computed in float64 and rounded, (n,) float32.

        Args:
            probes: Their side.
            index: Rows of the block's probes.
            probe: (n,) which of them.
            reference: (n,) which of these references.
        """
        if probe.size > self.index.size * index.size // MANY:
            table = probes.wide(index) @ self.side.wide(self.index).T
            return table[probe, reference].astype(np.float32)
        left, right = index[probe], self.index[reference]
        scores = np.empty(left.size, dtype=np.float32)
        for start in range(0, left.size, PAIRS):
            chosen = slice(start, start + PAIRS)
            rows, columns = probes.wide(left[chosen]), self.side.wide(right[chosen])
            scores[chosen] = np.matmul(rows[:, None, :], columns[:, :, None])[:, 0, 0]
        return scores


def _places(true: NDArray[np.bool_]) -> tuple[Index, Index]:
    """Return rows and columns of what is true: :func:`numpy.nonzero`, faster where little is."""
    rows, columns = np.divmod(np.flatnonzero(true), max(1, true.shape[1]))
    return rows, columns


def _outwards(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[Scores, Scores]:
    """Return float32 numbers that are no higher and no lower."""
    up, down = np.float32(np.inf), np.float32(-np.inf)
    return np.nextafter(low.astype(np.float32), down), np.nextafter(high.astype(np.float32), up)
