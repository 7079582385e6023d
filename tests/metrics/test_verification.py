"""Error rates against hand-worked cases, a brute-force oracle and the pitfalls of others."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from restore_recog.errors import DataError
from restore_recog.metrics.verification import (
    det_curve,
    equal_error_rate,
    fnmr_at_fmr,
    rates_at_threshold,
)

INF = math.inf


def oracle_rates(genuine, impostor, threshold):
    """Count one by one, in exact fractions."""
    wrongly_in = sum(1 for score in impostor if score >= threshold)
    wrongly_out = sum(1 for score in genuine if not score >= threshold)
    return Fraction(wrongly_in, len(impostor)), Fraction(wrongly_out, len(genuine))


def oracle_points(genuine, impostor):
    finite = {score for score in [*genuine, *impostor] if score > -INF}
    return [(t, *oracle_rates(genuine, impostor, t)) for t in [*sorted(finite), INF]]


def oracle_eer(genuine, impostor):
    """FVC2000's two thresholds, and the DET segment between them cut with the diagonal."""
    points = [point[1:] for point in oracle_points(genuine, impostor)]
    t1 = [point for point in points if point[1] <= point[0]]
    t2 = [point for point in points if point[1] >= point[0]]
    if not t1:
        return None
    (x0, y0), (x1, y1) = t1[-1], t2[0]
    drop = (x0 - y0) + (y1 - x1)
    value = x0 + (x1 - x0) * (x0 - y0) / drop if drop else x0
    low, high = (y0, x0) if x0 + y0 <= x1 + y1 else (x1, y1)
    return float(value), float(low), float(high)


def random_cases():
    rng = np.random.default_rng(7)
    for number in range(8):
        sizes = rng.integers(1, 40, 2)
        values = [
            np.round(rng.normal(shift, 1, n), number % 3)
            for shift, n in zip((1, 0), sizes, strict=True)
        ]
        if number % 4 == 0:
            for scores in values:
                scores[rng.random(scores.size) < 0.3] = -INF
        yield pytest.param(values[0].tolist(), values[1].tolist(), id=f"random{number}")


HAND = [
    pytest.param([0.35, 0.8], [0.1, 0.4], id="crossing"),
    pytest.param([0.9, 0.8], [0.2, 0.1], id="separable"),
    pytest.param([0.1, 0.2], [0.8, 0.9], id="reversed"),
    pytest.param([0.5] * 4, [0.5] * 7, id="all tied"),
    pytest.param([0.5], [0.5], id="one each"),
    pytest.param([0.3, -INF], [0.1, -INF, 0.5], id="failures"),
    pytest.param([-INF, -INF], [-INF], id="all failed"),
    pytest.param([-INF, 0.4], [0.4, 0.4], id="failures and ties"),
    pytest.param([-1.0, 0.0, 1.0], [-1.0, -0.0], id="signed zero"),
]
CASES = [*HAND, *random_cases()]


@pytest.mark.parametrize(("genuine", "impostor"), CASES)
def test_det_curve_is_the_brute_force_count(genuine, impostor):
    curve = det_curve(genuine, impostor)
    expected = oracle_points(genuine, impostor)
    assert curve.thresholds.tolist() == [point[0] for point in expected]
    assert curve.fmr.tolist() == [float(point[1]) for point in expected]
    assert curve.fnmr.tolist() == [float(point[2]) for point in expected]
    assert (curve.n_genuine, curve.n_impostor) == (len(genuine), len(impostor))


@pytest.mark.parametrize(("genuine", "impostor"), CASES)
def test_equal_error_rate_cuts_the_polygon(genuine, impostor):
    rate = equal_error_rate(genuine, impostor)
    expected = oracle_eer(genuine, impostor)
    if expected is None:
        assert math.isnan(rate.value)
        start = oracle_points(genuine, impostor)[0]
        assert (rate.low, rate.high) == (float(start[1]), float(start[2]))
    else:
        assert rate.value == pytest.approx(expected[0], abs=1e-12)
        assert (rate.low, rate.high) == pytest.approx(expected[1:], abs=1e-12)
    assert rate.low <= rate.high


@pytest.mark.parametrize(("genuine", "impostor"), CASES)
def test_operating_point_is_the_best_admissible(genuine, impostor):
    points = oracle_points(genuine, impostor)
    for target in (0.0, 0.001, 0.1, 0.29, 1 / 3, 0.5, 1.0):
        point = fnmr_at_fmr(genuine, impostor, target)
        assert point.fnmr == float(min(y for _, x, y in points if float(x) <= target))
        assert point.achieved_fmr <= target
        rates = rates_at_threshold(genuine, impostor, point.threshold)
        assert rates == (point.achieved_fmr, point.fnmr)
        assert point.supported == (point.false_accept_budget > 0)


@pytest.mark.parametrize(("genuine", "impostor"), CASES)
def test_rising_masks_change_no_rate(genuine, impostor):
    mapped = [
        np.where(np.isfinite(scores), np.tanh(np.divide(scores, 9)), -INF)
        for scores in (genuine, impostor)
    ]
    before, after = det_curve(genuine, impostor), det_curve(*mapped)
    assert np.array_equal(before.fmr, after.fmr) and np.array_equal(before.fnmr, after.fnmr)
    assert str(equal_error_rate(genuine, impostor)) == str(equal_error_rate(*mapped))  # NaN too
    a, b = fnmr_at_fmr(genuine, impostor, 0.1), fnmr_at_fmr(*mapped, 0.1)
    assert (a.fnmr, a.achieved_fmr) == (b.fnmr, b.achieved_fmr)


def test_swapping_classes_mirrors_the_curve():
    rng = np.random.default_rng(3)
    genuine, impostor = np.round(rng.normal(1, 1, 31), 1), np.round(rng.normal(0, 1, 23), 1)
    forth, back = det_curve(genuine, impostor), det_curve(-impostor, -genuine)
    # The mirrored curve passes the same points in the other order; only ends differ in T.
    assert np.allclose(forth.fmr, back.fnmr[::-1]) and np.allclose(forth.fnmr, back.fmr[::-1])
    assert equal_error_rate(genuine, impostor).value == pytest.approx(
        equal_error_rate(-impostor, -genuine).value
    )


@pytest.mark.parametrize(
    ("genuine", "impostor", "value"),
    [
        ([0.35, 0.8], [0.1, 0.4], 0.5),
        ([0.8, 0.9], [0.1, 0.2], 0.0),
        ([0.5, 0.5], [0.5, 0.5], 0.5),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.9, 0.9, 0.9, -INF], [0.1, 0.1, 0.1, 0.95], 0.25),
        ([0.9, -INF], [0.1, 0.2], 0.5),
    ],
)
def test_equal_error_rate_by_hand(genuine, impostor, value):
    assert equal_error_rate(genuine, impostor).value == pytest.approx(value)


def test_equal_error_rate_between_steps():
    # T = .6: FMR 1/3, FNMR 0; T = .7: FMR 1/3, FNMR 1/2. The step crosses at 1/3.
    rate = equal_error_rate([0.6, 0.8], [0.1, 0.2, 0.7])
    assert rate.value == pytest.approx(1 / 3)
    assert (rate.low, rate.high) == pytest.approx((0.0, 1 / 3))


def test_equal_error_rate_keeps_all_digits():
    impostor = np.concatenate([np.zeros(2999), [2.0]])
    assert equal_error_rate(np.full(3000, 1.0), impostor).value == pytest.approx(1 / 3000)


def test_equal_error_rate_is_unknown_when_most_comparisons_failed():
    rate = equal_error_rate([0.9, -INF, -INF], [0.1, -INF, -INF])
    assert math.isnan(rate.value) and (rate.low, rate.high) == pytest.approx((1 / 3, 2 / 3))


def test_a_score_on_the_threshold_is_accepted():
    assert rates_at_threshold([0.5], [0.5], 0.5) == (1.0, 0.0)
    assert rates_at_threshold([0.5], [0.5], np.nextafter(0.5, 1)) == (0.0, 1.0)


@pytest.mark.parametrize("n", [200, 700])
def test_targets_below_one_in_n_allow_no_false_accept(n):
    """The highest score of all is an impostor's, so FMR 0.1 % means: accept nobody."""
    genuine = np.linspace(0.5, 0.9, 50)
    impostor = np.append(np.linspace(-0.5, 0.4, n - 1), 0.95)
    for target in (0.001, 0.0):
        point = fnmr_at_fmr(genuine, impostor, target)
        assert (point.achieved_fmr, point.fnmr) == (0.0, 1.0)
        assert (point.false_accept_budget, point.supported) == (0, False)


def test_the_target_is_never_exceeded_for_a_nearer_point():
    impostor = np.sort(np.random.default_rng(0).normal(size=3000))
    genuine = np.linspace(-1, 5, 997)
    point = fnmr_at_fmr(genuine, impostor, 5e-4)  # 1.5 comparisons: 2 would be as near
    assert point.achieved_fmr == pytest.approx(1 / 3000)
    assert point.false_accept_budget == 1 and point.supported


def test_tied_impostors_are_refused_together():
    impostor = [0.1] * 90 + [0.7] * 10
    point = fnmr_at_fmr([0.6, 0.7, 0.8], impostor, 0.05)
    assert point.achieved_fmr == 0.0 and point.fnmr == pytest.approx(2 / 3)
    assert point.false_accept_budget == 5


def test_threshold_rests_on_impostors_alone():
    impostor = np.linspace(0, 0.5, 100)
    first, second = (fnmr_at_fmr(g, impostor, 0.01) for g in ([0.9, 0.95], [0.6, -1.0]))
    assert first.threshold == second.threshold == np.nextafter(impostor[98], 1)


@pytest.mark.parametrize(("target", "budget"), [(0.29, 29), (0.07, 7), (0.57, 57), (0.001, 0)])
def test_budget_is_not_lost_to_rounding(target, budget):
    assert fnmr_at_fmr([1.0], np.arange(100) / 100, target).false_accept_budget == budget


def test_operating_point_does_not_skip_intermediate_points():
    """A look-up on a thinned curve would give the FNMR of a neighbour here."""
    genuine, impostor = [0.1, 0.3, 0.5, 0.7], [0.0, 0.2, 0.4, 0.6]
    assert [fnmr_at_fmr(genuine, impostor, x).fnmr for x in (0, 0.25, 0.5, 0.75)] == [
        0.75,
        0.5,
        0.25,
        0.0,
    ]


def test_failed_comparisons_stay_in_the_denominators():
    fmr, fnmr = rates_at_threshold([0.9, 0.8, -INF, -INF], [0.1, -INF, -INF, 0.9], 0.5)
    assert (fmr, fnmr) == (0.25, 0.5)


def test_one_sided_rates():
    fmr, fnmr = rates_at_threshold([], [0.1, 0.9], 0.5)
    assert fmr == 0.5 and math.isnan(fnmr)
    fmr, fnmr = rates_at_threshold([0.1, 0.9], [], 0.5)
    assert math.isnan(fmr) and fnmr == 0.5


@pytest.mark.parametrize("function", [det_curve, equal_error_rate])
def test_a_missing_class_is_a_plain_sentence(function):
    with pytest.raises(DataError, match="no genuine comparison"):
        function([], [0.1])
    with pytest.raises(DataError, match="no impostor comparison"):
        function([0.1], [])


@pytest.mark.parametrize("bad", [math.nan, INF])
def test_nan_and_plus_infinity_are_refused(bad):
    for call in (
        lambda: det_curve([0.1, bad], [0.2]),
        lambda: equal_error_rate([0.1], [bad]),
        lambda: fnmr_at_fmr([bad], [0.2], 0.1),
        lambda: rates_at_threshold([0.1], [bad], 0.1),
    ):
        with pytest.raises(ValueError, match="NaN or \\+inf"):
            call()


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="one-dimensional"):
        det_curve([[0.1]], [0.2])
    with pytest.raises(ValueError, match=r"\[0, 1\], not 1.5"):
        fnmr_at_fmr([0.1], [0.2], 1.5)
    with pytest.raises(ValueError, match="threshold"):
        rates_at_threshold([0.1], [0.2], -INF)  # would accept the failures


def test_large_float32_scores_keep_their_order():
    """Scores are compared as float64, so no two integers collapse as in float32."""
    assert equal_error_rate([16777217], [16777216]).value == 0.0


def test_collapsed_recogniser_is_at_chance():
    """All scores equal: neither 0 % nor 100 %, whatever the threshold rule."""
    genuine, impostor = np.ones(300), np.ones(300)
    assert equal_error_rate(genuine, impostor).value == 0.5
    assert sum(rates_at_threshold(genuine, impostor, 1.0)) == 1.0
    assert fnmr_at_fmr(genuine, impostor, 0.01).fnmr == 1.0
