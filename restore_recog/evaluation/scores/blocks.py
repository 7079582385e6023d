"""Probes and references, ordered so that they can be compared block by block.

References of one subject are never separated, and the subjects of a block of probes are next
to each other among the references, so that a search knows each probe's own score early.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from restore_recog.api import Compare
from restore_recog.metrics import inputs
from restore_recog.metrics.inputs import Subjects

Index = NDArray[np.intp]
Scores = NDArray[np.float32]

TOLERANCE = 5e-4
"""Of a template's squared length, which is 1: templates in half precision pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some templates of one side.

    Attributes:
        index: (n,) their rows in the side.
        people: (n,) numbers of their subjects; those of one subject are together.
        templates: (n, D) float64.
    """

    index: Index
    people: Index
    templates: NDArray[np.float64]

    @property
    def starts(self) -> Index:
        """Return where each subject's rows begin."""
        return np.flatnonzero(np.diff(self.people, prepend=-1))


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side: its templates as given, and the order in which the usable ones are taken.

    Attributes:
        templates: (n, D), not copied.
        people: (n,) number of each one's subject.
        order: Rows that have a template; subjects of both sides first.
    """

    templates: NDArray[np.floating]
    people: Index
    order: Index

    def block(self, rows: slice) -> Block:
        """Return the templates of a slice of the order."""
        index = self.order[rows]
        return Block(index, self.people[index], self.wide(index))

    def wide(self, index: Index) -> NDArray[np.float64]:
        """Return the templates of some rows in float64."""
        return self.templates[index].astype(np.float64, copy=False)

    def single(self, index: Index) -> NDArray[np.float32]:
        """Return the templates of some rows in float32."""
        return self.templates[index].astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Probes and references with one numbering of their subjects.

    Attributes:
        names: (S,) subjects of both sides, sorted.
        block: Rows of either side that are taken at once.
    """

    probes: Side
    references: Side
    names: NDArray[np.generic]
    block: int

    @classmethod
    def of(
        cls,
        probes: tuple[NDArray[np.floating], Subjects],
        references: tuple[NDArray[np.floating], Subjects],
        block: int,
    ) -> Sides:
        """Number the subjects of both sides and order them.

        Raises:
            ValueError: See :func:`restore_recog.evaluation.scores.search.search`.
        """
        if block < 1:
            raise ValueError(f"A block has at least one row, not {block}.")
        owners = [inputs.people(subjects) for _, subjects in (probes, references)]
        inputs.same_kind(owners[0], owners[1])
        templates = [_checked(probes[0], owners[0]), _checked(references[0], owners[1])]
        if templates[0].shape[1] != templates[1].shape[1]:
            raise ValueError(
                f"Templates must have one length, not {templates[0].shape[1]} and "
                f"{templates[1].shape[1]}."
            )
        names, numbers = np.unique(np.concatenate(owners), return_inverse=True)
        people = np.split(numbers, [owners[0].size])
        usable = [np.flatnonzero(~np.isnan(side.sum(axis=1))) for side in templates]
        shared = np.intersect1d(people[0][usable[0]], people[1][usable[1]])
        sides = []
        for side, who, rows in zip(templates, people, usable, strict=True):
            key = np.where(np.isin(who[rows], shared), who[rows], who[rows] + names.size)
            sides.append(Side(side, who, rows[np.argsort(key, kind="stable")]))
        return cls(sides[0], sides[1], names, block)

    def probe_blocks(self) -> Iterator[Block]:
        """Return all probes that have a template, ``block`` at a time."""
        for start in range(0, self.probes.order.size, self.block):
            yield self.probes.block(slice(start, start + self.block))

    def reference_slices(self) -> list[slice]:
        """Return slices of whole subjects, at most ``block`` rows where no subject has more."""
        people = self.references.people[self.references.order]
        ends = np.append(np.flatnonzero(np.diff(people)) + 1, people.size)
        slices, start = [], 0
        while start < people.size:
            last = max(int(np.searchsorted(ends, start + self.block, side="right")) - 1, 0)
            end = int(ends[last]) if ends[last] > start else int(ends[last + 1])
            slices.append(slice(start, end))
            start = end
        return slices

    def holds_own(self, probes: Block, rows: slice) -> bool:
        """Return whether a slice of the references holds the subject of some probe."""
        people = self.references.people[self.references.order[rows]]
        return bool(np.isin(people, probes.people).any())

    def counts(self, *, failed: bool = True) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many probes and references each subject has, with or without failed ones."""
        probes, references = (
            np.bincount(
                side.people if failed else side.people[side.order], minlength=self.names.size
            ).astype(np.int64)
            for side in (self.probes, self.references)
        )
        return probes, references

    def comparisons(self, *, failed: bool = True) -> tuple[int, int]:
        """Return how many genuine and impostor comparisons there are, with or without failed."""
        probes, references = self.counts(failed=failed)
        genuine = int(probes @ references)
        return genuine, int(probes.sum()) * int(references.sum()) - genuine


def scores_of(references: Block, probes: Block, compare: Compare) -> Scores:
    """Return (references, probes) scores: computed in float64, rounded to float32."""
    return compare(references.templates, probes.templates).astype(np.float32)


def _checked(templates: ArrayLike, owners: NDArray[np.generic]) -> NDArray[np.floating]:
    """Return templates as they are, of unit length or with NaN, one subject each."""
    table = np.asarray(templates)
    if table.ndim != 2 or table.dtype.kind != "f" or owners.shape != table.shape[:1]:
        raise ValueError(
            "Templates must be floats of shape (n, D) with one subject each, not "
            f"{table.dtype} {table.shape} and {owners.shape}."
        )
    squares = np.einsum("ij,ij->i", table, table)
    if (np.abs(squares - 1.0) > TOLERANCE).any():  # NaN is not
        raise ValueError("Templates must be of unit length, or NaN where they failed.")
    return table
