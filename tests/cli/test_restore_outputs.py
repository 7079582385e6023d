"""``restore-recog restore``: no two results in one file, nothing passed over in silence."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from restore_fakes import TELEA, box_mask, pattern, run, save

from restore_recog import images
from restore_recog.errors import OutputError
from restore_recog.restoring import image_files


def album(folder: Path, *names: str) -> Path:
    """Write images and their masks; return the folder with the images."""
    for name in names:
        place = folder / "album" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        kind = "JPEG" if place.suffix in (".jfif", ".jpe", "") else None
        Image.fromarray(pattern()).save(place, format=kind)
        save(folder / "masks" / Path(name).with_suffix(".png"), box_mask())
    return folder / "album"


def restored(folder: Path, *more: object, output: Path | None = None):
    masks = ("--mask", folder / "masks")
    return run(folder / "album", "-o", output or folder / "out", *masks, *TELEA, *more)


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "failures.csv").open() as file:
        return list(csv.DictReader(file))


def test_formats_that_change_pixels_become_png_and_it_is_said(tmp_path):
    album(tmp_path, "a.jpg", "b.gif", "c.jfif", "d.webp", "e.tif")
    result = restored(tmp_path)
    assert result.exit_code == 0, result.output
    assert names(tmp_path / "out") == ["a.png", "b.png", "c.png", "d.webp", "e.tif"]
    assert "written as a.png, as its own format would change pixels" in result.stderr
    for name in names(tmp_path / "out"):
        (source,) = (tmp_path / "album").glob(f"{name[0]}.*")
        before, after = images.read(source), images.read(tmp_path / "out" / name)
        free = box_mask() == 0
        assert np.array_equal(before[free], after[free])


def test_the_same_format_can_be_asked_for(tmp_path):
    album(tmp_path, "a.jpg", "b.gif")
    result = restored(tmp_path, "--same-format")
    assert names(tmp_path / "out") == ["a.jpg", "b.gif"]
    assert result.stderr.count("of the pixels that were to stay") == 2


def test_a_png_of_that_name_already_gets_another(tmp_path):
    album(tmp_path, "a.jpg", "a.png", "a.gif", "sheet.jpg")
    assert restored(tmp_path, "--sheet").exit_code == 0
    wanted = ["a.gif.png", "a.jpg.png", "a.png", "sheet.jpg.png", "sheet.png"]
    assert names(tmp_path / "out") == wanted
    assert images.read(tmp_path / "out" / "sheet.png").shape[0] == 132


def test_where_nothing_changes_the_file_is_copied(tmp_path):
    album(tmp_path, "a.jpg", "b.gif", "c.png")
    for mask in (tmp_path / "masks").iterdir():
        save(mask, box_mask() * 0)
    result = restored(tmp_path)
    assert result.exit_code == 0 and "copied as it is" in result.stderr
    for name in ("a.jpg", "b.gif", "c.png"):
        copy = (tmp_path / "out" / name).read_bytes()
        assert copy == (tmp_path / "album" / name).read_bytes()


def test_a_second_run_leaves_no_old_result_of_another_name(tmp_path):
    album(tmp_path, "a.jpg", "b.png")
    assert restored(tmp_path).exit_code == 0
    save(tmp_path / "masks" / "a.png", box_mask() * 0)
    (tmp_path / "album" / "b.png").write_bytes(b"no image now")
    assert restored(tmp_path).exit_code == 1
    assert restored(tmp_path, "--overwrite").exit_code == 1
    assert names(tmp_path / "out") == ["a.jpg", "failures.csv"]


@pytest.mark.parametrize(
    ("files", "more", "said"),
    [
        (["sheet.png", "b.png"], ["--sheet"], "sheet.png and the contact sheet would both be"),
        (["failures.csv/a.png"], [], "the list of failures would both be written to"),
        (["a.png", "a.2.png"], ["--crops", "--faces", "all"], "A further face of"),
    ],
)
def test_collisions_are_named_before_any_work(tmp_path, files, more, said):
    album(tmp_path, *files)
    arguments = [one for one in TELEA if one != "--aligned" or "--faces" not in more]
    result = run(
        *(tmp_path / "album", "-o", tmp_path / "out", "--mask", tmp_path / "masks"),
        *(*arguments, *more),
    )
    assert result.exit_code == 1 and said in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_output_may_be_around_or_inside_the_input(tmp_path, monkeypatch):
    album(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    assert restored(tmp_path, output=Path(".")).exit_code == 0
    assert (tmp_path / "a.png").is_file()
    inside = tmp_path / "album" / "out"
    assert restored(tmp_path, output=inside).exit_code == 0
    again = restored(tmp_path, "--overwrite", output=inside)
    save(tmp_path / "masks" / "out" / "a.png", box_mask())
    assert again.exit_code == 0 and names(inside) == ["a.png"]
    assert "1 images in the output folder" in again.stderr
    own = restored(tmp_path, "--overwrite", output=tmp_path / "album")
    assert own.exit_code == 1 and "would replace its own source" in own.stderr


def test_a_result_never_replaces_a_mask_or_another_source(tmp_path):
    album(tmp_path, "a.png")
    result = restored(tmp_path, "--overwrite", output=tmp_path / "masks")
    assert result.exit_code == 1 and "which is read, too" in result.stderr
    other = save(tmp_path / "b" / "a.png", pattern())
    given = tmp_path / "masks" / "a.png"
    again = run(other, "-o", tmp_path / "album", "--mask", given, *TELEA)
    assert again.exit_code == 1 and "exist already" in again.stderr


def test_an_output_that_cannot_be_written_to_is_known_before_any_work(tmp_path, monkeypatch):
    album(tmp_path, "a.png")
    monkeypatch.setattr(os, "access", lambda path, mode, **_: not mode & os.W_OK)
    result = restored(tmp_path)
    assert result.exit_code == 1 and "not a folder that can be written to" in result.stderr


def test_one_image_that_cannot_be_written_is_a_row_and_the_others_go_on(tmp_path, monkeypatch):
    long = "m" * 251 + ".png"
    album(tmp_path, "a.png", "b.png", long)
    genuine = image_files.rewrite

    def refuse(container, target, *pixels, **more):
        if target.name == "a.png":
            raise OutputError("no") from OSError(errno.EACCES, "Permission denied")
        return genuine(container, target, *pixels, **more)

    monkeypatch.setattr(image_files, "rewrite", refuse)
    result = restored(tmp_path)
    assert result.exit_code == 1 and "2 of 3 images restored" in result.stdout
    assert names(tmp_path / "out") == ["b.png", "failures.csv", long]
    (row,) = rows(tmp_path / "out")
    assert row["stage"] == "write" and row["image"].endswith("a.png")


def test_failures_so_far_are_listed_when_the_run_ends_early(tmp_path, monkeypatch):
    album(tmp_path, "a.png", "b.png")
    (tmp_path / "album" / "a.png").write_bytes(b"")

    def full(*_given, **_more):
        raise OutputError("full") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(image_files, "rewrite", full)
    assert restored(tmp_path).exit_code == 1
    assert [Path(row["image"]).name for row in rows(tmp_path / "out")] == ["a.png"]


def test_any_name_is_restored_and_listed(tmp_path):
    odd = [os.fsdecode(b"caf\xe9.png"), "=cmd|.png", "\x1b[31m.png", "a\nb.png", "e\u0301.png"]
    album(tmp_path, "\u00e9.png", *odd)
    (tmp_path / "album" / odd[0]).write_bytes(b"")
    result = restored(tmp_path)
    assert result.exit_code == 1
    assert sorted(os.listdir(tmp_path / "out")) == sorted(["failures.csv", "\u00e9.png", *odd[1:]])
    assert r"caf\xe9.png" in rows(tmp_path / "out")[0]["image"]
    assert "\x1b" not in result.stdout + result.stderr


def test_what_is_passed_over_is_said(tmp_path):
    folder = album(tmp_path, "a.png", "deep/b.png")
    (folder / "._a.png").write_bytes(b"\0\5\x16\7")
    (folder / ".thumbnails").mkdir()
    (folder / "c.heic").write_bytes(b"\0\0\0\x18ftypheic")
    os.symlink(folder / "deep", folder / "link")
    result = restored(tmp_path)
    for said in ("2 hidden images or folders", "1 files in", "1 links in"):
        assert said in result.stderr
    assert names(tmp_path / "out") == ["a.png", "deep/b.png"]


def test_names_that_are_too_long_are_a_sentence(tmp_path):
    result = run("a" * 300 + ".jpg", "-o", tmp_path / "out", *TELEA)
    assert result.exit_code == 1 and "There is no file or folder aaa" in result.stderr
    album(tmp_path, "a.png")
    result = restored(tmp_path, output=tmp_path / ("o" * 300))
    assert result.exit_code == 1 and "too long" in result.stderr
