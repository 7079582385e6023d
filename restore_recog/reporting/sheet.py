"""The sheet of examples: occluded, restored, truth, and what is wrong with each, magnified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from restore_recog.reporting.report import Example
from restore_recog.reporting.strips import labelled

AMPLIFICATION = 4
"""By how much the absolute difference to the truth is multiplied; clipped at white."""

TRUTH = "clean"
CAPTION = (
    f"|difference| x {AMPLIFICATION}: the absolute difference to the unoccluded picture in each "
    f"colour, multiplied by {AMPLIFICATION} and clipped at white; black is no difference."
)


def sheet(examples: Sequence[Example]) -> NDArray[np.uint8] | None:
    """Return one picture with a row an example, or None where no truth is known.

    A row shows the occluded picture, each restored one, the truth, then the absolute
    difference of the occluded and of each restored one to the truth.
    """
    rows = [row for row in map(_row, examples) if row is not None]
    if not rows or len({row.titles for row in rows}) != 1:
        return None
    first, *others = rows
    strips = [labelled(first), *(row.strip for row in others)]
    return np.concatenate(strips)


def _row(example: Example) -> Example | None:
    tiles = dict(zip(example.titles, np.split(example.strip, len(example.titles), 1), strict=True))
    if TRUTH not in tiles:
        return None
    judged = [t for t in tiles if t == "occluded" or t.startswith("restored:")]
    shown = [*judged, TRUTH]
    pictures = [tiles[title] for title in shown]
    pictures += [_difference(tiles[title], tiles[TRUTH]) for title in judged]
    titles = [*shown, *(f"|{title} - {TRUTH}| x {AMPLIFICATION}" for title in judged)]
    return replace(example, titles=tuple(titles), strip=np.concatenate(pictures, axis=1))


def _difference(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gap = np.abs(picture.astype(np.int16) - truth.astype(np.int16))
    clipped: NDArray[np.uint8] = np.minimum(AMPLIFICATION * gap, 255).astype(np.uint8)
    return clipped
