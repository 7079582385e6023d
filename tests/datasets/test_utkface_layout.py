"""UTKFace: what a file's name says; nobody's name."""

from __future__ import annotations

from pathlib import Path

from layouts import draw, noted, only

from restore_recog.datasets.utkface import UTKFace


def test_a_name_says_age_gender_and_race(tmp_path: Path) -> None:
    names = {
        "100_1_0_20170112213303693.jpg.chip.jpg": ("100", "female", "White"),
        "7_0_1_20170112213500903.jpg.chip.jpg": ("7", "male", "Black"),
        "26_0_2_20170105174739309.jpg.chip.jpg": ("26", "male", "Asian"),
        "26_1_3_20170105174739309.jpg": ("26", "female", "Indian"),
        "1_1_4_20170105174739309.jpg": ("1", "female", "other"),
    }
    draw(tmp_path, *names)
    dataset = UTKFace(str(tmp_path))
    for name, (age, gender, race) in names.items():
        sample = only(dataset, name)
        known = {name: sample.attributes[name] for name in ("age", "gender", "race")}
        assert known == {"age": age, "gender": gender, "race": race}
        assert set(sample.attributes) == {*known, "age_group"}
        assert sample.subject == name.partition(".")[0] and sample.condition == "clean"
        assert sample.path == tmp_path / name
        assert dataset.landmarks(sample) is None
    assert len({sample.subject for sample in dataset.samples()}) == len(names)
    noted(dataset, "UTKFace names nobody")


def test_ages_fall_into_groups(tmp_path: Path) -> None:
    groups = {0: "0-17", 17: "0-17", 18: "18-29", 29: "18-29", 30: "30-44", 44: "30-44",
              45: "45-59", 59: "45-59", 60: "60+", 116: "60+"}  # fmt: skip
    draw(tmp_path, *(f"{age}_0_0_2017.jpg" for age in groups))
    samples = UTKFace(str(tmp_path)).samples()
    assert {int(s.attributes["age"]): s.attributes["age_group"] for s in samples} == groups


def test_folders_within_are_read(tmp_path: Path) -> None:
    draw(tmp_path, "part1/3_1_2_20161219.jpg", "part2/3_1_2_20161220.jpg")
    assert len(UTKFace(str(tmp_path)).samples()) == 2


def test_other_names_are_left_out_and_counted(tmp_path: Path) -> None:
    draw(
        tmp_path,
        "24_0_1_20170116220224657.jpg.chip.jpg",
        "24_0_1_20170116220224657 .jpg.chip.jpg",
        "61_1_20170109142408075.jpg.chip.jpg",  # without race, as some are in the distribution
        "39_2_1_20170116174525125.jpg.chip.jpg",
        "39_1_5_20170116174525125.jpg.chip.jpg",
    )
    dataset = UTKFace(str(tmp_path))
    assert len(dataset.samples()) == 1
    noted(dataset, f"4 images in {tmp_path} are not named", "UTKFace names nobody")
