"""Figures of a classifier: what it confuses, and a map of its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.results import SightRow
from restore_recog.metrics.calibration import Bin
from restore_recog.reporting.plots import COLOURS, named
from restore_recog.reporting.plots_panels import TITLE, beside, in_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_IMAGE = "none"
"""Column of the probes of which there is no image."""


def confusion_figure(tables: Mapping[str, NDArray[np.int64]], classes: Sequence[str]) -> Figure:
    """Draw what was told of each true class, in per cent of its probes, one panel per arm.

    Args:
        tables: Arm -> (C, C + 1) counts: rows true, columns told, the last without an image. The
            last column is drawn where it is not empty.
        classes: Names of the rows.
    """
    figure, grid = in_panels(len(tables), share=False)
    every = next(iter(tables.values())).sum(axis=1)
    there = [i for i, count in enumerate(every) if count]  # classes that have probes
    for axes, (arm, table) in zip(grid, tables.items(), strict=True):
        columns = [*range(len(classes)), *([len(classes)] if table[:, -1].any() else [])]
        counts = table[np.ix_(there, columns)]
        shares = 100 * counts / counts.sum(axis=1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        _numbers(axes, shares)
        axes.set_xticks(range(len(columns)), [(*classes, NO_IMAGE)[c][:4] for c in columns])
        axes.set_yticks(range(len(there)), [f"{classes[c]} ({every[c]})" for c in there])
        axes.tick_params(labelsize="x-small", length=0)
        axes.set_title(named(arm, TITLE), fontsize="small")
    figure.supxlabel("Told by the classifier", fontsize="medium")
    figure.supylabel("True (number of probes)", fontsize="medium")
    return figure


def _numbers(axes: Axes, shares: NDArray[np.float64]) -> None:
    """Write every share of 1 % or more into its cell."""
    for (row, column), share in np.ndenumerate(shares):
        if share >= 1:
            colour = "white" if share > 55 else "black"
            axes.text(
                column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=6
            )


def calibration_figure(curves: Mapping[str, Sequence[Bin]], word: str) -> Figure:
    """Draw how often a class was true against how likely it was said to be, one panel per arm.

    Args:
        curves: Arm -> its bins; the area of a dot goes with the number of its probes.
        word: The class.
    """
    figure, grid = in_panels(len(curves))
    for axes, (arm, bins) in zip(grid, curves.items(), strict=True):
        said = np.array([one.probability for one in bins])
        ends = np.array([[one.observed.low, one.observed.high] for one in bins])
        seen = np.array([one.observed.value for one in bins])
        share = np.array([one.observed.n for one in bins], np.float64)
        axes.plot([0, 1], [0, 1], color="0.6", lw=0.8)
        axes.vlines(said, ends[:, 0], ends[:, 1], color=COLOURS[0], lw=1)
        axes.scatter(said, seen, s=4 + 60 * share / share.sum(), color=COLOURS[0], zorder=3)
        axes.set_title(named(arm, TITLE), fontsize="small")
    figure.supxlabel(f"Probability of '{word}' that the classifier gives", fontsize="medium")
    figure.supylabel(f"Share that is '{word}'", fontsize="medium")
    return figure


def map_figure(rows: Sequence[SightRow], classes: Sequence[str]) -> Figure:
    """Draw where t-SNE puts the classifier's features, one panel per arm, coloured by the truth.

    Args:
        rows: With places; those of all arms lie on one map.
        classes: In order of the colours.
    """
    arms: dict[str, list[SightRow]] = {}
    for row in rows:
        arms.setdefault(row.arm, []).append(row)
    figure, grid = in_panels(len(arms))
    for axes, (arm, mine) in zip(grid, arms.items(), strict=True):
        for name, colour in zip(classes, COLOURS, strict=False):
            places = np.array([(r.x, r.y) for r in mine if r.true == name]).reshape(-1, 2)
            axes.scatter(places[:, 0], places[:, 1], s=7, color=colour, linewidths=0, label=name)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(named(arm, TITLE), fontsize="small")
    beside(figure)
    return figure
