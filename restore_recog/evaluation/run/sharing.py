"""What several recognisers of one run share: every image is made once and shown to each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.system.processes import Processes
from restore_recog.types import Failure

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Kept:
    """Something made, what failed over it, and how many are still to take it."""

    key: object
    value: Any
    failures: list[Failure]
    waiting: int


class Once:
    """Keeps what the first of several recognisers had made until the last one has taken it.

    Attributes:
        users: How many recognisers share; with one, nothing is kept.
    """

    def __init__(self) -> None:
        self.users = 1
        self._kept: dict[str, _Kept] = {}

    def of(self, kind: str, key: object, ledger: Ledger, make: Callable[[], Result]) -> Result:
        """Return what *make* returns, or what it returned to another under the same key.

        Args:
            kind: What it is; of each kind only the last is kept.
            key: Of what it is made.
            ledger: Takes the failures, whether it is made now or was made for another.
            make: Makes it.
        """
        kept = self._kept.get(kind)
        if kept is not None and kept.key == key:
            kept.waiting -= 1
            if not kept.waiting:
                del self._kept[kind]
            ledger.failures += kept.failures
            result: Result = kept.value
            return result
        with ledger.collect() as failures:
            value = make()
        ledger.failures += failures
        if self.users > 1:
            self._kept[kind] = _Kept(key, value, failures, self.users - 1)
        return value


def in_step(
    stage: str,
    ids: Sequence[str],
    works: Sequence[Callable[[Sequence[str]], Result]],
    *,
    size: int,
    ledger: Ledger,
    processes: Processes,
) -> list[list[Result]]:
    """Return for each work what it makes of the blocks of ids; all works do one block at a time.

    Args:
        stage: What the listener is told.
        ids: Of images.
        works: One a recogniser.
        size: Of a block.
        ledger: Whose listener is told.
        processes: Among which the blocks are shared out.
    """
    blocks = [ids[start : start + size] for start in range(0, len(ids), size)]

    def done(count: int) -> None:
        ledger.report(stage, min(count * size, len(ids)), len(ids))

    made = processes.map(blocks, lambda block: [work(block) for work in works], done)
    return [[results[i] for results in made] for i in range(len(works))]


def merged(parts: Iterable[Mapping[str, Result]]) -> dict[str, Result]:
    """Return the entries of all parts."""
    return {key: value for part in parts for key, value in part.items()}
