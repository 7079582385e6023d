"""The cumulative error curves of landmarkers, and faces with the points found on them."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.landmarks.figures import FAILED, LandmarkStudy, Seen, Standing
from restore_recog.evaluation.results import Example
from restore_recog.names import unmarked
from restore_recog.reporting.plots import COLOURS, new_figure
from restore_recog.reporting.plots_panels import beside
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

END = 0.15
"""Largest error of the curves."""

SIDE = 384
"""Of a face with points on it, in pixels."""

TRUE, MINE = (0, 158, 115), (213, 94, 0)
"""Colours of the true points and of those found: green and orange."""

_STYLES = {"bare": ("-", "o", 0.0), "covered": ("--", "s", 0.1)}
"""Condition -> line, marker, and where on the curve the first marker stands."""


def curve_figure(study: LandmarkStudy) -> Figure:
    """Draw the share of the faces under each error: a panel a data set, a colour a landmarker."""
    data = list(dict.fromkeys(one.data for one in study.standings))
    names = dict.fromkeys(one.landmarker for one in study.standings)
    colours = dict(zip(names, cycle(COLOURS), strict=False))
    figure = new_figure((1.2 + 4.6 * len(data), 4.4))
    for place, name in enumerate(data):
        axes = figure.add_subplot(1, len(data), place + 1)
        for standing in study.standings:
            if standing.data == name:
                _curves(axes, standing, colours[standing.landmarker], alone=len(colours) == 1)
        _finish(axes, unmarked(name))
        if place == 0:
            axes.set_ylabel("Faces with at most this error (%)")
    beside(figure)
    return figure


def _curves(axes: Axes, standing: Standing, colour: str, *, alone: bool) -> None:
    for condition, errors in standing.errors.items():
        each = np.where(errors.missed, np.inf, errors.each)
        each = np.sort(each[~np.isnan(each)])
        if not len(each):
            continue
        x = np.concatenate([[0], each[each <= END], [END]])
        y = np.concatenate([np.arange(len(x) - 1), [len(x) - 2]]) / len(each)
        label = condition if alone else f"{standing.landmarker}, {condition}"
        line, marker, first = _STYLES.get(condition, (":", "^", 0.05))
        look: dict[str, Any] = {"linestyle": line, "marker": marker, "markevery": (first, 0.2)}
        look |= {"color": colour, "drawstyle": "steps-post", "markersize": 4}
        axes.plot(100 * x, 100 * y, label=unmarked(label), **look)


def _finish(axes: Axes, title: str) -> None:
    axes.grid(color="0.88", lw=0.7)
    axes.axvline(100 * FAILED, color="0.4", lw=0.8)
    axes.set(xlim=(0, 100 * END), ylim=(0, 100), xlabel="Mean error (%)")
    axes.set_title(title, fontsize="medium")


def strip(seen: Seen, landmarker: str) -> Example:
    """Return [bare | covered] with the points found and those known on them."""
    pairs = zip(seen.images, seen.found, strict=True)
    tiles = [_drawn(image, seen.true, found) for image, found in pairs]
    error = "none found" if np.isinf(seen.error) else f"error {100 * seen.error:.1f} %"
    titles = ("bare: green true, orange found", f"covered: {error}")
    return Example(
        seen.image_id, f"{landmarker}: {seen.image_id}", titles, np.concatenate(tiles, axis=1)
    )


def _drawn(
    image: Pixels, true: NDArray[np.float32], found: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return a large (SIDE, SIDE, 3) image with dots; points that are not known have none."""
    large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    scale = SIDE / len(image)
    for points, colour, radius in ((true, TRUE, 3), (found, MINE, 2)):
        for x, y in (points[np.isfinite(points).all(axis=1)] + 0.5) * scale - 0.5:
            cv2.circle(large, (round(float(x)), round(float(y))), radius, colour, -1, cv2.LINE_AA)
    return np.asarray(large, np.uint8)
