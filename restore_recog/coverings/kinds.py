"""The kinds of covering as data: cut, fabric, print, colours, and how it is worn.

A new kind is one entry at the end of ``_MORE``; ``tests/coverings`` then checks that it hides the
mouth, shows the eyes and looks like no other. A cut that no kind has yet is one drawing more in
:mod:`~restore_recog.coverings.cuts`. By default a kind is drawn by its
name alone; it joins a set only when its name is written into :data:`SETS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from restore_recog.coverings import cuts
from restore_recog.coverings.colours import COLOURS
from restore_recog.coverings.drawings import (
    draw_cloth,
    draw_cloth_patterned,
    draw_gas,
    draw_kn95,
    draw_n95,
    draw_scarf,
    draw_sunglasses,
    draw_surgical,
)
from restore_recog.coverings.fabrics import FABRICS, printed
from restore_recog.coverings.patterns import PATTERNS, PRINTS
from restore_recog.coverings.sheet import Canvas, Floats, Sheet


@dataclass(frozen=True, slots=True)
class Garment:
    """What one kind looks like.

    Attributes:
        draw: The cut: makes a sheet from a canvas and a random generator.
        weight: How often ``random`` draws it, of 100.
        colours: Usual main colours and how often each is worn.
        second, third: The colours of trimmings and straps; ``free`` is a random one,
            ``tone`` a lighter tone of the main colour.
        gloss: Strength of the highlight, besides that of the fabric.
        slips: Whether it is sometimes worn under the nose.
        strapped: Whether straps, loops or its cloth lead to the ears; of a turned head the far
            ear hides them.
        fabric: What it is made of, of FABRICS; empty where the drawing itself shows it.
        prints: What is usually printed on it, one of them a drawing.
        printable: Whether a pattern can be asked for.
        variants: How many different drawings there are; place, colour and light vary with
            every image.
    """

    draw: Callable[[Canvas, np.random.Generator], Sheet]
    weight: int
    colours: dict[str, int]
    second: str = "tone"
    third: str = "tone"
    gloss: float = 0.0
    slips: bool = True
    strapped: bool = True
    fabric: str = ""
    prints: tuple[str, ...] = ()
    printable: bool = True
    variants: int = 16

    @property
    def shine(self) -> float:
        """Return the strength of the highlight."""
        return max(self.gloss, FABRICS[self.fabric].gloss if self.fabric else 0.0)

    def sheet(self, canvas: Canvas, rng: np.random.Generator, pattern: str | None = None) -> Sheet:
        """Draw one: cut out, woven, printed.

        Args:
            canvas: Where to draw.
            rng: Of every detail.
            pattern: Of ``patterns.PRINTS`` or ``plain``; one of ``prints`` when None.
        """
        sheet = self.draw(canvas, rng)
        if self.fabric:
            sheet = FABRICS[self.fabric].weave(sheet, canvas, rng)
        if pattern is None and self.prints:
            pattern = str(rng.choice(self.prints))
        return sheet if pattern is None else printed(sheet, canvas, pattern, rng)

    def pick_colour(self, rng: np.random.Generator) -> str:
        """Return one of the usual colours."""
        odds = np.array(list(self.colours.values()), dtype=np.float64)
        return str(rng.choice(list(self.colours), p=odds / odds.sum()))

    def palette(self, main: Floats, rng: np.random.Generator, *, free: bool = False) -> Floats:
        """Return the (3, 3) RGB of main, second and third colour in [0, 1].

        Args:
            main: (3,) RGB.
            rng: Draws the free ones.
            free: Whether second and third are both free, as for a print.
        """
        rows: list[Floats] = [main]
        for name in ("free", "free") if free else (self.second, self.third):
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

_SOFT = dict.fromkeys(COLOURS, 1) | {"black": 8, "grey": 4, "navy": 4, "white": 4}
_DARK = {"black": 45, "charcoal": 20, "grey": 15, "navy": 12, "olive": 4, "burgundy": 4}
_MEDICAL = {"blue": 30, "sky": 20, "white": 25, "green": 10, "mint": 8, "pink": 7}
_WHITE = {"white": 80, "sky": 8, "grey": 6, "beige": 6}

_MORE: dict[str, Garment] = {
    "surgical_tied": Garment(cuts.TIED, 0, _MEDICAL, third="white"),
    "surgical_printed": Garment(cuts.PLEATED, 0, _MEDICAL, second="free", third="free",
                                prints=PRINTS),
    "paper": Garment(cuts.FLAT, 0, {"white": 80, "sky": 20}, third="white", fabric="paper"),
    "n95_valve": Garment(cuts.CUP, 0, _WHITE, third="beige", slips=False, fabric="foam"),
    "kf94": Garment(cuts.BOAT, 0, {"white": 60, "black": 25, "grey": 10, "beige": 5},
                    third="white"),
    "duckbill": Garment(cuts.DUCKBILL, 0, {"white": 40, "sky": 25, "orange": 20, "mint": 15},
                        third="white"),
    "dust": Garment(cuts.SMALL_CUP, 0, {"white": 90, "sky": 10}, second="silver", third="white",
                    slips=False, fabric="paper"),
    "elastomeric": Garment(cuts.HALF_MASK, 0, {"grey": 50, "charcoal": 25, "navy": 15, "black": 10},
                           second="rose", third="charcoal", slips=False, fabric="rubber",
                           printable=False),
    "cloth_pleated": Garment(cuts.COTTON, 0, _SOFT, fabric="woven",
                             prints=("plain", "plain", "checks", "dots", "flowers", "stripes")),
    "two_tone": Garment(cuts.TWO_TONE, 0, _SOFT, second="free"),
    "novelty": Garment(cuts.MOUTHED, 0, _SOFT, second="free", third="white"),
    "sponge": Garment(cuts.ONE_PIECE, 0, _DARK | {"pink": 6, "white": 6}, fabric="foam"),
    "sport": Garment(cuts.SPORT, 0, _DARK | {"red": 6, "orange": 5}, second="grey",
                     fabric="ribbed"),
    "knitted": Garment(cuts.SEAMLESS, 0, _SOFT, fabric="knit"),
    "denim": Garment(cuts.SHAPED, 0, {"navy": 60, "blue": 25, "black": 15}, fabric="twill"),
    "linen": Garment(cuts.SHAPED, 0, {"beige": 40, "white": 25, "grey": 20, "olive": 15},
                     fabric="woven"),
    "padded": Garment(cuts.SEAMLESS, 0, _SOFT, fabric="quilted"),
    "leather": Garment(cuts.SHAPED, 0, {"black": 65, "brown": 30, "burgundy": 5},
                       fabric="leather"),
    "satin": Garment(cuts.SATEEN, 0, _SOFT, fabric="satin"),
    "lace": Garment(cuts.SEAMLESS, 0, {"black": 55, "white": 30, "beige": 8, "red": 7},
                    fabric="lace"),
    "clear": Garment(cuts.WINDOWED, 0, _SOFT, second="tone"),
    "scarf_knitted": Garment(draw_scarf, 0, _SOFT, third="free", strapped=False, fabric="knit",
                             prints=("plain", "plain", "stripes")),
    "gaiter": Garment(cuts.TUBE, 0, _SOFT, strapped=False, second="free", third="free",
                      prints=("plain", "plain", *PATTERNS)),
    "bandana": Garment(cuts.TRIANGLE, 0, _SOFT, second="free", third="free", fabric="woven",
                       prints=("dots", "flowers", "hearts", "checks", "plain")),
    "veil": Garment(cuts.VEIL, 0, _DARK, strapped=False, slips=False),
    "collar": Garment(cuts.COLLAR, 0, _SOFT, strapped=False, slips=False, second="silver",
                      fabric="fleece"),
    "mouth_shield": Garment(cuts.SHIELD, 0, {"white": 60, "sky": 40}, second="white",
                            third="silver", slips=False, fabric="clear", printable=False),
}  # fmt: skip
"""Kinds that only sets and names draw: cut, fabric and wearing, put together."""

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
        printable=False,
    ),
    "scarf": Garment(draw_scarf, 12, _FABRICS, third="free", strapped=False),
    "sunglasses": Garment(
        draw_sunglasses,
        0,
        {"black": 75, "charcoal": 15, "brown": 10},
        second="black",
        gloss=0.25,
        slips=False,
        printable=False,
    ),
    # Fewer drawings of each: kept in memory, they come to as much as those of the first kinds.
    **{name: replace(garment, variants=8) for name, garment in _MORE.items()},
}
"""Every kind that is worn. ``random`` picks by weight, so only from the eight at the top (never
sunglasses). New kinds go to the end: a kind's place is part of the seed of its drawings."""

SETS: dict[str, tuple[str, ...]] = {
    "all": (
        "surgical", "n95", "kn95", "cloth", "cloth_patterned", "gas", "scarf", "surgical_tied",
        "surgical_printed", "paper", "n95_valve", "kf94", "duckbill", "dust", "elastomeric",
        "cloth_pleated", "two_tone", "novelty", "sponge", "sport", "knitted", "denim", "linen",
        "padded", "leather", "satin", "lace", "clear", "scarf_knitted", "gaiter", "bandana",
        "veil", "collar", "mouth_shield",
    ),
    "fmor": (
        "surgical", "n95", "kn95", "cloth", "cloth_patterned", "gas", "surgical_tied",
        "surgical_printed", "paper", "n95_valve", "kf94", "duckbill", "dust", "elastomeric",
        "cloth_pleated", "two_tone", "novelty", "sponge", "sport", "knitted", "denim", "linen",
        "padded", "leather", "satin", "lace", "clear",
    ),
}  # fmt: skip
"""``all``: whatever hides the mouth. ``fmor``: face masks, 27 kinds. FMODR's Table 1 counts 27
types of mask in FMOR but names none of them; these are our 27. Written out by name, since results
are published of them: a new kind changes neither."""

KINDS: tuple[str, ...] = (*WARDROBE, "rectangle")
