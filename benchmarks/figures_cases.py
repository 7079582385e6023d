"""Single figures as ``bench metrics`` measures them: ours, and one line of NumPy for the same.

Both are given the same arrays and give the same numbers; what ours check besides is in their time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.metrics_cases import Run, cosines
from restore_recog.metrics.identification import cmc, identification_ranks
from restore_recog.metrics.verification import equal_error_rate, fnmr_at_fmr

TARGET = 0.001
"""FMR of the operating point."""


def point_ours(impostors: int, genuines: int, seed: int) -> Run:
    """FNMR at an FMR of 0.1 %."""
    genuine, impostor = cosines(impostors, genuines, seed)
    return lambda: fnmr_at_fmr(genuine, impostor, TARGET).fnmr


def point_numpy(impostors: int, genuines: int, seed: int) -> Run:
    """The same by sorting the impostor scores."""
    genuine, impostor = cosines(impostors, genuines, seed)
    place = impostors - 1 - int(TARGET * impostors)
    return lambda: float(np.mean(genuine <= np.sort(impostor)[place]))


def eer_ours(impostors: int, genuines: int, seed: int) -> Run:
    """Equal error rate, the nearer of its two ends."""
    genuine, impostor = cosines(impostors, genuines, seed)
    return lambda: equal_error_rate(genuine, impostor).high


def eer_numpy(impostors: int, genuines: int, seed: int) -> Run:
    """The same by sorting both and looking each genuine score up."""
    genuine, impostor = cosines(impostors, genuines, seed)

    def run() -> float:
        mated, other = np.sort(genuine), np.sort(impostor)
        fmr = 1 - np.searchsorted(other, mated) / impostors
        fnmr = np.arange(genuines) / genuines
        return float(np.maximum(fmr, fnmr).min())

    return run


def cmc_ours(probes: int, subjects: int, seed: int) -> Run:
    """The whole CMC of a ready table of float32 scores, ties against."""
    table, owners = _table(probes, subjects, seed)
    people = np.arange(subjects)
    return lambda: _curve(cmc(identification_ranks(table, owners, people), subjects))


def cmc_numpy(probes: int, subjects: int, seed: int) -> Run:
    """The same in a few lines, with the ranks of both kinds of tie and a look for NaN."""
    table, owners = _table(probes, subjects, seed)

    def run() -> float:
        own = table[np.arange(probes), owners][:, None]
        assert not np.isnan(table).any()
        ranks, _ = (table >= own).sum(axis=1), (table > own).sum(axis=1)
        return _curve(np.cumsum(np.bincount(ranks, minlength=subjects + 1)[1:]) / probes)

    return run


def _table(probes: int, subjects: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((probes, subjects), dtype=np.float32) * np.float32(0.1)
    owners = np.arange(probes) % subjects
    table[np.arange(probes), owners] += np.float32(0.3)
    return table, owners


def _curve(rates: Any) -> float:
    """Return one number that tells curves apart."""
    return float(np.sum(rates))
