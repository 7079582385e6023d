"""One line of a comparison with a paper: its number, ours, and an honest word on the two.

Nothing here calls a run a reproduction by itself: a cell is *reproduced* only where the
paper's number lies within our 95 % interval (its rounding allowed for) and nothing that is
known of data, size and weights makes the two different things.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from restore_recog.evaluation.figure import Figure
from restore_recog.published.tables import METRICS, Metric, PaperTable, Printed

REPRODUCED = "reproduced within the interval"
NOT_COMPARABLE = "not comparable"
NOT_HERE = "not here"
NOT_MEASURED = "not measured"
UNMEASURED = " is not measured: "
"""Stands in the notes of a report that say why a figure is missing."""
NOT_PRINTED = "the paper prints no number"


@dataclass(frozen=True, slots=True)
class Ours:
    """One figure of ours in the paper's unit; no interval is NaN."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    flag: str = ""


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """One number of the paper, ours, and what to make of the two.

    Attributes:
        metric: Key of :data:`~.tables.METRICS`.
        verdict: One of this module's words, or ``lower``/``higher`` than the paper.
    """

    metric: str
    paper: Printed | None
    ours: Ours | None
    verdict: str


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row of the table.

    Attributes:
        published: False for rows of ours that the paper does not have.
        obstacles: Why ours cannot reproduce this row, whatever the figures are.
    """

    label: str
    cells: tuple[ComparedCell, ...]
    published: bool = True
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableComparison:
    """A whole table, ours beside the paper's.

    Attributes:
        obstacles: Why the whole run cannot reproduce the table.
        cautions: What differs but does not forbid the comparison.
        weights: One sentence per restorer.
        gains: What restoring gains, ours beside the paper's difference of two rows.
    """

    table: PaperTable
    rows: tuple[ComparedRow, ...]
    obstacles: tuple[str, ...]
    cautions: tuple[str, ...]
    weights: tuple[str, ...]
    gains: tuple[ComparedRow, ...] = field(default=())

    def reasons(self) -> tuple[str, ...]:
        """Return everything that keeps the figures from being a reproduction, each once."""
        everything = (*self.rows, *self.gains)
        mine = (reason for row in everything if row.published for reason in row.obstacles)
        return tuple(dict.fromkeys((*self.obstacles, *mine)))

    def verdict(self) -> str:
        """Return one sentence for the whole table."""
        everything = (*self.rows, *self.gains)
        words = [c.verdict for row in everything for c in row.cells if c.paper and c.ours]
        compared = [word for word in words if word != NOT_COMPARABLE]
        parts = [f"{compared.count(word)} {word}" for word in sorted(set(compared))]
        if self.reasons():
            parts.append(f"not a reproduction, because {'; '.join(self.reasons())}")
        if not parts:
            parts = ["no figure of the paper's has one of ours beside it"]
        return f"{self.table.name}: {'; '.join(parts)}."


def ours(figure: Figure | None, key: str, *, difference: bool = False) -> Ours | None:
    """Return a figure in the paper's unit, or None where it was not measured.

    Args:
        figure: Of the report.
        key: Of :data:`~.tables.METRICS`.
        difference: Whether it is one of two values.
    """
    if figure is None or not math.isfinite(figure.value):
        return None
    metric = METRICS[key]
    shift = 0.0 if difference else metric.offset
    value, low, high = (
        shift + metric.factor * end for end in (figure.value, figure.low, figure.high)
    )
    if metric.factor < 0:
        low, high = high, low
    return Ours(value, low, high, figure.n, figure.flag)


def assess(
    metric: Metric, paper: Printed | None, mine: Ours | None, *, comparable: bool, halves: int = 1
) -> str:
    """Return the word on one cell.

    Args:
        metric: Says whether higher or lower is better.
        paper: As printed.
        mine: In the paper's unit.
        comparable: Whether nothing forbids the comparison.
        halves: How many rounded numbers the paper's is made of.
    """
    if mine is None:
        return NOT_MEASURED
    if paper is None:
        return NOT_PRINTED
    if not comparable:
        return NOT_COMPARABLE
    room = paper.rounding * halves * (1 + 1e-9)
    low = mine.value if math.isnan(mine.low) else mine.low
    high = mine.value if math.isnan(mine.high) else mine.high
    least, most = paper.ends
    if low - room <= most and least <= high + room:
        return REPRODUCED
    way = "higher" if mine.value > paper.number else "lower"
    return f"{way} than the paper ({'better' if way == metric.better else 'worse'})"
