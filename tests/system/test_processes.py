"""Several processes do the work of one, and come to the same result bit for bit."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sharded_run import state, wanted

from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.session import Session
from restore_recog.reporting.folder import write as write_report
from restore_recog.system.processes import Ranks, own_device

SCRIPT = Path(__file__).parents[1] / "fakes" / "sharded_run.py"


def started(task: str, folder: Path, world: int = 2) -> list[subprocess.CompletedProcess[str]]:
    """Run a task in several processes, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    base = os.environ | {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), task, str(folder)],
            env=base | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    done = []
    for process in running:
        _, errors = process.communicate(timeout=300)
        done.append(subprocess.CompletedProcess([], process.returncode, "", errors))
    return done


def test_every_process_has_what_one_would_have(tmp_path: Path) -> None:
    for done in started("state", tmp_path, world=3):
        assert done.returncode == 0, done.stderr
    ledger = Ledger()
    alone = json.loads(json.dumps(state(Session(wanted(), ledger), ledger)))
    assert alone["failures"]
    for rank in range(3):
        assert json.loads((tmp_path / f"state-{rank}.json").read_text()) == alone
    assert len(list((tmp_path / "cache").glob("*.work"))) == 3
    # What three processes have kept, one finds.
    ledger = Ledger()
    again = state(Session(wanted(tmp_path / "cache"), ledger), ledger)
    assert again["templates"] == alone["templates"] and "embed" not in again["images"]  # type: ignore[operator]


def test_the_files_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    for done in started("report", tmp_path):
        assert done.returncode == 0, done.stderr
    alone = evaluate(wanted(arms=("occluded", "restored")))
    write_report(alone, tmp_path / "alone")
    for name in ("scores.csv", "probes.csv", "failures.csv"):
        alone = (tmp_path / "alone" / name).read_bytes()
        assert alone and alone == (tmp_path / "results" / name).read_bytes()


def test_a_process_that_fails_stops_all(tmp_path: Path) -> None:
    """Each with its sentence; gloo sometimes aborts after it, as a torn group is taken down."""
    first, second = started("fail", tmp_path)
    assert second.returncode == 1 and "The restorer of rank 1 is broken." in second.stderr
    assert (
        first.returncode in (1, -signal.SIGABRT)
        and "Another process of this run has stopped" in first.stderr
    )


@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_blocks_are_shared_out_and_put_together_in_order(
    world: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = list(range(7))
    shares = {r: [10 * b for b in blocks if b % world == r] for r in range(world)}

    def gather(self: Ranks, value: object) -> list[object]:
        assert value == shares[self.rank]
        return [shares[r] for r in range(world)]

    monkeypatch.setattr(Ranks, "gather", gather)
    for rank in range(world):
        told: list[int] = []
        assert Ranks(rank, world).map(blocks, lambda b: 10 * b, told.append) == [
            10 * b for b in blocks
        ]
        assert told == sorted(told) and all(count <= 7 for count in told)


def test_each_process_takes_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert own_device("auto") == "auto"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert own_device("auto") == own_device("cuda") == "cuda:1"
    assert own_device("cpu") == "cpu" and own_device("cuda:0") == "cuda:0"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert own_device("auto") == "auto"
