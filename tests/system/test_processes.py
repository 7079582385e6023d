"""Several processes do the work of one, and come to the same result bit for bit."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch
from sharded_run import run, state, wanted

from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.session import Session
from restore_recog.reporting.folder import write as write_report
from restore_recog.system.processes import Processes, own_device

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where several processes have left what they made in every task."""
    folder = tmp_path_factory.mktemp("several")
    run(folder)
    return folder


def ended(folder: Path, task: str) -> tuple[list[int], list[str]]:
    """Return the exit codes of a task's processes, and what they said."""
    codes: list[int] = json.loads((folder / f"{task}.json").read_text())
    return codes, [(folder / f"{task}-{rank}.err").read_text() for rank in range(len(codes))]


def test_every_process_has_what_one_would_have(folder: Path) -> None:
    codes, errors = ended(folder, "state")
    assert codes == [0, 0, 0], errors
    ledger = Ledger()
    alone = json.loads(json.dumps(state(Session(wanted(), ledger), ledger)))
    assert alone["failures"]
    for rank in range(3):
        assert json.loads((folder / f"state-{rank}.json").read_text()) == alone
    assert list((folder / "cache").rglob("*.gz"))
    # What three processes have kept, one finds.
    ledger = Ledger()
    again = state(Session(wanted(folder / "cache"), ledger), ledger)
    assert again["templates"] == alone["templates"] and "embed" not in again["images"]  # type: ignore[operator]


def test_the_files_are_the_same_byte_for_byte(folder: Path) -> None:
    codes, errors = ended(folder, "report")
    assert codes == [0, 0], errors
    write_report(evaluate(wanted(arms=("occluded", "restored"))), folder / "alone")
    for name in ("scores.csv", "probes.csv", "failures.csv"):
        alone = (folder / "alone" / name).read_bytes()
        assert alone and alone == (folder / "results" / name).read_bytes()


def test_a_process_that_fails_stops_all(folder: Path) -> None:
    """Each with its sentence; gloo sometimes aborts after it, as a torn group is taken down."""
    (surviving, failing), (first, second) = ended(folder, "fail")
    assert failing == 1 and "The restorer of rank 1 is broken." in second
    assert surviving in (1, -signal.SIGABRT)
    assert "Another process of this run has stopped" in first


@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_blocks_are_shared_out_and_put_together_in_order(
    world: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = list(range(7))
    shares = {r: [10 * b for b in blocks if b % world == r] for r in range(world)}

    def gather(self: Processes, value: object) -> list[object]:
        assert value == shares[self.rank]
        return [shares[r] for r in range(world)]

    monkeypatch.setattr(Processes, "gather", gather)
    for rank in range(world):
        told: list[int] = []
        assert Processes(rank, world).map(blocks, lambda b: 10 * b, told.append) == [
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
