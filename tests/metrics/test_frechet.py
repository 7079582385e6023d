"""The Frechet distance by an independent matrix root, and where it is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from restore_recog.metrics.frechet import frechet_distance

Features = NDArray[np.float64]


def by_matrix_root(a: Features, b: Features) -> float:
    first, second = np.cov(a.T), np.cov(b.T)
    root = sqrtm(first @ second)
    shift = a.mean(0) - b.mean(0)
    return float(shift @ shift + np.trace(first + second - 2 * np.real(root)))


@pytest.mark.parametrize(("rows", "columns"), [(40, 5), (300, 30), (9, 8)])
def test_agrees_with_a_matrix_root(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows)
    a = rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns))
    b = rng.normal(0.5, 2, size=(rows + 3, columns))
    assert frechet_distance(a, b) == pytest.approx(by_matrix_root(a, b), rel=1e-6)


def test_fewer_images_than_dimensions_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(10, 4)), rng.normal(1, 3, size=(12, 4))
    turn = np.linalg.qr(rng.normal(size=(50, 50)))[0][:4]  # the same sets in 50 dimensions
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b))


def test_a_shift_alone_is_its_square() -> None:
    a = np.random.default_rng(1).normal(size=(30, 6))
    assert frechet_distance(a, a + [3, 0, 0, 4, 0, 0]) == pytest.approx(25)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_two_variances_differ_by_the_square_of_their_roots() -> None:
    # Values -1, 1: variance 2 with n - 1; three times as wide: 18. (sqrt 18 - sqrt 2)^2 = 8.
    a = np.array([[-1.0], [1.0]])
    assert frechet_distance(a, 3 * a) == pytest.approx(8)


def test_the_order_and_the_side_play_no_part() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(20, 5)), rng.normal(size=(25, 5))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b[::-1], a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((1, 3)), np.zeros((4, 3))),
        (np.zeros((4, 3)), np.zeros((4, 2))),
        (np.zeros(4), np.zeros(4)),
        (np.full((4, 3), np.nan), np.zeros((4, 3))),
    ],
)
def test_what_has_no_covariance_is_refused(a: Features, b: Features) -> None:
    with pytest.raises(ValueError):
        frechet_distance(a, b)
