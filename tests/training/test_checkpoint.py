"""Checkpoints: whole or not at all, and never code."""

from __future__ import annotations

import pickle
import resource
from pathlib import Path

import pytest
import torch

from restore_recog.errors import CheckpointError, OutputError
from restore_recog.training import checkpoint


@pytest.fixture
def last(tmp_path: Path) -> Path:
    path = tmp_path / checkpoint.LAST
    checkpoint.save(path, {"step": 1, "net": {"w": torch.arange(4.0)}})
    return path


def test_round_trip(last: Path) -> None:
    payload = checkpoint.load(last)
    assert payload["step"] == 1
    assert torch.equal(payload["net"]["w"], torch.arange(4.0))


def test_the_one_before_is_kept_and_nothing_else(last: Path) -> None:
    checkpoint.save(last, {"step": 2})
    checkpoint.save(last, {"step": 3})
    assert checkpoint.load(last)["step"] == 3
    assert checkpoint.load(last.with_name(checkpoint.PREVIOUS))["step"] == 2
    assert sorted(path.name for path in last.parent.iterdir()) == ["last.pt", "previous.pt"]


@pytest.mark.parametrize("kept", [0, 10, 200, -1])
def test_truncated_file_offers_the_one_before(last: Path, kept: int) -> None:
    checkpoint.save(last, {"step": 2})
    last.write_bytes(last.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"last\.pt is damaged.*previous\.pt"):
        checkpoint.load(last)
    last.unlink()
    found = checkpoint.latest(last.parent)
    assert found is not None and checkpoint.load(found)["step"] == 1


def test_damaged_file_without_another(last: Path) -> None:
    last.write_bytes(b"not a checkpoint at all")
    with pytest.raises(CheckpointError, match="No earlier checkpoint is left"):
        checkpoint.load(last)


def test_missing_file(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path) is None
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        checkpoint.load(tmp_path / checkpoint.LAST)


def test_other_format_is_named(last: Path) -> None:
    torch.save({"format": 99}, last)
    with pytest.raises(CheckpointError, match="format 99"):
        checkpoint.load(last)


def test_a_foreign_file_is_refused(last: Path) -> None:
    torch.save({"state_dict": {}}, last)
    with pytest.raises(CheckpointError, match="not a training checkpoint"):
        checkpoint.load(last)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("exploded"),))  # type: ignore[return-value]


def test_no_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / checkpoint.LAST
    torch.save({"format": checkpoint.FORMAT, "bomb": _Bomb()}, path)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(path)
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(path)
    assert not Path("exploded").exists()


def test_full_disk_leaves_the_old_one(last: Path) -> None:
    """A limit on file sizes makes the write fail half way, as a full disk does."""
    before = last.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot be written .*; the last .* is unharmed"):
            checkpoint.save(last, {"net": torch.rand(100_000)})
        with pytest.raises(OutputError, match=r"; no checkpoint was saved yet: make room"):
            checkpoint.save(last.parent / "another" / "last.pt", {"net": torch.rand(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert last.read_bytes() == before
    assert [path.name for path in last.parent.iterdir() if path.is_file()] == ["last.pt"]
