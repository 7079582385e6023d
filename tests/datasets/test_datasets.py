"""Layouts on disk: what is found, what it is called, what is said where it is not there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restore_recog.datasets import lfw
from restore_recog.datasets.files import FileDataset
from restore_recog.datasets.fmor import FMOR
from restore_recog.datasets.folder import Folder
from restore_recog.datasets.lfw import LFW, split_of
from restore_recog.datasets.manifest import Manifest
from restore_recog.datasets.rmfrd import RMFRD
from restore_recog.errors import DataError, ImageError
from restore_recog.types import FaceImage

DATA = os.environ.get("RESTORE_RECOG_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="RESTORE_RECOG_DATA names no folder")
POINTS = "lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy"


def draw(*places: Path) -> None:
    """Write a small drawn image at each place."""
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((24, 20, 3), 80, np.uint8)
        pixels[6:18, 5:15] = (200, 150, 120)
        Image.fromarray(pixels).save(place)


def ids(dataset: FileDataset) -> list[str]:
    return [sample.image_id for sample in dataset.samples()]


def image(dataset: FileDataset, image_id: str) -> FaceImage:
    sample = next(s for s in dataset.samples() if s.image_id == image_id)
    (read,) = dataset.read([sample])
    assert isinstance(read, FaceImage)
    return read


@pytest.mark.parametrize("layout", [LFW, RMFRD, FMOR, Manifest, Folder])
@pytest.mark.parametrize("state", ["missing", "empty", "unnamed"])
def test_nothing_there_prints_the_expected_tree(
    tmp_path: Path, layout: type[FileDataset], state: str
) -> None:
    (tmp_path / "empty").mkdir()
    location = None if state == "unnamed" else str(tmp_path / state)
    with pytest.raises(DataError) as error:
        layout(location).samples()
    assert layout.tree in str(error.value)
    assert location is None or location in str(error.value)


def test_unreadable_images_are_returned_as_errors_in_order(tmp_path: Path) -> None:
    draw(tmp_path / "ann" / "1.png", tmp_path / "ann" / "3.png")
    (tmp_path / "ann" / "2.png").write_bytes(b"no image")
    dataset = Folder(str(tmp_path))
    samples = dataset.samples()
    (tmp_path / "ann" / "3.png").unlink()
    first, second, third = dataset.read(samples)
    assert isinstance(first, FaceImage) and first.pixels.shape == (24, 20, 3)
    assert isinstance(second, ImageError) and "2.png" in str(second)
    assert isinstance(third, ImageError) and "no image file" in str(third)


def test_hidden_and_other_files_do_not_count(tmp_path: Path) -> None:
    draw(tmp_path / "b" / "x.PNG", tmp_path / "a" / "y.jpg", tmp_path / "a" / ".y.jpg")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    assert ids(Folder(str(tmp_path))) == ["a/y.jpg", "b/x.PNG"]


def test_folder_sorted_into_clean_and_occluded(tmp_path: Path) -> None:
    draw(
        tmp_path / "clean" / "ann" / "a.png",
        tmp_path / "occluded" / "ann" / "day1" / "b.png",
        tmp_path / "occluded" / "loose.png",
    )
    dataset = Folder(str(tmp_path))
    assert [(s.image_id, s.subject, s.condition) for s in dataset.samples()] == [
        ("clean/ann/a.png", "ann", "clean"),
        ("occluded/ann/day1/b.png", "ann", "occluded"),
    ]
    assert len(dataset.notes) == 1 and dataset.notes[0].startswith("1 images")


def test_lfw_labels_landmarks_and_split(tmp_path: Path) -> None:
    root = tmp_path / "lfw"
    draw(
        root / "Rafael_Ramirez" / "Rafael_Ramirez_0002.jpg",
        root / "Nobody_Known" / "Nobody_Known_0001.jpg",
        root / "Nobody_Known" / "other.jpg",
    )
    (tmp_path / "lfw_labels.csv").write_text(
        f"person,file,gender,emotion,smile,{POINTS}\n"
        "Rafael_Ramirez,Rafael_Ramirez/Rafael_Ramirez_0002.jpg,m,neutral,1,5,8,14,8,9,12,6,15,13,15\n"
        "X,X/X_0001.jpg,f,,,1,1,2,1,1,2,1,3,2,3\n"
    )
    dataset = LFW(str(root))
    unlisted, listed = dataset.samples()
    assert unlisted.subject == "Nobody_Known" and unlisted.attributes == {"split": "test"}
    assert listed.attributes == {
        "split": "test",
        "gender": "male",
        "expression": "neutral",
        "smile": "yes",
    }
    points = image(dataset, listed.image_id).landmarks
    assert points is not None
    assert points.tolist() == [[5, 8], [14, 8], [9, 12], [6, 15], [13, 15]]
    assert image(dataset, unlisted.image_id).landmarks is None
    assert "1 images" in dataset.notes[0]


@pytest.mark.parametrize(
    ("encoding", "slash", "message"),
    [
        ("utf-8-sig", "/", None),
        ("utf-8", "\\", None),
        ("latin-1", "/", "labels.csv cannot be read as text in UTF-8: line 3"),
        ("utf-16", "/", "labels.csv cannot be read as text in UTF-8: it is UTF-16"),
    ],
)
def test_lfw_labels_from_spreadsheets(
    tmp_path: Path, encoding: str, slash: str, message: str | None
) -> None:
    draw(tmp_path / "lfw" / "A_B" / "A_B_0001.jpg")
    rows = [f"file,gender,emotion,smile,{POINTS}"]
    rows += [f"{n}{slash}{n}_0001.jpg,f,,,5,8,14,8,9,12,6,15,13,15" for n in ("A_B", "José", "X")]
    (tmp_path / "lfw_labels.csv").write_text("\r\n".join(rows), encoding=encoding, newline="")
    dataset = LFW(str(tmp_path / "lfw"))
    if message is not None:
        with pytest.raises(DataError, match=message):
            dataset.samples()
        return
    (sample,) = dataset.samples()
    assert sample.attributes["gender"] == "female"
    assert image(dataset, sample.image_id).landmarks is not None
    assert dataset.notes == [f"2 images named in lfw_labels.csv are not in {tmp_path / 'lfw'}."]


def test_landmarks_of_the_original_are_not_used_on_funneled_images(tmp_path: Path) -> None:
    image_id = "Nobody_Known/Nobody_Known_0001.jpg"
    draw(tmp_path / "lfw_funneled" / image_id)
    (tmp_path / "lfw_labels.csv").write_text(
        f"file,gender,emotion,smile,{POINTS}\n{image_id},f,,,5,8,14,8,9,12,6,15,13,15\n"
    )
    dataset = LFW(str(tmp_path / "lfw_funneled"))
    assert dataset.samples()[0].attributes["gender"] == "female"
    assert image(dataset, image_id).landmarks is None


def test_garbled_lfw_labels_are_named(tmp_path: Path) -> None:
    draw(tmp_path / "A_B" / "A_B_0001.jpg")
    (tmp_path / "lfw_labels.csv").write_text(
        f"file,gender,emotion,smile,{POINTS}\nA_B/A_B_0001.jpg,f,,,5,8,14\n"
    )
    with pytest.raises(DataError, match=r"lfw_labels\.csv, line 2: 7 values"):
        LFW(str(tmp_path)).samples()


def test_shipped_list_holds_300_people_for_testing() -> None:
    people = lfw._people()
    assert len(people) == 3380 and set(people.values()) == {"train", "test"}
    assert sum(split == "test" for split in people.values()) == 300
    assert split_of("Nobody_Known") == "test"


@needs_data
def test_the_300_follow_from_the_rule() -> None:
    folders = [folder for folder in (Path(str(DATA)) / "lfw").iterdir() if folder.is_dir()]
    several = [folder.name for folder in folders if len(list(folder.glob("*.jpg"))) >= 2]
    ranked = sorted(several, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert {f.name for f in folders} == set(lfw._people())
    assert {name for name, split in lfw._people().items() if split == "test"} == set(ranked[:300])


@needs_data
def test_real_lfw_is_labelled_whole() -> None:
    dataset = LFW(str(Path(str(DATA)) / "lfw"))
    samples = dataset.samples()
    assert len(samples) == 8098 and not dataset.notes
    read = dataset.read(samples[::400])
    assert all(isinstance(p, FaceImage) and p.landmarks is not None for p in read)


def test_rmfrd_names_and_people_of_one_tree(tmp_path: Path) -> None:
    root = tmp_path / "self-built-masked-face-recognition-dataset"
    draw(
        root / "AFDB_face_dataset" / "ann" / "0_0_ann_0014.jpg",
        root / "AFDB_face_dataset" / "bob" / "odd.jpg",
        root / "AFDB_masked_face_dataset" / "ann" / "1_2_7.png",
    )
    dataset = RMFRD(str(tmp_path))
    assert [(s.image_id, s.condition, dict(s.attributes)) for s in dataset.samples()] == [
        (
            "AFDB_face_dataset/ann/0_0_ann_0014.jpg",
            "clean",
            {"pose": "frontal", "sharpness": "clear"},
        ),
        ("AFDB_face_dataset/bob/odd.jpg", "clean", {}),
        ("AFDB_masked_face_dataset/ann/1_2_7.png", "mask", {"pose": "profile", "sharpness": "2"}),
    ]
    assert len(dataset.notes) == 1 and dataset.notes[0].startswith("1 of the people")
    assert ids(RMFRD(str(root))) == ids(dataset)


def test_rmfrd_without_one_tree_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "AFDB_face_dataset" / "ann" / "0_0_ann_0014.jpg")
    with pytest.raises(DataError, match="no folder .*AFDB_masked_face_dataset"):
        RMFRD(str(tmp_path)).samples()


@needs_data
def test_real_rmfrd_is_found_whole() -> None:
    samples = RMFRD(str(Path(str(DATA)) / "rmfrd")).samples()
    conditions = [sample.condition for sample in samples]
    assert conditions.count("clean") == 700 and conditions.count("mask") == 400
    assert len({sample.subject for sample in samples}) == 140


def test_fmor_folders(tmp_path: Path) -> None:
    draw(tmp_path / "A" / "ann" / "x.jpg", tmp_path / "A" / "van_gogh_12.jpg")
    draw(tmp_path / "B" / "ann" / "x.jpg", tmp_path / "B" / "nameless.jpg")
    (tmp_path / "face-mask" / "ann").mkdir(parents=True)
    Image.fromarray(np.array([[0], [255]], np.uint8)).save(tmp_path / "face-mask" / "ann" / "x.png")
    dataset = FMOR(str(tmp_path))
    assert [(s.image_id, s.subject, s.condition, s.clean_id) for s in dataset.samples()] == [
        ("A/ann/x.jpg", "ann", "mask", None),
        ("A/van_gogh_12.jpg", "van_gogh", "mask", None),
        ("B/ann/x.jpg", "ann", "clean", None),
    ]
    mask = image(dataset, "A/ann/x.jpg").mask
    assert mask is not None and mask.shape == (24, 20)
    assert not mask[:12].any() and mask[12:].all()
    assert image(dataset, "B/ann/x.jpg").mask is None
    assert len(dataset.notes) == 2


def test_fmor_manifest_goes_first(tmp_path: Path) -> None:
    draw(tmp_path / "A" / "ann" / "x.jpg", tmp_path / "p.png")
    (tmp_path / "manifest.csv").write_text("path,subject_id,condition\np.png,ann,masked\n")
    dataset = FMOR(str(tmp_path))
    assert ids(dataset) == ["p.png"]
    assert image(dataset, "p.png").pixels.shape == (24, 20, 3)


def write_manifest(folder: Path, *rows: str) -> Manifest:
    (folder / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Manifest(str(folder / "list.csv"))


def test_a_manifest_names_files_whatever_their_spelling(tmp_path: Path) -> None:
    raw = os.fsdecode(b"caf\xe9.png")
    for name in (raw, "e\u0301.png", "\x1b[31m.png", "=cmd.png", "sub/a.png"):
        draw(tmp_path / name)
    dataset = write_manifest(
        tmp_path,
        "path;subject_id;condition;smile",
        *(f"{name};{who};clean;\x1b[31m" for name, who in ((r"caf\xe9.png", "A"), ("é.png", "B"))),
        "\x1b[31m.png;e\u0301;clean;",
        "'=cmd.png;=cmd;clean;",
        "sub\\a.png;C;clean;",
        f"{'a' * 300}.png;C;clean;",
    )
    read = {sample.image_id: dataset.read([sample])[0] for sample in dataset.samples()}
    assert sorted(name for name, one in read.items() if isinstance(one, FaceImage)) == [
        *("=cmd.png", "\\u001b[31m.png", "caf\\xe9.png", "sub/a.png", "é.png")
    ]
    (lost,) = (one for one in read.values() if not isinstance(one, FaceImage))
    assert "There is no image file" in str(lost)
    people = {sample.subject for sample in dataset.samples()}
    assert people == {"A", "B", "C", "é", "=cmd"}
    labels = {one.attributes["smile"] for one in dataset.samples() if one.attributes}
    assert labels == {"\\u001b[31m"}


def test_manifest_with_every_column(tmp_path: Path) -> None:
    draw(tmp_path / "sub" / "a.png", tmp_path / "b.png", tmp_path / "m.png")
    dataset = write_manifest(
        tmp_path,
        f"\ufeffPath, subject_id,condition,mask,clean_path,split,mask_type,{POINTS}",
        "sub\\a.png,ann,Masked,m.png,b.png,test,n95,5,8,14,8,9,12,6,15,13,15.5",
        "b.png,ann,unmasked,,,,,,,,,,,,,,",
        "",
    )
    clean, occluded = dataset.samples()
    assert (clean.image_id, clean.condition, clean.clean_id) == ("b.png", "clean", None)
    assert clean.attributes == {}
    assert (occluded.image_id, occluded.condition, occluded.clean_id) == (
        "sub/a.png",
        "mask",
        "b.png",
    )
    assert occluded.attributes == {"split": "test", "mask_type": "n95"}
    read = image(dataset, "sub/a.png")
    assert read.landmarks is not None and read.landmarks[4].tolist() == [13, 15.5]
    assert read.mask is not None and read.mask.any()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["path,condition"], "line 1: the header lacks subject_id"),
        (["path|subject_id|condition"], "line 1: the header lacks path, subject_id, condition"),
        (["path,subject_id,condition,path"], "line 1: the column path is named twice"),
        (["path,subject_id,condition", "a.png,ann"], "line 2: 2 values"),
        (["path,subject_id,condition", "a.png,,clean"], "line 2: 'subject_id' is empty"),
        (
            ["path,subject_id,condition", "a.png,ann,clean", "", "a.png,ann,clean"],
            "line 4: the image a.png is listed in line 2",
        ),
        (["path,subject_id,condition,split", "a.png,ann,clean,dev"], "line 2: split is 'dev'"),
        (
            ["path,subject_id,condition,clean_path", "a.png,ann,mask,b.png"],
            "line 2: the clean counterpart 'b.png'",
        ),
        (
            ["path,subject_id,condition,clean_id", "a.png,ann,mask,a.png"],
            "line 2: the clean counterpart 'a.png'",
        ),
        (
            [f"path,subject_id,condition,{POINTS}", "a.png,ann,mask,1,2,3,4,5,6,7,8,9,"],
            "line 2: the landmarks",
        ),
        (
            [f"path,subject_id,condition,{POINTS}", "a.png,ann,mask,1,2,3,4,5,6,7,8,9,nan"],
            "line 2: the landmarks",
        ),
        (["path,subject_id,condition"], "found no images"),
    ],
)
def test_faulty_manifests_name_the_line(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(DataError) as error:
        write_manifest(tmp_path, *rows).samples()
    assert message in str(error.value)


def test_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "list.png")
    with pytest.raises(DataError, match="list.png cannot be read as text in UTF-8: line 1"):
        Manifest(str(tmp_path / "list.png")).samples()
