"""The similarity transform and the crop against known answers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from restore_recog.alignment import (
    TEMPLATE,
    WFLW_FIVE,
    align,
    five_of_68,
    five_points,
    in_pixels,
    inverse,
    nearest_valid,
    on_image,
    repeated,
    similarity,
    transform_points,
    warp,
    within,
)
from restore_recog.errors import ImageError
from restore_recog.types import FaceImage


def turned(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0, np.pi])
def test_similarity_finds_the_transform_that_was_applied(angle: float) -> None:
    source = np.random.default_rng(1).uniform(0, 200, (5, 2))
    truth = turned(angle, 0.37, (12.5, -80.0))
    found = similarity(source, source @ truth[:, :2].T + truth[:, 2])
    assert np.allclose(found, truth, atol=1e-9)


def test_similarity_is_the_least_squares_optimum() -> None:
    """No small change of the four parameters lowers the error."""
    rng = np.random.default_rng(2)
    source, target = rng.uniform(0, 100, (2, 5, 2))
    best = similarity(source, target)

    def error(matrix: np.ndarray) -> float:
        return float(((source @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum())

    for a, b, x, y in np.vstack([np.eye(4), -np.eye(4)]) * 1e-3:
        assert error(best + np.array([[a, -b, x], [b, a, y]])) > error(best)


def test_the_middle_of_the_first_pixel_is_at_zero() -> None:
    """Half-pixel convention: of 4 columns and 2 rows the first centre is at 1/8 and 1/4."""
    template = np.array([[0.125, 0.25], [0.5, 0.5], [1.0, 1.0]])
    np.testing.assert_allclose(in_pixels(template, (2, 4)), [[0, 0], [1.5, 0.5], [3.5, 1.5]])
    np.testing.assert_allclose(in_pixels(template, 8), in_pixels(template, (8, 8)))


def test_similarity_never_mirrors() -> None:
    source = TEMPLATE * 100
    matrix = similarity(source, source * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) >= 0


@pytest.mark.parametrize("points", [np.ones((5, 2)), np.full((5, 2), np.nan)])
def test_unusable_landmarks_are_an_image_error(points: np.ndarray) -> None:
    image = FaceImage(np.zeros((40, 40, 3), np.uint8), points.astype(np.float32))
    with pytest.raises(ImageError, match="coincide"):
        align(image, 32)


def test_unknown_landmarks_are_an_image_error() -> None:
    with pytest.raises(ImageError, match="no landmarks"):
        align(FaceImage(np.zeros((40, 40, 3), np.uint8)), 32)


def test_five_points_of_98() -> None:
    many = np.arange(196, dtype=np.float32).reshape(98, 2)
    assert np.array_equal(five_points(many), many[list(WFLW_FIVE.values())])
    with pytest.raises(ValueError, match="68"):
        five_points(np.zeros((68, 2), np.float32))


def test_five_of_68() -> None:
    points = np.stack([np.arange(68) ** 2, -np.arange(68)], axis=1).astype(np.float32)
    five = five_of_68(points)
    assert five.dtype == np.float32
    assert np.allclose(five[0], points[[36, 37, 38, 39, 40, 41]].mean(axis=0))
    assert np.allclose(five[1], points[[42, 43, 44, 45, 46, 47]].mean(axis=0))
    assert np.array_equal(five[2:], points[[30, 48, 54]])
    with pytest.raises(ValueError, match=r"\(68, 2\) is expected"):
        five_of_68(points[:5])


@pytest.mark.parametrize("size", [64, 112])
def test_landmarks_land_on_the_template(size: int) -> None:
    matrix = turned(0.4, 1.7, (60.0, 20.0))
    points = transform_points(matrix, TEMPLATE * 100).astype(np.float32)
    crop = align(FaceImage(np.zeros((300, 300, 3), np.uint8), points), size)
    assert np.allclose(crop.landmarks, TEMPLATE * size - 0.5, atol=1e-3)
    assert crop.pixels.shape == (size, size, 3)


def test_identity_crop_keeps_every_pixel_and_the_mask() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mask = rng.integers(0, 2, (64, 64), dtype=np.uint8)
    crop = align(FaceImage(pixels, (TEMPLATE * 64 - 0.5).astype(np.float32), mask), 64)
    assert np.array_equal(crop.pixels, pixels)
    assert crop.mask is not None and np.array_equal(crop.mask, mask)


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_coarse_crop_keeps_places_and_does_not_alias(factor: int) -> None:
    """A disc stays where the matrix says; a fine chequerboard becomes grey."""
    side, size = 64 * factor, 64
    y, x = np.mgrid[:side, :side]
    disc = ((x - 0.4 * side) ** 2 + (y - 0.7 * side) ** 2 < (0.1 * side) ** 2) * 255
    matrix = np.array([[1 / factor, 0, 0.5 / factor - 0.5], [0, 1 / factor, 0.5 / factor - 0.5]])
    small = warp(np.repeat(disc[:, :, None], 3, 2).astype(np.uint8), matrix, size)[:, :, 0]
    weights = small / small.sum()
    rows, columns = np.mgrid[:size, :size]
    centre = np.array([(weights * columns).sum(), (weights * rows).sum()])
    truth = matrix[:, :2] @ [0.4 * side, 0.7 * side] + matrix[:, 2]
    assert np.allclose(centre, truth, atol=0.06)
    if factor > 2:
        board = np.repeat((((x + y) % 2) * 255)[:, :, None], 3, 2).astype(np.uint8)
        assert np.ptp(warp(board, matrix, size)[4:-4, 4:-4].astype(int)) < 60


class TestBeyondTheImage:
    """A turned face at the image's edge: what the crop shows beyond, and that it is known."""

    image = np.random.default_rng(4).integers(0, 256, (60, 70, 3), dtype=np.uint8)
    matrix = turned(0.3, 1.1, (24.0, -14.0))

    def test_where_a_crop_shows_the_image(self) -> None:
        valid = within(self.image.shape, self.matrix, 48)
        assert valid is not None and valid.dtype == np.uint8
        back = inverse(self.matrix)
        for row, column in ((0, 0), (0, 47), (47, 0), (47, 47), (20, 30), (3, 24), (24, 3)):
            x, y = back @ (column, row, 1)
            assert valid[row, column] == (-0.5 <= x <= 69.5 and -0.5 <= y <= 59.5)
        assert 0.2 < valid.mean() < 0.8

    def test_a_crop_inside_the_image_needs_no_map(self) -> None:
        assert within((60, 70, 3), np.array([[1.0, 0, 0], [0, 1, 0]]), 60) is None
        assert within((60, 70, 3), np.array([[1.0, 0, 0], [0, 1, 0]]), 61) is not None

    def test_the_nearest_pixel_shows_the_same(self) -> None:
        """So a map is enough to repeat the border: that of a photograph whose rim has colours."""
        smooth = cv2.GaussianBlur(self.image, (0, 0), 6)
        crop = warp(smooth, self.matrix, 48)
        valid = within(smooth.shape, self.matrix, 48)
        assert valid is not None
        again = crop.reshape(-1, 3)[nearest_valid(valid)].reshape(crop.shape)
        assert np.array_equal(again[valid > 0], crop[valid > 0])
        assert np.abs(again.astype(int) - crop).max() <= 6

    def test_masks_end_at_the_image_or_go_on_beyond_it(self) -> None:
        valid = np.ones((4, 5), np.uint8)
        valid[3:] = 0
        mask = np.array([[0, 0, 0, 0, 0]] * 2 + [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]], np.uint8)
        assert on_image(mask, valid).sum() == 2
        assert np.array_equal(repeated(mask, valid)[3], mask[2])
        assert on_image(mask, None) is mask and repeated(mask, None) is mask

    def test_nothing_of_the_image_in_sight(self) -> None:
        nowhere = np.zeros((3, 4), np.uint8)
        assert np.array_equal(nearest_valid(nowhere), np.arange(12))


def test_outside_the_image_the_border_is_repeated() -> None:
    pixels = np.full((32, 32, 3), 90, np.uint8)
    points = (TEMPLATE * 32 - 0.5 + [20, 0]).astype(np.float32)
    assert (align(FaceImage(pixels, points), 32).pixels == 90).all()
