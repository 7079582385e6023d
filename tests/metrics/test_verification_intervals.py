"""Intervals of EER and FNMR at FMR against a loop that copies the drawn comparisons."""

from __future__ import annotations

import math

import numpy as np
import pytest

from restore_recog.errors import DataError
from restore_recog.metrics import resampling
from restore_recog.metrics.verification import equal_error_rate, fnmr_at_fmr
from restore_recog.metrics.verification_intervals import bootstrap_verification


def trials(seed=0, people=9, shift=1.5, decimals=1):
    rng = np.random.default_rng(seed)
    own = np.repeat(np.arange(people), 3)
    pairs = np.argwhere(~np.eye(people, dtype=bool))
    genuine = np.round(rng.normal(shift, 1, own.size), decimals)
    impostor = np.round(rng.normal(0, 1, len(pairs)), decimals)
    return genuine, impostor, own, pairs


def copied(multiplicities, genuine, impostor, own, pairs):
    """Write out every comparison as often as it was drawn."""
    mated, other = [], []
    for score, person in zip(genuine, own, strict=True):
        mated += [score] * multiplicities[person]
    for score, (a, b) in zip(impostor, pairs, strict=True):
        other += [score] * (multiplicities[a] * multiplicities[b])
    return mated, other


@pytest.mark.parametrize("seed", range(4))
def test_each_draw_is_the_figure_of_its_copies(seed):
    data = trials(seed)
    if seed == 3:
        data[0][:4] = data[1][:9] = -np.inf
    intervals = bootstrap_verification(
        *data, seed=seed, fmr_targets=(0.0, 0.05, 0.3), resamples=200
    )
    draws = np.random.default_rng(seed).multinomial(9, [1 / 9] * 9, 200)
    copies = [copied(draw.tolist(), *data) for draw in draws]
    eers = [equal_error_rate(*both).value for both in copies]
    limits = np.quantile(eers, [0.025, 0.975])
    assert (intervals.eer.low, intervals.eer.high) == pytest.approx(tuple(limits), abs=1e-12)
    assert intervals.eer.value == equal_error_rate(*data[:2]).value
    for target, interval in intervals.fnmr.items():
        rates = [fnmr_at_fmr(*both, target).fnmr for both in copies]
        limits = np.quantile(rates, [0.025, 0.975])
        assert (interval.low, interval.high) == pytest.approx(tuple(limits), abs=1e-12)
        assert interval.value == fnmr_at_fmr(*data[:2], target).fnmr
    assert (intervals.eer.n, intervals.eer.n_subjects, intervals.eer.resamples) == (27 + 72, 9, 200)


def test_chunks_change_nothing(monkeypatch):
    data = trials(5)
    whole = bootstrap_verification(*data, seed=0, resamples=50)
    monkeypatch.setattr(resampling, "_CHUNK", 99 * 7)
    assert bootstrap_verification(*data, seed=0, resamples=50) == whole


def test_limits():
    genuine, impostor, own, pairs = trials()
    apart = bootstrap_verification(genuine + 100, impostor, own, pairs, seed=0, resamples=50)
    assert (apart.eer.value, apart.eer.low, apart.eer.high) == (0.0, 0.0, 0.0)
    tied = bootstrap_verification(0 * genuine, 0 * impostor, own, pairs, seed=0, resamples=50)
    assert (tied.eer.low, tied.eer.high) == (0.5, 0.5)
    assert tied.fnmr[0.01].low == 1.0
    failed = np.full(genuine.size, -np.inf)
    none = bootstrap_verification(failed, impostor, own, pairs, seed=0, resamples=50)
    assert none.fnmr[0.01].low == 1.0  # refused at every threshold
    assert (none.eer.value, none.eer.low) == (1.0, 1.0)


def test_unmet_rates_have_no_interval():
    genuine, impostor, own, pairs = trials()
    genuine[::2] = impostor[::2] = -np.inf
    genuine[:20] = -np.inf
    intervals = bootstrap_verification(genuine, impostor, own, pairs, seed=0, resamples=50)
    assert math.isnan(intervals.eer.value) and math.isnan(intervals.eer.low)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="of two people"):
        bootstrap_verification([0.5], [0.1], ["a"], [("a", "a")], seed=0)
    with pytest.raises(ValueError, match="one subject"):
        bootstrap_verification([0.5], [0.1], ["a", "b"], [("a", "b")], seed=0)
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        bootstrap_verification([0.5], [0.1], ["a"], ["b"], seed=0)
    with pytest.raises(DataError, match="no impostor"):
        bootstrap_verification([0.5], [], ["a"], np.empty((0, 2), dtype=str), seed=0)
