"""What validate finds by opening the images: duplicates, damage, sizes, masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_check_fakes import PEOPLE, Listed, one, plain, sample, where

from restore_recog import images
from restore_recog.data_checks.lists import validate
from restore_recog.datasets.folder import Folder
from restore_recog.datasets.manifest import Manifest
from restore_recog.errors import ImageError
from restore_recog.types import FaceImage, FaceSample


def test_twins_of_another_size_do_not_align() -> None:
    twin = sample("t", "a", "mask", clean_id="a1")
    finding = one(validate([Listed(*PEOPLE, twin, t=plain("t", (64, 80)))]), "twin-size")
    assert finding.issues[0].detail == "80 x 64, clean counterpart 64 x 64"


SAME = plain("same")


@pytest.mark.parametrize(
    ("samples", "check", "severity"),
    [
        ((sample("a1", "a"), sample("a2", "a")), "duplicate", "warning"),
        ((sample("a1", "a"), sample("a2", "b")), "two-people", "fatal"),
        (
            (sample("a1", "a", split="train"), sample("a2", "b", split="test")),
            "train-and-test",
            "fatal",
        ),
    ],
)
def test_the_same_image_under_two_names(
    samples: tuple[FaceSample, ...], check: str, severity: str
) -> None:
    results = validate([Listed(*samples, a1=SAME, a2=FaceImage(SAME.pixels.copy()))])
    finding = one(results, check)
    assert finding.severity == severity and results.number("fatal") == (severity == "fatal")
    assert [(i.where, i.detail) for i in finding.issues] == [("a1", "the same as a2")]


def test_equal_bytes_of_another_shape_are_another_image() -> None:
    zeros = [FaceImage(np.zeros(shape, np.uint8)) for shape in ((64, 96, 3), (96, 64, 3))]
    results = validate([Listed(sample("a1", "a"), sample("a2", "b"), a1=zeros[0], a2=zeros[1])])
    assert not [f for f in results.findings if f.check == "two-people"]


def test_the_same_image_in_two_data_sets() -> None:
    train, test = (Listed(sample("a1", "a", split=split)) for split in ("train", "test"))
    finding = one(validate([train, test]), "train-and-test")
    assert finding.data == "listed and listed-2"
    assert finding.issues[0].detail == "the same as listed-2/a1"
    assert one(validate([train, train]), "two-data-sets").severity == "warning"


def test_images_that_cannot_be_read_are_fatal_and_listed_with_their_reason() -> None:
    data = Listed(*PEOPLE, b1=ImageError("It is damaged."))
    finding = one(validate([data]), "unreadable")
    assert finding.severity == "fatal"
    assert [(i.where, i.detail) for i in finding.issues] == [("b1", "It is damaged.")]


def test_many_files_keep_their_own_facts(tmp_path: Path) -> None:
    """Threads finish in any order; the facts must still meet their images."""
    for number in range(200):
        pixels = np.full((20 + number, 300 - number, 3), number, np.uint8)
        images.write(tmp_path / "data" / f"p{number % 7}" / f"{number}.bmp", pixels)
    for name in ("p3/17.bmp", "p2/149.bmp"):
        (tmp_path / "data" / name).write_bytes(b"torn")
    results = validate([Folder(str(tmp_path / "data"))])
    assert where(one(results, "unreadable")) == ["p2/149.bmp", "p3/17.bmp"]
    small = {i.where: i.detail for i in one(results, "small").issues}
    numbers = [n for n in range(200) if 20 + n < 48 and n != 17]
    assert small == {f"p{n % 7}/{n}.bmp": f"{300 - n} x {20 + n}" for n in numbers}
    assert not [f for f in results.findings if f.check in ("duplicate", "two-people")]


def test_sizes_small_and_long_images() -> None:
    data = Listed(*PEOPLE, a2=plain("x", (30, 30)), b1=plain("y", (50, 200)))
    results = validate([data])
    assert where(one(results, "small")) == ["a2"] and where(one(results, "shape")) == ["b1"]
    sentence = one(results, "size").sentence
    assert "64 x 64 (2 of 4 images)" in sentence and "30 to 64" in sentence


def test_landmarks_beside_the_image() -> None:
    points = np.array([[200, 10], [220, 10], [210, 20], [205, 30], [215, 30]], np.float32)
    good, bad = plain("a1", landmarks=points - [180, 0]), plain("b1", landmarks=points)
    assert where(one(validate([Listed(*PEOPLE, a1=good, b1=bad)]), "landmarks")) == ["b1"]


def test_masks_that_mark_nothing_everything_or_a_clean_image() -> None:
    some = np.zeros((64, 64), np.uint8)
    some[40:, :] = 1
    data = Listed(
        *PEOPLE,
        sample("b3", "b", "mask"),
        a1=plain("a1", mask=some), a2=plain("a2", mask=some * 0), b2=plain("b2", mask=some * 0 + 1),
        b3=plain("b3", mask=some),
    )  # fmt: skip
    finding = one(validate([data]), "mask")
    assert {i.where: i.detail for i in finding.issues} == {
        "a1": "clean, but its mask marks 38% of it",
        "a2": "its mask marks nothing",
        "b2": "its mask marks all of it",
    }


def test_mask_files_of_another_size_or_with_greys(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        images.write(tmp_path / f"{name}.png", rng.integers(256, size=(64, 64, 3), dtype=np.uint8))
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    images.write(tmp_path / "grey.png", ramp)
    images.write(tmp_path / "small.png", np.repeat([[0, 255]], 16, axis=0).astype(np.uint8))
    images.write(tmp_path / "good.png", np.where(ramp > 99, 255, 0).astype(np.uint8))
    rows = ["path,subject_id,condition,mask"]
    rows += [f"{n}.png,p,mask,{m}.png" for n, m in (("a", "grey"), ("b", "small"), ("c", "good"))]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    finding = one(validate([Manifest(str(tmp_path / "list.csv"))]), "mask")
    assert where(finding) == ["a.png", "b.png"]
    assert "neither black nor white" in finding.issues[0].detail
    assert finding.issues[1].detail == "mask 2 x 16, image 64 x 64"
