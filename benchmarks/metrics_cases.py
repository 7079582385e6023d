"""The computations that ``bench metrics`` measures; see :mod:`benchmarks.measure`.

Scores and templates are drawn at random with a seed: spread like the cosines of a good
recogniser, not taken from one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.streaming_det import streaming_det, streaming_fnmr_at_fmr
from restore_recog.metrics.verification import det_curve, fnmr_at_fmr

Vector = NDArray[np.float64]
Run = Callable[[], Any]

SWEEP = 1000
"""Thresholds of the naive sweep."""

_CHUNK = 1 << 20


def det_ours(impostors: int, genuines: int, seed: int) -> Run:
    """Our exact curve."""
    genuine, impostor = cosines(impostors, genuines, seed)
    return lambda: det_curve(genuine, impostor).thresholds.size


def det_sklearn(impostors: int, genuines: int, seed: int) -> Run:
    """scikit-learn's curve of the same scores."""
    from sklearn.metrics import det_curve as theirs

    labels, scores = _labelled(*cosines(impostors, genuines, seed))
    return lambda: theirs(labels, scores)[2].size


def det_sweep(impostors: int, genuines: int, seed: int) -> Run:
    """Rates at evenly spread thresholds, each by one pass over all scores: not exact."""
    genuine, impostor = cosines(impostors, genuines, seed)

    def run() -> int:
        thresholds = np.linspace(impostor.min(), genuine.max(), SWEEP)
        fmr = np.array([np.mean(impostor >= threshold) for threshold in thresholds])
        fnmr = np.array([np.mean(genuine < threshold) for threshold in thresholds])
        return int(np.unique(np.stack([fmr, fnmr]), axis=1).shape[1])

    return run


def det_check(impostors: int, genuines: int, seed: int) -> Run:
    """Compare our curve with scikit-learn's, point by point."""
    from sklearn.metrics import det_curve as theirs

    genuine, impostor = cosines(impostors, genuines, seed)

    def run() -> dict[str, Any]:
        ours = det_curve(genuine, impostor)
        fmr, fnmr, thresholds = theirs(*_labelled(genuine, impostor))
        places = np.searchsorted(ours.thresholds, thresholds)
        same = np.array_equal(ours.thresholds[places], thresholds)
        same = same and np.array_equal(ours.fmr[places], fmr)
        same = same and np.array_equal(ours.fnmr[places], fnmr)
        left_out = np.setdiff1d(np.arange(ours.thresholds.size), places)
        flat = (ours.fmr[left_out] == 0.0) | (ours.fnmr[left_out] == 0.0)
        return {
            "equal": bool(same and flat.all()),
            "points": int(ours.thresholds.size),
            "shared": int(places.size),
            "left_out": int(left_out.size),
        }

    return run


def rank_ours(probes: int, subjects: int, length: int, seed: int) -> Run:
    """Our blockwise search, for ranks alone as the others are."""
    from restore_recog.evaluation.scores.search import search

    queries, gallery, owners = _templates(probes, subjects, length, seed)
    people = np.arange(subjects)
    return lambda: _found(search(queries, gallery, owners, people).ranks.pessimistic == 1)


def rank_streams(probes: int, subjects: int, length: int, seed: int) -> Run:
    """The same with all comparisons in two streams; of many, most by products in float32."""
    from restore_recog.evaluation.scores.search import search

    queries, gallery, owners = _templates(probes, subjects, length, seed)
    people = np.arange(subjects)

    def run() -> dict[str, Any]:
        result = search(queries, gallery, owners, people, streams=True)
        assert result.impostor.count + result.genuine.count == probes * subjects
        return _found(result.ranks.pessimistic == 1)

    return run


def rank_dense(probes: int, subjects: int, length: int, seed: int) -> Run:
    """Rank 1 from the whole table in float32, ties against."""
    queries, gallery, owners = _templates(probes, subjects, length, seed)

    def run() -> dict[str, Any]:
        table = queries @ gallery.T
        own = table[np.arange(probes), owners]
        return _found(np.count_nonzero(table >= own[:, None], axis=1) == 1)

    return run


def rank_sklearn(probes: int, subjects: int, length: int, seed: int) -> Run:
    """Rank 1 by scikit-learn's nearest neighbour, brute force; ties by the order of rows."""
    from sklearn.neighbors import NearestNeighbors

    queries, gallery, owners = _templates(probes, subjects, length, seed)

    def run() -> dict[str, Any]:
        nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(gallery)
        return _found(nearest.kneighbors(queries, return_distance=False)[:, 0] == owners)

    return run


def stream_ours(impostors: int, genuines: int, tail: int, seed: int) -> Run:
    """The curve of one pass over scores drawn on the way; says what the stream itself took."""
    genuine, _ = cosines(0, genuines, seed)

    def run() -> dict[str, Any]:
        stream, rng, spent = ScoreStream(tail), np.random.default_rng(seed), 0.0
        for start in range(0, impostors, _CHUNK):
            scores = rng.standard_normal(min(_CHUNK, impostors - start), dtype=np.float32)
            np.clip(scores * np.float32(0.12), -1, 1, out=scores)
            begun = time.perf_counter()
            stream.add(scores)
            spent += time.perf_counter() - begun
        curve = streaming_det(genuine, stream)
        points = {rate: stream.threshold_at(rate) for rate in (1e-6, 1e-4, 1e-3, 1e-2)}
        return {
            "seconds_in_stream": spent,
            "count": stream.count,
            "points": curve.curve.thresholds.size,
            "fmr_bound": curve.fmr_bound,
            "width": stream.width,
            "exact_up_to_fmr": min(1.0, tail / stream.count),
            "thresholds": {f"{rate:g}": point for rate, point in points.items()},
        }

    return run


def stream_check(impostors: int, genuines: int, tail: int, seed: int) -> Run:
    """Compare operating points of a stream with the exact ones of the same scores."""
    genuine, impostor = cosines(impostors, genuines, seed)

    def run() -> dict[str, Any]:
        stream = ScoreStream(tail)
        stream.add(impostor)
        exact, sound, worst = 0, True, 0.0
        targets = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5)
        for target in targets:
            truth = fnmr_at_fmr(genuine, impostor, target)
            point = streaming_fnmr_at_fmr(genuine, stream, target)
            exact += point.exact
            excess = point.point.fnmr - truth.fnmr
            worst = max(worst, excess)
            inside = -1e-12 <= excess <= point.fnmr_bound + 1e-12
            too_high = point.point.threshold - truth.threshold
            sound &= inside and 0 <= too_high <= point.threshold_bound
            sound &= point.point == truth if point.exact else True
        return {"equal": sound, "exact": exact, "targets": len(targets), "worst_fnmr": worst}

    return run


def cosines(impostors: int, genuines: int, seed: int) -> tuple[Vector, Vector]:
    """Return genuine and impostor scores."""
    rng = np.random.default_rng(seed)
    impostor, genuine = rng.standard_normal(impostors), rng.standard_normal(genuines)
    impostor *= 0.12
    genuine *= 0.15
    genuine += 0.5
    for scores in (impostor, genuine):
        np.clip(scores, -1.0, 1.0, out=scores)
    return genuine, impostor


def _labelled(genuine: Vector, impostor: Vector) -> tuple[NDArray[np.bool_], Vector]:
    labels = np.zeros(impostor.size + genuine.size, dtype=bool)
    labels[impostor.size :] = True
    return labels, np.concatenate([impostor, genuine])


def _templates(
    probes: int, subjects: int, length: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
    """Return (P, D) probes, (S, D) references, and the reference that each probe belongs to."""
    rng = np.random.default_rng(seed)
    gallery = rng.standard_normal((subjects, length), dtype=np.float32)
    owners = np.arange(probes) % subjects
    queries = rng.standard_normal((probes, length), dtype=np.float32)
    queries *= np.float32(0.25 * np.sqrt(length))  # so that some probes are missed
    queries += gallery[owners]
    for side in (gallery, queries):
        side /= np.sqrt(np.einsum("ij,ij->i", side, side))[:, None]
    return queries, gallery, owners


def _found(hits: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the rank-1 rate and which probes were found, eight to a byte."""
    return {"rank1": float(hits.mean()), "hits": np.packbits(hits).tobytes().hex()}
