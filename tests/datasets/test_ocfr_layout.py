"""OCFR-2022: photographs of LFW, layers over them, what cannot be made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import ids, noted, only, read
from ocfr_tree import PEOPLE, finished, layer, photo, tree

from restore_recog import images
from restore_recog.datasets.lfw import split_of
from restore_recog.datasets.ocfr import OCFR, composed, photograph
from restore_recog.errors import DataError, ImageError

A = PEOPLE[0]
PROBE = f"lfwAO7_u/{A}/{A}_0002_probe.png"
TRAINED = "Aaron_Peirsol"


def test_a_layer_is_laid_over_its_photograph(tmp_path: Path) -> None:
    dataset = OCFR(str(tree(tmp_path)))
    sample = only(dataset, PROBE)
    assert (sample.subject, sample.condition) == (A, "O7")
    assert sample.clean_id == f"lfwA_u/{A}/{A}_0002.png"
    bare, image = read(dataset, sample.clean_id), read(dataset, PROBE)
    half = bare.pixels.shape[0] // 2
    assert np.array_equal(image.pixels[:half], bare.pixels[:half])
    assert (image.pixels[half:] == (200, 70, 0)).all()
    assert image.mask is not None and bare.mask is None
    assert not image.mask[:half].any() and image.mask[half:].all()
    noted(dataset)


def test_only_what_the_mask_holds_at_exactly_0_is_replaced(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    bottom, top = rng.integers(0, 255, (2, 20, 18, 3), dtype=np.uint8)
    cover = rng.integers(0, 3, (20, 18, 3), dtype=np.uint8)
    for name, pixels in (("photo", bottom), ("top", top), ("mask", cover)):
        images.write(tmp_path / f"{name}.png", pixels)
    pixels, mask = composed(*(tmp_path / f"{name}.png" for name in ("photo", "top", "mask")))
    slow, truth = bottom.copy(), np.zeros((20, 18), np.uint8)
    for place in np.ndindex(cover.shape):
        if cover[place] == 0:
            slow[place] = top[place]
            truth[place[:2]] = 1
    assert np.array_equal(pixels, slow) and np.array_equal(mask, truth)


def test_labels_landmarks_and_split_are_those_of_lfw(tmp_path: Path) -> None:
    people = ("Nobody_A", TRAINED)
    assert split_of(TRAINED) == "train"
    header = "person,file,gender,emotion,smile,lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy"
    row = f"{A},{A}/{A}_0002.png,f,neutral,0,1,2,3,4,5,6,7,8,9,10"
    (tmp_path / "lfw_labels.csv").write_text(f"{header}\n{row}\n")
    dataset = OCFR(str(tree(tmp_path, people)))
    assert {s.subject: s.attributes["split"] for s in dataset.samples()} == {
        A: "test",
        TRAINED: "train",
    }
    sample = only(dataset, PROBE)
    assert sample.attributes["gender"] == "female"
    points = read(dataset, PROBE).landmarks
    assert points is not None and points.tolist()[0] == [1, 2] and len(points) == 5
    assert read(dataset, f"lfwAO7_u/{TRAINED}/{TRAINED}_0002_probe.png").landmarks is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A_B_0012", "A_B_0012"),
        ("A_B_0012_probe", "A_B_0012"),
        ("ref-A_B_0012", "A_B_0012"),
        ("A_B_00123", None),
        ("A_B_12", None),
        ("C_D_0012", None),
    ],
)
def test_the_photograph_is_the_name_of_lfw_within(name: str, shown: str | None) -> None:
    assert photograph("A_B", name) == shown


def test_the_competition_s_own_copy_of_lfw_is_read_too(tmp_path: Path) -> None:
    (tree(tmp_path) / "lfw").rename(tmp_path / "lfwA_u")
    photo(tmp_path / "lfwA_u" / A / f"{A}_0002_probe.png", 2)
    dataset = OCFR(str(tmp_path))
    assert f"lfwA_u/{A}/{A}_0002.png" in ids(dataset.samples())
    assert isinstance(read(dataset, PROBE).mask, np.ndarray)
    noted(dataset, "1 images in")  # the renamed copy


def test_finished_images_are_read_where_there_are_no_layers(tmp_path: Path) -> None:
    tree(tmp_path, strategies=(1,))
    path = finished(tmp_path, 2, A, f"{A}_0002_probe")
    finished(tmp_path, 1, A, f"{A}_0001")  # there are layers of this strategy
    dataset = OCFR(str(tmp_path))
    place = f"lfwAO2_u/{A}/{path.name}"
    sample = only(dataset, place)
    assert (sample.path, sample.condition) == (path, "O2")
    assert read(dataset, place).mask is None
    assert f"lfwAO1_u/{A}/{A}_0001.png" not in ids(dataset.samples())


def test_what_cannot_be_made_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = tree(tmp_path) / "occlusions_7"
    layer(tmp_path, 7, A, f"{A}_0009")  # no such photograph
    layer(tmp_path, 7, A, f"{A}_0001")
    (folder / A / f"{A}_0001_occlusion_mask.png").unlink()
    photo(folder / A / f"{A}_0001.png", 1)
    dataset = OCFR(str(tmp_path))
    noted(
        dataset,
        f"1 images in {folder} are named neither <image>_occlusion nor <image>_occlusion_mask",
        f"1 occluders in {folder} have no mask",
        "1 images of O7 show no photograph of LFW",
    )
    assert sum(s.condition == "O7" for s in dataset.samples()) == len(PEOPLE)


def test_a_layer_of_another_size_is_one_failure(tmp_path: Path) -> None:
    layer(tree(tmp_path), 7, A, f"{A}_0002_probe", size=(30, 36))
    dataset = OCFR(str(tmp_path))
    (answer,) = dataset.read([only(dataset, PROBE)])
    assert isinstance(answer, ImageError)
    assert "is 36 x 30 pixels and its photograph" in str(answer) and "is 36 x 40" in str(answer)


def test_a_layer_that_is_no_image_is_one_failure(tmp_path: Path) -> None:
    file = tree(tmp_path) / "occlusions_7" / A / f"{A}_0002_probe_occlusion_mask.png"
    file.write_bytes(b"nothing")
    dataset = OCFR(str(tmp_path))
    (answer,) = dataset.read([only(dataset, PROBE)])
    assert isinstance(answer, ImageError) and file.name in str(answer)


def test_missing_parts_are_named(tmp_path: Path) -> None:
    (tree(tmp_path) / "lfw").rename(tmp_path / "LFW")
    with pytest.raises(DataError, match="finds neither .*lfw nor .*lfwA_u"):
        OCFR(str(tmp_path)).samples()
    (tmp_path / "LFW").rename(tmp_path / "lfw")
    for strategy in (1, 7):
        (tmp_path / f"occlusions_{strategy}").rename(tmp_path / f"layers_{strategy}")
    with pytest.raises(DataError, match="finds no occluded image under"):
        OCFR(str(tmp_path)).samples()
