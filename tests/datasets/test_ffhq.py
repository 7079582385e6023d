"""FFHQ's layout: folders of numbered images, the metadata file, nobody's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restore_recog import images
from restore_recog.datasets.ffhq import FFHQ
from restore_recog.errors import DataError


def image(root: Path, name: str, side: int = 32) -> None:
    images.write(root / name, np.full((side, side, 3), 120, np.uint8))


def entry(category: str, shift: float = 0.0) -> dict[str, Any]:
    """Return the metadata of one image; point k lies at (10 k + shift, 5 k)."""
    points = [[10.0 * k + shift, 5.0 * k] for k in range(68)]
    return {
        "category": category,
        "metadata": {"license": "Attribution License", "country": ""},
        "image": {"face_landmarks": points},
    }


def test_images_split_licence_and_landmarks(tmp_path: Path) -> None:
    image(tmp_path, "images1024x1024/00000/00000.png")
    image(tmp_path, "images1024x1024/60000/60001.png")
    image(tmp_path, "images1024x1024/69000/69999.png")
    known = {"0": entry("training", 3.0), "60001": entry("validation"), "5": entry("training")}
    (tmp_path / "ffhq-dataset-v2.json").write_text(json.dumps(known, indent=1))
    data = FFHQ(str(tmp_path))
    first, second, third = data.samples()
    assert [s.image_id for s in (first, second, third)] == [
        "00000/00000.png", "60000/60001.png", "69000/69999.png",
    ]  # fmt: skip
    assert dict(first.attributes) == {
        "category": "training", "split": "train", "license": "Attribution License",
    }  # fmt: skip
    assert second.attributes["split"] == third.attributes["split"] == "test"
    assert len({s.subject for s in data.samples()}) == 3
    points = data.landmarks(first)
    assert points is not None and points.dtype == np.float32
    # Eyes: means of points 36-41 and 42-47; nose tip 30; mouth corners 48 and 54.
    wanted = np.array([[388, 192.5], [448, 222.5], [303, 150], [483, 240], [543, 270]])
    assert np.allclose(points, wanted)
    assert data.landmarks(third) is None
    assert any("not recognition" in note for note in data.notes)


def test_thumbnails_scale_the_landmarks_about_pixel_corners(tmp_path: Path) -> None:
    image(tmp_path, "thumbnails128x128/00000/00000.png")
    (tmp_path / "ffhq-dataset-v2.json").write_text(json.dumps({"0": entry("training")}))
    data = FFHQ(str(tmp_path))
    points = data.landmarks(data.samples()[0])
    assert points is not None
    # The nose tip at (300, 150) of 1024: the same place on the face, an eighth of the size.
    assert np.allclose(points[2], [(300 + 0.5) / 8 - 0.5, (150 + 0.5) / 8 - 0.5])


def test_flat_folders_without_metadata_go_by_the_number(tmp_path: Path) -> None:
    for name in ("00012.png", "65000.png", "cover.png"):
        image(tmp_path, name)
    data = FFHQ(str(tmp_path))
    assert [s.attributes["split"] for s in data.samples()] == ["train", "test"]
    assert any("1 images" in note and "left out" in note for note in data.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"0": {"category": "training"}}', r"is incomplete or garbled \('metadata'\)"),
        ('{"0": ' + json.dumps(entry("training")), "cannot be read as JSON: no ','"),
        ('{"0": 1}', "incomplete or garbled"),
        ("", "cannot be read as JSON"),
        ('{"0": ' + "[" * 100_000, "nested too deep"),
        (json.dumps({"9" * 5000: entry("training")}), r"the entry '9+\.\.\.' is incomplete"),
        (json.dumps({"0": {**entry("training"), "category": ["x"]}}), "has the category"),
        (json.dumps({"0": entry("testing")}), "category 'testing'"),
        (
            json.dumps({"0": {**entry("training"), "image": {"face_landmarks": [[1, 2]]}}}),
            "incomplete or garbled",
        ),
    ],
)
def test_faulty_metadata_is_explained(tmp_path: Path, text: str, message: str) -> None:
    image(tmp_path, "images1024x1024/00000/00000.png")
    (tmp_path / "ffhq-dataset-v2.json").write_text(text)
    with pytest.raises(DataError, match=message):
        FFHQ(str(tmp_path)).samples()


def test_an_empty_metadata_object_is_no_error(tmp_path: Path) -> None:
    image(tmp_path, "00000.png")
    (tmp_path / "ffhq-dataset-v2.json").write_text(" { } \n")
    assert len(FFHQ(str(tmp_path)).samples()) == 1
