"""Several processes, as torchrun would start them, forked from one that has imported everything."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path


def start(folder: Path, name: str, work: Callable[[], object], world: int = 2) -> list[BaseProcess]:
    """Start *world* processes; what number R prints goes to ``NAME-R.out`` and ``NAME-R.err``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    context = multiprocessing.get_context("fork")
    running: list[BaseProcess] = [
        context.Process(target=_be, args=(folder / f"{name}-{rank}", rank, world, port, work))
        for rank in range(world)
    ]
    for process in running:
        process.start()
    return running


def _be(path: Path, rank: int, world: int, port: str, work: Callable[[], object]) -> None:
    for stream, kind in ((1, "out"), (2, "err")):
        with path.with_name(f"{path.name}.{kind}").open("w") as file:
            os.dup2(file.fileno(), stream)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(world)}
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    work()


def finish(folder: Path, name: str, running: list[BaseProcess]) -> None:
    """Wait for the processes and write their exit codes to ``NAME.json``."""
    for process in running:
        process.join()
    (folder / f"{name}.json").write_text(json.dumps([process.exitcode for process in running]))
