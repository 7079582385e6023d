"""IJB lists: templates, people, landmarks, and what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import draw, ids, noted, only, read

from restore_recog.datasets.ijb import IJB
from restore_recog.errors import DataError, ImageError

POINTS = "1.5 2 11 2 6 7 2 12 10 12"


def lists(root: Path, *, prefix: str = "ijbc", place: str = "meta", **texts: str) -> Path:
    """Write two images in two templates, and whatever lists are given by their endings."""
    draw(root, "loose_crop/1.jpg", "loose_crop/2.jpg")
    texts.setdefault("face_tid_mid.txt", "1.jpg 7 70\n2.jpg 8 80\n")
    texts.setdefault("name_5pts_score.txt", f"1.jpg {POINTS} 0.99\n2.jpg {POINTS} 0.5\n")
    (root / place).mkdir(exist_ok=True)
    for ending, text in texts.items():
        (root / place / f"{prefix}_{ending}").write_text(text)
    return root


GALLERY = {
    "1N_gallery_G1.csv": "TEMPLATE_ID,SUBJECT_ID,FILENAME\n7,ann,img/1.jpg\n7,ann,img/9.jpg\n"
}
PROBES = {"1N_probe_mixed.csv": "TEMPLATE_ID,SUBJECT_ID\n8,bob\n"}


@pytest.mark.parametrize(("prefix", "place"), [("ijbc", "meta"), ("ijbb", ".")])
def test_templates_people_and_landmarks(tmp_path: Path, prefix: str, place: str) -> None:
    dataset = IJB(str(lists(tmp_path, prefix=prefix, place=place, **GALLERY, **PROBES)))
    first, second = dataset.samples()
    assert (first.image_id, first.subject, first.condition) == ("7/1.jpg", "ann", "clean")
    assert first.attributes == {
        "template_id": "7",
        "media_id": "70",
        "detector_score": "0.99",
        "role": "gallery",
        "gallery": "G1",
    }
    assert second.subject == "bob" and second.attributes["role"] == "probe"
    assert "gallery" not in second.attributes
    landmarks = read(dataset, "7/1.jpg").landmarks
    assert landmarks is not None and landmarks.dtype == np.float32
    assert landmarks.tolist() == [[1.5, 2], [11, 2], [6, 7], [2, 12], [10, 12]]
    noted(dataset)
    assert dataset.pair_list is None


def test_unknown_people_are_their_templates(tmp_path: Path) -> None:
    dataset = IJB(str(lists(tmp_path, **PROBES)))
    assert [sample.subject for sample in dataset.samples()] == ["template-7", "bob"]
    assert "role" not in dataset.samples()[0].attributes
    noted(dataset, "1 templates (1 images) are in no 1:N list")


def test_every_line_counts(tmp_path: Path) -> None:
    rows = "1.jpg 7 70\n1.jpg 8 70\n1.jpg 7 70\n\n3.jpg 7 71\n"
    people = {"1N_gallery_G1.csv": "TEMPLATE_ID,SUBJECT_ID\n7,ann\n8,ann\n"}
    points = {"name_5pts_score.txt": f"1.jpg {POINTS} 1\n"}
    draw(tmp_path, "loose_crop/more/9.jpg")
    dataset = IJB(str(lists(tmp_path, **{"face_tid_mid.txt": rows}, **people, **points)))
    assert ids(dataset.samples()) == ["7/1.jpg", "7/3.jpg", "8/1.jpg"]
    noted(
        dataset,
        "1 lines of ijbc_face_tid_mid.txt repeat",
        "1 images of ijbc_face_tid_mid.txt have no landmarks",
        "1 images of ijbc_face_tid_mid.txt are not in",
        "2 images in",
    )
    missing, there = dataset.read([only(dataset, "7/3.jpg"), only(dataset, "8/1.jpg")])
    assert isinstance(missing, ImageError) and not isinstance(there, ImageError)


def test_without_landmarks_a_detector_must_look(tmp_path: Path) -> None:
    lists(tmp_path, **GALLERY, **PROBES)
    (tmp_path / "meta" / "ijbc_name_5pts_score.txt").unlink()
    dataset = IJB(str(tmp_path))
    assert read(dataset, "7/1.jpg").landmarks is None
    assert "detector_score" not in dataset.samples()[0].attributes
    noted(dataset, "There is no")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"face_tid_mid.txt": "1.jpg 7 70\n2.jpg 8\n"}, "line 2: 2 values instead of 3"),
        ({"name_5pts_score.txt": f"1.jpg {POINTS}\n"}, "line 1: 11 values instead of 12"),
        ({"name_5pts_score.txt": f"1.jpg {POINTS} x\n"}, "line 1: 1.jpg must be followed by"),
        ({"name_5pts_score.txt": f"1.jpg {POINTS} nan\n"}, "line 1: 1.jpg must be followed by"),
        (
            {"1N_probe_mixed.csv": "TEMPLATE,SUBJECT_ID\n8,bob\n"},
            "line 1: the header lacks template_id",
        ),
        ({"1N_probe_mixed.csv": "TEMPLATE_ID,SUBJECT_ID\n8,\n"}, "line 2: TEMPLATE_ID or SUB"),
        (
            {**GALLERY, "1N_probe_mixed.csv": "TEMPLATE_ID,SUBJECT_ID\n7,bob\n"},
            "line 2: template 7 belongs to subject bob here and to ann before",
        ),
    ],
)
def test_faulty_lists_name_the_line(tmp_path: Path, texts: dict[str, str], message: str) -> None:
    with pytest.raises(DataError) as error:
        IJB(str(lists(tmp_path, **texts))).samples()
    assert message in str(error.value)


def test_two_data_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    lists(tmp_path)
    lists(tmp_path, prefix="ijbb")
    with pytest.raises(DataError, match="several lists .*ijbb_face_tid_mid.txt, ijbc_face"):
        IJB(str(tmp_path)).samples()


@pytest.mark.parametrize("missing", ["lists", "images"])
def test_half_a_layout_shows_the_tree(tmp_path: Path, missing: str) -> None:
    if missing == "lists":
        draw(tmp_path, "loose_crop/1.jpg")
    else:
        (tmp_path / "meta").mkdir()
        (tmp_path / "meta" / "ijbc_face_tid_mid.txt").write_text("1.jpg 7 70\n")
    with pytest.raises(DataError) as error:
        IJB(str(tmp_path)).samples()
    assert IJB.tree in str(error.value)
    assert ("face_tid_mid.txt" if missing == "lists" else "loose_crop") in str(error.value)
