"""WFLW: two lists of faces, several of them in one photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import draw, ids, noted, only, read

from restore_recog.datasets.wflw import IMAGES, LISTS, WFLW
from restore_recog.errors import DataError

CLEAR = "0 0 0 0 0 0"


def face(name: str, marks: str = CLEAR, shift: float = 0.0, points: int = 98) -> str:
    """Return the line of a face; point k lies at (k + shift, 2 k)."""
    numbers = " ".join(f"{k + shift:.6f} {2 * k:.6f}" for k in range(points))
    return f"{numbers} 10 20 110 220 {marks} {name}"


def write(root: Path, train: list[str] | None = None, test: list[str] | None = None) -> WFLW:
    folder = root / LISTS
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("test", test)):
        if rows is not None:
            text = "\n".join(rows) + "\n"
            (folder / f"list_98pt_rect_attr_{split}.txt").write_text(text)
    return WFLW(str(root))


def test_every_face_of_a_photograph_is_a_sample(tmp_path: Path) -> None:
    draw(tmp_path / IMAGES, "7--Cheering/7_a.jpg", "0--Parade/0_b.jpg")
    dataset = write(
        tmp_path,
        train=[face("7--Cheering/7_a.jpg"), face("7--Cheering/7_a.jpg", "1 1 1 1 0 1", 0.25)],
        test=[face("0--Parade/0_b.jpg", "0 0 0 0 1 0")],
    )
    names = ["0--Parade/0_b.jpg#1", "7--Cheering/7_a.jpg#1", "7--Cheering/7_a.jpg#2"]
    assert ids(dataset.samples()) == names
    tested, plain, second = (only(dataset, name) for name in names)
    assert tested.attributes["split"] == "test" and tested.condition == "occluded"
    assert plain.attributes == {
        "split": "train",
        "pose": "normal",
        "expression": "normal",
        "illumination": "normal",
        "make_up": "no",
        "occlusion": "no",
        "blur": "no",
    }
    assert second.condition == "clean" and second.path == plain.path
    assert second.subject != plain.subject
    assert {second.attributes[k] for k in ("pose", "expression", "illumination", "blur")} == {
        *("large", "exaggerated", "extreme", "yes")
    }
    points = read(dataset, names[2]).landmarks
    assert points is not None and points.shape == (98, 2) and points.dtype == np.float32
    assert points[97].tolist() == [97.25, 194]
    noted(dataset, "WFLW names nobody")


def test_what_is_missing_is_counted(tmp_path: Path) -> None:
    draw(tmp_path / IMAGES, "a/1.jpg", "a/2.jpg")
    dataset = write(tmp_path, train=[face("a/1.jpg"), face("a/3.jpg"), face("b/1.jpg")])
    assert ids(dataset.samples()) == ["a/1.jpg#1"]
    noted(dataset, "2 faces on the lists are in", "1 images in", "WFLW names nobody")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (face("a/1.jpg", points=68), "line 2: there are 147 fields, and a face has 207"),
        ("a/1.jpg", "line 2: there are 1 fields"),
        (face("a/1.jpg", "0 0 0 2 0 0"), r"line 2: the face in a/1\.jpg is garbled"),
        (face("a/1.jpg").replace("3.000000", "three", 1), "line 2: the face in"),
        (face("a/1.jpg").replace("3.000000", "nan", 1), "line 2: the face in"),
    ],
)
def test_a_line_that_is_no_face_is_one_sentence(line: str, words: str, tmp_path: Path) -> None:
    draw(tmp_path / IMAGES, "a/1.jpg")
    with pytest.raises(DataError, match=words):
        write(tmp_path, train=["", line]).samples()


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"finds no folder .*{IMAGES}"):
        write(tmp_path, train=[face("a/1.jpg")]).samples()
    draw(tmp_path / "other" / IMAGES, "a/1.jpg")
    with pytest.raises(DataError, match="finds neither of the two lists in"):
        WFLW(str(tmp_path / "other")).samples()
