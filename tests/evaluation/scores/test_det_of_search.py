"""Curves of all comparisons: thinner, never other."""

from __future__ import annotations

import numpy as np

from restore_recog.evaluation.scores.search import search
from restore_recog.metrics.streaming_det import thinned
from restore_recog.metrics.verification import det_curve


def test_every_kept_point_is_a_point_of_the_curve() -> None:
    rng = np.random.default_rng(0)
    whole = det_curve(rng.normal(1.5, 1, 5_000), rng.normal(0, 1, 50_000))
    few = thinned(whole)
    assert len(few.thresholds) < len(whole.thresholds) / 10
    place = np.searchsorted(whole.thresholds, few.thresholds)
    assert np.array_equal(whole.thresholds[place], few.thresholds)
    assert np.array_equal(whole.fmr[place], few.fmr)
    assert np.array_equal(whole.fnmr[place], few.fnmr)
    assert (few.fmr[-1], few.fnmr[-1]) == (0.0, 1.0)
    assert (few.fmr[0], few.fnmr[0]) == (whole.fmr[0], whole.fnmr[0])


def test_no_step_of_a_small_curve_is_lost() -> None:
    genuine, impostor = np.array([0.3, 0.6, 0.9]), np.array([0.1, 0.2, 0.5])
    whole = det_curve(genuine, impostor)
    few = thinned(whole)
    assert set(zip(few.fmr, few.fnmr, strict=True)) == set(zip(whole.fmr, whole.fnmr, strict=True))


def test_all_comparisons_count_and_failed_ones_stay() -> None:
    rng = np.random.default_rng(1)
    probes, references = rng.normal(size=(6, 8)), rng.normal(size=(9, 8))
    for side in (probes, references):
        side /= np.linalg.norm(side, axis=1, keepdims=True)
    probes[2] = np.nan
    people, owners = np.arange(6) % 3, np.arange(9) % 3
    curve = search(probes, references, people, owners).curve()
    assert curve is not None
    assert (curve.n_genuine, curve.n_impostor) == (6 * 3, 6 * 6)
    scores = np.nan_to_num((probes @ references.T).astype(np.float32), nan=-np.inf)
    same = people[:, None] == owners[None, :]
    dense = det_curve(scores[same], scores[~same])
    assert set(zip(curve.fmr, curve.fnmr, strict=True)) <= set(
        zip(dense.fmr, dense.fnmr, strict=True)
    )


def test_one_person_has_no_curve() -> None:
    templates = np.eye(3)
    people = np.zeros(3, dtype=int)
    assert search(templates, templates, people, people).curve() is None
