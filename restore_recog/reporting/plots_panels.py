"""Figures in panels: score histograms, gains by group, image quality against recognition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from restore_recog.evaluation.figure import NO_FIGURE
from restore_recog.names import unmarked
from restore_recog.reporting.plots import COLOURS, named, new_figure
from restore_recog.types import Vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

from restore_recog.evaluation.figure import Figures
from restore_recog.evaluation.segmenters.figures import Standing, Study

GENUINE, IMPOSTOR = COLOURS[0], COLOURS[1]
_BINS = (10, 40)  # fewest and most; in between twice the root of the shortest list
_ACROSS = 3  # panels side by side
TITLE = 36  # letters of a panel's title in one line


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of a forest plot.

    Attributes:
        label: Who.
        value, low, high: In the unit of the axis; NaN where it was not measured.
        heading: The row only names the group of rows below it.
        told: Whether a test, corrected for all others, tells it from 0: then it has a colour.
    """

    label: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    heading: bool = False
    told: bool = False


def histogram_figure(
    panels: Mapping[str, tuple[Vector, Vector]],
    thresholds: Mapping[str, float] | None = None,
    xlabel: str = "Cosine similarity",
) -> Figure:
    """Draw genuine and impostor scores, one panel per arm, on one axis.

    The two are scaled each to its own number of completed comparisons; failed ones (-inf)
    have no place on the axis and are counted in the panel's title.

    Args:
        panels: Title to (genuine, impostor) scores.
        thresholds: Title to a threshold that is marked.
        xlabel: What the scores are.

    Raises:
        ValueError: There is no panel, or no finite score at all.
    """
    finite = [s[np.isfinite(s)] for pair in panels.values() for s in pair]
    values = np.concatenate(finite) if finite else np.empty(0)
    if not values.size:
        raise ValueError("A histogram needs at least one panel with a finite score.")
    low, high = float(values.min()), float(values.max())
    fewest = min(scores.size for scores in finite if scores.size)
    bins = int(np.clip(2 * np.sqrt(fewest), *_BINS))
    edges = np.linspace(low, high if high > low else low + 1e-6, bins + 1)
    figure, grid = in_panels(len(panels))
    for axes, (title, pair) in zip(grid, panels.items(), strict=True):
        _histogram(axes, pair, edges)
        threshold = (thresholds or {}).get(title)
        if threshold is not None and math.isfinite(threshold):
            axes.axvline(threshold, color="0.3", lw=1, ls="--")
        failed = sum(int(np.isneginf(scores).sum()) for scores in pair)
        failures = f" ({failed} failed)" if failed else ""
        axes.set_title(named(title + failures, TITLE), fontsize="medium")
    figure.supxlabel(xlabel, fontsize="medium")
    figure.supylabel("Share of comparisons (%)", fontsize="medium")
    beside(figure)
    return figure


def _histogram(axes: Axes, pair: tuple[Vector, Vector], edges: Vector) -> None:
    sides = (("impostor", pair[1], IMPOSTOR), ("genuine", pair[0], GENUINE))
    for name, scores, colour in sides:
        done = scores[np.isfinite(scores)]
        if not done.size:
            continue
        shares = 100 * np.histogram(done, edges)[0] / done.size
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(shares, edges, color=colour, lw=1.4, label=name)


def beside(figure: Figure) -> None:
    """Put one legend of all panels beside them, where it covers nothing."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        pairs = zip(*axes.get_legend_handles_labels(), strict=True)
        handles |= {text: handle for handle, text in pairs if text not in handles}
    if handles:
        figure.legend(handles.values(), handles, loc="outside right upper", fontsize="small")


def in_panels(count: int, *, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels in rows, which share their axes or have each their own."""
    across = min(count, _ACROSS)
    down = math.ceil(count / across)
    figure = new_figure((3.3 * across + 0.4, 2.3 * down + 0.5))
    table = figure.subplots(down, across, sharex=share, sharey=share, squeeze=False)
    flat: list[Axes] = list(table.ravel())
    for axes in flat[count:]:
        axes.set_visible(False)
    for number, axes in enumerate(flat):
        if share:
            axes.grid(color="0.88", lw=0.7)
            axes.set_axisbelow(True)
        if number + across >= count:  # the panel below it is hidden or missing
            axes.tick_params(labelbottom=True)
    return figure, flat[:count]


def forest_figure(
    panels: Mapping[str, Sequence[Estimate]], xlabel: str, *, less_is_better: bool = False
) -> Figure:
    """Draw estimates with intervals, one row per group, one panel per arm.

    Args:
        panels: Title to rows; the same labels in the same order in every panel.
        xlabel: Quantity and unit; 0 is marked.
        less_is_better: Whether an estimate below 0 has the colour of a gain.

    Raises:
        ValueError: There is no panel or no row, or the panels' labels differ.
    """
    labels = [[row.label for row in rows] for rows in panels.values()]
    if not labels or not labels[0] or any(other != labels[0] for other in labels):
        raise ValueError("A forest plot needs panels with the same rows.")
    rows = next(iter(panels.values()))
    figure = new_figure((3.2 * len(panels) + 3.2, 0.28 * len(rows) + 1.1))
    grid = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
    for axes, (title, estimates) in zip(grid, panels.items(), strict=True):
        _forest(axes, estimates, COLOURS[1:3] if less_is_better else COLOURS[2:0:-1])
        axes.set_title(unmarked(title), fontsize="medium")
        axes.set_xlabel(xlabel)
    grid[0].set_yticks(range(len(rows)), [unmarked(row.label) for row in rows])
    for text, row in zip(grid[0].get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if row.heading else "normal")
    grid[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def _forest(axes: Axes, rows: Sequence[Estimate], colours: Sequence[str]) -> None:
    """Draw one panel; *colours* are of estimates that are told to lie above and below 0."""
    axes.axvline(0, color="0.4", lw=1)
    axes.grid(axis="x", color="0.88", lw=0.7)
    axes.set_axisbelow(True)
    for place, row in enumerate(rows):
        if row.heading or not math.isfinite(row.value):
            continue
        colour = (colours[0] if row.value > 0 else colours[1]) if row.told else "0.35"
        if math.isfinite(row.low) and math.isfinite(row.high):
            axes.plot([row.low, row.high], [place, place], color=colour, lw=1.8)
        axes.plot([row.value], [place], marker="o", ms=5, color=colour)


def scatter_figure(panels: Mapping[str, tuple[Vector, Vector]], xlabel: str, ylabel: str) -> Figure:
    """Draw one dot per probe, one panel per arm, with the lines of no change.

    Args:
        panels: Title to (x, y), finite.

    Raises:
        ValueError: There is no panel.
    """
    if not panels:
        raise ValueError("A scatter plot needs at least one panel.")
    figure, grid = in_panels(len(panels))
    for axes, (title, (x, y)) in zip(grid, panels.items(), strict=True):
        axes.axhline(0, color="0.4", lw=1)
        axes.axvline(0, color="0.4", lw=1)
        axes.scatter(x, y, s=8, color=COLOURS[0], alpha=0.5, linewidths=0)
        axes.set_title(named(title, TITLE), fontsize="medium")
    figure.supxlabel(xlabel, fontsize="medium")
    figure.supylabel(ylabel, fontsize="medium")
    return figure


AXES = (("rank1_lost", 100, "Rank-1 lost (points)"), ("cosine_lost", 1, "Genuine cosine lost"))
"""What the errors cost: figure, factor, title; the first that was measured is drawn."""


def cost_figure(study: Study) -> Figure | None:
    """Draw each segmenter's Dice against what its errors cost; None without true masks.

    One panel per restorer. Reference points are grey; the true mask, narrowed and widened, is a
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
        axes.set_title(f"restored with {unmarked(restorer)}", fontsize="medium")
        axes.set_xlabel("Mean Dice of the masks")
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
        x = one.masks.get("dice", NO_FIGURE).value
        y, below, above = _value(one, one.restorers[restorer], quantity)
        if not math.isfinite(x + y):
            continue
        colour = "0.45" if one.reference else next(colours)
        bars = [[below], [above]] if math.isfinite(below + above) else None
        style = "s" if one.reference else "o"
        axes.errorbar(x, y, yerr=bars, fmt=style, color=colour, ms=6, capsize=3, label=None)
        axes.annotate(
            unmarked(one.segmenter),
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
    figure = figures.get(name, NO_FIGURE)
    value = figure.value
    return factor * value, factor * (value - figure.low), factor * (figure.high - value)
