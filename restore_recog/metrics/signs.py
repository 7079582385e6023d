"""The signs that the sign-flip test deals out; tests of as many people share them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from restore_recog.metrics.resampling import chunks
from restore_recog.types import Vector


@lru_cache(maxsize=2)
def every_sign(n: int) -> Vector:
    """Return (2^n, n) every way to give n numbers a sign; read-only."""
    bits = np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1
    return _frozen(np.where(bits, 1.0, -1.0))


def random_signs(n: int, seed: int, ways: int) -> Iterator[Vector]:
    """Yield (size, n) random signs, *ways* rows in all, the same for the same arguments."""
    sizes = list(chunks(ways, n))
    if len(sizes) == 1:
        yield _kept(n, seed, ways)
        return
    rng = np.random.default_rng(seed)
    for size in sizes:
        yield _drawn(rng, n, size)


@lru_cache(maxsize=2)
def _kept(n: int, seed: int, ways: int) -> Vector:
    """Return the signs of the last calls again: all figures of a run ask for the same."""
    return _frozen(_drawn(np.random.default_rng(seed), n, ways))


def _drawn(rng: np.random.Generator, n: int, size: int) -> Vector:
    return np.asarray(rng.integers(0, 2, (size, n)) * 2.0 - 1.0)


def _frozen(signs: Vector) -> Vector:
    signs.flags.writeable = False
    return signs
