"""Coverings that a user brings: where they come to lie, and what is wrong with a bad one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from covering_faces import at, face, five
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from restore_recog.coverings import cover
from restore_recog.coverings.template import ANCHORS, NEEDED
from restore_recog.errors import DataError

SCALE, MIDDLE, TOP = 100, 150, 20
"""A template of 300 x 260 pixels: 100 an eye distance, x = 0 in column 150, v = 0.2 in row 0."""


def spot(name: str) -> list[float]:
    x, v = ANCHORS[name]
    return [MIDDLE + SCALE * x, SCALE * v - TOP]


def template(folder: Path, name: str = "mine", *, anchors: object = None) -> Path:
    """Write a mask whose left half is red and whose right half is green, and its anchors."""
    folder.mkdir(exist_ok=True)
    pixels = np.zeros((260, 300, 4), dtype=np.uint8)
    pixels[10:180, 50:150] = [200, 20, 20, 255]
    pixels[10:180, 150:250] = [20, 160, 20, 255]
    Image.fromarray(pixels).save(folder / f"{name}.png")
    given = {key: spot(key) for key in NEEDED} if anchors is None else anchors
    (folder / f"{name}.json").write_text(given if isinstance(given, str) else json.dumps(given))
    return folder / f"{name}.png"


def test_anchors_come_to_lie_on_the_face(tmp_path: Path) -> None:
    file = template(tmp_path)
    points, pixels = five(), face()
    for seed in range(6):
        result = cover(pixels, points, kind=f"template:{file}", seed=seed, difficulty="easy")
        assert result.kind == "template:mine" and result.colour == result.pattern == "own"
        assert np.array_equal(result.pixels[result.mask == 0], pixels[result.mask == 0])
        assert at(result.mask, points[3:].mean(axis=0)) == 1
        assert at(result.mask, points[0]) == at(result.mask, points[1]) == 0
        left, right = (
            result.pixels[85:95, c].mean(axis=(0, 1)) for c in (slice(48, 54), slice(74, 80))
        )
        assert left.argmax() == 0 and right.argmax() == 1


def test_two_more_anchors_may_be_given_and_hardly_move_what_fits(tmp_path: Path) -> None:
    four = template(tmp_path, "four")
    six = template(tmp_path, "six", anchors={name: spot(name) for name in ANCHORS})
    masks = [cover(face(), five(), kind=f"template:{f}", seed=1).mask for f in (four, six)]
    assert (masks[0] != masks[1]).mean() < 0.002


def test_anchors_inside_the_image_and_a_colour(tmp_path: Path) -> None:
    file = template(tmp_path)
    (tmp_path / "mine.json").unlink()
    text = PngInfo()
    text.add_text("anchors", json.dumps({key: spot(key) for key in NEEDED}))
    Image.open(file).save(tmp_path / "text.png", pnginfo=text)
    file.unlink()
    own = cover(face(), five(), kind=f"template:{tmp_path}", seed=1)
    blue = cover(face(), five(), kind=f"template:{tmp_path}", seed=1, colour="blue")
    assert own.kind == "template:text" and blue.colour == "blue"
    assert np.array_equal(own.mask, blue.mask)
    assert (blue.pixels[85:95, 50:78].mean(axis=(0, 1)).argmax()) == 2


def test_a_folder_of_templates_beside_kinds(tmp_path: Path) -> None:
    for name in ("a", "b"):
        template(tmp_path, name)
    kinds = {
        cover(face(32), five(32), kind=f"kn95,template:{tmp_path}", seed=seed).kind
        for seed in range(30)
    }
    assert kinds == {"kn95", "template:a", "template:b"}


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ({}, "lacks the anchor point nose_bridge, left_cheek, right_cheek, chin"),
        ({key: spot(key) for key in NEEDED[:3]}, "lacks the anchor point chin"),
        ({key: spot(key) for key in NEEDED} | {"chin": [150, 260]}, "chin.*outside the image"),
        ({key: [10 + 9 * i, 10] for i, key in enumerate(NEEDED)}, "on one line"),
        ("{nose", "not JSON"),
        ("[1, 2]", "not JSON"),
        ({key: "here" for key in NEEDED}, "not JSON"),
        ("", "has no anchor points; write mine.json"),
    ],
)
def test_bad_anchors(tmp_path: Path, anchors: object, message: str) -> None:
    file = template(tmp_path, anchors=anchors)
    with pytest.raises(DataError, match=message) as caught:
        cover(face(64), five(64), kind=f"template:{file}")
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    def refused(path: Path, message: str) -> None:
        with pytest.raises(DataError, match=message):
            cover(face(64), five(64), kind=f"template:{path}")

    refused(tmp_path / "none.png", "There is no covering template")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no covering template")
    (tmp_path / "text.png").write_text("no image")
    refused(tmp_path / "text.png", "not an image that can be read")
    Image.new("RGB", (20, 20)).save(tmp_path / "opaque.png")
    refused(tmp_path / "opaque.png", "not a transparent PNG")
    Image.new("RGBA", (20, 20)).save(tmp_path / "nothing.png")
    refused(tmp_path / "nothing.png", "not a transparent PNG")
    with pytest.raises(DataError, match="There is no covering template ''"):
        cover(face(64), five(64), kind="template:")
    file = template(tmp_path / "good")
    with pytest.raises(DataError, match="Nothing can be printed"):
        cover(face(64), five(64), kind=f"template:{file}", pattern="dots")
