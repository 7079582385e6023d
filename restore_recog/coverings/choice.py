"""What is asked for: kinds, colour, pattern, difficulty; checked once, then one is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from restore_recog.coverings import rectangle, template
from restore_recog.coverings.colours import SKIN, nearest, parse_colour
from restore_recog.coverings.kinds import KINDS, SETS, WARDROBE
from restore_recog.coverings.patterns import PLAIN, PRINTS
from restore_recog.coverings.wearing import LEVELS, USUAL
from restore_recog.errors import DataError

_SKIN = np.full(3, 0.5, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be drawn.

    Attributes:
        kinds: Names, with their arguments; one is drawn.
        odds: How often each is drawn; empty for equally often.
        colour: Of all of them, or None for a usual one of the kind.
        patterns, levels: One is drawn; empty for the kind's own and for the usual wearing.
    """

    kinds: tuple[str, ...]
    odds: tuple[float, ...]
    colour: str | None
    patterns: tuple[str, ...]
    levels: tuple[str, ...]

    def kind(self, rng: np.random.Generator) -> str:
        """Draw a kind."""
        if self.odds:
            return str(rng.choice(list(self.kinds), p=np.array(self.odds)))
        return self.kinds[int(rng.integers(len(self.kinds)))]

    def level(self, rng: np.random.Generator) -> str:
        """Draw a level of difficulty; nothing is drawn where there is but one."""
        return _one(self.levels, rng) or USUAL

    def pattern(self, kind: str, rng: np.random.Generator) -> str | None:
        """Draw a pattern for a kind of the WARDROBE; None for the kind's own."""
        return _one(self.patterns, rng) if WARDROBE[kind].printable else None


def _one(names: tuple[str, ...], rng: np.random.Generator) -> str | None:
    if len(names) < 2:
        return names[0] if names else None
    return names[int(rng.integers(len(names)))]


@lru_cache(maxsize=64)
def choose(
    kind: str, colour: str | None = None, pattern: str | None = None, difficulty: str | None = None
) -> Choice:
    """Return what the four texts ask for.

    Args:
        kind: ``random``, or one or several separated by commas out of: a name in KINDS, a
            name in SETS, ``rectangle:SIDE@PLACE`` and ``template:FILE_OR_FOLDER``.
        colour: A name in ``colours.COLOURS``, ``skin`` or ``#rrggbb``.
        pattern: One or several names in ``patterns.PRINTS``, or ``plain``.
        difficulty: One or several names in ``wearing.LEVELS``.

    Raises:
        DataError: One of them is unknown (the message names the nearest), a template cannot be
            used, or none of the kinds can have the pattern or the difficulty.
    """
    if kind.strip().lower() == "random":
        kinds = tuple(name for name, garment in WARDROBE.items() if garment.weight)
        weights = np.array([WARDROBE[name].weight for name in kinds], dtype=np.float64)
        odds: tuple[float, ...] = tuple((weights / weights.sum()).tolist())
    else:
        kinds, odds = tuple(k for item in kind.split(",") for k in _kinds(item.strip())), ()
    if colour is not None:
        parse_colour(colour, _SKIN)
    if colour is not None and colour.strip().lower() == SKIN and "rectangle" in _names(kinds):
        raise DataError("A rectangle is not lit as a face is, so it has no colour 'skin'.")
    patterns = _listed(pattern, "pattern", (PLAIN, *PRINTS))
    levels = _listed(difficulty, "difficulty", tuple(LEVELS))
    if patterns and not any(map(printable, kinds)):
        raise DataError(f"Nothing can be printed on {_few(kinds)}; leave the pattern out.")
    if levels and _names(kinds) == {"rectangle"}:
        raise DataError("A rectangle is not worn, so it has no difficulty; leave that out.")
    return Choice(kinds, odds, colour, patterns, levels)


def printable(kind: str) -> bool:
    """Return whether a pattern can be asked for on a kind."""
    return kind in WARDROBE and WARDROBE[kind].printable


def _names(kinds: tuple[str, ...]) -> set[str]:
    return {kind.partition(":")[0] for kind in kinds}


def _few(kinds: tuple[str, ...]) -> str:
    return repr(kinds[0]) if len(kinds) == 1 else f"{kinds[0]!r} and the other kinds"


def _kinds(item: str) -> tuple[str, ...]:
    """Return the kinds that one item of a list stands for."""
    name, colon, argument = item.partition(":")
    name = name.strip().lower()
    if colon and name == "template":
        return tuple(f"template:{file}" for file in template.files(argument.strip()))
    if colon and name == "rectangle":
        rectangle.parse(argument)
        return (f"rectangle:{argument.strip().lower()}",)
    if name in SETS and not colon:
        return SETS[name]
    if name in KINDS and not colon:
        return (name,)
    text = item.lower()
    known = ("random", *SETS, *KINDS, "template:FILE_OR_FOLDER")
    raise DataError(f"Covering kind {text!r} is unknown; {nearest(text, known)}")


def _listed(text: str | None, what: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if name not in known:
            raise DataError(f"Covering {what} {name!r} is unknown; {nearest(name, known)}")
    return names
