"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from restore_recog.errors import OutputError
from restore_recog.system import atomic
from restore_recog.system.atomic import (
    check_place,
    flat,
    plain,
    whole_file,
    whole_folder,
    write_text,
)


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two" and [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_what_is_replaced_may_be_kept(tmp_path: Path) -> None:
    path, kept = tmp_path / "new", tmp_path / "old"
    for text in ("one", "two", "three"):
        with whole_file(path, keep=kept) as part:
            part.write_text(text)
    assert (path.read_text(), kept.read_text()) == ("three", "two")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path, kept = tmp_path / "a.txt", tmp_path / "kept"
    write_text(path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        sentence = r"a\.txt' cannot be written \(File too large\); go\.$"
        with (
            pytest.raises(OutputError, match=sentence),
            whole_file(path, keep=kept, advice="go") as part,
        ):
            part.write_text("x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failure_of_the_caller_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a") as part:
        part.write_text("half")
        raise ZeroDivisionError
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a"):
        (tmp_path / "another").read_text()
    assert list(tmp_path.iterdir()) == []


def test_the_errors_of_a_library_may_be_named(tmp_path: Path) -> None:
    sentence = r"'.*a' cannot be written \(no room\); free some space or name another place\.$"
    with (
        pytest.raises(OutputError, match=sentence),
        whole_file(tmp_path / "a", failures=RuntimeError),
    ):
        raise RuntimeError("no room.\nmore")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_comes_to_exist_meanwhile_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    if not links:
        monkeypatch.setattr(atomic.os, "link", none)
    path = tmp_path / "a"
    with pytest.raises(OutputError, match="exists"), whole_file(path, overwrite=False) as part:
        part.write_text("ours")
        path.write_text("theirs")
    assert path.read_text() == "theirs" and [p.name for p in tmp_path.iterdir()] == ["a"]
    with pytest.raises(OutputError, match="is never overwritten"):
        write_text(path, "ours", overwrite=False)
    write_text(tmp_path / "b", "ours", overwrite=False)
    assert (tmp_path / "b").read_text() == "ours"


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "run") as staging:
        (staging / "a").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with whole_folder(tmp_path / "run") as staging:
        (staging / "a").write_text("whole")
    assert (tmp_path / "run" / "a").read_text() == "whole"


def test_plain_is_strict_json() -> None:
    values = {1: (float("nan"), float("inf")), "b": [None, True, 2]}
    assert plain(values) == {"1": [None, "inf"], "b": [None, True, 2]}


def test_flat_names_every_value() -> None:
    values = {"a": {"b": 1, "c": {"d": 3}}, "e": [2, 4]}
    assert dict(flat(values)) == {"a.b": 1, "a.c.d": 3, "e": [2, 4]}


def test_a_place_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_place(tmp_path / "new" / "newer")
    with pytest.raises(OutputError, match="takes 255 bytes"):
        check_place(tmp_path / "new" / ("a" * 256) / "b")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file' is not a folder that can be written to"):
        check_place(tmp_path / "file" / "b")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="not a folder that can be written to"):
        check_place(tmp_path / "new")
