"""A figure: a number with its name, its interval and its basis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from restore_recog.metrics.resampling import Interval


class FigureName(str):
    """What a figure is called: ``rank1``, or ``fnmr_frozen@fmr=0.001`` with an operating point.

    A string, so that it can be a key in report.json; its parts are attributes.

    Attributes:
        kind: Its first part, e.g. ``fnmr_frozen``.
        rate: The rate that fixes the operating point, ``fmr``, ``fpir`` or ``far``; empty without
            one.
        target: That rate's value; NaN without one.
    """

    kind: str
    rate: str
    target: float

    def __new__(cls, kind: str, target: float = math.nan, rate: str = "fmr") -> FigureName:
        if isinstance(kind, FigureName):
            return kind
        at = not math.isnan(target)
        name = super().__new__(cls, f"{kind}@{rate}={target:g}" if at else kind)
        name.kind, name.rate, name.target = kind, rate if at else "", target
        return name

    @classmethod
    def read(cls, text: str) -> FigureName:
        """Return the name that a results folder gives."""
        kind, _, point = text.partition("@")
        rate, _, target = point.partition("=")
        return cls(kind, float(target or math.nan), rate or "fmr")

    def at(self, other: FigureName) -> FigureName:
        """Return this kind of figure at another's operating point."""
        return FigureName(self.kind, other.target, other.rate or "fmr")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of an arm. Its facts can also be read by name: ``figure["rescued"]``.

    Attributes:
        name: What it is called.
        value: In its natural unit; rates as shares of 1.
        low, high: Ends of the 95 % interval; NaN where there is none.
        n: Probes or comparisons behind it; None where that means nothing.
        n_subjects: People behind them.
        flag: Why it must not be quoted alone, in a short phrase; empty where it may.
        details: Further facts, e.g. ``rescued``, ``threshold``.
    """

    name: FigureName
    value: float
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    n_subjects: int | None = None
    flag: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, interval: Interval, flag: str | None = None, /, **details: Any
    ) -> Figure:
        """Return the figure of a value with its interval."""
        given = {"resamples": interval.resamples, **details}
        ends = interval.low, interval.high, interval.n, interval.n_subjects
        return cls(FigureName(name), interval.value, *ends, flag or "", given)

    @classmethod
    def read(cls, name: str, facts: Mapping[str, Any]) -> Figure:
        """Return the figure whose :meth:`facts` are given."""
        rest = dict(facts)
        own = {key: rest.pop(key) for key in OWN if key in rest}
        return cls(FigureName.read(name), details=rest, **own)

    def facts(self) -> dict[str, Any]:
        """Return everything but the name, as report.json holds it."""
        own = {key: getattr(self, key) for key in OWN}
        return {
            **{key: fact for key, fact in own.items() if fact not in (None, "")},
            **self.details,
        }

    def with_details(self, **details: Any) -> Figure:
        """Return the figure with more details."""
        return replace(self, details={**self.details, **details})

    def __getitem__(self, fact: str) -> Any:
        return self.facts()[fact]

    def __contains__(self, fact: str) -> bool:
        return fact in self.facts()

    def get(self, fact: str, default: Any = None) -> Any:
        """Return a fact by its name, or *default* where the figure has none of that name."""
        return self.facts().get(fact, default)


OWN = ("value", "low", "high", "n", "n_subjects", "flag")
"""The facts of a figure that are attributes."""


Figures = Mapping[str, Figure]
"""Figures by their names."""


def collected(*figures: Figure | None) -> dict[str, Figure]:
    """Return figures by their names, without those that could not be measured."""
    return {figure.name: figure for figure in figures if figure is not None}


NO_FIGURE = Figure(FigureName("none"), math.nan)
"""Takes the place of a figure that was not measured."""


def facts_of(figures: Figures) -> dict[str, dict[str, Any]]:
    """Return figures as a results folder holds them."""
    return {str(name): figure.facts() for name, figure in figures.items()}


def read_figures(entry: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    """Return the figures of an arm in a results folder."""
    return collected(*(Figure.read(name, facts) for name, facts in entry.items()))
