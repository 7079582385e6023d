"""RAF-DB's layout: expression labels, parts, manual annotation, both image folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restore_recog import images
from restore_recog.datasets.rafdb import RAFDB
from restore_recog.errors import DataError

POINTS = "60.5\t40\n30\t41\n45\t60\n58\t80\n33\t79\n"
"""The right one of each pair first, so that the order is put to the test."""


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def rafdb(tmp_path: Path) -> Path:
    root = tmp_path / "basic"
    blank = np.full((100, 100, 3), 99, np.uint8)
    for name in ("train_00001", "train_00002", "test_0001"):
        images.write(root / "Image/original" / f"{name}.jpg", blank)
        images.write(root / "Image/aligned" / f"{name}_aligned.jpg", blank)
        write(root / f"Annotation/manual/{name}_manu_attri.txt", POINTS + "1\n2\n3\n")
    write(root / "Annotation/manual/train_00002_manu_attri.txt", POINTS + "2\n0\n4\n")
    write(
        root / "EmoLabel/list_patition_label.txt",
        "train_00001.jpg 5\ntrain_00002.jpg 7\ntest_0001.jpg 1\n",
    )
    return tmp_path


def test_originals_have_labels_people_parts_and_landmarks(rafdb: Path) -> None:
    data = RAFDB(str(rafdb))
    samples = {sample.subject: sample for sample in data.samples()}
    assert list(samples) == ["test_0001", "train_00001", "train_00002"]
    assert dict(samples["train_00001"].attributes) == {
        "split": "train", "expression": "sadness", "gender": "female", "race": "Asian",
        "age_group": "40-69",
    }  # fmt: skip
    assert "gender" not in samples["train_00002"].attributes, "the annotators were unsure"
    assert samples["train_00002"].attributes["expression"] == "neutral"
    assert samples["test_0001"].attributes["split"] == "test"
    assert samples["test_0001"].attributes["expression"] == "surprise"
    points = data.landmarks(samples["test_0001"])
    wanted = [[30, 41], [60.5, 40], [45, 60], [33, 79], [58, 80]]
    assert points is not None and np.array_equal(points, np.array(wanted, np.float32))
    assert len(data.notes) == 1 and "not recognition" in data.notes[0]


def test_aligned_images_serve_where_the_originals_are_missing(rafdb: Path) -> None:
    for file in (rafdb / "basic/Image/original").iterdir():
        file.unlink()
    (rafdb / "basic/Image/original").rmdir()
    data = RAFDB(str(rafdb / "basic"))
    assert [s.image_id for s in data.samples()] == [
        f"Image/aligned/{name}_aligned.jpg" for name in ("test_0001", "train_00001", "train_00002")
    ]
    assert data.samples()[1].attributes["expression"] == "sadness"
    assert data.samples()[1].attributes["race"] == "Asian"
    assert all(data.landmarks(sample) is None for sample in data.samples())


def test_the_other_spelling_and_a_missing_annotation(rafdb: Path) -> None:
    labels = rafdb / "basic/EmoLabel/list_patition_label.txt"
    labels.write_text(labels.read_text() + "train_00009.jpg 3\n")
    labels.rename(labels.with_name("list_partition_label.txt"))
    (rafdb / "basic/Annotation/manual/test_0001_manu_attri.txt").unlink()
    images.write(rafdb / "basic/Image/original/me.jpg", np.zeros((40, 40, 3), np.uint8))
    images.write(rafdb / "basic/Image/original/test_0002.jpg", np.zeros((40, 40, 3), np.uint8))
    data = RAFDB(str(rafdb))
    first, second = data.samples()[:2]
    assert dict(first.attributes) == {"split": "test", "expression": "surprise"}
    assert dict(second.attributes) == {"split": "test"}
    assert data.landmarks(first) is None
    text = " ".join(data.notes)
    for part in ("1 images in", "were left out", "have no expression label", "on the list"):
        assert part in text


@pytest.mark.parametrize("line", ["train_00001.jpg 8", "train_00001.jpg", "somebody.jpg 1"])
def test_a_faulty_label_names_its_line(rafdb: Path, line: str) -> None:
    write(rafdb / "basic/EmoLabel/list_patition_label.txt", f"test_0001.jpg 1\n{line}\n")
    with pytest.raises(DataError, match="line 2"):
        RAFDB(str(rafdb)).samples()


def test_a_faulty_annotation_names_its_file(rafdb: Path) -> None:
    write(rafdb / "basic/Annotation/manual/test_0001_manu_attri.txt", "1 2\n3 4\n")
    with pytest.raises(DataError, match="test_0001_manu_attri"):
        RAFDB(str(rafdb)).samples()


def test_missing_folders_and_lists_print_the_layout(rafdb: Path, tmp_path: Path) -> None:
    (rafdb / "basic/EmoLabel/list_patition_label.txt").unlink()
    with pytest.raises(DataError, match="1 surprise ... 7 neutral"):
        RAFDB(str(rafdb)).samples()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="neither original nor aligned"):
        RAFDB(str(tmp_path / "empty")).samples()
