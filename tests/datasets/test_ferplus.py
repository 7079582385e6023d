"""FER+: votes and what most of them say, parts, landmarks, what is missing or garbled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from layouts import noted

from restore_recog import images
from restore_recog.alignment import five_points
from restore_recog.datasets.ferplus import COLUMNS, MEAN_POINTS, VOTES, FERPlus
from restore_recog.errors import DataError
from restore_recog.evaluation.figures import group_labels
from restore_recog.labels import EXPRESSIONS
from restore_recog.phantom import draw_person, draw_shot, render
from restore_recog.types import FaceImage

HEADER = ",".join(["file", "box", *COLUMNS])


def row(name: str, **votes: int) -> str:
    cast = {word.replace(" ", "_"): 0 for word in COLUMNS} | votes
    return f'{name},"(0, 0, 48, 48)",' + ",".join(map(str, cast.values()))


def write(folder: Path, rows: Mapping[str, str], *lines: str) -> None:
    """Write flat images and the list of their votes, with further lines before and behind."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in rows:
        images.write(folder / name, np.full((48, 48, 3), 99, np.uint8))
    (folder / "label.csv").write_text("\n".join([*rows.values(), *lines]) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    votes = {
        "a.png": {"neutral": 2, "sadness": 8},
        "b.png": {"happiness": 5, "neutral": 5},
        "c.png": {"contempt": 6, "anger": 4},
        "d.png": {"not_a_face": 6, "fear": 4},
        "e.png": {"unknown": 7, "fear": 3},
        "f.png": {"neutral": 4, "surprise": 3, "fear": 3},
    }
    rows = {name: row(name, **cast) for name, cast in votes.items()}
    write(tmp_path / "FER2013Train", rows, row("gone.png", fear=10))
    images.write(tmp_path / "FER2013Train" / "mine.png", np.zeros((48, 48, 3), np.uint8))
    write(tmp_path / "FER2013Valid", {"g.png": row("g.png", disgust=10)})
    write(tmp_path / "FER2013Test", {"a.png": row("a.png", anger=9, fear=1)})
    return tmp_path


def test_more_than_half_of_the_votes_are_the_expression(root: Path) -> None:
    known = {s.image_id: dict(s.attributes) for s in FERPlus(str(root)).samples()}
    assert {name: one.get("expression") for name, one in known.items()} == {
        "FER2013Test/a.png": "anger",
        "FER2013Train/a.png": "sadness",
        "FER2013Train/b.png": None,
        "FER2013Train/c.png": "contempt",
        "FER2013Train/e.png": None,
        "FER2013Train/f.png": None,
        "FER2013Valid/g.png": "disgust",
    }
    assert known["FER2013Train/a.png"]["votes"] == "0,0,0,0,8,0,2,0,0,0"
    assert list(VOTES) == [*EXPRESSIONS, "contempt", "unknown", "not a face"]


def test_parts_are_for_training_or_testing(root: Path) -> None:
    samples = FERPlus(str(root)).samples()
    parts = {(s.attributes["part"], s.attributes["split"]) for s in samples}
    assert parts == {("train", "train"), ("valid", "test"), ("test", "test")}
    assert len({s.subject for s in samples}) == len(samples), "nobody is named"


def test_notes_account_for_every_image(root: Path) -> None:
    train = root / "FER2013Train"
    noted(
        FERPlus(str(root)),
        f"1 images in {train} show no face by most votes and were left out",
        f"2 images in {train} have no expression",
        f"1 images in {train} have an unknown expression",
        f"1 images in {train} show contempt",
        f"1 images in {train} are not in label.csv and were left out",
        f"1 images listed in {train / 'label.csv'} are not there",
        "FER+ names nobody",
        "FER+ lists no landmarks",
    )


def test_a_header_may_name_another_order(tmp_path: Path) -> None:
    turned = ",".join(["file", "box", *reversed(COLUMNS)])
    write(tmp_path / "FER2013Train", {"a.png": f"{turned}\n{row('a.png', unknown=9)}"})
    (sample,) = FERPlus(str(tmp_path)).samples()
    assert sample.attributes["expression"] == "happiness", "the second word from the end"
    write(tmp_path / "FER2013Train", {"a.png": f"{HEADER}\n{row('a.png', fear=9)}"})
    (sample,) = FERPlus(str(tmp_path)).samples()
    assert sample.attributes["expression"] == "fear"


@pytest.mark.parametrize(
    "line",
    [
        "b.png",
        'b.png,"(0, 0, 48, 48)",1,2,3',
        'b.png,"(0, 0, 48, 48)",0,0,0,8,0,0,0,0,0,x',
        'b.png,"(0, 0, 48, 48)",0,0,0,-8,0,0,0,0,0,0',
        'b.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,0,0,0',
        ',"(0, 0, 48, 48)",0,0,0,8,0,0,0,0,0,0',
        row("a.png", fear=3),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, line: str) -> None:
    write(tmp_path / "FER2013Train", {"a.png": row("a.png", fear=10)}, line)
    with pytest.raises(DataError, match=r"label\.csv, line 2"):
        FERPlus(str(tmp_path)).samples()


def test_a_header_of_something_else(tmp_path: Path) -> None:
    write(tmp_path / "FER2013Train", {"a.png": HEADER.replace("fear", "joy")})
    with pytest.raises(DataError, match=r"label\.csv, line 1: the header must name.*not a face"):
        FERPlus(str(tmp_path)).samples()


def test_missing_folders_and_lists_print_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of FER2013Train, [^$]*ten votes"):
        FERPlus(str(tmp_path)).samples()
    (tmp_path / "FER2013Valid").mkdir()
    with pytest.raises(DataError, match=r"no file .*FER2013Valid.label\.csv"):
        FERPlus(str(tmp_path)).samples()


def test_a_face_has_the_landmarks_that_are_seen_on_it(tmp_path: Path) -> None:
    person = draw_person(5)
    pixels, points = render(person, draw_shot(person, 1, 5), 128)
    crop = pixels[12:120, 10:118]
    small = cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA)
    write(tmp_path / "FER2013Train", {"a.png": row("a.png", fear=10)})
    images.write(tmp_path / "FER2013Train" / "a.png", small.astype(np.uint8))
    data = FERPlus(str(tmp_path))
    (image,) = data.read(data.samples())
    assert isinstance(image, FaceImage) and image.landmarks is not None
    wanted = (five_points(points) - (10, 12) + 0.5) * 48 / 108 - 0.5
    assert np.abs(image.landmarks - wanted).mean() < 1.5
    assert not np.array_equal(image.landmarks, MEAN_POINTS)


def test_where_no_face_is_seen_there_are_the_mean_points(root: Path) -> None:
    images.write(root / "FER2013Valid" / "g.png", np.full((96, 96, 3), 99, np.uint8))
    (root / "FER2013Test" / "a.png").write_bytes(b"torn")
    data = FERPlus(str(root))
    torn, plain, *_, large = data.read(data.samples())
    assert not isinstance(torn, FaceImage)
    assert isinstance(plain, FaceImage) and isinstance(large, FaceImage)
    assert plain.landmarks is not None and np.array_equal(plain.landmarks, MEAN_POINTS)
    assert large.landmarks is not None and np.array_equal(large.landmarks, 2 * MEAN_POINTS)


def test_figures_can_be_broken_down_by_expression(root: Path) -> None:
    samples = FERPlus(str(root)).samples()
    known = group_labels.labels(samples, {}, ["expression"])["expression"]
    assert Counter(known.tolist()) == {
        group_labels.UNKNOWN: 3, "anger": 1, "contempt": 1, "disgust": 1, "sadness": 1,
    }  # fmt: skip
    assert "votes" not in group_labels.labels(samples, {}, None)


def test_real_images(data_root: Path) -> None:
    data = FERPlus(str(data_root / "ferplus"))
    samples = data.samples()
    counts = Counter((s.attributes["part"], s.attributes.get("expression")) for s in samples)
    many = ("surprise", "happiness", "sadness", "anger", "neutral")
    assert counts == {
        **{("train", word): 1500 for word in many},
        **{("valid", word): 200 for word in many},
        ("train", "fear"): 345, ("train", "disgust"): 52,
        ("valid", "fear"): 41, ("valid", "disgust"): 16,
    }  # fmt: skip
    assert (counts.total(), len(data.notes)) == (7897 + 1057, 2)
    some = [image for image in data.read(samples[::900]) if isinstance(image, FaceImage)]
    assert len(some) == 10
    points = np.stack([image.landmarks for image in some if image.landmarks is not None])
    assert np.abs(points.mean(axis=0) - MEAN_POINTS).max() < 8
    assert (points[:, 0, 0] < points[:, 1, 0]).all()
