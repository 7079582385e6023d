"""A folder of finished work: one gzip file per entry, named by the hash of all it follows from.

A file is written aside and then renamed, so that any number of processes, on one machine or on
several, may share the folder, and a run that is killed loses at most the entry it was writing.
gzip's own checksum tells a file that was cut off or damaged, which then counts as missing.
Nothing in the folder is ever executed or unpickled, and it may be deleted at any time.
"""

from __future__ import annotations

import gzip
import os
import uuid
import zlib
from collections.abc import Mapping
from pathlib import Path

from restore_recog.errors import OutputError


class WorkCache:
    """Finished work by key.

    Attributes:
        damaged: How many entries this process found cut off or damaged.
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
                return gzip.decompress(packed)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass
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
                unfinished.write_bytes(gzip.compress(content, 1))
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
