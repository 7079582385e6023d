"""Metrics answer rightly or refuse in a sentence, whatever they are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from restore_recog.errors import DataError
from restore_recog.metrics import (
    differential,
    frechet,
    identification,
    inputs,
    open_set,
    quality,
    resampling,
    separation,
    support,
    uncertainty,
    verification,
    view2,
)
from restore_recog.metrics.streaming import ScoreStream
from restore_recog.metrics.streaming_det import streaming_det, streaming_fnmr_at_fmr
from restore_recog.metrics.verification_intervals import bootstrap_verification

RNG = np.random.default_rng(5)
GENUINE, IMPOSTOR = RNG.normal(0.6, 0.1, 12), RNG.normal(0.1, 0.2, 30)
NAMES = [f"p{i % 6}" for i in range(12)]
PAIRS = [(f"p{i % 6}", f"p{(i + 1 + i % 3) % 6}") for i in range(30)]
TABLE = RNG.normal(0, 0.3, (12, 6))

NOT_NUMBERS: list[Any] = [
    ["0.1", "0.2"] * 6,
    [b"0.1"] * 12,
    [None] * 12,
    [0.1] * 11 + [None],
    [0.1j] * 12,
    np.full(12, 0.1 + 0.2j),
    np.ma.masked_array(np.full(12, 0.1), [True] + [False] * 11),
    [Decimal("0.1")] * 12,
    [date(2020, 1, 1)] * 12,
    np.array(["2020-01-01"] * 12, "datetime64[D]"),
    [{}] * 12,
    [[0.1], [0.1, 0.2]] * 6,
    [math.nan] * 12,
    {"a": 1},
    object(),
]
"""What scores may not be, twelve of them where they can be counted."""

Use = Callable[[Any], Any]

SCORES: dict[str, Use] = {
    "det, genuine": lambda s: verification.det_curve(s, IMPOSTOR),
    "det, impostor": lambda s: verification.det_curve(GENUINE, s),
    "eer": lambda s: verification.equal_error_rate(s, IMPOSTOR),
    "fnmr": lambda s: verification.fnmr_at_fmr(s, IMPOSTOR, 0.1),
    "fnmr, impostor": lambda s: verification.fnmr_at_fmr(GENUINE, s, 0.1),
    "zero_fmr": lambda s: verification.zero_fmr(GENUINE, s),
    "rates": lambda s: verification.rates_at_threshold(s, IMPOSTOR, 0.3),
    "completed": verification.completed,
    "d_prime": lambda s: separation.d_prime(s, IMPOSTOR),
    "cosine_summary": lambda s: separation.cosine_summary(GENUINE, s),
    "open set": lambda s: open_set.open_set_rates(s, [1] * 12, IMPOSTOR, 0.3),
    "fnir": lambda s: open_set.fnir_at_fpir(GENUINE, [1] * 12, s, 0.1),
    "ranks of open set": lambda s: open_set.open_set_rates(GENUINE, s, IMPOSTOR, 0.3),
    "view2": lambda s: view2.view2(s, [True, False] * 6, [1, 2, 3] * 4),
    "best_threshold": lambda s: view2.best_threshold(s, [True, False] * 6),
    "intervals": lambda s: bootstrap_verification(s, IMPOSTOR, NAMES, PAIRS, seed=0, resamples=9),
    "mean": lambda s: uncertainty.bootstrap_mean(s, NAMES, seed=0, resamples=9),
    "difference": lambda s: uncertainty.bootstrap_difference(
        GENUINE, s, NAMES, seed=0, resamples=9
    ),
    "ratio": lambda s: uncertainty.bootstrap_ratio(s, GENUINE, GENUINE, NAMES, seed=0, resamples=9),
    "spearman": lambda s: uncertainty.spearman(s, GENUINE, NAMES, seed=0, resamples=9),
    "sign flips": lambda s: uncertainty.sign_flip_test(s, NAMES, 0, 99),
    "stream": lambda s: ScoreStream(8).add(s),
    "streamed": lambda s: streaming_det(GENUINE, s),
    "streamed point": lambda s: streaming_fnmr_at_fmr(s, IMPOSTOR, 0.1),
    "counts_at": lambda s: ScoreStream(8).counts_at(s),
    "worst_best_ratio": differential.worst_best_ratio,
    "garbe": lambda s: differential.garbe(s, np.full(12, 0.1)),
    "two-way": lambda s: resampling.two_way_design((s, [1.0] * 12), 12),
}


@pytest.mark.parametrize("what", SCORES)
def test_what_is_no_number_is_refused(what: str) -> None:
    use = SCORES[what]
    for values in NOT_NUMBERS:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            use(values)
        said = str(caught.value)
        assert said[0].isupper() and said.endswith(".") and "\n" not in said, (values, said)


@pytest.mark.parametrize("table", [TABLE.astype(complex), TABLE.astype(str), [[None] * 6] * 12])
def test_tables_of_no_numbers_are_refused(table: Any) -> None:
    with pytest.raises(ValueError, match="must be real numbers, not"):
        identification.identification_ranks(table, NAMES, sorted(set(NAMES)))
    with pytest.raises(ValueError, match="must be real numbers, not"):
        frechet.frechet_distance(TABLE, table)


def test_a_partly_masked_table_is_refused() -> None:
    masked = np.ma.masked_greater(TABLE, 0.2)
    with pytest.raises(ValueError, match="partly masked"):
        identification.subject_scores(masked, sorted(set(NAMES)))
    with pytest.raises(ValueError, match="partly masked"):
        frechet.frechet_distance(masked, TABLE)
    image = np.ma.masked_greater(np.random.default_rng(0).random((16, 16, 3)), 0.5)
    with pytest.raises(ValueError, match="partly masked"):
        quality.psnr(image, image)
    with pytest.raises(ValueError, match="partly masked"):
        quality.dice(np.ma.masked_array([[0, 1]], [[0, 1]]), [[0, 1]])


@pytest.mark.parametrize(
    "values",
    [
        list(GENUINE),
        tuple(GENUINE),
        GENUINE.astype(object),
        np.ma.masked_array(GENUINE, False),
        torch.from_numpy(GENUINE),
        GENUINE.astype(np.longdouble),
        [np.float64(x) for x in GENUINE],
    ],
)
def test_whatever_holds_numbers_is_read(values: Any) -> None:
    wanted = verification.equal_error_rate(GENUINE, IMPOSTOR)
    assert verification.equal_error_rate(values, IMPOSTOR) == wanted
    mean = uncertainty.bootstrap_mean(values, NAMES, seed=0, resamples=9)
    assert mean.value == pytest.approx(GENUINE.mean())


# Precision.


@pytest.mark.parametrize("constant", [0.1, 0.3, 0.7, -0.1])
@pytest.mark.parametrize("kinds", [(np.float32, np.float64), (np.float64, np.float16)])
def test_equal_constants_of_two_precisions_are_equal(
    constant: float, kinds: tuple[type, type]
) -> None:
    mated, other = (np.full(20, constant, kind) for kind in kinds)
    assert verification.equal_error_rate(mated, other).value == 0.5
    assert verification.det_curve(mated, other).thresholds.size == 2
    assert math.isnan(separation.d_prime(mated, other))
    assert separation.cosine_summary(mated, other).overlap == 1.0
    assert streaming_det(mated, other).curve.thresholds.size == 2
    listed = [constant] * 20
    assert verification.equal_error_rate(listed, other).value == 0.5
    assert uncertainty.bootstrap_difference(mated, other, listed_names(20), seed=0).value == 0.0
    interval = bootstrap_verification(
        mated[:12], other, NAMES, PAIRS[:20], seed=0, resamples=9, fmr_targets=(0.1,)
    )
    assert interval.eer.value == 0.5


def listed_names(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def test_images_of_two_precisions_are_alike() -> None:
    image = np.random.default_rng(0).random((16, 16, 3))
    assert math.isinf(quality.psnr(image, image.astype(np.float32)))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("target", [0.0, 0.01, 0.05, 0.2])
def test_a_threshold_does_what_it_says_in_the_scores_own_precision(
    kind: type, target: float
) -> None:
    rng = np.random.default_rng(3)
    for other in (rng.normal(0, 0.2, 500).astype(kind), np.full(100, 0.1, kind)):
        mated = rng.normal(0.5, 0.1, 50).astype(kind)
        for point in (
            verification.fnmr_at_fmr(mated, other, target),
            streaming_fnmr_at_fmr(mated, other, target).point,
        ):
            threshold = point.threshold
            assert type(threshold) is float
            assert np.mean(other >= threshold) == point.achieved_fmr <= target
            assert np.mean(mated < threshold) == point.fnmr
            assert verification.rates_at_threshold(mated, other, threshold) == (
                point.achieved_fmr,
                point.fnmr,
            )
            assert float((torch.from_numpy(other) >= threshold).double().mean()) <= target
    ranks = np.ones(50, int)
    strangers = rng.normal(0, 0.2, 500).astype(kind)
    alarm = open_set.fnir_at_fpir(mated, ranks, strangers, target)
    assert np.mean(strangers >= alarm.threshold) == alarm.achieved_fpir <= target


def test_a_target_of_float32_means_what_was_written() -> None:
    other = np.linspace(0, 0.9, 1000)
    wanted = verification.fnmr_at_fmr(GENUINE, other, 0.01)
    assert verification.fnmr_at_fmr(GENUINE, other, np.float32(0.01)) == wanted
    assert wanted.false_accept_budget == 10


def test_streams_of_two_precisions_are_refused() -> None:
    single, double = ScoreStream(8), ScoreStream(8)
    single.add(GENUINE.astype(np.float32))
    double.add(IMPOSTOR)
    with pytest.raises(ValueError, match="float32 and float64 do not compare"):
        streaming_det(single, double)
    double.add(np.zeros(0, np.float32), failed=2)  # nothing that could differ
    streaming_det(double, double)


@pytest.mark.parametrize("value", ["0.1", None, 0.1j, [0.1, 0.2], math.nan, object()])
def test_a_threshold_and_a_target_are_numbers(value: Any) -> None:
    for use in (
        lambda: verification.rates_at_threshold(GENUINE, IMPOSTOR, value),
        lambda: verification.fnmr_at_fmr(GENUINE, IMPOSTOR, value),
        lambda: open_set.open_set_rates(GENUINE, [1] * 12, IMPOSTOR, value),
        lambda: verification.system_rates(0.1, 0.1, fta=value, fte=0.0),
        lambda: streaming_fnmr_at_fmr(GENUINE, IMPOSTOR, value),
        lambda: differential.garbe([0.1, 0.2], [0.1, 0.2], value),
        lambda: uncertainty.bootstrap_mean(GENUINE, NAMES, seed=0, level=value),
        lambda: uncertainty.mcnemar_exact(value, 3),
    ):
        with pytest.raises(ValueError, match=r"\.$"):
            use()
    ranks = identification.identification_ranks(TABLE, NAMES, sorted(set(NAMES)))
    with pytest.raises(ValueError, match="1 or more"):
        identification.rank_rate(ranks, value)


# People and folds.

MISSING: list[Any] = [
    [*NAMES[:-1], math.nan],
    [*NAMES[:-1], None],
    [*range(11), math.nan],
    [*range(11), None],
    np.array([*range(11), math.nan]),
    np.array([*range(11), math.inf]),
    np.array([*NAMES[:-1], None], object),
    np.array([*NAMES[:-1], math.nan], object),
    np.array(["NaT"] * 12, "datetime64[s]"),
    np.ma.masked_array(np.arange(12), [True] * 2 + [False] * 10),
]
MIXED: list[Any] = [
    [1, "1"] * 6,
    np.array([1, "1"] * 6, object),
    [0.5] * 12,
    [1j] * 12,
    [{}] * 12,
    np.zeros(12, [("a", int)]),
]

PEOPLE: dict[str, Use] = {
    "mean": lambda p: uncertainty.bootstrap_mean(GENUINE, p, seed=0, resamples=9),
    "spearman": lambda p: uncertainty.spearman(GENUINE, GENUINE, p, seed=0, resamples=9),
    "sign flips": lambda p: uncertainty.sign_flip_test(GENUINE, p, 0, 99),
    "intervals": lambda p: bootstrap_verification(GENUINE, IMPOSTOR, p, PAIRS, seed=0, resamples=9),
    "probes": lambda p: identification.identification_ranks(TABLE, p, sorted(set(NAMES))),
    "references": lambda p: identification.subject_scores(TABLE.T, p),
    "closed set": lambda p: identification.closed_set(NAMES, p),
    "folds": lambda p: view2.view2(GENUINE, [True, False] * 6, p),
}


@pytest.mark.parametrize("what", PEOPLE)
def test_nobody_is_merged_and_nobody_is_missing(what: str) -> None:
    for names in MISSING + MIXED:
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as caught:
            PEOPLE[what](names)
        assert "\n" not in str(caught.value)


def test_two_people_of_an_impostor_pair_are_known() -> None:
    for pairs in ([(math.nan, "a")] * 30, [("a", None)] * 30, [(1, "a")] * 30):
        with pytest.raises(ValueError, match="impostor comparisons must be"):
            bootstrap_verification(GENUINE, IMPOSTOR, NAMES, pairs, seed=0, resamples=9)


def test_numbers_and_names_do_not_meet() -> None:
    with pytest.raises(ValueError, match="names on both sides"):
        identification.closed_set([1, 2], ["1", "2"])
    with pytest.raises(ValueError, match="names on both sides"):
        bootstrap_verification(GENUINE, IMPOSTOR, range(12), PAIRS, seed=0, resamples=9)


@pytest.mark.parametrize(
    "names",
    [np.array(NAMES, object), [n.encode() for n in NAMES], np.arange(12.0), list(range(12))],
)
def test_people_may_be_named_in_any_way(names: Any) -> None:
    assert uncertainty.bootstrap_mean(GENUINE, names, seed=0, resamples=9).n_subjects in (6, 12)


# Infinite and empty.


def test_infinite_and_empty_input() -> None:
    for use in (SCORES["det, genuine"], SCORES["view2"], SCORES["mean"], SCORES["stream"]):
        with pytest.raises(ValueError, match=r"\.$"):
            use([math.inf] * 12)
    assert verification.equal_error_rate([-math.inf] * 3, [-math.inf] * 3).value != 0.5
    for use in (SCORES["det, genuine"], SCORES["det, impostor"], SCORES["eer"], SCORES["fnmr"]):
        with pytest.raises(DataError, match="There is no"):
            use([])
    assert math.isnan(verification.rates_at_threshold([], [], 0.3)[0])
    assert math.isnan(separation.d_prime([], []))
    assert math.isnan(uncertainty.bootstrap_mean([], [], seed=0).value)
    assert math.isnan(uncertainty.sign_flip_test([], [], 0))
    ranks = identification.identification_ranks(np.empty((0, 2)), [], ["a", "b"])
    assert math.isnan(identification.rank_rate(ranks, 1))


@pytest.mark.parametrize("entry", [math.nan, math.inf, -1.0])
def test_counts_are_finite(entry: float) -> None:
    good = np.array([[0, 1], [2, 0]])
    bad = good.astype(float)
    bad[0, 1] = entry
    with pytest.raises(ValueError, match=r"\.$"):
        uncertainty.bootstrap_two_way_counts(good, ([entry, 1.0], [1.0, 1.0]), seed=0, resamples=9)
    if entry >= 0 or math.isnan(entry):
        for table in (bad, csr_array(bad)):
            with pytest.raises(ValueError, match="finite"):
                uncertainty.bootstrap_two_way_counts(table, good, seed=0, resamples=9)
            with pytest.raises(ValueError, match="finite"):
                uncertainty.bootstrap_two_way_counts(good, table, seed=0, resamples=9)


def test_the_rule_of_three_wants_a_number() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        support.flag(math.nan, 3, 3)  # type: ignore[arg-type]


def test_rounding_up() -> None:
    single = np.dtype(np.float32)
    assert inputs.rounded_up(0.1, single) == float(np.float32(0.1))
    assert inputs.rounded_up(float(np.nextafter(np.float32(0.1), 1)), single) > 0.1
    above = float(np.nextafter(float(np.float32(0.1)), 1.0))
    assert inputs.rounded_up(above, single) == float(np.nextafter(np.float32(0.1), np.float32(1)))
    assert inputs.rounded_up(0.1, np.dtype(np.float64)) == 0.1
