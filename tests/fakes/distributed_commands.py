"""Trainings by one process and by two, killed and gone on with."""

from __future__ import annotations

import json
import os
import signal
import time
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import forked
from forked import finish

from restore_recog.cli import main

WORLD = 2

HERE = "training_fakes.plugins"
ARGUMENTS = [
    *("train-restorer", "--restorer", f"{HERE}:Smoother", "--data", f"{HERE}:Booth"),
    *("--device", "cpu", "--workers", "0", "--set", "steps=40"),
]
SLOW = ["--set", "pause=0.05", "--checkpoint-every", "4"]
"""Leaves time for a signal after the first checkpoints."""


def command(*arguments: str) -> None:
    """Do what the command does that is called with these arguments."""
    main(arguments)


def start(folder: Path, name: str, *arguments: str, world: int = WORLD) -> list[BaseProcess]:
    """Start a training."""
    return forked.start(folder, name, partial(command, *ARGUMENTS, *arguments), world)


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


def run(folder: Path) -> None:
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
