"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from restore_recog.errors import OutputError
from restore_recog.names import brief, printable

UNFINISHED, REPLACED = "new", "old"
"""Kinds of folders that stand hidden beside one that is written or replaced."""

LONG = 200
"""Bytes from which on a name leaves no room for what is put behind it; 255 is the most."""

_LONE = re.compile("[\ud800-\udfff]")
SEAL = "sha256"

ADVICE = "free some space or name another place"


def plain(value: Any) -> Any:
    """Return strict JSON: NaN becomes null, infinities "inf" and "-inf", other objects text.

    Bytes of a file's name that are no UTF-8 are escaped (:mod:`restore_recog.names`).
    """
    if isinstance(value, Mapping):
        return {_unicode(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, (int, float)):
        return value
    return _unicode(str(value))


def _unicode(text: str) -> str:
    return text if text.isascii() or not _LONE.search(text) else printable(text)


def json_text(value: Any) -> str:
    """Return a value as the text of a JSON file, made strict by :func:`plain`."""
    return json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sealed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with ``sha256``, the hash of all others, by which a change is known."""
    return {**facts, SEAL: _digest(facts)}


def is_sealed(facts: Mapping[str, Any]) -> bool:
    """Return whether facts that were read are those that :func:`sealed` was given."""
    return facts.get(SEAL) == _digest(facts)


def _digest(facts: Mapping[str, Any]) -> str:
    others = {key: item for key, item in facts.items() if key != SEAL}
    text = json.dumps(plain(others), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def flat(values: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value in nested mappings with its keys, joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}{key}.")
        else:
            yield f"{name}{key}", value


def check_output(folder: Path, remedy: str = "") -> None:
    """Refuse a results folder that exists or cannot be made, before any work is done.

    Args:
        folder: The place.
        remedy: What a command can do with a folder that exists; empty for nothing.

    Raises:
        OutputError: It exists, or its place is not a folder that can be written to.
    """
    folder = Path(folder)
    if remedy and os.path.isdir(folder):
        raise OutputError(f"The results folder '{folder}' exists; {remedy}, or name another one.")
    if os.path.lexists(folder):
        number = 2
        while os.path.lexists(folder.with_name(f"{folder.name}-{number}")):
            number += 1
        raise OutputError(
            f"The results folder '{folder}' exists and is never overwritten; name another "
            f"one, for instance --output {folder.with_name(f'{folder.name}-{number}')}."
        )
    check_place(folder)


def check_place(folder: Path) -> None:
    """Refuse a folder that is to be written into, or made, and cannot be, before any work is done.

    Raises:
        OutputError: What is there of it is no folder or may not be written to, or a name in it is
            too long.
    """
    places = (folder.absolute(), *folder.absolute().parents)
    there = next(place for place in places if os.path.lexists(place))
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            f"'{there}' is not a folder that can be written to; name another place with --output."
        )
    # Windows cannot be asked, and takes as many.
    most = os.pathconf(there, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    for name in folder.absolute().relative_to(there).parts:
        if len(os.fsencode(name)) > most:
            raise OutputError(
                f"The name '{brief(name)}' is too long for the file system, which takes {most}"
                " bytes; shorten it."
            )


def hidden(path: Path) -> str:
    """Return what names beside a file or folder begin with: ``.NAME``, of a long one its hash."""
    name = os.fsencode(path.name)
    return f".{path.name}" if len(name) < LONG else f".{hashlib.sha256(name).hexdigest()[:32]}"


def beside(folder: Path, kind: str) -> Path:
    """Return a hidden place beside a folder that nothing uses: ``.NAME.KIND-XXXXXXXX``."""
    return folder.with_name(f"{hidden(folder)}.{kind}-{secrets.token_hex(4)}")


@contextmanager
def whole_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside *folder* and move it there at the end.

    A folder that is replaced stays until then, and is back where the last step fails. Killed just
    between its two moves, the next run puts it right (:mod:`restore_recog.system.sole_use`).

    Args:
        folder: Where the whole is to be.
        replace: Whether a folder of that name may be replaced.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable. Nothing is left.
    """
    if not replace:
        check_output(folder)
    staging, old = beside(folder, UNFINISHED), beside(folder, REPLACED)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging.mkdir()
        yield staging
        if replace and folder.exists():
            folder.rename(old)
        staging.rename(folder)
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to '{folder}' ({error.strerror or error}); "
            "free some space or name another folder with --output."
        ) from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for left in (staging, old):
            shutil.rmtree(left, ignore_errors=True)


def check_file(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that exists, before any work is done.

    Raises:
        OutputError: It exists and may not be overwritten, or it is a folder.
    """
    if os.path.isdir(path):
        raise OutputError(f"'{path}' is a folder; name a file in it.")
    if not overwrite and os.path.lexists(path):
        raise OutputError(f"'{path}' exists and is never overwritten; name another file.")


@contextmanager
def whole_file(
    path: Path,
    *,
    overwrite: bool = True,
    keep: Path | None = None,
    advice: str = ADVICE,
    failures: type[Exception] = OSError,
) -> Iterator[Path]:
    """Yield a place beside *path* to write to, and give that file its name once it is complete.

    The name is given only when every byte is on the disk, so that a kill, a crash or a full disk
    leaves what was there before. Missing parent folders are made.

    Args:
        path: The file.
        overwrite: Whether a file of this name may be replaced.
        keep: Where to keep the file that is replaced.
        advice: What to do where writing fails: the end of a sentence.
        failures: What else a library raises where writing fails.

    Raises:
        OutputError: The file exists, or the disk is full or not writable. Nothing is left.
    """
    check_file(path, overwrite=overwrite)
    part = path.with_name(f"{hidden(path)}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        if keep is not None and path.exists():
            path.replace(keep)
        _publish(part, path, overwrite)
    except (OSError, failures) as error:
        other = getattr(error, "filename", None)
        if other is not None and Path(os.fsdecode(other)) not in (part, path, *path.parents):
            raise  # about a file that the caller read meanwhile
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise OutputError(
            f"'{path}' cannot be written ({reason.splitlines()[0].rstrip('.')}); {advice}."
        ) from error
    finally:
        with suppress(OSError):  # after success, or where no file could be made
            part.unlink()


def write_text(path: Path, text: str, *, overwrite: bool = True, advice: str = ADVICE) -> None:
    """Write a text file as :func:`whole_file` does.

    Raises:
        OutputError: As :func:`whole_file`.
    """
    with whole_file(path, overwrite=overwrite, advice=advice) as part:
        part.write_text(text, encoding="utf-8")


def _publish(part: Path, path: Path, overwrite: bool) -> None:
    if not overwrite:
        try:
            os.link(part, path)  # unlike a move, this fails where the file has come to exist
            return
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            check_file(path)
    os.replace(part, path)
