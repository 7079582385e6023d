"""YTF68: names of frames, the list of 68 landmarks, the people of LFW."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import draw, ids, noted, only, read

from restore_recog.alignment import five_points
from restore_recog.datasets.lfw import split_of
from restore_recog.datasets.ytf68 import LANDMARKS, YTF68
from restore_recog.errors import DataError

HEADER = "file,person,size," + ",".join(f"x{k},y{k}" for k in range(68))


def row(file: str, shift: float = 0.0) -> str:
    """Return the row of one image; point k lies at (10 k + shift, 5 k)."""
    return f"{file},Somebody,192," + ",".join(f"{10 * k + shift},{5 * k}" for k in range(68))


def write(file: Path, *rows: str, header: str = HEADER) -> None:
    file.write_text("\n".join((header, *rows)) + "\n")


def test_the_68_points_are_handed_on_as_98(tmp_path: Path) -> None:
    draw(tmp_path, "ytf68/No_Body_Jr_10.jpg")
    write(tmp_path / LANDMARKS, row("No_Body_Jr_10.jpg"))
    dataset = YTF68(str(tmp_path / "ytf68"))
    sample = only(dataset, "No_Body_Jr_10.jpg")
    assert (sample.subject, sample.condition) == ("No_Body_Jr", "clean")
    assert sample.path == tmp_path / "ytf68" / "No_Body_Jr_10.jpg"
    points = read(dataset, "No_Body_Jr_10.jpg").landmarks
    assert points is not None and points.dtype == np.float32 and points.shape == (98, 2)
    # Eyes: means of points 36-41 and 42-47; nose tip 30; mouth corners 48 and 54.
    wanted = np.array([[385, 192.5], [445, 222.5], [300, 150], [480, 240], [540, 270]])
    assert np.allclose(five_points(points), wanted)
    # The chin is the jaw's point 8, the last point of the inner lips 67.
    assert points[16].tolist() == [80, 40] and points[95].tolist() == [670, 335]
    assert np.isfinite(points).sum() == 2 * 68
    noted(dataset)


def test_who_is_tested_on_lfw_is_not_trained_on(tmp_path: Path) -> None:
    # A name that LFW's shipped list marks for training, one for testing, and one on no list.
    trained, tested = "Aaron_Peirsol", "Aaron_Sorkin"
    assert (split_of(trained), split_of(tested)) == ("train", "test")
    draw(tmp_path, *(f"{person}_00.jpg" for person in (trained, tested, "Nobody_Known")))
    splits = {s.subject: s.attributes["split"] for s in YTF68(str(tmp_path)).samples()}
    assert splits == {trained: "train", tested: "test", "Nobody_Known": "test"}


def test_without_the_list_nothing_is_known_of_the_faces(tmp_path: Path) -> None:
    draw(tmp_path, "A_B_00.jpg")
    dataset = YTF68(str(tmp_path))
    assert dataset.landmarks(only(dataset, "A_B_00.jpg")) is None
    noted(dataset)


def test_the_last_row_of_a_file_counts(tmp_path: Path) -> None:
    draw(tmp_path, "A_B_00.jpg")
    write(tmp_path / LANDMARKS, row("A_B_00.jpg"), row("A_B_00.jpg", shift=7))
    dataset = YTF68(str(tmp_path))
    points = dataset.landmarks(only(dataset, "A_B_00.jpg"))
    assert points is not None and points[54].tolist() == [307, 150]
    noted(dataset, "1 rows of")


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    draw(tmp_path, "A_B_00.jpg", "A_B_01.jpg", "cover.jpg")
    write(tmp_path / LANDMARKS, row("A_B_00.jpg"), *(row(f"Gone_{k}.jpg") for k in range(3)))
    dataset = YTF68(str(tmp_path))
    assert ids(dataset.samples()) == ["A_B_00.jpg", "A_B_01.jpg"]
    noted(
        dataset,
        f"1 images in {tmp_path} are not named",
        f"1 images in {tmp_path} have no row in",
        "3 images named in",
    )


@pytest.mark.parametrize(
    ("line", "header", "message"),
    [
        (row("A_B_00.jpg").rpartition(",")[0], HEADER, "line 2: 138 values"),
        (
            row("A_B_00.jpg").replace(",50,", ",wide,"),
            HEADER,
            "line 2: the row of A_B_00.jpg is gar",
        ),
        (row("A_B_00.jpg"), HEADER.replace("y67", "z67"), "lacks y67; .* file, x0, .*, y67"),
        (row("A_B_00.jpg"), HEADER.replace("file", "image"), "line 1: the header lacks file"),
    ],
)
def test_a_garbled_list_is_explained(tmp_path: Path, line: str, header: str, message: str) -> None:
    draw(tmp_path, "A_B_00.jpg")
    write(tmp_path / LANDMARKS, line, header=header)
    with pytest.raises(DataError, match=r"ytf68_landmarks\.csv.*" + message):
        YTF68(str(tmp_path)).samples()
