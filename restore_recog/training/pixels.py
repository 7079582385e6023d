"""Images by number, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Pixels(Protocol):
    """Images by number, wherever they are."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[NDArray[np.uint8]]: ...

    def __getitem__(self, number: int, /) -> NDArray[np.uint8]: ...


class Selection:
    """Images out of several collections.

    Args:
        parts: The collections.
        part, row: Of each image.
    """

    def __init__(
        self, parts: Sequence[Pixels], part: NDArray[np.int64], row: NDArray[np.int64]
    ) -> None:
        self._parts = parts
        self._part = part
        self._row = row

    def __len__(self) -> int:
        return len(self._row)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        return self._parts[self._part[number]][int(self._row[number])]
