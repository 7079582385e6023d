"""A folder of finished work: bytes under the hash of everything they follow from.

Every process appends to a file of its own, so that runs at the same time, on one machine or on
several that share the folder, cannot spoil each other's work, and a run that is killed loses at
most the entry that it was writing. Every entry carries a checksum; one that is cut off or
damaged is as if it were not there. Nothing in the folder is ever run or unpickled, and the
folder may be deleted at any time.

A file is a line that names its format, then entries: the key (32 bytes), the length of the
content and the CRC-32 of both and the content (4 bytes each, little endian), the content.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import OutputError

MAGIC = b"restore-recog finished work 1\n"
_HEAD = struct.Struct("<32sII")
_PLACE = np.dtype([("key", "<u8"), ("file", "<u4"), ("offset", "<u8")])


class WorkCache:
    """Finished work by key. What this process writes is found by later ones.

    Attributes:
        damaged: How many entries or files were found cut off or damaged.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder, or make it.

        Raises:
            OutputError: It cannot be made or read.
        """
        self.folder = Path(folder)
        self.damaged = 0
        self._own = self.folder / f"{uuid.uuid4().hex}.work"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            paths = [path for path in self.folder.glob("*.work") if path.is_file()]
            self._files = sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))
            places = [self._scan(i, path) for i, path in enumerate(self._files)]
        except OSError as error:
            raise OutputError(self._trouble(error)) from error
        joined = np.concatenate([np.empty(0, _PLACE), *places])
        self._places = joined[np.argsort(joined["key"], kind="stable")]

    def __len__(self) -> int:
        """Return how many entries were found when the folder was opened."""
        return len(self._places)

    def get(self, key: bytes) -> bytes | None:
        """Return the newest sound entry under a key of 32 bytes, or None."""
        short = np.uint64(int.from_bytes(key[:8], "little"))
        keys = self._places["key"]
        first, last = np.searchsorted(keys, short), np.searchsorted(keys, short, "right")
        for _, file, offset in self._places[first:last][::-1].tolist():
            content = self._entry(self._files[file], offset, key)
            if content is not None:
                return content
        return None

    def put(self, entries: Mapping[bytes, bytes]) -> None:
        """Append entries; when this returns, the operating system has them.

        Raises:
            OutputError: They cannot be written.
        """
        try:
            with self._own.open("ab") as file:
                if file.tell() == 0:
                    file.write(MAGIC)
                for key, content in entries.items():
                    file.write(_HEAD.pack(key, len(content), _sum(key, content)) + content)
        except OSError as error:
            raise OutputError(self._trouble(error)) from error

    def _scan(self, number: int, path: Path) -> NDArray[np.void]:
        """Return where the entries of one file lie."""
        with path.open("rb") as file:
            return np.array(self._heads(number, file), dtype=_PLACE)

    def _heads(self, number: int, file: BinaryIO) -> list[tuple[int, int, int]]:
        end = file.seek(0, 2)
        file.seek(0)
        found = []
        if file.read(len(MAGIC)) != MAGIC:
            self.damaged += 1
            return []
        offset = len(MAGIC)
        while offset < end:
            file.seek(offset)
            head = file.read(_HEAD.size)
            length = _HEAD.unpack(head)[1] if len(head) == _HEAD.size else end
            if offset + _HEAD.size + length > end:
                self.damaged += 1
                break
            found.append((int.from_bytes(head[:8], "little"), number, offset))
            offset += _HEAD.size + length
        return found

    def _entry(self, path: Path, offset: int, key: bytes) -> bytes | None:
        """Return the content of an entry if it is sound and has this key."""
        try:
            with path.open("rb") as file:
                file.seek(offset)
                found, length, checksum = _HEAD.unpack(file.read(_HEAD.size))
                content = file.read(length)
        except (OSError, struct.error):  # deleted or cut off since it was found
            return None
        if found != key:
            return None
        if len(content) != length or _sum(key, content) != checksum:
            self.damaged += 1
            return None
        return content

    def _trouble(self, error: OSError) -> str:
        return (
            f"The cache of finished work in '{self.folder}' cannot be used "
            f"({error.strerror or error}); name another folder with --cache or use --no-cache."
        )


def _sum(key: bytes, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(key + struct.pack("<I", len(content))))
