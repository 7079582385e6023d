"""Names of covering colours."""

from __future__ import annotations

import difflib
import re

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import DataError

COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (238, 239, 240),
    "black": (34, 34, 37),
    "grey": (134, 137, 141),
    "silver": (190, 193, 196),
    "charcoal": (66, 69, 74),
    "blue": (122, 170, 206),
    "sky": (170, 204, 224),
    "navy": (38, 52, 92),
    "teal": (44, 128, 134),
    "turquoise": (112, 200, 198),
    "green": (120, 184, 150),
    "forest": (42, 86, 58),
    "olive": (112, 116, 66),
    "mint": (178, 222, 200),
    "pink": (236, 172, 192),
    "rose": (206, 108, 132),
    "red": (178, 38, 46),
    "burgundy": (106, 30, 46),
    "orange": (222, 126, 52),
    "yellow": (232, 204, 92),
    "mustard": (192, 146, 48),
    "beige": (216, 198, 170),
    "brown": (118, 82, 58),
    "purple": (112, 78, 146),
    "lavender": (186, 172, 216),
}
"""Colour names and their sRGB values in daylight."""


SKIN = "skin"
"""The colour of the very face that is covered: no edge for a segmenter to find."""


def parse_colour(text: str, skin: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
    """Return the (3,) RGB in [0, 1] of a name in COLOURS, of ``skin``, or of ``#rrggbb``.

    Args:
        text: The name.
        skin: What ``skin`` stands for; without it there is no such colour.

    Raises:
        DataError: It is none of them; the message names the nearest.
    """
    name = text.strip().lower()
    if name == SKIN and skin is not None:
        return skin
    name = {"gray": "grey"}.get(name, name)
    if name in COLOURS:
        return np.array(COLOURS[name], dtype=np.float32) / 255
    if re.fullmatch(r"#[0-9a-f]{6}", name):
        return np.frombuffer(bytes.fromhex(name[1:]), dtype=np.uint8).astype(np.float32) / 255
    raise DataError(
        f"Covering colour {text!r} is unknown; {nearest(name, (*COLOURS, SKIN))} "
        "or give it as #rrggbb."
    )


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the part of a message that proposes the nearest known name."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"
