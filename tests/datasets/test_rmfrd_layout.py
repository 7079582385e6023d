"""RMFRD: mates missing, stray images, names in other scripts."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from layouts import draw, ids, noted

from restore_recog.datasets.rmfrd import RMFRD

CLEAN, MASKED = "AFDB_face_dataset", "AFDB_masked_face_dataset"


def test_people_of_one_tree_are_counted_with_their_images(tmp_path: Path) -> None:
    draw(
        tmp_path,
        f"{CLEAN}/ann/0_0_ann_0001.jpg",
        f"{MASKED}/ann/0_0_1.jpg",
        f"{CLEAN}/bob/0_0_bob_0001.jpg",
        f"{CLEAN}/bob/0_0_bob_0002.jpg",
        f"{MASKED}/cy/0_0_1.jpg",
    )
    (tmp_path / MASKED / "bob").mkdir()
    dataset = RMFRD(str(tmp_path))
    assert len(dataset.samples()) == 5
    noted(dataset, "1 of the people", "1 of the people")
    assert "'clean' images but no 'mask' ones; their 2 images" in dataset.notes[0]
    assert "'mask' images but no 'clean' ones; their 1 images" in dataset.notes[1]


def test_images_out_of_folders_are_counted_and_those_in_deeper_ones_kept(tmp_path: Path) -> None:
    draw(
        tmp_path,
        f"{CLEAN}/0_0_ann_0001.jpg",
        f"{CLEAN}/ann/more/0_0_ann_0002.jpg",
        f"{MASKED}/ann/0_0_1.jpg",
    )
    dataset = RMFRD(str(tmp_path))
    assert ids(dataset.samples()) == [
        f"{CLEAN}/ann/more/0_0_ann_0002.jpg",
        f"{MASKED}/ann/0_0_1.jpg",
    ]
    noted(dataset, "1 images lie directly in")


def test_one_name_in_two_spellings_of_unicode_is_one_person(tmp_path: Path) -> None:
    composed, taken_apart = (unicodedata.normalize(form, "lǚ") for form in ("NFC", "NFD"))
    draw(tmp_path, f"{CLEAN}/{composed}/0_0_x_0001.jpg", f"{MASKED}/{taken_apart}/0_0_1.jpg")
    dataset = RMFRD(str(tmp_path))
    assert {sample.subject for sample in dataset.samples()} == {composed}
    noted(dataset)
