"""Do 95 % intervals hold the truth 95 times in 100? Simulated studies with known truth.

A person's scores share an effect (sd .10 between people, .08 within), FNMR is judged at a
fixed threshold, and its true value is known: Phi((T - mean) / sd). With 300 studies and a
coverage of .95 the share found has a standard error of .0126; the percentile bootstrap of 60
people loses about another point. The band [.90, .985] is three of those errors on either side,
and wider where there are fewer studies.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from restore_recog.metrics.uncertainty import (
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_two_way_counts,
    sign_flip_test,
)

PEOPLE, PROBES, BETWEEN, WITHIN, RESAMPLES = 60, 5, 0.10, 0.08, 400
SUBJECTS = np.repeat(np.arange(PEOPLE), PROBES)


def effects(rng):
    """Return (n,) scores around 0 of one study."""
    people = rng.normal(0, BETWEEN, PEOPLE)
    return people[SUBJECTS] + rng.normal(0, WITHIN, SUBJECTS.size)


def coverage(studies, interval, truth):
    rng = np.random.default_rng(1)
    held = 0
    for number in range(studies):
        drawn = interval(rng, number)
        held += drawn.low <= truth <= drawn.high
    return held / studies


def fnmr_interval(units):
    def interval(rng, seed):
        wrong = effects(rng) < -0.13
        return bootstrap_mean(wrong, units, seed=seed, resamples=RESAMPLES)

    return interval


FNMR = float(norm.cdf(-0.13 / np.hypot(BETWEEN, WITHIN)))


def test_interval_of_people_covers():
    share = coverage(300, fnmr_interval(SUBJECTS), FNMR)
    assert 0.90 <= share <= 0.985


def test_interval_of_images_does_not():
    share = coverage(80, fnmr_interval(np.arange(SUBJECTS.size)), FNMR)
    assert share < 0.88


def test_paired_interval_covers_and_resolves_more():
    """A restorer adds .03 (sd .03) to every score; its arms share people and images."""
    widths = []

    def interval(rng, seed):
        before = effects(rng)
        after = before + rng.normal(0.03, 0.03, before.size)
        arms = before < -0.13, after < -0.13
        paired = bootstrap_difference(*arms, SUBJECTS, seed=seed, resamples=RESAMPLES)
        one = bootstrap_mean(arms[0], SUBJECTS, seed=seed, resamples=RESAMPLES)
        widths.append((paired.high - paired.low, one.high - one.low))
        return paired

    truth = FNMR - norm.cdf(-0.16 / np.sqrt(BETWEEN**2 + WITHIN**2 + 0.03**2))
    assert 0.88 <= coverage(120, interval, float(truth)) <= 0.995
    paired, single = np.mean(widths, axis=0)
    assert paired < 0.8 * single


def test_two_way_interval_beats_one_that_draws_one_side():
    """Impostor scores have an effect of each of the two people; FMR at a fixed threshold."""
    sides = np.full(PEOPLE, 2), np.ones(PEOPLE)
    compared = np.outer(*sides)
    np.fill_diagonal(compared, 0)
    truth = float(norm.sf(0.15 / np.sqrt(2 * 0.06**2 + 0.08**2)))

    def accepted(rng):
        one, other = rng.normal(0, 0.06, (2, PEOPLE))
        scores = one[:, None] + other + rng.normal(0, 0.08, (2, PEOPLE, PEOPLE))
        counts = np.sum(scores >= 0.15, axis=0)
        np.fill_diagonal(counts, 0)
        return counts

    def both(rng, seed):
        return bootstrap_two_way_counts(accepted(rng), sides, seed=seed, resamples=RESAMPLES)

    def pairs(rng, seed):
        counts = accepted(rng)
        p = counts.sum() / compared.sum()
        half = 1.96 * np.sqrt(p * (1 - p) / compared.sum())
        drawn = both(rng, seed)
        return type(drawn)(p, p - half, p + half, drawn.n, drawn.n_subjects, 0)

    assert 0.87 <= coverage(120, both, truth) <= 0.995
    assert coverage(60, pairs, truth) < 0.75


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_sign_flips_keep_their_level_and_find_a_gain(gain):
    rng = np.random.default_rng(2)
    ps = [
        sign_flip_test(effects(rng) + gain, SUBJECTS, seed=number, permutations=400)
        for number in range(100)
    ]
    share = np.mean(np.array(ps) <= 0.05)
    assert share < 0.105 if not gain else share > 0.8
