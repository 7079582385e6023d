"""Which coverings were drawn: one row per probe, and the counts of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from restore_recog.coverings import Covered

BY = ("kind", "colour", "pattern", "difficulty")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One synthetic covering.

    Attributes:
        kind, colour, pattern, difficulty: As in :class:`restore_recog.coverings.Covered`.
        area: Share of the crop that its mask covers, in [0, 1].
    """

    kind: str
    colour: str
    pattern: str
    difficulty: str
    area: float

    @classmethod
    def of(cls, covered: Covered) -> Drawn:
        """Return the row of one drawing."""
        area = float(covered.mask.mean())
        return cls(covered.kind, covered.colour, covered.pattern, covered.difficulty, area)


def statistics(drawn: Iterable[Drawn]) -> dict[str, Any] | None:
    """Return the counts of a run as plain JSON values, or None where nothing was drawn.

    Returns:
        ``count``; ``area_percent`` (``mean``, ``min``, ``max`` of the share of the crop); and
        ``by``: kind, colour, pattern and difficulty -> value -> ``count`` and the same three,
        the commonest first.
    """
    rows = list(drawn)
    if not rows:
        return None
    return {
        "count": len(rows),
        "area_percent": _area(rows),
        "by": {name: _groups(rows, name) for name in BY},
    }


def _groups(drawn: list[Drawn], name: str) -> dict[str, Any]:
    counts = Counter(getattr(one, name) for one in drawn)
    groups = {}
    for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        members = [one for one in drawn if getattr(one, name) == value]
        groups[value] = {"count": count, **_area(members)}
    return groups


def _area(drawn: list[Drawn]) -> dict[str, float]:
    shares = [100 * one.area for one in drawn]
    mean = sum(shares) / len(shares)
    return {name: round(x, 2) for name, x in zip(
        ("mean", "min", "max"), (mean, min(shares), max(shares)), strict=True
    )}  # fmt: skip
