"""What the columns of the papers' tables mean, and which figure of ours stands beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of a published table.

    Attributes:
        label: Its head.
        better: ``higher`` or ``lower``.
        definition: What ours is, and what the paper leaves open; goes beneath the table.
        unit: Of the paper's numbers, e.g. ``dB`` or ``%``; empty for a pure number.
        figure: Our figure (see :class:`~restore_recog.evaluation.results.ArmReport`), or None
            where an evaluation measures nothing of the kind.
        factor: Our figure times this is in the paper's unit.
        recognition: Whether it depends on the recogniser.
    """

    label: str
    better: str
    definition: str
    unit: str = ""
    figure: str | None = None
    factor: float = 1.0
    recognition: bool = False

    @property
    def heading(self) -> str:
        """Return the column's head with its unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


def _metrics() -> dict[str, Metric]:
    content = (Path(__file__).parent / "metrics.json").read_text(encoding="utf-8")
    return {key: Metric(**entry) for key, entry in json.loads(content).items()}


METRICS = _metrics()
"""Key in the tables' files -> what it means."""
