"""LFW's list of pairs and what lies outside the people's folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import draw, ids, noted

from restore_recog.datasets.lfw import LFW, shares_a_trained_name, split_of


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], None),
        (["pairs.txt"], "pairs.txt"),
        (["lfw/lfw_pairs.txt"], "lfw/lfw_pairs.txt"),
        (["lfw_pairs.txt", "lfw/pairs.txt"], "lfw/pairs.txt"),
        (["lfw_pairs.txt", "lfw/lfw_pairs.txt"], "lfw/lfw_pairs.txt"),
    ],
)
def test_the_nearest_list_of_pairs_is_taken(
    tmp_path: Path, places: list[str], expected: str | None
) -> None:
    draw(tmp_path / "lfw", "A_B/A_B_0001.jpg")
    for place in places:
        (tmp_path / place).write_text("10\t300\n")
    dataset = LFW(str(tmp_path / "lfw"))
    assert dataset.pair_list is None
    dataset.samples()
    assert dataset.pair_list == (tmp_path / expected if expected else None)


def test_stray_images_are_counted(tmp_path: Path) -> None:
    draw(tmp_path, "A_B/A_B_0001.jpg", "A_B/old/A_B_0002.jpg", "A_B/A_B_3.jpg", "A_B_0001.jpg")
    dataset = LFW(str(tmp_path))
    assert ids(dataset.samples()) == ["A_B/A_B_0001.jpg"]
    noted(dataset, "1 images lie directly in", "2 images in")


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("Aaron_Peirsol", True),
        ("AaronPeirsol", True),
        ("aaron peirsol", True),
        ("Aaron_Peirsol_Jr", False),
        ("Rafael_Ramirez", False),
        ("", False),
    ],
)
def test_names_of_training_people_are_known_in_other_spellings(name: str, shared: bool) -> None:
    assert split_of("Aaron_Peirsol") == "train" and split_of("Rafael_Ramirez") == "test"
    assert shares_a_trained_name(name) == shared
