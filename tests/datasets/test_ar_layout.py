"""The AR database: names, shots, raw files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import draw, ids, noted, only, read

from restore_recog.datasets.ar import AR, RAW_SHAPE, read_raw
from restore_recog.errors import DataError, ImageError


def photograph() -> np.ndarray:
    """Return smooth (576, 768, 3) pixels whose channels differ, as a photograph's do."""
    y, x = np.mgrid[:576, :768]
    channels = (60 + x / 8, 180 - y / 8, 20 + (x + y) / 16)
    return np.stack(channels, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "subject", "gender"),
    [
        ("M-01-01.bmp", "m-001", "male"),
        ("F-01-01.png", "w-001", "female"),
        ("W-56-1.TIF", "w-056", "female"),
        ("m-076-01.ppm", "m-076", "male"),
        ("w-060-01.PPM", "w-060", "female"),
        ("M-001-01.bmp", "m-001", "male"),
        ("W-050-01.JPG", "w-050", "female"),
    ],
)
def test_every_family_of_names(tmp_path: Path, name: str, subject: str, gender: str) -> None:
    draw(tmp_path, name)
    (sample,) = AR(str(tmp_path)).samples()
    assert (sample.image_id, sample.subject) == (name, subject)
    assert sample.attributes["gender"] == gender
    assert sample.clean_id is None and "split" not in sample.attributes
    assert read(AR(str(tmp_path)), name).pixels.shape == (24, 20, 3)


def test_raw_names_count_as_images(tmp_path: Path) -> None:
    for name in ("M-01-01.raw", "F-01-14.RAW"):
        (tmp_path / name).write_bytes(bytes(10))
    assert ids(AR(str(tmp_path)).samples()) == ["F-01-14.RAW", "M-01-01.raw"]


SHOTS = {
    1: ("clean", "neutral", "none"),
    2: ("clean", "happiness", "none"),
    3: ("clean", "anger", "none"),
    4: ("clean", "scream", "none"),
    5: ("clean", "neutral", "left"),
    6: ("clean", "neutral", "right"),
    7: ("clean", "neutral", "both"),
    8: ("sunglasses", "neutral", "none"),
    9: ("sunglasses", "neutral", "left"),
    10: ("sunglasses", "neutral", "right"),
    11: ("scarf", "neutral", "none"),
    12: ("scarf", "neutral", "left"),
    13: ("scarf", "neutral", "right"),
}


@pytest.mark.parametrize("number", range(1, 27))
def test_what_a_shot_shows(tmp_path: Path, number: int) -> None:
    draw(tmp_path, f"w-012-{number:02d}.png")
    (sample,) = AR(str(tmp_path)).samples()
    session, shot = (1, number) if number < 14 else (2, number - 13)
    labels = sample.attributes
    assert (labels["session"], labels["shot"]) == (str(session), str(shot))
    assert (sample.condition, labels["expression"], labels["light"]) == SHOTS[shot]


def test_men_and_women_of_one_number_are_two_people_and_sessions_one(tmp_path: Path) -> None:
    draw(tmp_path, "dbf1/M-001-01.bmp", "dbf2/deep/m-001-14.bmp", "W-001-01.bmp", "w-1000-01.bmp")
    dataset = AR(str(tmp_path))
    assert {sample.image_id: sample.subject for sample in dataset.samples()} == {
        "W-001-01.bmp": "w-001",
        "dbf1/M-001-01.bmp": "m-001",
        "dbf2/deep/m-001-14.bmp": "m-001",
    }
    noted(dataset, "1 images in", "2 of the 2 people")
    assert "49 shots are missing" in dataset.notes[1]


@pytest.mark.parametrize(
    "name",
    [
        "M-001-00.bmp",
        "M-001-27.bmp",
        "M-1-01.bmp",
        "x-001-01.bmp",
        "M-001-01.small.bmp",
        "M_001_01.bmp",
        "M-٠٠١-01.bmp",
    ],
)
def test_broken_names_are_left_out_and_counted(tmp_path: Path, name: str) -> None:
    draw(tmp_path, name, "m-002-01.bmp")
    dataset = AR(str(tmp_path))
    assert ids(dataset.samples()) == ["m-002-01.bmp"]
    noted(dataset, "1 images in", "1 of the 1 people")


def test_packed_files_and_points_are_counted_but_other_files_are_not(tmp_path: Path) -> None:
    draw(tmp_path, "m-002-01.bmp", ".m-003-01.bmp", ".cache/m-004-01.bmp")
    for name in ("M-01-01.raw.Z", "M-01-02.raw.Z", "m-001-01.pts", "README", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    dataset = AR(str(tmp_path))
    noted(dataset, "3 files in", "1 of the 1 people", "2 hidden images or folders in")
    assert "(1 .pts, 2 .z)" in dataset.notes[0]


def test_a_complete_person_makes_no_note(tmp_path: Path) -> None:
    draw(tmp_path, *(f"m-001-{shot:02d}.png" for shot in range(1, 27)))
    dataset = AR(str(tmp_path))
    assert len(dataset.samples()) == 26
    noted(dataset)


def test_two_copies_in_one_folder_are_refused(tmp_path: Path) -> None:
    draw(tmp_path, "cropped/M-001-01.bmp", "full/m-001-01.ppm", "full/m-001-02.ppm")
    with pytest.raises(DataError, match="1 shots more than once .*cropped/M-001-01.bmp and full/"):
        AR(str(tmp_path)).samples()


def test_nothing_of_ar_there_shows_the_tree(tmp_path: Path) -> None:
    draw(tmp_path, "holiday.png")
    with pytest.raises(DataError) as error:
        AR(str(tmp_path)).samples()
    assert AR.tree in str(error.value)


def test_raw_planes_and_alternating_bytes_give_the_same_image(tmp_path: Path) -> None:
    pixels = photograph()
    (tmp_path / "M-01-01.raw").write_bytes(pixels.transpose(2, 0, 1).tobytes())
    (tmp_path / "M-01-02.raw").write_bytes(pixels.tobytes())
    dataset = AR(str(tmp_path))
    for name in ("M-01-01.raw", "M-01-02.raw"):
        assert np.array_equal(read(dataset, name).pixels, pixels)


def test_raw_of_one_colour_is_taken_for_planes(tmp_path: Path) -> None:
    pixels = np.broadcast_to(np.array([200, 150, 100], np.uint8), RAW_SHAPE)
    (tmp_path / "M-01-01.raw").write_bytes(pixels.transpose(2, 0, 1).tobytes())
    assert np.array_equal(read_raw(tmp_path / "M-01-01.raw"), pixels)


@pytest.mark.parametrize("size", [0, 576 * 768 * 3 - 1, 576 * 768 * 3 + 1, 576 * 768])
def test_raw_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "M-01-01.raw").write_bytes(bytes(size))
    dataset = AR(str(tmp_path))
    (error,) = dataset.read([only(dataset, "M-01-01.raw")])
    assert isinstance(error, ImageError)
    assert f"has {size} bytes; a raw file of AR has 1327104" in str(error)


def test_a_raw_file_that_went_away_is_an_error_of_that_image(tmp_path: Path) -> None:
    (tmp_path / "M-01-01.raw").write_bytes(bytes(1))
    dataset = AR(str(tmp_path))
    sample = only(dataset, "M-01-01.raw")
    (tmp_path / "M-01-01.raw").unlink()
    (error,) = dataset.read([sample])
    assert isinstance(error, ImageError) and "cannot be read" in str(error)
