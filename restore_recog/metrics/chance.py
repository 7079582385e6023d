"""Whether a recogniser does better than guessing: below that, a comparison measures nothing."""

from __future__ import annotations

import math

from scipy.special import bdtrc  # scipy.stats would take a second to import

LEVEL = 0.05
"""How often guessing may give as many right answers."""


def no_better_than_chance(right: int, n: int, chance: float, low: float = math.nan) -> bool:
    """Return whether guessing explains the share of right answers.

    Two things must speak against guessing: the exact binomial test, for few right answers, and
    the interval over people, for the answers of one person are alike.

    Args:
        right: Right answers.
        n: Answers attempted.
        chance: Share that guessing gets right, e.g. 1 over the people in the gallery.
        low: Lower end of the rate's interval; NaN where there is none.

    Raises:
        ValueError: Counts do not fit each other, or chance is not between 0 and 1.
    """
    if not (0 <= right <= n and n >= 1 and 0.0 <= chance <= 1.0):
        raise ValueError(f"{right} of {n} right answers at a chance of {chance} do not fit.")
    return low <= chance or float(bdtrc(right - 1, n, chance)) >= LEVEL
