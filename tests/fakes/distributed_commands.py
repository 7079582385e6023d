"""Trainings by two processes, killed and gone on with; started by test_train_distributed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from training_fakes import plugins

import restore_recog.training.trainer
from restore_recog.cli import main

WORLD = 2
SHARED = (plugins, restore_recog.training.trainer)
"""What takes long to import is imported before the processes part."""

HERE = "training_fakes.plugins"
ARGUMENTS = [
    *("train-restorer", "--restorer", f"{HERE}:Smoother", "--data", f"{HERE}:Booth"),
    *("--device", "cpu", "--workers", "0", "--set", "steps=40", "--checkpoint-every", "4"),
]
SLOW = ["--set", "pause=0.05"]


def one_of_two(folder: Path, name: str, arguments: list[str], rank: int, port: int) -> None:
    """Be one process, as torchrun would have started it."""
    for stream, kind in ((1, "out"), (2, "err")):
        with (folder / f"{name}-{rank}.{kind}").open("w") as file:
            os.dup2(file.fileno(), stream)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ |= {"WORLD_SIZE": str(WORLD), "RANK": str(rank), "LOCAL_RANK": str(rank)}
    main(arguments)


def start(folder: Path, name: str, *arguments: str) -> list[BaseProcess]:
    """Start a training by two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    more = [*ARGUMENTS, *arguments]
    running: list[BaseProcess] = [
        context.Process(target=one_of_two, args=(folder, name, more, rank, port))
        for rank in range(WORLD)
    ]
    for process in running:
        process.start()
    return running


def finish(folder: Path, name: str, running: list[BaseProcess]) -> None:
    """Wait for a training and note how its processes ended."""
    for process in running:
        process.join()
    codes = [process.exitcode for process in running]
    (folder / f"{name}.json").write_text(json.dumps(codes))


def wait_until(output: Path, images: int, running: list[BaseProcess]) -> None:
    """Wait until a training has saved what so many images taught it."""
    record = output / "run.json"
    while not record.is_file() or json.loads(record.read_text())["images_seen"] < images:
        assert all(process.is_alive() for process in running)
        time.sleep(0.02)


def kill(running: list[BaseProcess], number: int, ranks: range) -> None:
    """Send a signal to some of the processes."""
    for rank in ranks:
        process = running[rank].pid
        assert process is not None
        os.kill(process, number)


def work(folder: Path) -> None:
    """Do every training."""
    whole, killed, stopped = (str(folder / name) for name in ("whole", "killed", "stopped"))
    finish(folder, "whole", start(folder, "whole", "--output", whole))
    finish(folder, "again", start(folder, "again", "--output", whole))

    running = start(folder, "killed", "--output", killed, *SLOW)
    wait_until(folder / "killed", 12, running)
    kill(running, signal.SIGKILL, range(WORLD))
    finish(folder, "killed", running)
    finish(folder, "resumed", start(folder, "resumed", "--output", killed, "--resume"))

    running = start(folder, "stopped", "--output", stopped, *SLOW)
    wait_until(folder / "stopped", 12, running)
    kill(running, signal.SIGTERM, range(1, WORLD))
    finish(folder, "stopped", running)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
