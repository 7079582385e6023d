"""Figures of a report: DET and CMC. They take numbers and give a figure; no global state.

matplotlib is imported inside the functions, so that importing this module costs nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.metrics.verification import DetCurve
from restore_recog.names import unmarked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, safe for colour-blind readers; line styles help in grey print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_ACROSS = 36  # letters of a legend in two columns
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
_TOP = 0.99  # upper end of both DET axes


def det_figure(curves: Mapping[str, DetCurve]) -> Figure:
    """Draw DET curves on normal-deviate axes.

    The curves are step-wise: at a given FMR they show the lowest FNMR whose FMR is no
    higher. Rates of 0 and 1 have no normal deviate; they are drawn half a comparison
    away (0.5/N). Each axis reaches down to 0.01 %, or to 0.5/N where that is lower, and up
    to 99 %, where what is above is drawn too.

    Args:
        curves: Legend text to curve, drawn in order.

    Raises:
        ValueError: There is no curve.
    """
    if not curves:
        raise ValueError("A DET figure needs at least one curve.")
    figure, axes = _empty_figure(
        "False match rate (%), zero drawn at 0.5/N", "False non-match rate (%), zero drawn at 0.5/N"
    )
    n_genuine = max(curve.n_genuine for curve in curves.values())
    n_impostor = max(curve.n_impostor for curve in curves.values())
    floors = [min(1e-4, 0.5 / n) for n in (n_impostor, n_genuine)]
    for number, (name, curve) in enumerate(curves.items()):
        x = _deviate(curve.fmr, curve.n_impostor)
        y = _deviate(curve.fnmr, curve.n_genuine)
        # steps-pre on falling FMR: up at the old FMR, then left at the new FNMR.
        axes.plot(x, y, drawstyle="steps-pre", label=named(name, 2 * _ACROSS), **_look(number))
    _deviate_axes(axes, floors)
    axes.set_title(
        f"{_numbers([c.n_genuine for c in curves.values()])} genuine and "
        f"{_numbers([c.n_impostor for c in curves.values()])} impostor comparisons",
        fontsize="medium",
    )
    _legend(figure)
    return figure


def cmc_figure(curves: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw cumulative match characteristics, with chance as a dotted grey line.

    Args:
        curves: Legend text to (S,) rates at ranks 1 to S, S the subjects in the gallery.

    Raises:
        ValueError: There is no curve, or one is empty.
    """
    if not curves or min(len(rates) for rates in curves.values()) == 0:
        raise ValueError("A CMC figure needs at least one curve of at least one rank.")
    figure, axes = _empty_figure("Rank", "Probes identified at this rank or better (%)")
    longest = max(len(rates) for rates in curves.values())
    for number, (name, rates) in enumerate(curves.items()):
        ranks = np.arange(1, len(rates) + 1)
        axes.plot(ranks, 100 * rates, label=named(name, 2 * _ACROSS), **_look(number))
    ranks = np.arange(1, longest + 1)
    axes.plot(ranks, 100 * ranks / longest, color="0.5", lw=1, ls=(0, (1, 2)), label="chance")
    if longest > 30:
        axes.set_xscale("log")
        decades = [10**power for power in range(len(str(longest)))]
        axes.set_xticks([m * d for d in decades for m in (1, 2, 5) if m * d <= longest])
        axes.xaxis.set_major_formatter("{x:.0f}")
    else:
        axes.locator_params(axis="x", integer=True)
    axes.set_xlim(1 if longest > 1 else 0.5, max(longest, 1.5))
    axes.set_ylim(0, 101)
    axes.set_title(f"{longest} subjects in the gallery", fontsize="medium")
    _legend(figure)
    return figure


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of (width, height) inches that belongs to nobody else."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _empty_figure(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = new_figure((6.4, 6.0))
    axes = figure.add_subplot()
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(color="0.88", lw=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def named(arm: str, width: int) -> str:
    """Return the name of an arm, or of several that do not differ, in lines of so many letters."""
    return textwrap.fill(unmarked(arm), width)


def _look(number: int) -> dict[str, Any]:
    """Return how a curve is drawn; its markers show where it lies under another one."""
    return {
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
        "markevery": (number % len(_MARKERS) * 0.03, 0.27),  # of the diagonal, apart for each
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": _STYLES[number % len(_STYLES)],
        "linewidth": 1.6,
    }


def _legend(figure: Figure) -> None:
    """Put the legend below the axes, where it covers nothing."""
    texts = [text for axes in figure.axes for text in axes.get_legend_handles_labels()[1]]
    columns = 2 if max(map(len, texts)) <= _ACROSS else 1
    lines = sum(text.count("\n") + 1 for text in texts) / columns
    figure.set_figheight(figure.get_figheight() + 0.18 * max(0.0, lines - 4))
    figure.legend(loc="outside lower center", ncols=columns, fontsize="small")


def _numbers(counts: Sequence[int]) -> str:
    """Return one number, or the range where the curves differ."""
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low} to {high}"


def _deviate(rates: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the normal deviate of rates, kept within the axes."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(rates, 0.5 / n, min(1 - 0.5 / n, _TOP))))


def _deviate_axes(axes: Axes, floors: Sequence[float]) -> None:
    """Set limits, ticks in per cent and the line of equal rates."""
    from scipy.special import ndtri

    for axis, floor in zip((axes.xaxis, axes.yaxis), floors, strict=True):
        ticks = [tick for tick in _TICKS if floor <= tick <= _TOP]
        axis.set_ticks(ndtri(ticks), labels=[f"{100 * tick:g}" for tick in ticks])
    axes.set_xlim(ndtri(floors[0]) - 0.1, ndtri(_TOP) + 0.1)
    axes.set_ylim(ndtri(floors[1]) - 0.1, ndtri(_TOP) + 0.1)
    axes.axline((0, 0), slope=1, color="0.6", lw=0.8, label="equal rates")
    axes.set_aspect("equal")
