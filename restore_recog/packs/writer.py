"""Writing packed data files, whole or not at all; the format is described in ``packs``."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import OutputError
from restore_recog.packs import format
from restore_recog.packs.format import CODECS, DATA_START, FORMAT, SMALL, Note

_TYPES = {"uint8": "U8", "int64": "I64", "float32": "F32"}


class PackWriter:
    """Writes one pack, image by image, beside its place; a finished one takes the place.

    Args:
        path: The file.
        size: Side of the crops in pixels.
        stored: ``raw``, ``png`` or ``webp``.
        overwrite: Whether a file of this name may be replaced.

    Raises:
        OutputError: The file exists, or the disk is full or cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        size: int,
        *,
        stored: format.Storage = "raw",
        overwrite: bool = False,
    ) -> None:
        self.path = path
        self.size = size
        self.stored = stored
        self.overwrite = overwrite
        self._part = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._file: BinaryIO | None = None
        self._checksums: list[int] = []
        self._offsets = [0]

    def __enter__(self) -> PackWriter:
        self.check_free()
        self._guarded(self._open)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind but a finished file."""
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)

    def check_free(self) -> None:
        """Refuse to replace a file."""
        if self.path.exists() and not self.overwrite:
            raise OutputError(f"{self.path} exists; choose another --output.")

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Write the next (W, W, 3) image."""
        stored = np.ascontiguousarray(pixels).reshape(-1)
        if self.stored in CODECS:
            extension, options = CODECS[self.stored]
            _, code = cv2.imencode(extension, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
            stored = code.reshape(-1)
        self._checksums.append(zlib.crc32(stored.data))
        self._offsets.append(self._offsets[-1] + stored.size)
        assert self._file is not None
        file = self._file
        self._guarded(lambda: file.write(stored.data))

    def finish(
        self, note: Note, landmarks: NDArray[np.float32], subjects: NDArray[np.int64]
    ) -> None:
        """Write the rest and give the file its name; the note receives the fingerprint."""
        self._guarded(lambda: self._finish(note, landmarks, subjects))

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb")
        self._file.seek(DATA_START)

    def _finish(
        self, note: Note, landmarks: NDArray[np.float32], subjects: NDArray[np.int64]
    ) -> None:
        assert self._file is not None
        self._file.flush()
        count, wide = len(note.image_ids), format.wide_side(self.size)
        offsets = np.array(self._offsets if self.stored in CODECS else [], np.int64)
        checksums = np.array(self._checksums, np.int64)
        pixels = format.PackedPixels(self._part, (count, wide, wide, 3), offsets, checksums)
        known = format.fingerprint(self.size, note.image_ids, subjects, landmarks, pixels)
        text = replace(note, fingerprint=known).encode()
        small: dict[str, NDArray[Any]] = {
            "offsets": offsets,
            "landmarks": np.ascontiguousarray(landmarks, np.float32),
            "subjects": np.ascontiguousarray(subjects, np.int64),
            "checksums": checksums,
            "note": np.frombuffer(text, np.uint8),
        }
        shape = [self._offsets[-1]] if self.stored in CODECS else list(pixels.shape)
        for name in SMALL:
            self._file.write(small[name].tobytes())
        self._file.seek(0)
        self._file.write(_header(shape, self._offsets[-1], small))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.check_free()
        self._part.replace(self.path)

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except OSError as error:
            raise OutputError(
                f"The packed data file {self.path} cannot be written ({error.strerror}); make "
                "room there or choose another place."
            ) from error


def _header(shape: list[int], size: int, small: dict[str, NDArray[Any]]) -> bytes:
    """Return the safetensors header, padded so that the data begin at ``DATA_START``."""
    entries: dict[str, Any] = {
        "__metadata__": {"format": FORMAT, "sha256": format.digest(small)},
        "pixels": {"dtype": "U8", "shape": shape, "data_offsets": [0, size]},
    }
    for name in SMALL:
        array = small[name]
        entries[name] = {
            "dtype": _TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [size, size + array.nbytes],
        }
        size += array.nbytes
    text = json.dumps(entries).encode()
    return (DATA_START - 8).to_bytes(8, "little") + text.ljust(DATA_START - 8)
