"""Blockwise search against the dense table of all comparisons."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from restore_recog.evaluation.scores import blocks
from restore_recog.evaluation.scores.search import count_accepted, search
from restore_recog.metrics.identification import closed_set, identification_ranks
from restore_recog.metrics.uncertainty import bootstrap_two_way_counts

INF = math.inf


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def dense(probes, references):
    """All scores (P, R), one product at a time; -inf where a template is missing."""
    table = np.array([[math.fsum(a * b) for b in references] for a in probes])
    table = table.reshape(len(probes), len(references)).astype(np.float32).astype(np.float64)
    return np.where(np.isnan(table), -INF, table)


def totals(counts):
    """Return how many impostor comparisons reach each threshold."""
    return tuple(int(table.sum()) for table in counts.accepted.values())


def case(seed):
    """Templates on a coarse grid, so that many are equal, and failures on both sides."""
    rng = np.random.default_rng(seed)
    n_probes, n_references, people = rng.integers(1, 40), rng.integers(1, 40), rng.integers(1, 12)
    sides = [unit(rng.integers(-1, 2, (n, 3)) + 0.01) for n in (n_probes, n_references)]
    for side, share in zip(sides, (0.15, 0.25), strict=True):
        side[rng.random(len(side)) < share] = np.nan
    names = np.array([f"p{number:02}" for number in range(people + 3)])
    # Some probes are of nobody in the gallery, and gallery people need not have probes.
    owners = rng.choice(names, n_probes), rng.choice(names[:people], n_references)
    return *sides, *owners


@pytest.mark.parametrize("block", [2, 8, 2048])
@pytest.mark.parametrize("seed", range(4))
def test_search_is_the_dense_search(seed, block):
    probes, references, probe_subjects, reference_subjects = case(seed)
    table = dense(probes, references)
    result = search(probes, references, probe_subjects, reference_subjects, block=block)
    mated = closed_set(probe_subjects, reference_subjects)
    np.testing.assert_array_equal(result.mated, mated)
    ranks = identification_ranks(table[mated], probe_subjects[mated], reference_subjects)
    for name in ("pessimistic", "optimistic", "missed", "n_subjects"):
        np.testing.assert_array_equal(getattr(result.ranks, name), getattr(ranks, name))
    same = probe_subjects[:, None] == reference_subjects
    np.testing.assert_array_equal(result.own, np.where(same, table, -INF).max(axis=1))
    np.testing.assert_array_equal(result.best_other, np.where(same, -INF, table).max(axis=1))
    for stream, scores in ((result.genuine, table[same]), (result.impostor, table[~same])):
        assert (stream.count, stream.failed) == (scores.size, np.isneginf(scores).sum())
        np.testing.assert_array_equal(stream.kept, np.sort(scores[np.isfinite(scores)]))


@pytest.mark.parametrize("block", [4, 2048])
@pytest.mark.parametrize("seed", range(4))
def test_accepted_counts_are_the_dense_ones(seed, block):
    probes, references, probe_subjects, reference_subjects = case(seed)
    table = dense(probes, references)
    cuts = [-0.5, 0.3, float(np.nextafter(table.max(), INF)) if table.max() > -INF else 0.5]
    counts = count_accepted(
        probes, references, probe_subjects, reference_subjects, dict(enumerate(cuts)), block=block
    )
    same = probe_subjects[:, None] == reference_subjects
    assert counts.n == np.count_nonzero(~same)
    assert list(counts.accepted) == [0, 1, 2]
    for cut, accepted in zip(cuts, counts.accepted.values(), strict=True):
        for a, first in enumerate(counts.subjects):
            for b, second in enumerate(counts.subjects):
                theirs = (probe_subjects[:, None] == first) & (reference_subjects == second)
                assert accepted[a, b] == np.count_nonzero(table[theirs & ~same] >= cut)
    assert totals(counts) == tuple(np.count_nonzero(table[~same] >= cut) for cut in cuts)


def test_the_order_of_rows_changes_nothing():
    """A property, on templates of other seeds than the tables above."""
    for seed in range(100, 116):
        probes, references, probe_subjects, reference_subjects = case(seed)
        rng = np.random.default_rng(seed)
        rows, columns = rng.permutation(len(probes)), rng.permutation(len(references))
        one = search(probes, references, probe_subjects, reference_subjects, block=5)
        two = search(
            probes[rows], references[columns], probe_subjects[rows], reference_subjects[columns],
            block=11,
        )  # fmt: skip
        for name in ("mated", "own", "best_other"):
            np.testing.assert_array_equal(getattr(two, name), getattr(one, name)[rows])
        np.testing.assert_array_equal(two.genuine.kept, one.genuine.kept)
        np.testing.assert_array_equal(two.impostor.kept, one.impostor.kept)
        assert sorted(two.ranks.pessimistic) == sorted(one.ranks.pessimistic)
        assert sorted(two.ranks.optimistic) == sorted(one.ranks.optimistic)


def test_a_threshold_between_two_float32_numbers_is_not_rounded_onto_a_score():
    probes = unit(np.array([[1.0, 0.2]]))
    references = unit(np.array([[1.0, 0.0], [0.0, 1.0]]))
    people = np.array(["a"]), np.array(["b", "c"])
    score = search(probes, references, *people).best_other[0]
    above = float(np.nextafter(score, INF))
    assert np.float32(above) == np.float32(score)
    assert totals(count_accepted(probes, references, *people, {0: score, 1: above})) == (1, 0)


def test_counts_fit_the_two_way_interval():
    rng = np.random.default_rng(0)
    templates, people = unit(rng.normal(size=(60, 3))), np.repeat(np.arange(20), 3)
    counts = count_accepted(templates[::3], templates[1::3], people[::3], people[1::3], {0: 0.8})
    interval = bootstrap_two_way_counts(counts.accepted[0], counts.compared, seed=0, resamples=50)
    assert interval.value == pytest.approx(totals(counts)[0] / counts.n)
    assert interval.n == counts.n == 380


def test_one_constant_template_ties_everybody_with_everybody():
    """A recogniser that has collapsed finds nobody, wherever the rows stand."""
    one = unit(np.random.default_rng(0).normal(size=(1, 512))).astype(np.float32)
    people = np.arange(203)
    result = search(one.repeat(203, 0), one.repeat(203, 0), people, people, block=64)
    assert (result.ranks.pessimistic == 203).all() and (result.ranks.optimistic == 1).all()
    assert result.impostor.least == result.impostor.most
    assert result.genuine.sd == 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_do_not_depend_on_the_block_or_on_who_else_is_compared(dtype):
    rng = np.random.default_rng(2)
    probes, references = (unit(rng.normal(size=(150, 64))).astype(dtype) for _ in range(2))
    people = rng.integers(0, 60, 150), rng.integers(0, 60, 150)
    whole = search(probes, references, *people)
    again = search(probes, references, *people)
    np.testing.assert_array_equal(whole.own, again.own)
    assert (whole.impostor.mean, whole.impostor.sd) == (again.impostor.mean, again.impostor.sd)
    for block in (7, 33):
        other = search(probes, references, *people, block=block)
        np.testing.assert_allclose(other.own, whole.own, rtol=2e-7)
        np.testing.assert_allclose(other.best_other, whole.best_other, rtol=2e-7)
        np.testing.assert_array_equal(other.ranks.pessimistic, whole.ranks.pessimistic)


def test_a_subject_with_more_references_than_the_block_stays_whole():
    rng = np.random.default_rng(0)
    probes, references = unit(rng.normal(size=(9, 4))), unit(rng.normal(size=(30, 4)))
    owners = np.array(["a"] * 2 + ["b"] * 17 + ["c"] * 11)
    sides = blocks.Sides.of((probes, np.array(["b"] * 9)), (references, owners), 5)
    lengths = [s.stop - s.start for s in sides.reference_slices()]
    assert lengths == [17, 2, 11]  # b first: the one subject on both sides
    assert search(probes, references, ["b"] * 9, owners, block=5).genuine.count == 9 * 17


def test_nobody_has_a_template():
    nothing = np.full((3, 4), np.nan)
    result = search(nothing, nothing, ["a", "b", "x"], ["a", "b", "c"])
    assert result.mated.tolist() == [True, True, False]
    assert result.ranks.missed.tolist() == [True, True]
    assert result.ranks.pessimistic.tolist() == [4, 4]
    assert (result.genuine.failed, result.impostor.failed) == (2, 7)
    assert np.isneginf(result.own).all() and np.isneginf(result.best_other).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"probes": np.ones((2, 3))}, "unit length"),
        ({"probes": np.zeros((2, 3))}, "unit length"),
        ({"probes": np.array([[INF, 0, 0], [1, 0, 0]])}, "unit length"),
        ({"probes": np.eye(2)}, "one length"),
        ({"probes": np.eye(3, dtype=int)[:2]}, "must be floats"),
        ({"probe_subjects": ["a"]}, "one subject each"),
        ({"references": np.empty((0, 3)), "reference_subjects": []}, "no reference"),
        ({"block": 0}, "at least one row"),
    ],
)
def test_what_cannot_be_searched_is_refused(change, said):
    given = {
        "probes": np.eye(3)[:2],
        "references": np.eye(3),
        "probe_subjects": ["a", "b"],
        "reference_subjects": ["a", "b", "c"],
    }
    with pytest.raises(ValueError, match=said):
        search(**(given | change))


@pytest.mark.parametrize("threshold", [math.nan, -INF])
def test_a_threshold_is_a_number_above_minus_infinity(threshold):
    with pytest.raises(ValueError, match="above -inf"):
        count_accepted(np.eye(2), np.eye(2), ["a", "b"], ["a", "b"], {0: threshold})


def test_memory_is_flat():
    """A dense float32 table of 6,000 x 6,000 alone is 137 MiB."""
    rng = np.random.default_rng(0)
    probes, references = (
        unit(rng.normal(size=(6000, 16)).astype(np.float32)).astype(np.float32) for _ in range(2)
    )
    people = np.arange(6000)
    tracemalloc.start()
    result = search(probes, references, people, people, block=512)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert result.impostor.count == 6000 * 5999
    assert peak < 70, peak
