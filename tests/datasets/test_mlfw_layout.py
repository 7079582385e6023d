"""MLFW: names, its two folders, the people of LFW."""

from __future__ import annotations

from pathlib import Path

from layouts import draw, ids, noted, only

from restore_recog.datasets.lfw import split_of
from restore_recog.datasets.mlfw import MLFW


def test_a_name_says_person_photograph_and_variant(tmp_path: Path) -> None:
    name = "Nobody_Known_Jr_0004_0001.jpg"
    draw(tmp_path, f"aligned/{name}")
    (tmp_path / "pairs.txt").write_text(f"{name}\t{name}\t1\n")
    dataset = MLFW(str(tmp_path))
    sample = only(dataset, name)
    assert (sample.subject, sample.condition) == ("Nobody_Known_Jr", "unknown")
    assert sample.attributes == {
        "split": "test",
        "photo": "Nobody_Known_Jr_0004",
        "variant": "0001",
    }
    assert sample.path == tmp_path / "aligned" / name and sample.clean_id is None
    assert dataset.pair_list == tmp_path / "pairs.txt"
    noted(dataset)


def test_the_training_people_of_lfw_are_for_training(tmp_path: Path) -> None:
    # The first name in the shipped list that is marked so, and one that is on no list.
    trained = "Aaron_Peirsol"
    assert split_of(trained) == "train"
    draw(tmp_path, f"aligned/{trained}_0001_0000.jpg", "aligned/Nobody_Known_0001_0000.jpg")
    splits = {s.subject: s.attributes["split"] for s in MLFW(str(tmp_path)).samples()}
    assert splits == {trained: "train", "Nobody_Known": "test"}


def test_of_two_folders_the_aligned_one_is_read_unless_the_other_is_named(tmp_path: Path) -> None:
    names = ["A_B_0001_0000.jpg", "A_B_0001_0001.jpg"]
    draw(tmp_path, f"aligned/{names[0]}", *(f"origin/{name}" for name in names))
    (tmp_path / "pairs.txt").write_text("")
    both = MLFW(str(tmp_path))
    assert ids(both.samples()) == names[:1]
    noted(both, "2 images in")
    origin = MLFW(str(tmp_path / "origin"))
    assert ids(origin.samples()) == names
    assert origin.samples()[0].path == tmp_path / "origin" / names[0]
    assert origin.pair_list == tmp_path / "pairs.txt"
    noted(origin)


def test_origin_alone_and_folders_a_person(tmp_path: Path) -> None:
    draw(tmp_path, "origin/A_B/A_B_0001_0000.jpg")
    dataset = MLFW(str(tmp_path))
    assert ids(dataset.samples()) == ["A_B/A_B_0001_0000.jpg"]
    assert dataset.pair_list is None


def test_other_names_are_left_out_and_counted(tmp_path: Path) -> None:
    draw(tmp_path, "aligned/A_B_0001_0000.jpg", "aligned/A_B_0001.jpg", "aligned/A_B_1_0.jpg")
    dataset = MLFW(str(tmp_path))
    assert len(dataset.samples()) == 1
    noted(dataset, "2 images in")
