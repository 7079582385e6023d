"""Files and folders written whole or not at all, never over another."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from restore_recog.errors import OutputError


def plain(value: Any) -> Any:
    """Return strict JSON: NaN becomes null, infinities become "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def check_output(folder: Path) -> None:
    """Refuse a results folder that exists or cannot be made, before any work is done.

    Raises:
        OutputError: It exists, or its place is not a folder that can be written to.
    """
    folder = Path(folder)
    if folder.exists() or folder.is_symlink():
        number = 2
        while folder.with_name(f"{folder.name}-{number}").exists():
            number += 1
        raise OutputError(
            f"The results folder '{folder}' exists and is never overwritten; name another "
            f"one, for instance --output {folder.with_name(f'{folder.name}-{number}')}."
        )
    parent = next(p for p in folder.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(
            f"'{parent}' is not a folder that can be written to; name another place with --output."
        )


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside *folder* and move it there in one step at the end.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable. Nothing is left.
    """
    check_output(folder)
    staging: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        yield staging
        staging.chmod(0o755)
        os.rename(staging, folder)
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to '{folder}' ({error.strerror or error}); "
            "free some space or name another folder with --output."
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def check_file(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that exists, before any work is done.

    Raises:
        OutputError: It exists and may not be overwritten, or it is a folder.
    """
    if path.is_dir():
        raise OutputError(f"'{path}' is a folder; name a file in it.")
    if path.exists() and not overwrite:
        raise OutputError(f"'{path}' exists; name another file, or give --overwrite to replace it.")


def write_file(path: Path, text: str, *, overwrite: bool = False) -> None:
    """Write one text file whole or not at all.

    Raises:
        OutputError: As :func:`check_file`, or it cannot be written.
    """
    check_file(path, overwrite=overwrite)
    staging = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging.write_text(text, encoding="utf-8")
        os.replace(staging, path)
    except OSError as error:
        with suppress(OSError):
            staging.unlink()
        raise OutputError(
            f"'{path}' cannot be written ({error.strerror or error}); name another with --output."
        ) from error
