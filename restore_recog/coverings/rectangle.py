"""The flat square that papers on inpainting put on a face."""

from __future__ import annotations

import re

import numpy as np

from restore_recog.coverings.head import Head
from restore_recog.errors import DataError

USUAL_SIDE = 0.25
PLACES = ("lower", "face", "centre")
_FORM = re.compile(r"(\d+(?:\.\d+)?)(%?)(?:@(\w+))?")
_RANGES = {"lower": ((-0.4, 0.4), (0.7, 1.5)), "face": ((-0.8, 0.8), (-0.3, 1.7))}
"""Where the square's centre lies: x and v of the face frame, in eye distances."""


def parse(argument: str) -> tuple[float, str]:
    """Return the square's side as a share of the image's, and its place.

    Args:
        argument: ``64`` (pixels of an image of 256), ``25%`` (of the side), with ``@lower``,
            ``@face`` or ``@centre`` behind it; empty for a quarter on the lower face.

    Raises:
        DataError: It is none of these.
    """
    if not argument.strip():
        return USUAL_SIDE, PLACES[0]
    match = _FORM.fullmatch(argument.strip().lower())
    side = float(match[1]) / (100 if match[2] else 256) if match else 0.0
    place = (match[3] or PLACES[0]) if match else ""
    if not 0 < side <= 1 or place not in PLACES:
        raise DataError(
            f"Covering 'rectangle:{argument}' is not understood; write rectangle:64 (pixels of a "
            f"image of 256) or rectangle:25%, and where you like @{', @'.join(PLACES)}."
        )
    return side, place


def block(
    argument: str, shape: tuple[int, ...], head: Head, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Return rows and columns of the square.

    Source: FMODR, section 5.2: "Rec" occlusions, 64 x 64 of 256 x 256, at random on the lower
    face. The other places are not in the paper.

    Args:
        argument: As in :func:`parse`.
        shape: Of the image, height first.
        head: Where the face lies.
        rng: Draws the place.
    """
    share, where = parse(argument)
    side = max(1, round(min(shape[:2]) * share))
    limit = np.array(shape[1::-1]) - side
    if where == "centre":
        left, top = limit // 2
        return slice(top, top + side), slice(left, left + side)
    across, along = _RANGES[where]
    place = np.array([rng.uniform(*across), rng.uniform(*along)])
    centre = head.axes @ place + head.origin
    left, top = np.clip(np.rint(centre - side / 2), 0, limit).astype(int)
    return slice(top, top + side), slice(left, left + side)
