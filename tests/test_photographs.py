"""What is cut out of a photograph and what is put back into it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE, after, align, inverse, warp
from restore_recog.photographs import (
    LONGEST,
    REACH,
    around,
    own_crop,
    paste,
    reaches_beyond,
    recut,
    repainted,
)
from restore_recog.recognizers.crop_templates import ARCFACE, DLIB, FACENET, SPHEREFACE
from restore_recog.types import FaceCrop, FaceImage, Pixels

SIDE = 64


def turned(scale: float, degrees: float, centre: tuple[float, float]) -> NDArray[np.float64]:
    """Return what maps a photograph to a crop of SIDE pixels around *centre*."""
    turn = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, SIDE / 2 - 0.5 - linear @ np.array(centre)])


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)


def plane(height: int, width: int) -> Pixels:
    """Return a smooth image: 40 + x / 2 in red, 20 + y / 2 in green, which sampling keeps."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([40 + x / 2, 20 + y / 2, np.zeros(x.shape)], axis=2).round().astype(np.uint8)


def taken(photograph: Pixels, matrix: NDArray[np.float64]) -> FaceCrop:
    """Return the crop at a place of a photograph; its landmarks are where a crop has them."""
    points = (TEMPLATE * SIDE - 0.5).astype(np.float32)
    photo = around(photograph, matrix, SIDE)
    return FaceCrop(warp(photograph, matrix, SIDE), points, None, matrix, photo)


def covering(crop: FaceCrop, rows: slice) -> Pixels:
    pixels = crop.pixels.copy()
    pixels[rows, 10:54] = (255, 0, 255)
    return pixels


def inside(matrix: NDArray[np.float64], rows: slice, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of a photograph lie in those rows and in columns 10 to 53 of a crop."""
    x, y = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    across, down = np.einsum("ij,jhw->ihw", matrix[:, :2], np.stack([x, y])) + matrix[:, 2:, None]
    wide = (across > 9.5) & (across < 53.5)
    result: NDArray[np.bool_] = wide & (down > rows.start - 0.5) & (down < rows.stop - 0.5)
    return result


def test_half_pixels_are_kept_by_a_known_affine_map() -> None:
    """A crop twice as fine shows pixel u at 2 u + 0.5, not at 2 u: the edges coincide."""
    photograph = plane(100, 120)
    eyes = (TEMPLATE * 30 - 0.5 + (40, 30)).astype(np.float32)
    crop = align(FaceImage(photograph, eyes), SIDE)
    crop = replace(crop, photo=around(photograph, crop.matrix, SIDE))
    fine = recut(crop, crop.pixels, TEMPLATE, (60, 60))
    place = (np.arange(60) + 0.5) / 2 - 0.5 + 40  # the column of the photograph under each pixel
    np.testing.assert_allclose(fine[30, :, 0], 40 + place / 2, atol=1)
    place = (np.arange(60) + 0.5) / 2 - 0.5 + 30
    np.testing.assert_allclose(fine[:, 30, 1], 20 + place / 2, atol=1)


def test_matrices_follow_each_other_and_lead_back() -> None:
    first, second = turned(0.7, 20, (50, 60)), turned(1.3, -35, (20, 10))
    point = np.array([12.0, 34.0])
    once = first[:, :2] @ point + first[:, 2]
    both = after(second, first)
    np.testing.assert_allclose(
        both[:, :2] @ point + both[:, 2], second[:, :2] @ once + second[:, 2]
    )
    np.testing.assert_allclose(after(inverse(first), first), np.eye(2, 3), atol=1e-12)


@pytest.mark.parametrize("template", [ARCFACE, SPHEREFACE])
def test_a_crop_at_its_own_template_is_one_resampling_of_the_photograph(template: object) -> None:
    """It equals the direct crop, whatever the restorer's crop looks like and whatever is kept."""
    assert template in (ARCFACE, SPHEREFACE)
    size, points = template.size, template.array()  # type: ignore[attr-defined]
    photograph = noise(400, 420)
    places = points * size[::-1] - 0.5 + (150, 140)
    image = FaceImage(photograph, places.astype(np.float32))
    crop = align(image, SIDE)
    crop = replace(crop, photo=around(photograph, crop.matrix, SIDE))
    assert crop.photo is not None and crop.photo.pixels.shape < photograph.shape
    cut = recut(crop, crop.pixels, points, size)
    assert cut.shape == (*size, 3)
    np.testing.assert_array_equal(cut, photograph[140 : 140 + size[0], 150 : 150 + size[1]])


def test_an_own_template_is_told_from_others() -> None:
    assert own_crop(None) and own_crop(TEMPLATE.copy()) and not own_crop(ARCFACE.array())


def test_a_template_that_shows_more_than_what_is_kept_is_told() -> None:
    known = (ARCFACE, SPHEREFACE, FACENET, DLIB)
    assert not any(reaches_beyond(one.array(), one.size) for one in known)
    loose = (TEMPLATE - 0.5) * 0.6 + 0.5  # the face takes 0.6 of the project's own crop
    assert reaches_beyond(loose, (224, 224))
    assert not reaches_beyond((TEMPLATE - 0.5) * 0.68 + 0.5, (224, 224))


def test_outside_of_what_changed_the_photograph_is_the_same_bit_for_bit() -> None:
    photograph, rows = noise(300, 320), slice(20, 50)
    matrix = turned(0.6, 17, (150, 140))
    crop = taken(photograph, matrix)
    photo = repainted(crop, covering(crop, rows))
    assert crop.photo is not None
    shown = inside(photo.matrix, rows, photo.pixels.shape)
    np.testing.assert_array_equal(photo.pixels[~shown], crop.photo.pixels[~shown])
    deep = inside(photo.matrix, slice(rows.start + 1, rows.stop - 1), photo.pixels.shape)
    covered = (photo.pixels == (255, 0, 255)).all(axis=2)
    assert covered[deep].mean() > 0.95 and not (covered & ~shown).any()
    assert repainted(crop, crop.pixels) is crop.photo


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_what_is_put_back_is_found_again_by_cutting(scale: float) -> None:
    """A photograph may be finer or coarser than the crop."""
    photograph = plane(300, 300)
    crop = taken(photograph, turned(scale, -8, (150, 150)))
    changed = crop.pixels.copy()
    changed[20:50, 10:54, 2] = 200  # blue, which the photograph has nowhere
    again = recut(crop, changed, TEMPLATE, (SIDE, SIDE))
    np.testing.assert_allclose(again[24:46, 14:50].astype(int), changed[24:46, 14:50], atol=3)
    assert again[:16, :, 2].max() == 0 and again[54:, :, 2].max() == 0


def test_a_covering_goes_on_beyond_the_crops_edge_and_a_restoration_does_not() -> None:
    photograph, rows = np.full((300, 300, 3), 90, np.uint8), slice(40, SIDE)
    crop = taken(photograph, turned(1.0, 0, (149.5, 149.5)))
    changed = covering(crop, rows)
    below = [
        (repainted(crop, changed, beyond=beyond).pixels[-10:] == (255, 0, 255)).all(axis=2)
        for beyond in (True, False)
    ]
    assert (below[0].sum(axis=1) == 44).all() and not below[1].any()


def test_a_mask_of_the_photograph_is_filled_up_to_its_edge_and_not_left() -> None:
    photograph = np.full((300, 300, 3), 90, np.uint8)
    matrix = turned(0.25, 0, (150, 150))
    true = np.zeros((300, 300), np.uint8)
    true[101:190, 101:190] = 1
    mask = warp(true, matrix, SIDE)
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pasted = paste(photograph, white, mask, matrix, exact=true)
    assert (pasted[true == 0] == 90).all() and (pasted[105:186, 105:186] == 255).all()


def test_of_a_large_photograph_only_the_face_is_kept_at_a_bounded_size() -> None:
    photograph = plane(420, 440)
    crop = taken(photograph, turned(1.0, 0, (200, 210)))
    assert crop.photo is not None
    assert crop.photo.pixels.shape == (REACH * SIDE + 1, REACH * SIDE + 1, 3)
    assert crop.photo.pixels.base is None  # no view that keeps the whole photograph
    large = np.repeat(np.repeat(photograph, 6, axis=0), 6, axis=1)
    near = after(turned(1.0, 0, (200, 210)), np.array([[1 / 6, 0, -5 / 12], [0, 1 / 6, -5 / 12]]))
    kept = around(large, near, SIDE)
    assert max(kept.pixels.shape) <= LONGEST
    again = warp(kept.pixels, kept.matrix, SIDE)
    np.testing.assert_allclose(again.astype(int), crop.pixels, atol=1)


def test_a_face_outside_of_its_photograph_has_the_nearest_pixels() -> None:
    kept = around(plane(100, 100), turned(1.0, 0, (-500, -500)), SIDE)
    assert kept.pixels.shape == (1, 1, 3) and tuple(kept.pixels[0, 0]) == (40, 20, 0)
