"""MFR2: labels, names, the people of LFW."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from layouts import draw, ids, noted, only

from restore_recog.datasets import mfr2
from restore_recog.datasets.mfr2 import MFR2
from restore_recog.errors import DataError


@pytest.fixture(autouse=True)
def _trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the shipped list of LFW's training people."""
    monkeypatch.setattr(mfr2, "shares_a_trained_name", lambda name: name == "BobTwo")


def labels(root: Path, text: str) -> None:
    (root / "mfr2_labels.txt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("place", ["", "mfr2"])
def test_the_labels_say_who_wears_what(tmp_path: Path, place: str) -> None:
    root = tmp_path / place
    draw(root, "AnnOne/AnnOne_0001.png", "AnnOne/AnnOne_0002.png", "AnnOne/AnnOne_0010.PNG")
    labels(root, "AnnOne, 1, no-mask\nAnnOne, 2, Cloth\n\nAnnOne,10,  surgical\n")
    (root / "pairs.txt").write_text("AnnOne 1 2\n")
    dataset = MFR2(str(tmp_path))
    rows = [(s.image_id, s.subject, s.condition, dict(s.attributes)) for s in dataset.samples()]
    assert rows == [
        ("AnnOne/AnnOne_0001.png", "AnnOne", "clean", {"lfw_train": "no"}),
        ("AnnOne/AnnOne_0002.png", "AnnOne", "mask", {"lfw_train": "no", "mask_type": "cloth"}),
        ("AnnOne/AnnOne_0010.PNG", "AnnOne", "mask", {"lfw_train": "no", "mask_type": "surgical"}),
    ]
    assert dataset.pair_list == root / "pairs.txt"
    noted(dataset)


def test_images_out_of_the_labels_are_kept_and_labels_without_images_counted(
    tmp_path: Path,
) -> None:
    draw(tmp_path, "Ann/Ann_0001.png", "Ann/Ann_0002.png", "Ann/other.png", "loose.png")
    labels(tmp_path, "Ann, 1, no-mask\nAnn, 3, cloth\nCy, 1, cloth\n")
    dataset = MFR2(str(tmp_path))
    assert {s.image_id: s.condition for s in dataset.samples()} == {
        "Ann/Ann_0001.png": "clean",
        "Ann/Ann_0002.png": "unknown",
        "Ann/other.png": "unknown",
    }
    noted(dataset, "1 images lie directly in", "2 images in", "2 images of mfr2_labels.txt")
    assert dataset.pair_list is None


def test_without_labels_nothing_is_known(tmp_path: Path) -> None:
    draw(tmp_path, "Ann/Ann_0001.png")
    dataset = MFR2(str(tmp_path))
    assert only(dataset, "Ann/Ann_0001.png").condition == "unknown"
    noted(dataset, "There is no mfr2_labels.txt")


def test_people_who_trained_are_named(tmp_path: Path) -> None:
    draw(tmp_path, "BobTwo/BobTwo_0001.png", "Ann/Ann_0001.png")
    labels(tmp_path, "BobTwo, 1, cloth\nAnn, 1, cloth\n")
    dataset = MFR2(str(tmp_path))
    marks = {s.subject: s.attributes["lfw_train"] for s in dataset.samples()}
    assert marks == {"BobTwo": "yes", "Ann": "no"}
    noted(dataset, "1 of the 2 people")
    assert dataset.notes[0].endswith("favour them: BobTwo.")


def test_one_name_in_two_spellings_of_unicode_is_one(tmp_path: Path) -> None:
    composed, taken_apart = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    draw(tmp_path, f"{taken_apart}/{taken_apart}_0001.png")
    labels(tmp_path, f"{composed}, 1, no-mask\n")
    dataset = MFR2(str(tmp_path))
    assert only(dataset, f"{composed}/{composed}_0001.png").condition == "clean"
    assert dataset.samples()[0].subject == composed


def test_a_byte_order_mark_and_a_line_twice_do_no_harm(tmp_path: Path) -> None:
    draw(tmp_path, "Ann/Ann_0001.png")
    labels(tmp_path, "\ufeffAnn, 1, cloth\nAnn, 1, cloth\n")
    dataset = MFR2(str(tmp_path))
    assert only(dataset, "Ann/Ann_0001.png").condition == "mask"
    noted(dataset)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ann, 1\n", "line 1: 'Ann, 1' is not"),
        ("Ann, 1, cloth\nAnn, one, cloth\n", "line 2: 'Ann, one, cloth' is not"),
        ("Ann, 1, cloth\nAnn, 1, no-mask\n", "line 2: Ann 1 is 'cloth' in an earlier line"),
    ],
)
def test_garbled_labels_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    draw(tmp_path, "Ann/Ann_0001.png")
    labels(tmp_path, text)
    with pytest.raises(DataError) as error:
        MFR2(str(tmp_path)).samples()
    assert message in str(error.value) and "mfr2_labels.txt" in str(error.value)


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    draw(tmp_path, "Ann/Ann_0001.png")
    (tmp_path / "mfr2_labels.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as text"):
        MFR2(str(tmp_path)).samples()


def test_empty_people_have_no_images(tmp_path: Path) -> None:
    (tmp_path / "Ann").mkdir()
    draw(tmp_path, "Bob/Bob_0001.png")
    assert ids(MFR2(str(tmp_path)).samples()) == ["Bob/Bob_0001.png"]
