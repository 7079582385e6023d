"""The phantom faces: the same bytes everywhere, sound landmarks and labels, people apart."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from restore_recog.datasets.phantom import Phantom
from restore_recog.errors import DataError
from restore_recog.labels import EXPRESSIONS, GENDERS
from restore_recog.phantom import draw_person, draw_shot, render
from restore_recog.phantom.identity import ACTIONS, AGE_GROUPS
from restore_recog.phantom.numeric import box_blur, bump, polyline, sample
from restore_recog.types import FaceImage, FaceSample

CHECKSUMS = {
    "test/p0000/s00": "c063a67094364da6",
    "test/p0003/s01": "4fd5fcbe11e3d9b8",
    "test/p0011/s04": "bb029d68030ccd5d",
    "test/p0042/s02": "bd37e574d5f6047d",
    "test/p0199/s03": "2acfade40087b6bc",
    "train/p0000/s00": "9bb42d07a6c3955b",
    "train/p0777/s01": "9e631a1c90409714",
    "train/p0999/s04": "c08f017e058bf993",
}


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


@pytest.fixture(scope="module")
def faces() -> tuple[list, list[FaceImage]]:
    data = Phantom("12x3")
    samples = [s for s in data.samples() if s.attributes["split"] == "test"]
    images = data.read(samples)
    assert all(isinstance(p, FaceImage) for p in images)
    return samples, images


@pytest.mark.parametrize("image_id", sorted(CHECKSUMS))
def test_bytes_are_the_same_on_every_machine(image_id: str) -> None:
    (image,) = Phantom().read([FaceSample(image_id, "anyone")])
    assert _digest(image.pixels) == CHECKSUMS[image_id]


def test_a_image_does_not_depend_on_its_batch_nor_on_the_set(faces) -> None:
    samples, images = faces
    order = [7, 2, 30]
    again = Phantom("40x5").read([samples[k] for k in order])
    for k, image in zip(order, again, strict=True):
        assert np.array_equal(image.pixels, images[k].pixels)
        assert np.array_equal(image.landmarks, images[k].landmarks)


def test_images_have_the_promised_form(faces) -> None:
    for image in faces[1]:
        assert image.pixels.shape == (128, 128, 3) and image.pixels.dtype == np.uint8
        assert image.landmarks.shape == (98, 2) and image.landmarks.dtype == np.float32
        assert image.mask is None
        assert 20 < image.pixels.mean() < 235 and image.pixels.std() > 12


def test_landmarks_lie_inside_and_in_order(faces) -> None:
    for image in faces[1]:
        p = image.landmarks
        assert (p >= 0).all() and (p <= 127).all()
        left, right = p[96], p[97]
        assert 0.17 * 128 < right[0] - left[0] < 0.3 * 128
        assert p[60, 0] < p[96, 0] < p[64, 0] and p[68, 0] < p[97, 0] < p[72, 0]
        middle = (left[1] + right[1]) / 2
        assert p[33:51, 1].mean() < middle < p[54, 1] < p[57, 1]
        assert p[57, 1] < p[79, 1] < p[85, 1] < p[16, 1]
        assert p[76, 0] < p[88, 0] < p[82, 0] and p[33, 0] < p[37, 0] < p[42, 0] < p[46, 0]
        assert p[0, 0] < p[8, 0] < p[16, 0] < p[24, 0] < p[32, 0]


def test_landmarks_sit_on_what_they_name() -> None:
    """Pupils are darker than the whites, brows than the skin above, lips redder than the chin."""
    votes = []
    for k in range(24):
        person = draw_person(5, k)
        shot = draw_shot(person, 1, 6, k)
        if shot.glasses or person.hair_colour >= 3 or shot.actions["squint"] > 0.3:
            continue
        pixels, p = render(person, shot, 256)
        grey = box_blur(pixels.astype(np.float32).mean(axis=2), 1)
        red = pixels[..., 0].astype(np.float32) / np.maximum(pixels[..., 1], 1)

        def at(image, point):
            return float(sample(image[None], *(point[::-1].reshape(2, 1)))[0, 0])

        white = max(at(grey, (2 * p[96] + 3 * p[c]) / 5) for c in (60, 64))
        votes.append(at(grey, p[96] + [0, 1]) < white)
        brow = (p[35] + p[40]) / 2
        votes.append(at(grey, brow) < at(grey, brow - [0, 14]))
        if shot.beard < 2 and shot.actions["press"] < 0.3:
            lip = 0.45 * p[94] + 0.55 * p[85]
            votes.append(at(red, lip) > at(red, (p[85] + p[16]) / 2))
    assert len(votes) > 20 and np.mean(votes) > 0.9


def test_expressions_move_the_landmarks_they_should() -> None:
    import dataclasses

    person = draw_person(8, 1)
    shot = dataclasses.replace(draw_shot(person, 1, 8, 2), yaw=0.0, pitch=0.0, roll=0.0)
    actions = {name: 0.0 for name in shot.actions}
    marks = {}
    for name in EXPRESSIONS:
        one = dataclasses.replace(shot, actions={**actions, **ACTIONS[name]})
        marks[name] = render(person, one, 128)[1]
    calm = marks["neutral"]
    assert marks["surprise"][16, 1] > calm[16, 1] + 2  # the jaw drops
    assert marks["surprise"][35, 1] < calm[35, 1] - 2  # the brows rise
    assert np.ptp(marks["happiness"][[76, 82], 0]) > np.ptp(calm[[76, 82], 0]) + 2
    assert marks["happiness"][76, 1] < calm[76, 1] < marks["sadness"][76, 1]
    assert marks["anger"][38, 1] > calm[38, 1] + 1  # the brows come down inside
    assert marks["anger"][42, 0] - marks["anger"][37, 0] < calm[42, 0] - calm[37, 0]


def test_labels_are_known_words_and_vary() -> None:
    samples = Phantom("60x4").samples()
    assert len(samples) == 2 * 240
    ids = [s.image_id for s in samples]
    assert ids == sorted(set(ids)) and "test/p0007/s03" in ids
    seen = {name: Counter(s.attributes[name] for s in samples) for name in samples[0].attributes}
    assert set(seen["gender"]) == set(GENDERS) and set(seen["age_group"]) == set(AGE_GROUPS)
    assert set(seen["expression"]) == set(EXPRESSIONS)
    assert set(seen["skin_tone"]) == set("123456") and set(seen["session"]) == {"1", "2"}
    assert set(seen["split"]) == {"train", "test"}
    assert all(abs(int(s.attributes["yaw"])) <= 25 for s in samples)
    assert all(s.condition == "clean" and s.clean_id is None for s in samples)
    lasting = {(s.subject, s.attributes["gender"], s.attributes["skin_tone"]) for s in samples}
    assert len(lasting) == 120


def test_splits_share_nobody() -> None:
    samples = Phantom("30x2").samples()
    people = {
        split: {s.subject for s in samples if s.attributes["split"] == split}
        for split in ("train", "test")
    }
    assert len(people["train"]) == len(people["test"]) == 30
    assert not people["train"] & people["test"]
    one, other = (Phantom("1x1").read([s]) for s in Phantom("1x1").samples())
    assert not np.array_equal(one[0].pixels, other[0].pixels)


def test_default_size() -> None:
    split = Counter(s.attributes["split"] for s in Phantom().samples())
    assert split == {"test": 1000, "train": 5000}


@pytest.mark.parametrize("location", ["200", "x5", "0x5", "5x0", "200x5x1", "-3x4", "20001x2", "a"])
def test_a_malformed_size_is_explained(location: str) -> None:
    with pytest.raises(DataError, match=location):
        Phantom(location)


def test_an_unknown_image_is_a_recorded_error() -> None:
    import dataclasses

    sample = dataclasses.replace(Phantom("1x1").samples()[0], image_id="elsewhere/1")
    (result,) = Phantom("1x1").read([sample])
    assert isinstance(result, DataError) and "elsewhere/1" in str(result)


def test_images_of_one_person_are_more_alike(faces) -> None:
    """Aligned by nothing but the eyes, the nearest other image is often of the same person."""
    samples, images = faces
    vectors = []
    for image in images:
        left, right = image.landmarks[96], image.landmarks[97]
        across = (right - left) / 24
        down = np.array([-across[1], across[0]])
        grid = [left + across * (i - 6) + down * (j - 10) for j in range(46) for i in range(37)]
        place = np.array(grid, np.float32)
        grey = image.pixels.astype(np.float32).transpose(2, 0, 1)
        v = sample(np.ascontiguousarray(grey), place[:, 1], place[:, 0]).astype(np.float64)
        v = (v - v.mean(axis=1, keepdims=True)).ravel()
        vectors.append(v / np.linalg.norm(v))
    score = np.array(vectors) @ np.array(vectors).T
    same = np.array([[a.subject == b.subject for b in samples] for a in samples])
    np.fill_diagonal(score, -1)
    off = ~np.eye(len(samples), dtype=bool)
    assert score[same & off].mean() > score[~same].mean() + 0.1
    hit = np.mean([same[k, score[k].argmax()] for k in range(len(samples))])
    assert hit > 3 * 2 / 35  # three times chance


def test_numbers_behave() -> None:
    t = np.linspace(-5, 5, 101).astype(np.float32)
    assert np.abs(bump(t) - np.exp(-t * t / 2)).max() < 0.04
    knots = [(-1.0, 2.0), (0.0, 0.0), (3.0, 6.0)]
    x = np.linspace(-2, 4, 61).astype(np.float32)
    assert np.allclose(polyline(x, knots), np.interp(x, *zip(*knots, strict=True)), atol=1e-5)
    image = np.arange(20, dtype=np.float32).reshape(1, 4, 5)
    assert np.isclose(sample(image, np.float32([1.5]), np.float32([2.25]))[0, 0], 9.75)
    flat = np.zeros((9, 9), np.float32)
    flat[4, 4] = 9.0
    assert np.allclose(box_blur(flat, 1)[3:6, 3:6], 1.0) and np.isclose(box_blur(flat, 1).sum(), 9)
