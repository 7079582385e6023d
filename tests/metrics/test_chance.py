"""When a recogniser only guesses."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog.metrics.chance import no_better_than_chance

NAN = float("nan")


@pytest.mark.parametrize(
    ("right", "n", "chance", "low", "guessed"),
    [
        (5, 400, 1 / 140, 0.0025, True),  # 1.2 % of 140 people, where 0.7 % are guessed
        (28, 400, 1 / 140, 0.04, False),  # 7.0 % of them
        (28, 400, 1 / 140, 0.005, True),  # all of a few people: the interval says no
        (0, 10, 0.1, 0.0, True),
        (10, 10, 1.0, 1.0, True),  # a gallery of one
        (5, 5, 0.01, NAN, False),
        (55, 100, 0.5, 0.51, True),  # p = 0.18
    ],
)
def test_by_hand(right, n, chance, low, guessed):
    assert no_better_than_chance(right, n, chance, low) is guessed


def test_guesses_are_seldom_taken_for_more():
    rng = np.random.default_rng(0)
    right = rng.binomial(300, 1 / 50, 3000)
    assert np.mean([not no_better_than_chance(int(r), 300, 1 / 50) for r in right]) <= 0.05


@pytest.mark.parametrize("counts", [(2, 1, 0.5), (-1, 5, 0.5), (0, 0, 0.5), (1, 2, 1.5)])
def test_what_does_not_fit_is_refused(counts):
    with pytest.raises(ValueError, match="do not fit"):
        no_better_than_chance(*counts)
