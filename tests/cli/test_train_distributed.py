"""``train-restorer`` by two processes: what it prints, writes, refuses, and survives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
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


def test_torchrun_trains_a_restorer(tmp_path: Path) -> None:
    """The command of the guide."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "restore_recog", "train-restorer"),
            *("--restorer", "fmodr", "--data", "phantom:4x2"),
            *("--output", str(tmp_path / "run"), "--device", "cpu", "--workers", "0"),
            *("--preset", "tiny", "--set", "batch_size=4", "--images-scale", "1e-6"),
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Finished: {tmp_path / 'run' / 'weights.safetensors'}\n"
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["processes"], record["finished"]) == (2, True)
    assert set(record["losses"]) == {"D", "C1", "C2", "C3", "R1", "R2", "R3", "R4"}
