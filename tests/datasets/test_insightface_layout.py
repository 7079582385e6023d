"""insightface's identity folders: roles, mates, people of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import draw, ids, noted, only

from restore_recog.datasets.insightface import InsightFace
from restore_recog.errors import DataError


def roles(dataset: InsightFace) -> dict[str, str]:
    return {sample.image_id: sample.attributes["role"] for sample in dataset.samples()}


def test_one_to_one_takes_the_image_called_gallery(tmp_path: Path) -> None:
    draw(
        tmp_path,
        "0001__Alice/A_first.jpg",
        "0001__Alice/a.jpg",
        "0001__Alice/My_Gallery_2.JPG",
        "0001__Alice/gallery_3.jpg",
        "0002__Bob/img002.jpg",
        "0002__Bob/img001.jpg",
        "loose.jpg",
    )
    (tmp_path / "0003__Cy").mkdir()
    dataset = InsightFace(str(tmp_path))
    assert roles(dataset) == {
        "0001__Alice/A_first.jpg": "probe",
        "0001__Alice/My_Gallery_2.JPG": "gallery",
        "0001__Alice/a.jpg": "probe",
        "0001__Alice/gallery_3.jpg": "probe",
        "0002__Bob/img001.jpg": "gallery",
        "0002__Bob/img002.jpg": "probe",
    }
    alice = only(dataset, "0001__Alice/a.jpg")
    assert (alice.subject, alice.condition) == ("0001__Alice", "clean")
    assert alice.attributes == {"role": "probe", "name": "Alice"}
    noted(dataset, "1 images lie directly in")


def test_one_to_many(tmp_path: Path) -> None:
    draw(
        tmp_path,
        "gallery/0001__Alice/1.jpg",
        "probe/0001__Alice/2.jpg",
        "gallery/0002__Bob/1.jpg",
        "probe/0003__Cy/1.jpg",
        "probe/0003__Cy/day2/2.jpg",
        "probe/stray.jpg",
        "unknown/u1.jpg",
        "unknown/u1.png",
        "unknown/more/u1.jpg",
    )
    dataset = InsightFace(str(tmp_path))
    roles = {s.image_id: (s.subject, s.attributes["role"]) for s in dataset.samples()}
    assert roles == {
        "gallery/0001__Alice/1.jpg": ("0001__Alice", "gallery"),
        "gallery/0002__Bob/1.jpg": ("0002__Bob", "gallery"),
        "probe/0001__Alice/2.jpg": ("0001__Alice", "probe"),
        "probe/0003__Cy/1.jpg": ("0003__Cy", "probe"),
        "probe/0003__Cy/day2/2.jpg": ("0003__Cy", "probe"),
        "unknown/more/u1.jpg": ("unknown/more/u1", "unknown"),
        "unknown/u1.jpg": ("unknown/u1", "unknown"),
        "unknown/u1.png": ("unknown/u1.png", "unknown"),
    }
    noted(dataset, "1 images lie directly in", "1 of the people in", "1 of the people in")
    assert "are not in probe; their 1 images" in dataset.notes[1]
    assert "are not in gallery; their 2 images" in dataset.notes[2]


def test_auto_split_of_identities_with_unknown_people(tmp_path: Path) -> None:
    draw(tmp_path, "identities/7__Ann/b.jpg", "identities/7__Ann/a.jpg", "unknown/u.jpg")
    dataset = InsightFace(str(tmp_path))
    assert roles(dataset) == {
        "identities/7__Ann/a.jpg": "gallery",
        "identities/7__Ann/b.jpg": "probe",
        "unknown/u.jpg": "unknown",
    }
    noted(dataset)


def test_unknown_beside_people_is_no_person(tmp_path: Path) -> None:
    draw(tmp_path, "7__Ann/a.jpg", "unknown/u.jpg", "unknown/v.jpg")
    subjects = [sample.subject for sample in InsightFace(str(tmp_path)).samples()]
    assert subjects == ["7__Ann", "unknown/u", "unknown/v"]


def test_identities_beside_a_gallery_are_counted(tmp_path: Path) -> None:
    draw(tmp_path, "gallery/1/a.jpg", "probe/1/b.jpg", "identities/1/a.jpg", "identities/2/b.jpg")
    dataset = InsightFace(str(tmp_path))
    assert ids(dataset.samples()) == ["gallery/1/a.jpg", "probe/1/b.jpg"]
    assert "name" not in dataset.samples()[0].attributes
    noted(dataset, "2 images in")


def test_one_number_with_two_names_is_said(tmp_path: Path) -> None:
    draw(tmp_path, "gallery/1__Ann/a.jpg", "probe/1__Anne/b.jpg", "gallery/2__B/a.jpg")
    dataset = InsightFace(str(tmp_path))
    dataset.samples()
    assert dataset.notes[-1].startswith("1 numbers in") and dataset.notes[-1].endswith(": 1.")


def test_names_in_any_script(tmp_path: Path) -> None:
    draw(tmp_path, "0001__李雷/脸.jpg", "0002__Zoë Ångström/gallery 1.jpg")
    dataset = InsightFace(str(tmp_path))
    assert [sample.attributes["name"] for sample in dataset.samples()] == ["李雷", "Zoë Ångström"]
    assert set(roles(dataset).values()) == {"gallery"}


def test_packed_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    pack = tmp_path / "lfw.bin"
    pack.write_bytes(b"\x80\x04N.")
    for place in (pack, tmp_path):
        with pytest.raises(DataError, match="lfw.bin: it is a Python pickle, which can run any"):
            InsightFace(str(place)).samples()
    draw(tmp_path, "1__Ann/a.jpg")
    noted(InsightFace(str(tmp_path)), "1 packed files")
