"""Synthetic coverings: exact masks, determinism, placement, colours and messages."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from covering_faces import at, face, five, ninety_eight

from restore_recog.alignment import align
from restore_recog.coverings import Covered, cover
from restore_recog.coverings.colours import COLOURS, parse_colour
from restore_recog.coverings.head import find_head
from restore_recog.coverings.sheet import Canvas, curve
from restore_recog.errors import DataError, ImageError
from restore_recog.types import FaceImage

RANDOM = ("surgical", "n95", "kn95", "cloth", "cloth_patterned", "gas", "scarf")
KINDS = (*RANDOM, "sunglasses", "rectangle")


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_mask_nothing_changes_and_inside_much_does(kind: str, size: int) -> None:
    pixels = face(size)
    before = pixels.copy()
    for seed in range(4):
        result = cover(pixels, five(size), kind=kind, seed=seed)
        assert result.kind == kind
        assert result.pixels.dtype == result.mask.dtype == np.uint8
        assert set(np.unique(result.mask)) == {0, 1}
        changed = (result.pixels != pixels).any(axis=2)
        assert not changed[result.mask == 0].any()
        assert changed[result.mask == 1].mean() > 0.95
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("sigma", [1, 3, 6])
def test_blurred_images_get_blurred_coverings_with_an_exact_mask(sigma: int) -> None:
    pixels = cv2.GaussianBlur(face(), (0, 0), sigma)
    result = cover(pixels, five(), kind="kn95", colour="black", seed=3)
    sharp = cover(face(), five(), kind="kn95", colour="black", seed=3)
    assert np.array_equal(result.pixels[result.mask == 0], pixels[result.mask == 0])
    assert result.mask.sum() > sharp.mask.sum()

    def steepest(covered: Covered) -> float:
        column = covered.pixels[40:80, 64].astype(float).mean(axis=1)
        return float(np.abs(np.diff(column)).max())

    assert steepest(result) < 0.9 * steepest(sharp)


@pytest.mark.parametrize("kind", RANDOM)
def test_placement(kind: str) -> None:
    points = five()
    for seed in range(24):
        mask = cover(face(), points, kind=kind, seed=seed).mask
        assert 0.08 < mask.mean() < 0.6
        assert at(mask, points[3:].mean(axis=0)) == 1, "the mouth is hidden"
        assert at(mask, points[0]) == at(mask, points[1]) == 0, "the eyes are seen"
        assert mask[: int(0.3 * 128), 32:96].sum() == 0, "the forehead is seen"


def test_sunglasses_hide_the_eyes_and_nothing_below_the_nose() -> None:
    points = five()
    for seed in range(24):
        result = cover(face(), points, kind="sunglasses", seed=seed)
        assert 0.05 < result.mask.mean() < 0.3
        assert at(result.mask, points[0]) == at(result.mask, points[1]) == 1
        assert at(result.mask, points[3:].mean(axis=0)) == 0, "the mouth is seen"
        for column, row in np.rint(points[:2]).astype(int):
            assert result.pixels[row, column].mean() < 0.6 * face()[row, column].mean()


def test_nose_is_mostly_but_not_always_hidden() -> None:
    points = five()
    hidden = [at(cover(face(), points, seed=seed).mask, points[2]) for seed in range(120)]
    assert 0.85 < np.mean(hidden) < 1


def test_same_arguments_same_result_whatever_was_drawn_before() -> None:
    def draw(seed: int) -> Covered:
        return cover(face(), five(), seed=seed)

    first = [draw(seed) for seed in (1, 2, 3)]
    again = [draw(seed) for seed in (3, 2, 1)][::-1]
    for a, b in zip(first, again, strict=True):
        assert (a.kind, a.colour) == (b.kind, b.colour)
        assert np.array_equal(a.pixels, b.pixels) and np.array_equal(a.mask, b.mask)
    assert not np.array_equal(first[0].mask, first[1].mask)


def test_random_draws_every_kind_that_hides_the_mouth_by_weight() -> None:
    kinds = [cover(face(32), five(32), seed=seed).kind for seed in range(300)]
    assert set(kinds) == set(RANDOM)
    assert 0.24 < kinds.count("surgical") / 300 < 0.40
    assert kinds.count("gas") / 300 < 0.09


def test_a_list_of_kinds() -> None:
    kinds = {cover(face(32), five(32), kind="N95, rectangle", seed=seed).kind for seed in range(20)}
    assert kinds == {"n95", "rectangle"}


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("#20a040", 1), ("navy", 2)])
def test_colour_is_respected(colour: str, channel: int) -> None:
    for kind in ("surgical", "n95", "kn95", "cloth", "gas", "scarf"):
        result = cover(face(), five(), kind=kind, colour=colour, seed=5)
        assert result.colour == colour
        mean = result.pixels[result.mask == 1].mean(axis=0)
        assert mean.argmax() == channel


def test_grey_images_get_grey_coverings() -> None:
    grey = face(tint=False)
    covered = cover(grey, five(), kind="cloth", colour="red", seed=1)
    spread = np.ptp(covered.pixels[covered.mask == 1].astype(int), axis=1)
    assert spread.max() <= 2


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_lit_side_of_the_face_lights_the_covering(sign: int) -> None:
    difference = 0.0
    for seed in range(6):
        result = cover(face(light=sign * 1.2), five(), kind="kn95", colour="white", seed=seed)
        luminance = result.pixels.mean(axis=2)[80:105]
        difference += luminance[:, 68:90].mean() - luminance[:, 38:60].mean()
    assert sign * difference / 6 > 10


def test_dark_images_get_darker_coverings() -> None:
    bright, dark = face(), (face() * 0.4).astype(np.uint8)
    means = [
        result.pixels[result.mask == 1].mean()
        for result in (
            cover(p, five(), kind="surgical", colour="white", seed=2) for p in (bright, dark)
        )
    ]
    assert means[1] < 0.75 * means[0]


def test_98_points_shape_the_covering() -> None:
    usual = cover(face(), ninety_eight(), kind="surgical", seed=3).mask
    wide = cover(face(), ninety_eight(width=1.2), kind="surgical", seed=3).mask
    short = cover(face(), ninety_eight(chin=0.86), kind="surgical", seed=3).mask
    assert wide[90].sum() > 1.08 * usual[90].sum()
    assert np.flatnonzero(short.any(axis=1))[-1] < np.flatnonzero(usual.any(axis=1))[-1] - 4


def test_a_turned_head_moves_and_narrows_the_covering() -> None:
    turned = five()
    turned[2, 0] += 9  # the nose points to the image right
    straight_mask = cover(face(), five(), kind="kn95", seed=4).mask
    turned_mask = cover(face(), turned, kind="kn95", seed=4).mask
    right, left = turned_mask[90, 64:].sum(), turned_mask[90, :64].sum()
    assert left > right + 5
    assert abs(int(straight_mask[90, 64:].sum()) - int(straight_mask[90, :64].sum())) <= 12
    assert find_head(turned, (128, 128)).yaw > 0.2 > abs(find_head(five(), (128, 128)).yaw)


@pytest.mark.parametrize("degrees", [30, 180])
def test_a_rolled_head_rolls_the_covering(degrees: int) -> None:
    matrix = cv2.getRotationMatrix2D((127.5, 127.5), degrees, 1)
    points = five(128) + 64
    rolled = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    straight = cover(face(256), points, kind="cloth", seed=6).mask
    turned = cover(face(256), rolled, kind="cloth", seed=6).mask
    expected = cv2.warpAffine(straight, matrix, (256, 256), flags=cv2.INTER_NEAREST)
    union = (expected | turned).sum()
    assert (expected & turned).sum() / union > 0.93


@pytest.mark.parametrize("shift", [(-60, 0), (60, 10), (0, 50), (0, -60)])
def test_a_face_at_the_border(shift: tuple[int, int]) -> None:
    pixels, points = face(), five() + np.array(shift, dtype=np.float32)
    for kind in KINDS:
        result = cover(pixels, points, kind=kind, seed=1)
        assert result.mask.any()
        assert np.array_equal(result.pixels[result.mask == 0], pixels[result.mask == 0])


@pytest.mark.parametrize("size", [16, 40, 500])
def test_other_sizes(size: int) -> None:
    result = cover(face(size), five(size), kind="surgical", seed=1)
    assert 0.08 < result.mask.mean() < 0.5


def test_rectangle_is_a_quarter_of_the_side() -> None:
    mask = cover(face(256), five(256), kind="rectangle", seed=7).mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert len(rows) == len(columns) == 64
    assert mask.sum() == 64 * 64
    assert rows[0] > 256 * 0.37


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (five()[:4], "shape"),
        (np.full((5, 2), np.nan, dtype=np.float32), "not finite"),
        (np.full((5, 2), 60, dtype=np.float32), "coincide"),
        (five() + 500, "outside the image"),
        (five()[[0, 1, 2, 0, 1]], "below the eyes"),
    ],
)
def test_unusable_landmarks(points: np.ndarray, message: str) -> None:
    for kind in ("surgical", "rectangle"):
        with pytest.raises(ImageError, match=message):
            cover(face(), points, kind=kind)


@pytest.mark.parametrize("pixels", [face()[..., 0], face().astype(np.float32), face()[..., :2]])
def test_unusable_images(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="uint8"):
        cover(pixels, five())


def test_unknown_kind_and_colour_name_the_nearest() -> None:
    with pytest.raises(DataError, match="'surgicl'.*'surgical'"):
        cover(face(), five(), kind="surgicl")
    with pytest.raises(DataError, match="'nv95'.*'n95'"):
        cover(face(), five(), kind="surgical,nv95")
    with pytest.raises(DataError, match="'blu'.*'blue'"):
        cover(face(), five(), kind="cloth", colour="blu")
    with pytest.raises(DataError, match="#12345"):
        cover(face(), five(), kind="rectangle", colour="#12345")


def test_parse_colour() -> None:
    assert np.allclose(parse_colour("#ff8000"), [1, 128 / 255, 0])
    assert np.array_equal(parse_colour("Gray"), parse_colour("grey"))
    assert len({tuple(parse_colour(name)) for name in COLOURS}) == len(COLOURS)


def test_curve_passes_through_its_points() -> None:
    points = [(0.0, 0.0), (0.5, 0.2), (1.0, -0.1), (1.2, 0.7)]
    line = curve(points, steps=8)
    for knot in points:
        assert np.abs(line - knot).sum(axis=1).min() < 1e-6


def test_canvas_measures_areas_in_eye_distances() -> None:
    canvas = Canvas(160)
    square = canvas.fill(np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, 1.5], [-0.5, 1.5]]))
    assert square.sum() * (4 / 160) ** 2 == pytest.approx(1, abs=0.04)
    centre = (square * canvas.x).sum() / square.sum(), (square * canvas.v).sum() / square.sum()
    assert centre == pytest.approx((0, 1), abs=0.01)


def test_photographs_keep_their_eyes() -> None:
    root = os.environ.get("RESTORE_RECOG_DATA")
    if not root or not (Path(root) / "lfw_labels.csv").is_file():
        pytest.skip("RESTORE_RECOG_DATA names no folder with lfw_labels.csv")
    with (Path(root) / "lfw_labels.csv").open() as file:
        rows = list(csv.DictReader(file))[::400]
    for seed, row in enumerate(rows):
        pixels = cv2.imread(str(Path(root) / "lfw" / row["file"]))[..., ::-1].copy()
        names = ("le", "re", "n", "lm", "rm")
        points = np.array([[row[n + "x"], row[n + "y"]] for n in names], dtype=np.float32)
        crop = align(FaceImage(pixels, points), 128)
        mask = cover(crop.pixels, crop.landmarks, seed=seed).mask
        assert at(mask, crop.landmarks[0]) == at(mask, crop.landmarks[1]) == 0
        assert at(mask, crop.landmarks[3:].mean(axis=0)) == 1
