"""Search of probes in a gallery, block by block: flat memory, each score computed once.

A **score** here is the cosine of two templates, the dot product of unit vectors in float64, or
what a recogniser's own comparison says, normalised where that is asked for. It is rounded to
float32, on purpose: the last digits of a product in a matrix multiplication depend on its position
in the block, so that equal templates would get unequal scores and the order of files would break
ties. With rounding, equal templates score the same, and neither the block size nor the number of
threads changes a score, except where a float64 rounding error (1e-16) crosses the border between
two float32 numbers: about one score in 10^8, by one step of float32. With the same block size and
number of threads, results are the same bit for bit.

A template with NaN has failed, and its comparisons have failed with it (-inf).

Where cosines are more than a stream keeps, products in float32 with a proven bound are counted, see
:mod:`~restore_recog.evaluation.scores.tally`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from restore_recog.api import Compare
from restore_recog.evaluation.scores.blocks import Block, Scores, Sides, scores_of
from restore_recog.evaluation.scores.comparison import cosines, limit_of
from restore_recog.evaluation.scores.ranking import Ranking
from restore_recog.evaluation.scores.tally import MOST, Tally
from restore_recog.metrics.identification import Ranks
from restore_recog.metrics.inputs import Subjects, rounded_up
from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.streaming_det import streaming_det, thinned
from restore_recog.metrics.verification import DetCurve

Streams = Callable[[], tuple[ScoreStream, ScoreStream]]

BLOCK = 2048
"""Rows of either side that are compared at a time; changes memory, not the scores."""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The result of searching P probes.

    Attributes:
        ranks: Of the mated probes, in order: (M,), as
            :func:`~.metrics.identification.identification_ranks` gives for their rows.
        mated: (P,) whether the probe's subject is in the gallery.
        own: (P,) best score against the probe's own subject; -inf where failed or not mated.
        best_other: (P,) best score against any other subject; -inf where there is none.
        streams: Returns all genuine and all impostor comparisons attempted; called once.
    """

    ranks: Ranks
    mated: NDArray[np.bool_]
    own: NDArray[np.float64]
    best_other: NDArray[np.float64]
    streams: Streams

    @cached_property
    def _both(self) -> tuple[ScoreStream, ScoreStream]:
        return self.streams()

    @property
    def genuine(self) -> ScoreStream:
        """Return the genuine comparisons, with the failed ones counted."""
        return self._both[0]

    @property
    def impostor(self) -> ScoreStream:
        """Return the impostor comparisons, with the failed ones counted."""
        return self._both[1]

    def curve(self) -> DetCurve | None:
        """Return the DET curve of all comparisons, thinned; None without both kinds of them.

        It reaches far lower than that of a protocol's few pairs, which ends near an FMR of 0.001.
        """
        if not self.genuine.count or not self.impostor.count:
            return None
        return thinned(streaming_det(self.genuine, self.impostor).curve)


@dataclass(frozen=True, slots=True, eq=False)
class AcceptedCounts:
    """Impostor comparisons that reach each threshold, by the two people.

    Attributes:
        subjects: (S,) people of both sides, sorted.
        accepted: What each threshold is called -> (S, S) counts, person of the probe by person of
            the reference.
        compared: (S,) probes and (S,) references of each person, failed ones included: every
            probe is compared with every reference of others. As
            :func:`~.metrics.uncertainty.bootstrap_two_way_counts` takes it.
    """

    subjects: NDArray[np.generic]
    accepted: Mapping[float, csr_array]
    compared: tuple[NDArray[np.int64], NDArray[np.int64]]

    @property
    def n(self) -> int:
        """Return the number of impostor comparisons attempted."""
        probes, references = self.compared
        return int(probes.sum() * references.sum() - probes @ references)


def search(
    probes: NDArray[np.floating],
    references: NDArray[np.floating],
    probe_subjects: Subjects,
    reference_subjects: Subjects,
    *,
    compare: Compare = cosines,
    block: int = BLOCK,
    streams: bool = False,
) -> SearchResult:
    """Search every probe in the gallery.

    Beyond the inputs this takes about 40 x block^2 bytes and what the two streams keep; more
    where a subject has more references than ``block``.

    Args:
        probes: (P, D) templates of unit length, float32 or float64; NaN rows have failed.
        references: (R, D) the same of the gallery.
        probe_subjects, reference_subjects: (P,) and (R,) their subjects.
        compare: Of (R', D) references and (P', D) probes gives their (R', P') scores.
        block: Rows of either side compared at once.
        streams: Whether the result's will be asked for; a large search then fills them on the way.

    Raises:
        ValueError: Shapes disagree, a template is not of unit length, ``block`` < 1, or
            there is no reference.
    """
    sides = Sides.of((probes, probe_subjects), (references, reference_subjects), block)
    if not len(references):
        raise ValueError("There is no reference to search.")
    if compare is not cosines:
        state = _SearchState(sides, compare)
        state.run()
        return _result(sides, state, lambda: _with_failed(sides, state.genuine, state.impostor))
    tally = _tally(sides) if streams else None
    ranking = Ranking(sides, tally)
    ranking.run()
    return _result(sides, ranking, lambda: _all_cosines(sides, tally))


def _tally(sides: Sides) -> Tally | None:
    """Return what takes in a large search; None where a stream can keep all comparisons."""
    return Tally(sides) if sides.comparisons(failed=False)[1] > MOST else None


def _all_cosines(sides: Sides, tally: Tally | None) -> tuple[ScoreStream, ScoreStream]:
    """Return all genuine and all impostor comparisons by cosine."""
    if tally is None and (tally := _tally(sides)) is not None:
        Ranking(sides, tally).run()
    if tally is not None and (filled := tally.streams()):
        return _with_failed(sides, *filled)
    state = _SearchState(sides, cosines)
    state.run()
    return _with_failed(sides, state.genuine, state.impostor)


def _with_failed(
    sides: Sides, genuine: ScoreStream, impostor: ScoreStream
) -> tuple[ScoreStream, ScoreStream]:
    """Return both streams with the comparisons that failed."""
    for stream, attempted in zip((genuine, impostor), sides.comparisons(), strict=True):
        stream.add([], failed=attempted - stream.count)
    return genuine, impostor


def count_accepted(
    probes: NDArray[np.floating],
    references: NDArray[np.floating],
    probe_subjects: Subjects,
    reference_subjects: Subjects,
    thresholds: Mapping[float, float],
    *,
    compare: Compare = cosines,
    block: int = BLOCK,
) -> AcceptedCounts:
    """Count the impostor comparisons that reach each threshold, by the two people.

    Memory grows with the comparisons that are accepted, not with all; see :func:`search`.

    Args:
        thresholds: What each is called, e.g. a target FMR -> threshold of scores as
            :func:`search` defines them.

    Raises:
        ValueError: As :func:`search`, or a threshold is NaN or -inf.
    """
    if any(not threshold > -np.inf for threshold in thresholds.values()):
        raise ValueError("A threshold must be a number above -inf.")
    sides = Sides.of((probes, probe_subjects), (references, reference_subjects), block)
    single = np.dtype(np.float32)
    cuts = {name: np.float32(rounded_up(cut, single)) for name, cut in thresholds.items()}
    slices = sides.reference_slices() if cuts else []
    parts = [
        _accepted(rows, sides.references.block(part), min(cuts.values()), compare)
        for rows in sides.probe_blocks()
        for part in slices
    ]
    shape = (sides.names.size, sides.names.size)
    people = np.concatenate([np.empty((2, 0), dtype=np.int32)] + [pairs for pairs, _ in parts], 1)
    scores = np.concatenate([np.empty(0, dtype=np.float32)] + [values for _, values in parts])
    tables = {}
    for name, cut in cuts.items():
        first, second = people[:, scores >= cut]
        ones = np.ones(first.size, dtype=np.int64)
        tables[name] = csr_array((ones, (first, second)), shape=shape)
    return AcceptedCounts(sides.names, tables, sides.counts())


class _SearchState:
    """The best scores and ranks so far, by probe."""

    def __init__(self, sides: Sides, compare: Compare) -> None:
        size = sides.probes.people.size
        self.sides, self.compare = sides, compare
        self.slices = sides.reference_slices()
        self.own: Scores = np.full(size, -np.inf, dtype=np.float32)
        self.best_other: Scores = np.full(size, -np.inf, dtype=np.float32)
        self.ahead = np.zeros(size, dtype=np.int64)
        self.level = np.zeros(size, dtype=np.int64)  # ahead or tied
        limit = limit_of(compare)
        self.genuine, self.impostor = ScoreStream(limit=limit), ScoreStream(limit=limit)

    def run(self) -> None:
        """Compare all probes with all references."""
        for rows in self.sides.probe_blocks():
            self._search(rows)

    def _search(self, probes: Block) -> None:
        """Compare some probes with all references."""
        near = [self.sides.holds_own(probes, part) for part in self.slices]
        # Ranks need each probe's own score, so the blocks that hold own references come first.
        held = [self._maxima(probes, part, True) for part in compress(self.slices, near)]
        rest = (part for part, own in zip(self.slices, near, strict=True) if not own)
        for best in chain(held, (self._maxima(probes, part, False) for part in rest)):
            self._rank(probes, best)

    def _maxima(self, probes: Block, part: slice, near: bool) -> Scores:
        """Return (subjects, probes) best scores, -inf for each probe's own, which is kept."""
        references = self.sides.references.block(part)
        scores, starts = scores_of(references, probes, self.compare), references.starts
        if near:
            same = references.people[:, None] == probes.people
            self.genuine.add(scores[same])
            self.impostor.add(scores[~same])
        else:
            self.impostor.add(scores)
        best = scores if starts.size == len(scores) else np.maximum.reduceat(scores, starts, axis=0)
        if near:
            row, column = np.nonzero(same[starts])
            self.own[probes.index[column]] = best[row, column]
            best[row, column] = -np.inf
        return best

    def _rank(self, probes: Block, best: Scores) -> None:
        """Count the subjects ahead of each probe's own, whose score is known by now."""
        index, highest = probes.index, best.max(axis=0)
        self.best_other[index] = np.maximum(self.best_other[index], highest)
        own = self.own[index]
        beaten = np.flatnonzero((highest >= own) & np.isfinite(own))
        rivals, own = best[:, beaten], own[beaten]
        self.ahead[index[beaten]] += np.count_nonzero(rivals > own, axis=0)
        self.level[index[beaten]] += np.count_nonzero(rivals >= own, axis=0)


def _result(sides: Sides, best: Ranking | _SearchState, streams: Streams) -> SearchResult:
    _, references = sides.counts()
    mated = references[sides.probes.people] > 0
    missed = np.isneginf(best.own[mated])
    n_subjects = int(np.count_nonzero(references))
    ranks = Ranks(
        pessimistic=np.where(missed, n_subjects + 1, 1 + best.level[mated]),
        optimistic=np.where(missed, n_subjects + 1, 1 + best.ahead[mated]),
        missed=missed,
        n_subjects=n_subjects,
    )
    own, best_other = best.own.astype(np.float64), best.best_other.astype(np.float64)
    return SearchResult(ranks, mated, own, best_other, streams)


def _accepted(
    probes: Block, references: Block, cut: np.float32, compare: Compare
) -> tuple[NDArray[np.int32], Scores]:
    """Return the (2, n) people and the scores of the impostor comparisons at or above a cut."""
    scores = scores_of(references, probes, compare)
    scores[references.people[:, None] == probes.people] = -np.inf
    row, column = np.nonzero(scores >= cut)
    pairs = np.stack([probes.people[column], references.people[row]]).astype(np.int32)
    return pairs, scores[row, column]
