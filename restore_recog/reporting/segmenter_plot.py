"""The figure of a segmenter study: how good the maps are against what their errors cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from restore_recog.reporting.plots import COLOURS, new_figure
from restore_recog.reporting.segmenter_report import Figures, Standing, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXES = (("rank1_lost", 100, "Rank-1 lost (points)"), ("cosine_lost", 1, "Genuine cosine lost"))
"""What the errors cost: figure, factor, title; the first that was measured is drawn."""


def cost_figure(study: Study) -> Figure | None:
    """Draw each segmenter's Dice against what its errors cost; None without true maps.

    One panel a restorer. Reference points are grey; the true map, narrowed and widened, is a
    line through them. Bars are 95 % intervals.
    """
    names = list(study.standings[0].restorers)
    measured = [one for one in AXES if _any(study, one[0])]
    if not measured:
        return None
    name, factor, title = measured[0]
    figure = new_figure((1.2 + 4.8 * len(names), 4.4))
    for place, restorer in enumerate(names):
        axes = figure.add_subplot(1, len(names), place + 1)
        _panel(axes, study, restorer, (name, factor))
        axes.set_title(f"restored with {restorer}", fontsize="medium")
        axes.set_xlabel("Mean Dice of the maps")
        if place == 0:
            axes.set_ylabel(title)
    return figure


def _any(study: Study, name: str) -> bool:
    return any(name in figures for one in study.standings for figures in one.restorers.values())


def _panel(axes: Axes, study: Study, restorer: str, quantity: tuple[str, float]) -> None:
    axes.grid(color="0.88", lw=0.7)
    axes.set_axisbelow(True)
    axes.axhline(0, color="0.4", lw=0.8)
    colours = iter(COLOURS * len(study.standings))
    line: list[tuple[float, float]] = []
    for one in study.standings:
        x = float(one.maps.get("dice", {}).get("value", math.nan))
        y, below, above = _value(one, one.restorers[restorer], quantity)
        if not math.isfinite(x + y):
            continue
        colour = "0.45" if one.reference else next(colours)
        bars = [[below], [above]] if math.isfinite(below + above) else None
        style = "s" if one.reference else "o"
        axes.errorbar(x, y, yerr=bars, fmt=style, color=colour, ms=6, capsize=3, label=None)
        axes.annotate(
            one.segmenter,
            (x, y),
            (7, 5),
            textcoords="offset points",
            color=colour,
            fontsize="small",
        )
        if one.reference and one.segmenter.startswith("true"):
            line.append((x, y))
    axes.plot(*zip(*line, strict=True), color="0.7", lw=1, zorder=0)
    axes.margins(x=0.16, y=0.12)


def _value(one: Standing, figures: Figures, quantity: tuple[str, float]) -> tuple[float, ...]:
    """Return (value, distance to the lower end, to the upper end) in the axis' unit."""
    name, factor = quantity
    if one.segmenter == "true":
        return 0.0, math.nan, math.nan  # nothing is lost to no error
    figure = figures.get(name, {})
    value, low, high = (float(figure.get(key, math.nan)) for key in ("value", "low", "high"))
    return factor * value, factor * (value - low), factor * (high - value)
