"""One rule for which files are images, and a count of what is passed over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from layouts import draw, ids

from restore_recog.datasets.folder import Folder
from restore_recog.image_search import ImageSearch


def names(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_hidden_names_and_resource_forks_do_not_count_but_are_counted(tmp_path: Path) -> None:
    draw(tmp_path, "a.png", ".b.png", ".thumbnails/c.png")
    (tmp_path / "._a.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    search = ImageSearch()
    assert names(search.images(tmp_path, deep=True), tmp_path) == ["a.png"]
    (note,) = search.notes(tmp_path)
    assert note.startswith("3 hidden images or folders in")
    assert "._a.png, .b.png, .thumbnails" in note


def test_jfif_and_jpe_are_read_and_other_images_are_counted(tmp_path: Path) -> None:
    draw(tmp_path, "a.jfif", "b.jpe", "c.png")
    (tmp_path / "c.png").rename(tmp_path / "without")
    (tmp_path / "d.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "e.avif").write_bytes(b"\0\0\0\x18ftypavif")
    (tmp_path / "list.txt").write_text("no image")
    search = ImageSearch()
    assert names(search.images(tmp_path), tmp_path) == ["a.jfif", "b.jpe"]
    (note,) = search.notes(tmp_path)
    assert "(1 .avif, 1 .heic, 1 no ending)" in note


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    draw(tmp_path, "data/ann/0.png", "store/bob/0.png", "store/cat/0.png")
    (tmp_path / "data" / "cat").mkdir()
    os.symlink("../store/bob", tmp_path / "data" / "bob")
    os.symlink("../../store/cat", tmp_path / "data" / "cat" / "session1")
    os.symlink("..", tmp_path / "data" / "ann" / "loop")
    os.symlink("nowhere", tmp_path / "data" / "ann" / "1.png")
    data = Folder(str(tmp_path / "data"))
    assert ids(data.samples()) == ["ann/0.png", "bob/0.png", "cat/session1/0.png"]
    (note,) = data.notes
    assert note.startswith("2 links in") and "ann/1.png, ann/loop" in note


def test_two_files_of_one_name_in_two_forms_are_both_kept(tmp_path: Path) -> None:
    draw(tmp_path, "Zo\u00eb/0.png", "Zoe\u0308/0.png", "Zoe\u0308/1.png")
    samples = Folder(str(tmp_path)).samples()
    assert ids(samples) == ["Zo\u00eb/0.png", "Zo\u00eb/0.png (2)", "Zo\u00eb/1.png"]
    assert {sample.subject for sample in samples} == {"Zo\u00eb"}
    assert len({sample.path for sample in samples}) == 3


def test_folders_that_may_not_be_read_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path, "a.png", "closed/b.png")
    genuine = os.scandir

    def scandir(folder: Path) -> Any:
        if folder == tmp_path / "closed":
            raise PermissionError
        return genuine(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    search = ImageSearch()
    assert names(search.images(tmp_path, deep=True), tmp_path) == ["a.png"]
    (note,) = search.notes(tmp_path)
    assert note.startswith("1 folders in") and note.endswith("missing: closed.")
