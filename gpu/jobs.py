"""Commands side by side, each with a log, until all have ended or the time is up."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from restore_recog.errors import OutputError

TAIL = 15
"""Lines of a log that are shown where its command failed."""

PATIENCE = 30.0
"""Seconds that a slice waits for the processes of one that was killed."""


@dataclass(frozen=True)
class Job:
    """One command.

    Attributes:
        name: For messages.
        command: To run in the current folder.
        log: File that gets what it prints, after what earlier slices printed.
    """

    name: str
    command: Sequence[str]
    log: Path


@contextmanager
def alone(folder: Path, patience: float = PATIENCE) -> Iterator[int]:
    """Yield the lock of a folder, which every job holds too, so that no two slices overlap.

    Args:
        folder: Made where needed.
        patience: Seconds to wait for the lock.

    Raises:
        OutputError: Another slice is at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        ends = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise OutputError(
                        f"Another slice is at work in {folder}; wait until it has ended."
                    ) from None
                time.sleep(0.2)
        yield file.fileno()


def run(jobs: Sequence[Job], ends: float, grace: float, lock: int) -> dict[str, int]:
    """Run jobs side by side and return their exit codes.

    At the end of the time, or when this process is told to stop, each gets SIGTERM, on which a
    training saves and exits, and SIGKILL if it does not. It ends too where this process is killed.

    Args:
        jobs: What to run.
        ends: When, by ``time.monotonic()``.
        grace: Seconds from SIGTERM to SIGKILL.
        lock: Of :func:`alone`.
    """
    started = {}
    try:
        for job in jobs:
            started[job.name] = _start(job, lock)
        while time.monotonic() < ends and any(p.poll() is None for p in started.values()):
            time.sleep(0.2)
    finally:
        _stop(list(started.values()), grace)
    codes = {name: process.returncode for name, process in started.items()}
    for job in jobs:
        click.echo(f"{job.name}: exit code {codes[job.name]}; {_tail(job.log, 1)}")
        if codes[job.name] > 0 and codes[job.name] != 130:
            click.echo(_tail(job.log, TAIL))
    return codes


def _start(job: Job, lock: int) -> subprocess.Popen[bytes]:
    with job.log.open("ab") as log:
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            pass_fds=(lock,),
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )


def _end_with_parent() -> None:
    """Have Linux send SIGTERM to this process when its parent dies, be it by SIGKILL."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _stop(processes: Sequence[subprocess.Popen[bytes]], grace: float) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    ends = time.monotonic() + grace
    for process in processes:
        try:
            process.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it has started and left behind


def _tail(log: Path, lines: int) -> str:
    """Return the last lines of a log; a progress bar draws many on one line."""
    text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
