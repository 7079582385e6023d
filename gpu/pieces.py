"""Files in pieces that are small enough to travel, and whole again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from restore_recog.errors import DataError
from restore_recog.system.atomic import whole_file, write_text

LIST = "pieces.json"
MIB = 2**20


def lengths(total: int, most: int) -> list[int]:
    """Return the bytes of each piece: as few pieces as possible, as equal as possible.

    Args:
        total: Bytes in all.
        most: Bytes of a piece at most.
    """
    count = max(1, -(-total // most))
    return [total // count + (number < total % count) for number in range(count)]


def cut(file: Path, folder: Path, most: int) -> list[Path]:
    """Write a file as ``<name>.000``, ``<name>.001``, ... and return these."""
    pieces = []
    with file.open("rb") as whole:
        for number, size in enumerate(lengths(file.stat().st_size, most)):
            pieces.append(folder / f"{file.name}.{number:03d}")
            pieces[-1].write_bytes(whole.read(size))
    return pieces


def write_list(pieces: Sequence[Path], folder: Path) -> None:
    """Write what each piece must be, for :func:`collect`."""
    marks = {piece.name: hashlib.sha256(piece.read_bytes()).hexdigest() for piece in pieces}
    write_text(folder / LIST, json.dumps(marks, indent=1) + "\n")


def collect(source: Path, store: Path) -> tuple[list[Path], list[str]]:
    """Keep the pieces that have arrived in *source*.

    Args:
        source: Folder of the list and of any number of pieces.
        store: Where the pieces of earlier calls lie. Those of another list are removed.

    Returns:
        The pieces of the list that are there, in order, and the names of those that are missing.

    Raises:
        DataError: There is no list, or a piece that has arrived is not what the list says.
    """
    try:
        text = (source / LIST).read_text(encoding="utf-8")
        marks: dict[str, str] = json.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{source / LIST} cannot be read ({error}); let it travel with every piece."
        ) from error
    store.mkdir(parents=True, exist_ok=True)
    known = store / LIST
    if not known.exists() or known.read_text(encoding="utf-8") != text:
        shutil.rmtree(store)
        write_text(known, text)
    for name, mark in marks.items():
        if (store / name).exists() or not (source / name).exists():
            continue
        content = (source / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != mark:
            raise DataError(f"{source / name} is not the piece that was packed; send it again.")
        with whole_file(store / name) as part:
            part.write_bytes(content)
    there = [store / name for name in marks if (store / name).exists()]
    return there, [name for name in marks if not (store / name).exists()]


def join(pieces: Sequence[Path], file: Path) -> None:
    """Write the pieces as one file."""
    with file.open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as part:
                shutil.copyfileobj(part, whole)
