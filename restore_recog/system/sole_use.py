"""One process at a time in a folder, and what a killed one has left in its place.

Everything that stands beside a folder while it is made or replaced is hidden and named after it:
``.NAME.lock`` while a process works on it, ``.NAME.new-XXXXXXXX`` what is being written, and
``.NAME.old-XXXXXXXX`` what it takes the place of.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from restore_recog.errors import OutputError
from restore_recog.system.atomic import REPLACED, UNFINISHED, hidden
from restore_recog.system.processes import Processes


@contextmanager
def sole_use(folder: Path, processes: Processes | None = None) -> Iterator[None]:
    """Keep other runs out of a folder, and first put right what a killed one has left.

    Results that were being replaced when their run was killed come back, the new ones if they
    were whole; what was half written goes. Where nothing can be written beside the folder there is
    no lock, for nothing can be written into it either.

    Args:
        folder: Of results or of a training; it need not exist.
        processes: Those of this run; the first one speaks for all.

    Raises:
        OutputError: Another run is at work in it.
    """
    processes = processes or Processes()
    lock = FileLock(folder.with_name(f"{hidden(folder)}.lock"))
    processes.lead(lambda: _take(lock, folder))
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # before the release, while nobody else can have taken it
                Path(lock.lock_file).unlink()
            lock.release()


def _take(lock: FileLock, folder: Path) -> None:
    path = Path(lock.lock_file)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(
            f"Another run is at work on '{folder}' ({_holder(path)}); wait until it has ended, or "
            "name another folder with --output."
        ) from None
    except OSError:
        return
    with suppress(OSError):  # the message of another run is poorer without it, nothing else
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        path.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {since}")
    _tidy(folder)


def _holder(lock: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        text = lock.read_text(encoding="utf-8")
        if text:
            return text
    return f"it holds {lock}"


def _tidy(folder: Path) -> None:
    """Put back what was being replaced, and remove what is half written; the lock is ours."""
    left = {kind: _left(folder, kind) for kind in (UNFINISHED, REPLACED)}
    if not folder.exists() and left[REPLACED]:
        # Killed between two moves: nothing is moved aside before what replaces it is whole.
        newest = max(left[UNFINISHED] or left[REPLACED], key=lambda path: path.stat().st_mtime)
        newest.rename(folder)
    for path in [path for paths in left.values() for path in paths if path.exists()]:
        shutil.rmtree(path, ignore_errors=True)
    for part in folder.rglob(".*.part"):  # of :func:`restore_recog.system.atomic.whole_file`
        part.unlink(missing_ok=True)


def _left(folder: Path, kind: str) -> list[Path]:
    pattern = re.compile(rf"{re.escape(hidden(folder))}\.{kind}-[0-9a-f]{{8}}")
    return [path for path in folder.parent.iterdir() if pattern.fullmatch(path.name)]
