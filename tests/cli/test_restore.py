"""``restore-recog restore``: what comes out, and what bad input does."""

from __future__ import annotations

import csv
import errno
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from restore_fakes import TELEA, box_mask, pattern, run, save

from restore_recog import images
from restore_recog.cli import main
from restore_recog.face_detection import Detection, FaceFinder


@pytest.fixture
def album(tmp_path):
    """Return a folder with images in sub-folders, their masks beside it."""
    for name in ("a.png", "deep/b.png", "deep/er/c.png"):
        save(tmp_path / "album" / name, pattern())
        save(tmp_path / "masks" / name, box_mask())
    (tmp_path / "album" / "notes.txt").write_text("no image")
    return tmp_path


def test_a_folder_keeps_its_names_and_subfolders(album):
    result = run(album / "album", "-o", album / "out", "--mask", album / "masks", *TELEA)
    assert result.exit_code == 0, result.output
    found = sorted(p.relative_to(album / "out").as_posix() for p in (album / "out").rglob("*.*"))
    assert found == ["a.png", "deep/b.png", "deep/er/c.png"]
    assert "3 of 3 images restored" in result.stdout


@pytest.mark.parametrize("shape", [(90, 90), (300, 200), (128, 128), (61, 97)])
def test_outside_the_mask_no_pixel_changes(tmp_path, shape):
    before, mask = pattern(*shape), box_mask(*shape)
    source = save(tmp_path / "a.png", before)
    given = save(tmp_path / "mask.png", mask)
    assert run(source, "-o", tmp_path / "out", "--mask", given, *TELEA).exit_code == 0
    after = images.read(tmp_path / "out" / "a.png")
    assert after.shape == before.shape
    assert np.array_equal(after[mask == 0], before[mask == 0])
    changed = (after != before).any(axis=2)[mask > 0].mean()
    assert changed > 0.9


def test_none_changes_nothing(tmp_path):
    source = save(tmp_path / "a.png", pattern(128, 128))
    given = save(tmp_path / "mask.png", box_mask(128, 128))
    run(source, "-o", tmp_path / "out", "--mask", given, "--restorer", "none", "--aligned")
    assert np.array_equal(images.read(tmp_path / "out" / "a.png"), pattern(128, 128))


def test_crops_are_written_at_the_restorers_size(tmp_path):
    source = save(tmp_path / "a.png", pattern(300, 300))
    given = save(tmp_path / "mask.png", box_mask(300, 300))
    result = run(source, "-o", tmp_path / "out", "--mask", given, "--crops", *TELEA)
    assert result.exit_code == 0, result.output
    assert images.read(tmp_path / "out" / "a.png").shape == (128, 128, 3)


def test_sheet(album):
    out = album / "out"
    result = run(album / "album", "-o", out, "--mask", album / "masks", "--sheet", *TELEA)
    assert result.exit_code == 0
    height, width = images.read(out / "sheet.png").shape[:2]
    assert (height, width) == (132, 3 * (3 * 128 + 4))


def test_an_empty_mask_is_said_and_changes_nothing(tmp_path):
    source = save(tmp_path / "a.png", pattern())
    given = save(tmp_path / "mask.png", box_mask() * 0)
    result = run(source, "-o", tmp_path / "out", "--mask", given, *TELEA)
    assert result.exit_code == 0
    assert "no covering found" in result.stderr
    assert np.array_equal(images.read(tmp_path / "out" / "a.png"), pattern())


@pytest.fixture
def odd_images(tmp_path):
    """Return a folder with every kind of file that people have."""
    folder = tmp_path / "odd"
    good = pattern()
    save(folder / "rgb.jpg", good)
    save(folder / "grey.png", good[:, :, 0])
    Image.fromarray(good).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(good[:, :, 0].astype(np.uint16) * 257).save(folder / "deep.png")
    Image.fromarray(good).convert("RGBA").save(folder / "rgba.png")
    save(folder / "bad_1x1.png", good[:1, :1])
    whole = (folder / "rgb.jpg").read_bytes()
    (folder / "bad_truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "bad_text.jpg").write_text("this is not an image")
    (folder / "bad_empty.png").write_bytes(b"")
    save(tmp_path / "mask.png", box_mask())
    for path in folder.iterdir():
        save(tmp_path / "masks" / f"{path.stem}.png", box_mask())
    return folder


def test_odd_images_work_or_are_listed(odd_images, tmp_path):
    out = tmp_path / "out"
    result = run(odd_images, "-o", out, "--mask", tmp_path / "masks", *TELEA)
    assert result.exit_code == 1
    assert "5 of 9 images restored" in result.stdout
    with (out / "failures.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [Path(row["image"]).name for row in rows]
    assert names == ["bad_1x1.png", "bad_empty.png", "bad_text.jpg", "bad_truncated.jpg"]
    assert {row["stage"] for row in rows} == {"read"}
    for row in rows:
        assert row["reason"] in result.stderr
        assert not (out / Path(row["image"]).name).exists()
    for name in ("rgb.png", "grey.png", "cmyk.png", "deep.png", "rgba.png"):
        assert images.read(out / name).shape == (90, 90, 3)


def test_a_huge_image_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    source = save(tmp_path / "a.png", pattern())
    given = save(tmp_path / "mask.png", box_mask())
    result = run(source, "-o", tmp_path / "out", "--mask", given, *TELEA)
    assert result.exit_code == 1
    assert "too large" in result.stderr


def test_a_second_run_without_failures_removes_the_old_list(odd_images, tmp_path):
    out = tmp_path / "out"
    run(odd_images, "-o", out, "--mask", tmp_path / "masks", *TELEA)
    for path in odd_images.glob("bad_*"):
        path.unlink()
    assert run(odd_images, "-o", out, "--mask", tmp_path / "masks", *TELEA).exit_code == 1
    again = run(odd_images, "-o", out, "--mask", tmp_path / "masks", "--overwrite", *TELEA)
    assert again.exit_code == 0, again.output
    assert not (out / "failures.csv").exists()


def test_no_face(tmp_path):
    source = save(tmp_path / "wall.png", np.full((80, 80, 3), 128, np.uint8))
    given = save(tmp_path / "mask.png", box_mask(80, 80))
    result = run(source, "-o", tmp_path / "out", "--mask", given, "--restorer", "telea")
    assert result.exit_code == 1
    assert "No face was found" in result.stderr
    assert "detect" in (tmp_path / "out" / "failures.csv").read_text()


@pytest.fixture
def two_faces(tmp_path, monkeypatch):
    """Return the arguments for an image in which two faces are found."""
    five = np.float32([[0.35, 0.37], [0.65, 0.37], [0.5, 0.55], [0.367, 0.7], [0.633, 0.7]])

    def find(self, pixels):
        faces = []
        for left in (0, 90):
            box = np.float32([left, 0, left + 90, 90])
            faces.append(Detection(box, 0.99, five * 90 + np.float32([left, 0])))
        return faces

    monkeypatch.setattr(FaceFinder, "find", find)
    source = save(tmp_path / "two.png", pattern(90, 180))
    given = save(tmp_path / "mask.png", np.hstack([box_mask(), box_mask()]))
    return [source, "-o", tmp_path / "out", "--mask", given, "--restorer", "telea"]


def test_several_faces_are_refused_unless_told(two_faces, tmp_path):
    result = run(*two_faces)
    assert result.exit_code == 1
    assert "2 faces were found" in result.stderr
    assert not (tmp_path / "out" / "two.png").exists()


@pytest.mark.parametrize(("faces", "halves"), [("largest", [True, False]), ("all", [True, True])])
def test_several_faces(two_faces, tmp_path, faces, halves):
    result = run(*two_faces, "--faces", faces)
    assert result.exit_code == 0, result.output
    changed = (images.read(tmp_path / "out" / "two.png") != pattern(90, 180)).any(axis=2)
    assert [bool(changed[:, :90].any()), bool(changed[:, 90:].any())] == halves


def test_crops_of_several_faces(two_faces, tmp_path):
    assert run(*two_faces, "--faces", "all", "--crops").exit_code == 0
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["two.2.png", "two.png"]
    again = run(*two_faces, "--faces", "all", "--crops")
    assert again.exit_code == 1
    assert "exist already" in again.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--restorer", "fmdor"], "Did you mean 'fmodr'"),
        (["--segmenter", "fmdor"], "Did you mean 'fmodr'"),
        (["--restorer", "telea", "--segmenter", "telea"], "has no segmenter"),
        (["--restorer", "telea", "--mask", "gone.png"], "no mask file or folder gone.png"),
    ],
)
def test_wrong_names_end_before_anything_is_written(tmp_path, args, said):
    source = save(tmp_path / "a.png", pattern())
    result = run(source, "-o", tmp_path / "out", *args)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_missing_and_empty_inputs(tmp_path):
    (tmp_path / "empty").mkdir()
    for given, said in ((tmp_path / "gone", "no file or folder"), (tmp_path / "empty", "holds no")):
        result = run(given, "-o", tmp_path / "out", *TELEA)
        assert result.exit_code == 1
        assert said in result.stderr
        assert str(given) in result.stderr


def test_existing_results_are_kept(album):
    out = album / "out"
    args = [album / "album", "-o", out, "--mask", album / "masks", *TELEA]
    save(out / "deep" / "b.png", np.zeros((5, 5, 3), np.uint8))
    result = run(*args)
    assert result.exit_code == 1
    assert "deep/b.png" in result.stderr
    assert "--overwrite" in result.stderr
    assert not (out / "a.png").exists()
    assert run(*args, "--overwrite").exit_code == 0
    assert images.read(out / "deep" / "b.png").shape == (90, 90, 3)


def test_the_source_is_never_replaced(tmp_path):
    source = save(tmp_path / "a.png", pattern())
    given = save(tmp_path / "mask.png", box_mask())
    result = run(source, "-o", tmp_path, "--mask", given, "--overwrite", *TELEA)
    assert result.exit_code == 1
    assert "would replace its own source" in result.stderr
    assert np.array_equal(images.read(source), pattern())


def test_two_images_of_one_name_are_refused(tmp_path):
    one, two = save(tmp_path / "x" / "a.png", pattern()), save(tmp_path / "y" / "a.png", pattern())
    result = run(one, two, "-o", tmp_path / "out", *TELEA)
    assert result.exit_code == 1
    assert "would both be written" in result.stderr


def test_one_mask_for_several_images_is_refused(album):
    given = album / "masks" / "a.png"
    result = run(album / "album", "-o", album / "out", "--mask", given, *TELEA)
    assert result.exit_code == 1
    assert "is one mask, but there are 3 images" in result.stderr


def test_a_full_disk_ends_the_run_with_a_sentence(album, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    result = run(album / "album", "-o", album / "out", "--mask", album / "masks", *TELEA)
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert not [p for p in (album / "out").rglob("*") if p.is_file()]


def test_cuda_without_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    source = save(tmp_path / "a.png", pattern())
    given = save(tmp_path / "mask.png", box_mask())
    args = ["restore", str(source), "-o", str(tmp_path / "out"), "--mask", str(given), *TELEA]
    result = CliRunner().invoke(main, [*args, "--device", "cuda"])
    assert result.exit_code == 1
    assert "no CUDA device" in result.stderr
    assert not (tmp_path / "out").exists()
