"""``train-restorer`` by two processes: what it prints, writes, refuses, and survives.

That ``torchrun`` starts them is tested in the tutorial of two machines, ``tests/docs``.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch
from distributed_commands import run

from restore_recog.training import checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the trainings have left what they printed and wrote."""
    folder = tmp_path_factory.mktemp("two")
    run(folder)
    return folder


def codes(folder: Path, name: str) -> list[int]:
    loaded: list[int] = json.loads((folder / f"{name}.json").read_text())
    return loaded


def printed(folder: Path, name: str, kind: str) -> list[str]:
    return [(folder / f"{name}-{rank}.{kind}").read_text() for rank in range(2)]


def test_the_first_process_says_what_it_did(folder: Path) -> None:
    assert codes(folder, "whole") == [0, 0], printed(folder, "whole", "err")
    weights = folder / "whole" / "weights.safetensors"
    assert printed(folder, "whole", "out") == [f"Finished: {weights}\n", ""]
    first, second = printed(folder, "whole", "err")
    assert "16 images of 4 people" in first
    assert second == ""
    record = json.loads((folder / "whole" / "run.json").read_text())
    assert (record["processes"], record["images_seen"], record["finished"]) == (2, 160, True)


def test_a_folder_that_holds_something_is_refused_by_all(folder: Path) -> None:
    assert codes(folder, "again") == [1, 1]
    for errors in printed(folder, "again", "err"):
        assert "exists; use --resume or another --output" in errors
        assert "Traceback" not in errors


def test_a_killed_run_ends_like_an_uninterrupted_one(folder: Path) -> None:
    assert codes(folder, "killed") == [-signal.SIGKILL] * 2
    assert codes(folder, "resumed") == [0, 0], printed(folder, "resumed", "err")
    state, whole = (
        checkpoint.load(folder / name / "last.pt")["state"]["net"] for name in ("killed", "whole")
    )
    assert [name for name in whole if not torch.equal(state[name], whole[name])] == []


def test_a_signal_to_one_stops_all(folder: Path) -> None:
    assert codes(folder, "stopped") == [130, 130], printed(folder, "stopped", "err")
    first, second = printed(folder, "stopped", "err")
    assert "Stopped in phase 'blur'" in first and "--resume" in first
    assert "Stopped in phase" not in second and "Stopping after this step" in second
