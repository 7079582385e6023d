"""Processes that part from one which has imported what takes long.

That one is started where it is needed first, once for all the tests of a worker, so that a test of
processes pays for what they do, and not for one interpreter after another that loads PyTorch.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "restore_recog.training.trainer",
        "restore_recog.restorers.fmodr.training",
        "restore_recog.restorers.ganmasker.training",
        "restore_recog.recognizers.facenet",
        "restore_recog.recognizers.timm",
        "restore_recog.recognizers.triplet",
        "restore_recog.evaluation.evaluate",
        "restore_recog.reporting.folder",
    ]
)
LONGEST = 600
"""Seconds after which a process hangs."""


def start(folder: Path, name: str, work: Callable[[], object], world: int = 2) -> list[BaseProcess]:
    """Start *world* processes; what number R prints goes to ``NAME-R.out`` and ``NAME-R.err``.

    Args:
        folder: Where what they print goes; must exist.
        name: Of the files.
        work: What each does; can be pickled.
        world: How many; two and more know each other as those of torchrun do.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running: list[BaseProcess] = []
    for rank in range(world):
        told = {} if world == 1 else _torchrun(rank, world, port)
        arguments = (folder / f"{name}-{rank}", told, work)
        running.append(CONTEXT.Process(target=_be, args=arguments))
        running[-1].start()
    return running


def _torchrun(rank: int, world: int, port: int) -> dict[str, str]:
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    return told | {"RANK": str(rank), "LOCAL_RANK": str(rank)}


def _be(path: Path, told: dict[str, str], work: Callable[[], object]) -> None:
    for stream, kind in ((1, "out"), (2, "err")):
        with path.with_name(f"{path.name}.{kind}").open("w") as file:
            os.dup2(file.fileno(), stream)
    os.environ |= told
    work()


def finish(folder: Path, name: str, running: list[BaseProcess]) -> None:
    """Wait for the processes and write their exit codes to ``NAME.json``."""
    for process in running:
        process.join(LONGEST)
        if process.exitcode is None:
            process.kill()
    (folder / f"{name}.json").write_text(json.dumps([process.exitcode for process in running]))
