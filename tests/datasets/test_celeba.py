"""CelebA's layout: people, labels, parts, landmarks, and what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from restore_recog import images
from restore_recog.datasets.celeba import CelebA, Labels
from restore_recog.errors import DataError
from restore_recog.types import FaceImage

NAMES = "5_o_Clock_Shadow Male Smiling Young"
POINTS = "69 109 106 113 77 142 73 152 108 154"


def write(root: Path, name: str, *lines: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def image(root: Path, name: str, size: tuple[int, int] = (218, 178)) -> None:
    images.write(root / name, np.full((*size, 3), 90, np.uint8))


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    for number in (1, 2, 3, 4):
        image(tmp_path, f"Img/img_align_celeba/{number:06d}.jpg")
    write(tmp_path, "Anno/identity_CelebA.txt",
          "000001.jpg 2880", "000002.jpg 2937", "000003.jpg 2880", "000004.jpg 7")  # fmt: skip
    write(tmp_path, "Anno/list_attr_celeba.txt", "4", NAMES + " ",
          "000001.jpg -1 -1  1  1", "000002.jpg  1  1 -1  1", "000003.jpg -1 -1 -1 -1",
          "000004.jpg -1  1  1 -1")  # fmt: skip
    write(tmp_path, "Anno/list_landmarks_align_celeba.txt", "4",
          "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y"
          " rightmouth_x rightmouth_y",
          *(f"00000{n}.jpg {POINTS}" for n in (1, 2, 3, 4)))  # fmt: skip
    write(tmp_path, "Eval/list_eval_partition.txt",
          "000001.jpg 0", "000002.jpg 1", "000003.jpg 0", "000004.jpg 2")  # fmt: skip
    return tmp_path


def test_people_labels_parts_and_landmarks(celeba: Path) -> None:
    data = CelebA(str(celeba))
    first, second, third, fourth = data.samples()
    assert [s.image_id for s in data.samples()] == [f"00000{n}.jpg" for n in (1, 2, 3, 4)]
    assert first.subject == third.subject == "2880" and second.subject == "2937"
    assert dict(first.attributes) == {
        "5_o_clock_shadow": "no", "gender": "female", "smiling": "yes", "young": "yes",
        "partition": "train", "split": "train",
    }  # fmt: skip
    assert second.attributes["gender"] == "male" and second.attributes["smiling"] == "no"
    assert [s.attributes["partition"] for s in data.samples()] == ["train", "val", "train", "test"]
    assert [s.attributes["split"] for s in data.samples()] == ["train", "train", "train", "test"]
    (read,) = data.read([fourth])
    assert isinstance(read, FaceImage) and read.pixels.shape == (218, 178, 3)
    wanted = np.array(POINTS.split(), np.float32).reshape(5, 2)
    assert read.landmarks is not None and np.array_equal(read.landmarks, wanted)
    assert list(data.notes) == []


def test_images_from_the_wild_get_their_own_landmarks(celeba: Path) -> None:
    (celeba / "Img/img_align_celeba").rename(celeba / "Img/img_celeba")
    wild = "165 184 244 176 196 249 194 271 266 260"
    write(celeba, "Anno/list_landmarks_celeba.txt", "1", "names", f"000001.jpg {wild}")
    data = CelebA(str(celeba))
    first, second = data.samples()[:2]
    points = data.landmarks(first)
    assert points is not None and points[0].tolist() == [165, 184]
    assert data.landmarks(second) is None


def test_flat_copies_with_csv_lists_and_the_folder_itself(celeba: Path, tmp_path: Path) -> None:
    whole = {s.image_id: (s.subject, dict(s.attributes)) for s in CelebA(str(celeba)).samples()}
    inner = CelebA(str(celeba / "Img/img_align_celeba"))
    assert {s.image_id: (s.subject, dict(s.attributes)) for s in inner.samples()} == whole

    flat = tmp_path / "flat"
    image(flat, "img_align_celeba/img_align_celeba/000009.png")
    write(flat, "list_attr_celeba.csv", "image_id," + NAMES.replace(" ", ","),
          "000009.jpg,-1,1,1,-1")  # fmt: skip
    write(flat, "list_eval_partition.csv", "image_id,partition", "000009.jpg,2")
    data = CelebA(str(flat))
    (sample,) = data.samples()
    assert sample.subject == "000009" and sample.attributes["gender"] == "male"
    assert sample.attributes["split"] == "test"
    assert any("lacks identity_CelebA.txt" in note for note in data.notes)
    assert any("a different person" in note for note in data.notes)


def test_what_the_lists_and_the_folder_do_not_share_is_counted(celeba: Path) -> None:
    image(celeba, "Img/img_align_celeba/000005.jpg")
    (celeba / "Img/img_align_celeba/000001.jpg").unlink()
    data = CelebA(str(celeba))
    stranger = data.samples()[-1]
    assert stranger.image_id == "000005.jpg" and dict(stranger.attributes) == {}
    assert sum("1 images" in note for note in data.notes) == 8


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("Anno/list_attr_celeba.txt", "000004.jpg 1 1", "must hold 4 times 1 or -1"),
        ("Eval/list_eval_partition.txt", "000004.jpg 3", "the code '3'"),
        ("Anno/list_landmarks_align_celeba.txt", "000004.jpg" + 10 * " x", "not numbers"),
    ],
)
def test_faulty_lists_name_the_file(celeba: Path, name: str, line: str, message: str) -> None:
    file = celeba / name
    file.write_text(file.read_text().replace(f"{file.read_text().splitlines()[-1]}", line))
    with pytest.raises(DataError, match=message):
        CelebA(str(celeba)).samples()


def test_no_images_folder_prints_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="list_eval_partition"):
        CelebA(str(tmp_path)).samples()


def test_labels_behave_as_a_mapping_and_stay_small() -> None:
    index = {"a": 0, "b": 1, "c": 2}
    labels = Labels(index, ("yes", "", "no"))
    assert dict(labels) == {"a": "yes", "c": "no"} and len(labels) == 2
    assert labels == {"a": "yes", "c": "no"} and "b" not in labels
    assert labels.get("b", "?") == labels.get("z", "?") == "?"
    assert sys.getsizeof(labels) < 100


def test_images_from_the_wild_go_first_where_they_are_wanted(celeba: Path) -> None:
    image(celeba, "Img/img_celeba/000004.jpg", (300, 400))
    write(celeba, "Anno/list_landmarks_celeba.txt", "1", "names",
          "000004.jpg 165 184 244 176 196 249 194 271 266 260")  # fmt: skip
    (sample,) = CelebA(str(celeba), wild=True).samples()
    assert sample.path is not None and sample.path.parent.name == "img_celeba"
    data = CelebA(str(celeba), wild=True)
    points = data.landmarks(data.samples()[0])
    assert points is not None and points[0].tolist() == [165, 184]
    assert any("img_celeba" in note for note in data.notes)
    assert len(CelebA(str(celeba)).samples()) == 4


def test_without_images_from_the_wild_the_aligned_ones_are_taken(celeba: Path) -> None:
    data = CelebA(str(celeba), wild=True)
    assert len(data.samples()) == 4
    assert any("img_align_celeba" in note for note in data.notes)


def test_missing_lists_are_named_each_in_one_sentence(celeba: Path) -> None:
    for name in ("identity_CelebA", "list_attr_celeba", "list_landmarks_align_celeba"):
        (celeba / f"Anno/{name}.txt").unlink()
    (celeba / "Eval/list_eval_partition.txt").unlink()
    data = CelebA(str(celeba))
    data.samples()
    assert [name in note for name, note in zip(
        ("identity_CelebA.txt", "list_attr_celeba.txt", "list_eval_partition.txt",
         "list_landmarks_align_celeba.txt"), data.notes, strict=True)] == [True] * 4  # fmt: skip
