"""The kinds of covering, how often each is drawn at random, and its usual colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restore_recog.coverings.colours import COLOURS, nearest
from restore_recog.coverings.gear import draw_gas, draw_scarf, draw_sunglasses
from restore_recog.coverings.masks import draw_cloth, draw_cloth_patterned, draw_surgical
from restore_recog.coverings.respirators import draw_kn95, draw_n95
from restore_recog.coverings.sheet import Canvas, Floats, Sheet
from restore_recog.errors import DataError


@dataclass(frozen=True, slots=True)
class Garment:
    """What one kind looks like.

    Attributes:
        draw: Makes a sheet from a canvas and a random generator.
        weight: How often ``random`` draws it, of 100.
        colours: Usual main colours and how often each is worn.
        second, third: The colours of trimmings and straps; ``free`` is a random one,
            ``tone`` a lighter tone of the main colour.
        gloss: Strength of the highlight.
        slips: Whether it is sometimes worn under the nose.
        strapped: Whether straps or loops lead to the ears.
    """

    draw: Callable[[Canvas, np.random.Generator], Sheet]
    weight: int
    colours: dict[str, int]
    second: str = "tone"
    third: str = "tone"
    gloss: float = 0.0
    slips: bool = True
    strapped: bool = True

    def pick_colour(self, rng: np.random.Generator) -> str:
        """Return one of the usual colours."""
        odds = np.array(list(self.colours.values()), dtype=np.float64)
        return str(rng.choice(list(self.colours), p=odds / odds.sum()))

    def palette(self, main: Floats, rng: np.random.Generator) -> Floats:
        """Return the (3, 3) RGB of main, second and third colour in [0, 1]."""
        rows: list[Floats] = [main]
        for name in (self.second, self.third):
            if name == "free":
                name = str(rng.choice(list(COLOURS)))
            tone = 0.45 + 0.55 * main
            rows.append(tone if name == "tone" else np.array(COLOURS[name]) / 255)
        return np.array(rows, dtype=np.float32)


_FABRICS = dict.fromkeys(COLOURS, 2) | {
    "black": 14,
    "grey": 5,
    "navy": 6,
    "white": 5,
    "charcoal": 5,
}

WARDROBE: dict[str, Garment] = {
    "surgical": Garment(
        draw_surgical,
        32,
        {"blue": 40, "sky": 18, "white": 22, "mint": 6, "green": 6, "pink": 5, "black": 10},
        third="white",
    ),
    "n95": Garment(
        draw_n95,
        12,
        {"white": 80, "grey": 6, "sky": 5, "black": 6, "beige": 3},
        second="silver",
        third="beige",
        slips=False,
    ),
    "kn95": Garment(
        draw_kn95, 12, {"white": 62, "black": 20, "grey": 9, "blue": 4, "pink": 5}, third="white"
    ),
    "cloth": Garment(draw_cloth, 16, _FABRICS),
    "cloth_patterned": Garment(draw_cloth_patterned, 12, _FABRICS, second="free", third="free"),
    "gas": Garment(
        draw_gas,
        4,
        {"black": 50, "charcoal": 20, "grey": 20, "olive": 8, "navy": 6},
        second="grey",
        third="black",
        gloss=0.35,
        slips=False,
    ),
    "scarf": Garment(draw_scarf, 12, _FABRICS, third="free", strapped=False),
    "sunglasses": Garment(
        draw_sunglasses,
        0,
        {"black": 75, "charcoal": 15, "brown": 10},
        second="black",
        gloss=0.25,
        slips=False,
    ),
}
"""Every kind that is drawn; ``random`` picks by weight, so never sunglasses."""

KINDS: tuple[str, ...] = (*WARDROBE, "rectangle")


def choose_kind(text: str, rng: np.random.Generator) -> str:
    """Return one kind of ``random``, a name, or a comma-separated list of names.

    Raises:
        DataError: A name is unknown; the message names the nearest.
    """
    if text.strip().lower() == "random":
        weights = np.array([garment.weight for garment in WARDROBE.values()], dtype=np.float64)
        return str(rng.choice(list(WARDROBE), p=weights / weights.sum()))
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in KINDS:
            raise DataError(
                f"Covering kind {name!r} is unknown; {nearest(name, ('random', *KINDS))}"
            )
    return str(rng.choice(names))
