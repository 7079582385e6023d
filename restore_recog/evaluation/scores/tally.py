"""All comparisons of a large search by its float32 products, counted on the way to the ranks.

A product differs from its score by no more than :func:`~.ranking.error_bound`. So of the impostor
comparisons, the products are counted in bins, which are then right within that
(:attr:`~restore_recog.metrics.streaming.ScoreStream.error`), and float64 is left for

* the largest scores, as many as an FMR of 0.1 % allows: they are among those whose products come
  within twice the bound of the last of as many products;
* the score below the threshold at an FMR of 1 %, among those within twice the bound of the product
  in its place;
* the lowest score.

The genuine comparisons, of which there are few, are all computed in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from restore_recog.evaluation.scores.blocks import Index, Scores, Sides
from restore_recog.evaluation.scores.ranking import MANY, Part, error_bound
from restore_recog.metrics.counted import Counted
from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.verification import largest_count
from restore_recog.types import Mask, Vector

BINS = 1 << 14
"""Of both streams; they are 2^-13 wide, four times the bound for 512 numbers."""

KEPT, MARKED = 1e-3, 1e-2
"""FMR up to which every score is computed, and FMR at which the threshold is."""

FEWEST, MOST = 1 << 12, 1 << 20
"""Scores that are kept at least and at most, whatever the number of comparisons."""


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """Comparisons of a block of probes with a part, of which the scores may be wanted.

    Attributes:
        part: The references.
        index: Rows of the block's probes.
        places: (n,) where the comparisons stand in the table of (probes, references).
        products: (n,) theirs, as float64.
    """

    part: Part
    index: Index
    places: Index
    products: Vector

    @classmethod
    def of(cls, part: Part, index: Index, products: Scores, wanted: Mask) -> _Near:
        """Return those of a mask like the (probes, references) products."""
        places = np.flatnonzero(wanted)
        return cls(part, index, places, products.reshape(-1)[places].astype(np.float64))

    def only(self, wanted: Mask) -> _Near:
        """Return those of a (n,) mask."""
        return _Near(self.part, self.index, self.places[wanted], self.products[wanted])

    def scores(self, sides: Sides) -> Scores:
        """Return their scores, (n,)."""
        probe, reference = np.divmod(self.places, self.part.index.size)
        return self.part.exact(sides.probes, self.index, probe, reference)


class Tally:
    """Takes in the products of a search, block by block.

    Args:
        sides: What is compared; some impostor comparison is completed.
        fewest: Scores that are kept at least.

    Attributes:
        genuine: The genuine comparisons that were completed.
        crowded: Whether so many scores are alike that the bound does not tell them apart; nothing
            more is then taken in.
    """

    def __init__(self, sides: Sides, fewest: int = FEWEST) -> None:
        _, attempted = sides.comparisons()
        self.sides, self.crowded = sides, False
        self.genuine = ScoreStream(bins=BINS)
        self._kept = min(max(fewest, largest_count(KEPT, attempted) + 1), MOST)
        self._mark = min(largest_count(MARKED, attempted), MOST - 1)  # scores above the marked one
        self._counted = Counted(BINS, error_bound(sides.probes.templates.shape[1]))
        self._slack = 2 * self._counted.error
        self._near: list[_Near] = []
        self._least = math.inf
        self._lowest = (0.0, 0)  # the lowest bin, and how many products may be the least score's

    def add(self, part: Part, index: Index, products: Scores, own: tuple[Index, Index]) -> None:
        """Take in the products of a block of probes with a part.

        Args:
            part: The references.
            index: (p,) rows of the probes.
            products: (p, references); the genuine ones become -inf.
            own: Rows and columns of the genuine ones.
        """
        if self.crowded:
            return
        self._counted.add(products)
        self._counted.remove(products[own])
        products[own] = -np.inf
        if self._counted.size:
            self._find_least(part, index, products)
            self._find_largest(part, index, products)
        if self.crowded:
            self._near.clear()

    def streams(self) -> tuple[ScoreStream, ScoreStream] | None:
        """Return all genuine and all impostor comparisons completed; None where crowded."""
        if self.crowded or not self._near:
            return None
        products = np.concatenate([near.products for near in self._near])
        last, marked = (
            float(np.partition(products, -place)[-place]) if place <= products.size else -2.0
            for place in (self._kept, self._mark + 1)
        )
        largest = self._scores(last - self._slack, math.inf)[-self._kept :]
        ahead = np.count_nonzero(products > marked + self._slack)
        around = self._scores(marked - self._slack, marked + self._slack)[::-1]
        mark = {self._mark: float(around[self._mark - ahead])} if around.size else {}
        impostor = ScoreStream.of_counted(self._counted, largest, self._least, mark)
        return self.genuine, impostor

    def _scores(self, low: float, high: float) -> Vector:
        """Return the scores of the near comparisons with products from low to high, rising."""
        chosen = [
            near.only((near.products >= low) & (near.products <= high)) for near in self._near
        ]
        scores = np.concatenate([near.scores(self.sides) for near in chosen])
        return np.sort(scores).astype(np.float64)

    def _find_largest(self, part: Part, index: Index, products: Scores) -> None:
        """Keep the comparisons that may be among the largest so far, and drop others."""
        wanted = max(self._kept, self._mark + 1)
        cut = self._counted.top(wanted) - self._slack
        reached = self._counted.at_or_above(cut)
        self.crowded |= reached > 4 * wanted + products.size // MANY
        if self.crowded:
            return
        self._near.append(_Near.of(part, index, products, products >= np.float32(cut)))
        if sum(near.places.size for near in self._near) > 2 * reached:
            self._near = [near.only(near.products >= cut) for near in self._near]

    def _find_least(self, part: Part, index: Index, products: Scores) -> None:
        """Compute the scores of those that may be the lowest, where there are new ones."""
        edge, width = self._counted.lowest(), self._counted.width
        high = edge + width * (1 + math.ceil(self._slack / width))
        low = edge, self._counted.size - self._counted.at_or_above(high)
        if low == self._lowest:
            return
        self._lowest = low
        near = (products < np.float32(high)) & (products > np.float32(-2))
        self.crowded |= int(near.sum()) > FEWEST + products.size // MANY
        if not self.crowded:
            scores = _Near.of(part, index, products, near).scores(self.sides)
            self._least = min(self._least, float(scores.min(initial=np.inf)))
