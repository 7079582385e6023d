"""Which images come into a batch: a pure function of seed, phase and position.

Nothing here remembers what was drawn before. The words that are hashed into the seeds must stay:
others would draw other images.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class Place(NamedTuple):
    """Where in a training a batch lies.

    Attributes:
        seed: Of every random choice.
        phase: Its name.
        position: Images seen in this phase so far.
        size: Images of the batch.
    """

    seed: int
    phase: str
    position: int
    size: int


def shuffled(rows: Rows, at: Place) -> Rows:
    """Return (size,) rows: one permutation of all of them per epoch, end to end."""
    stream = np.arange(at.position, at.position + at.size)
    return rows[_stream(at.seed, at.phase, stream, len(rows))]


def by_people(people: Sequence[Rows], at: Place, several: int) -> Rows:
    """Return (size,) rows of *several* different people with equally many images each.

    Args:
        people: The rows of each person; those with two rows or more are preferred.
        at: The position is a multiple of the size, and the size of *several*.
        several: People in a batch.
    """
    more = [rows for rows in people if len(rows) > 1]
    pool = more if len(more) >= several else people
    # A batch never straddles two permutations: it would meet one person twice.
    epoch, number = divmod(at.position // at.size, len(pool) // several)
    order = permutation(at.seed, at.phase, epoch, len(pool))
    rng = generator(at.seed, f"{at.phase} pictures", at.position)
    chosen = [
        _draw(pool[person], at.size // several, rng)
        for person in order[number * several : (number + 1) * several]
    ]
    return np.concatenate(chosen)


def by_class(classes: Sequence[Rows], at: Place) -> Rows:
    """Return (size,) rows of all classes equally often, whatever their sizes.

    The stream of images is cut into rounds in which every class comes once, in an order of its
    own; each class goes through permutations of its rows, end to end.

    Args:
        classes: The rows of each class, at least one each.
        at: Where the batch lies.
    """
    stream = np.arange(at.position, at.position + at.size)
    rounds, turns = np.divmod(stream, len(classes))
    orders = {
        int(number): generator(at.seed, f"{at.phase} classes", int(number)).permutation(
            len(classes)
        )
        for number in np.unique(rounds)
    }
    drawn = np.array([orders[int(n)][turn] for n, turn in zip(rounds, turns, strict=True)])
    chosen = np.empty(at.size, np.int64)
    for number, rows in enumerate(classes):
        mine = drawn == number
        purpose = f"{at.phase} class {number}"
        chosen[mine] = rows[_stream(at.seed, purpose, rounds[mine], len(rows))]
    return chosen


def generator(seed: int, purpose: str, position: int) -> np.random.Generator:
    """Return the random numbers that belong to a purpose and a position."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), position])


@lru_cache(maxsize=32)
def permutation(seed: int, purpose: str, epoch: int, count: int) -> Rows:
    """Return the order of *count* things in an epoch."""
    return generator(seed, f"{purpose} order", epoch).permutation(count)


def _stream(seed: int, purpose: str, stream: Rows, count: int) -> Rows:
    """Return which of *count* things stand at these places of permutations laid end to end."""
    epochs, offsets = np.divmod(stream, count)
    places = [
        permutation(seed, purpose, int(epoch), count)[offset]
        for epoch, offset in zip(epochs, offsets, strict=True)
    ]
    return np.array(places, np.int64)


def _draw(members: Rows, count: int, rng: np.random.Generator) -> Rows:
    """Return *count* rows of one person, all of them before any comes twice."""
    rounds = [rng.permutation(members) for _ in range(-(-count // len(members)))]
    return np.concatenate(rounds)[:count]
