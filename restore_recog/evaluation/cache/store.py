"""A folder of finished work: one gzip file per entry, named by the hash of all it follows from.

A file is written aside and then renamed, so that any number of processes, on one machine or on
several, may share the folder, and a run that is killed loses at most the entry it was writing.
gzip's own checksum tells a file that was cut off or damaged, which then counts as missing; so does
an entry that stands under another key than it was written for, or holds what nobody understands.
Nothing in the folder is ever executed or unpickled, and it may be deleted at any time.
"""

from __future__ import annotations

import gzip
import os
import uuid
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from restore_recog.errors import OutputError

T = TypeVar("T")

LARGEST = 1 << 28
"""Bytes of an entry at most: a tile has some hundred thousand, and no entry fills the memory."""

GZIP = 31
"""Window bits by which zlib expects a gzip file, checksum and all."""


def inflated(packed: bytes, bits: int = zlib.MAX_WBITS) -> bytes:
    """Return what was compressed, of no more than :data:`LARGEST` bytes.

    Raises:
        ValueError: There is more of it, or its end is missing.
        zlib.error: It is damaged.
    """
    work = zlib.decompressobj(bits)
    content = work.decompress(packed, LARGEST)
    if not work.eof:
        raise ValueError("It is cut off, or too large.")
    return content


class WorkCache:
    """Finished work by key.

    Attributes:
        damaged: How many entries this process found cut off, damaged or not understood.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder, or make it.

        Raises:
            OutputError: It cannot be made.
        """
        self.folder = Path(folder)
        self.damaged = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(self._trouble(error)) from error

    def get(self, key: bytes) -> bytes | None:
        """Return the entry under a key of 32 bytes, or None where there is no sound one."""
        try:
            packed = self._path(key).read_bytes()
        except OSError:
            return None
        try:
            if packed:  # to gzip, an empty file is a sound one
                content = inflated(packed, GZIP)
                if content.startswith(key):
                    return content[len(key) :]
        except (ValueError, zlib.error):
            pass
        self.damaged += 1
        return None

    def read(self, key: bytes, understand: Callable[[bytes], T]) -> T | None:
        """Return what an entry means, or None where there is none that can be understood.

        Args:
            key: As for :meth:`get`.
            understand: Makes it of the entry's bytes, or raises whatever it likes.
        """
        content = self.get(key)
        if content is None:
            return None
        try:
            return understand(content)
        # Anybody may have written it; whatever is wrong with it, the work is done again.
        except Exception:
            self.damaged += 1
            return None

    def put(self, entries: Mapping[bytes, bytes]) -> None:
        """Write entries, over those of the same keys; the operating system then has them.

        Raises:
            OutputError: They cannot be written.
        """
        try:
            for key, content in entries.items():
                path = self._path(key)
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(f".{uuid.uuid4().hex}")
                unfinished.write_bytes(gzip.compress(key + content, 1))
                os.replace(unfinished, path)
        except OSError as error:
            raise OutputError(self._trouble(error)) from error

    def _path(self, key: bytes) -> Path:
        name = key.hex()
        return self.folder / name[:2] / f"{name[2:]}.gz"

    def _trouble(self, error: OSError) -> str:
        return (
            f"The cache of finished work in '{self.folder}' cannot be used "
            f"({error.strerror or error}); name another folder with --cache or use --no-cache."
        )
