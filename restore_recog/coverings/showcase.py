"""One sheet with a drawing of every kind, to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.coverings.choice import printable
from restore_recog.coverings.wear import Covered, cover

_CAPTION = 18
"""Height of the line below every drawing, in pixels."""


def showcase(
    pixels: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    kinds: Sequence[str],
    *,
    columns: int = 7,
    seed: int = 0,
    **wish: str | None,
) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: one drawing of each kind on the same face, with its name below.

    Args:
        pixels: (S, S, 3) uint8 face.
        landmarks: Of that face.
        kinds: What to draw.
        columns: Drawings in a row.
        seed: Of the drawings.
        wish: ``colour``, ``pattern`` and ``difficulty`` as in :func:`cover`; what a kind cannot
            have is left out.

    Raises:
        DataError, ImageError: As :func:`cover`.
    """
    drawn = [
        cover(pixels, landmarks, kind=kind, seed=seed, **_possible(kind, wish)) for kind in kinds
    ]
    tiles = [_captioned(one) for one in drawn]
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % min(columns, len(tiles)))
    across = min(columns, len(tiles))
    rows = [np.hstack(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return np.vstack(rows)


def _possible(kind: str, wish: Mapping[str, str | None]) -> dict[str, str | None]:
    possible = dict(wish)
    if not printable(kind):
        possible["pattern"] = None
    if kind.startswith("rectangle"):
        possible["difficulty"] = None
    return possible


def _captioned(drawn: Covered) -> NDArray[np.uint8]:
    """Return a drawing with its kind, colour and print below it."""
    width = drawn.pixels.shape[1]
    line = np.full((_CAPTION, width, 3), 255, dtype=np.uint8)
    text = f"{drawn.kind} {drawn.colour}"
    if drawn.pattern not in ("plain", "own"):
        text += f" {drawn.pattern}"
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.4
    (wide, _), _ = cv2.getTextSize(text, font, size, 1)
    size *= min(1.0, (width - 6) / wide)
    cv2.putText(line, text, (3, _CAPTION - 6), font, size, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([drawn.pixels, line])
