"""One run at a time in a folder; what a killed one leaves is put right by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from restore_recog.errors import OutputError
from restore_recog.system import atomic
from restore_recog.system.atomic import REPLACED, UNFINISHED, beside, whole_folder
from restore_recog.system.sole_use import sole_use


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(text)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["out", "x" * 255])
def test_a_second_run_is_refused_and_told_by_whom(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "runs" / name
    sentence = rf"Another run is at work on '.*{name}' \(process {os.getpid()} on .*, since 2"
    with sole_use(folder):
        with pytest.raises(OutputError, match=sentence), sole_use(folder):
            pass
        with sole_use(tmp_path / "runs" / "other"):
            pass
    with sole_use(folder):
        assert len(names(folder.parent)) == 1
    assert names(folder.parent) == []


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; "
        "from restore_recog.system.sole_use import sole_use\n"
        "with sole_use(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert killed.returncode == -signal.SIGKILL and names(tmp_path) == [".out.lock"]
    with sole_use(tmp_path / "out"):
        pass
    assert names(tmp_path) == []


def test_replacing_keeps_the_old_folder_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = written(tmp_path / "out", "old")
    with pytest.raises(KeyboardInterrupt), whole_folder(out, replace=True) as staging:
        assert (out / "report.json").read_text() == "old"
        (staging / "report.json").write_text("half")
        raise KeyboardInterrupt
    assert (out / "report.json").read_text() == "old" and names(tmp_path) == ["out"]
    with whole_folder(out, replace=True) as staging:
        (staging / "report.json").write_text("new")
    assert (out / "report.json").read_text() == "new" and names(tmp_path) == ["out"]
    with pytest.raises(OutputError, match="never overwritten"), whole_folder(out):
        pass


def test_a_failing_last_move_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = written(tmp_path / "out", "old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.startswith(".out.new-"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with (
        pytest.raises(OutputError, match="No space left on device"),
        whole_folder(out, replace=True),
    ):
        pass
    assert (out / "report.json").read_text() == "old" and names(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("left", "text"),
    [
        ({"out": "old", UNFINISHED: "half"}, "old"),  # killed while it was writing
        ({REPLACED: "old", UNFINISHED: "new"}, "new"),  # between the two moves
        ({REPLACED: "old"}, "old"),
        ({"out": "new", REPLACED: "old"}, "new"),  # before the old one was removed
    ],
)
def test_the_next_run_puts_right_what_a_killed_one_left(
    tmp_path: Path, left: dict[str, str], text: str
) -> None:
    out = tmp_path / "out"
    for kind, content in left.items():
        written(out if kind == "out" else beside(out, kind), content)
    strangers = [".out.new-1", ".out.news", ".out2.new-12345678", "out.old-12345678"]
    for name in strangers:
        (tmp_path / name).mkdir()
    with sole_use(out):
        assert (out / "report.json").read_text() == text
    assert names(tmp_path) == sorted([*strangers, "out"])


def test_half_written_files_are_swept_away(tmp_path: Path) -> None:
    kept = written(tmp_path / "out" / "kept", "whole")
    for place in (tmp_path, tmp_path / "out", kept):
        (place / ".last.pt.0123abcd.part").write_text("half")
    with sole_use(tmp_path / "out"):
        assert names(tmp_path / "out") == ["kept"] and names(kept) == ["report.json"]
    assert names(tmp_path) == [".last.pt.0123abcd.part", "out"]  # that one may be in use


def test_half_a_first_folder_is_swept_away(tmp_path: Path) -> None:
    written(beside(tmp_path / "out", UNFINISHED), "half")
    with sole_use(tmp_path / "out"):
        assert names(tmp_path) == [".out.lock"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_where_nothing_can_be_written_there_is_no_lock(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with sole_use(tmp_path / "out"):
        assert names(tmp_path) == []


def test_hidden_names_stay_within_the_limit() -> None:
    assert atomic.hidden(Path("runs/out")) == ".out"
    assert len(os.fsencode(beside(Path("é" * 127), REPLACED).name)) <= 255
