"""Work shared out among worker processes, and how many there may be."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import cv2

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many processor cores this process may use.

    Where ``torchrun`` has started several processes on this machine they share the cores.
    """
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) // here)
    return max(1, (os.cpu_count() or 1) // here)


def in_order(
    work: Callable[[Item], Result], items: Sequence[Item], *, least: int, most: int | None = None
) -> list[Result]:
    """Return the result of every item, in order, computed on all cores.

    Only where a process can be forked safely, that is on Linux, from the main thread and outside
    of worker processes; else, and where there is little to do, in this process. The results are
    the same.

    Args:
        work: A function that can be pickled and needs neither PyTorch nor a GPU.
        items: What it is given, one by one.
        least: Items that make a process worthwhile.
        most: Processes at most; the number of cores where None.
    """
    count = min(cores() if most is None else most, len(items) // least)
    if count < 2 or not _may_fork():
        return [work(item) for item in items]
    # Small shares: one slow item does not keep the others waiting.
    share = max(1, len(items) // (4 * count))
    with multiprocessing.get_context("fork").Pool(count, _quiet) as pool:
        return pool.map(work, items, chunksize=share)


def _may_fork() -> bool:
    """Return whether a fork is safe: not off the main thread, since others may hold locks."""
    return (
        sys.platform == "linux"
        and threading.current_thread() is threading.main_thread()
        and not multiprocessing.current_process().daemon
    )


def _quiet() -> None:
    """Leave Ctrl-C to the main process, and threads to it too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(0)
