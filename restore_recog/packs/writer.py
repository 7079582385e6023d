"""Writing packed data files; :mod:`restore_recog.packs.format` describes them."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.packs import format
from restore_recog.packs.format import CORNERS, DATA_START, FORMAT, MANY, Note

_TYPES = {"uint8": "U8", "int64": "I64", "float32": "F32"}


class PackWriter:
    """Writes one pack, image by image.

    Args:
        file: An empty file with a name, open for writing.
        size: Side of the crops in pixels.
        stored: One of :data:`restore_recog.packs.format.STORAGES`.
    """

    def __init__(self, file: BinaryIO, size: int, stored: str = "raw") -> None:
        self.size = size
        self._codec = format.codec(stored)
        self._file = file
        self._file.seek(DATA_START)
        self._checksums: list[int] = []
        self._offsets = [0]

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Write the next (W, W, 3) image."""
        stored = np.ascontiguousarray(pixels).reshape(-1)
        if self._codec:
            extension, options = self._codec
            _, code = cv2.imencode(extension, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
            stored = code.reshape(-1)
        self._checksums.append(zlib.crc32(stored.data))
        self._offsets.append(self._offsets[-1] + stored.size)
        self._file.write(stored.data)

    def finish(
        self,
        note: Note,
        landmarks: NDArray[np.float32],
        subjects: NDArray[np.int64],
        many: NDArray[np.float32] | None = None,
        corners: NDArray[np.float32] | None = None,
    ) -> None:
        """Write everything but the images; the note receives the fingerprint.

        It is that of the images as they are read again, so of what lossy storage has left.

        Args:
            note: What the pack says about itself.
            landmarks: (N, 5, 2).
            subjects: (N,) labels.
            many: (N, 98, 2), or None where none of them is known.
            corners: (N, 4, 2), or None where every photograph holds its whole crop.
        """
        self._file.flush()
        count, wide = len(note.image_ids), format.wide_side(self.size)
        offsets = np.array(self._offsets if self._codec else [], np.int64)
        checksums = np.array(self._checksums, np.int64)
        pixels = format.PackedPixels(
            Path(self._file.name), (count, wide, wide, 3), offsets, checksums
        )
        known = format.fingerprint(self.size, note.image_ids, subjects, landmarks, pixels)
        text = replace(note, fingerprint=known).encode()
        small: dict[str, NDArray[Any]] = {
            "offsets": offsets,
            "landmarks": np.ascontiguousarray(landmarks, np.float32),
            "subjects": np.ascontiguousarray(subjects, np.int64),
            "checksums": checksums,
        }
        for name, extra in ((MANY, many), (CORNERS, corners)):
            if extra is not None:
                small[name] = np.ascontiguousarray(extra, np.float32)
        small["note"] = np.frombuffer(text, np.uint8)
        shape = [self._offsets[-1]] if self._codec else list(pixels.shape)
        for array in small.values():
            self._file.write(array.tobytes())
        self._file.seek(0)
        self._file.write(_header(shape, self._offsets[-1], small))


def _header(shape: list[int], size: int, small: dict[str, NDArray[Any]]) -> bytes:
    """Return the safetensors header, padded so that the data begin at ``DATA_START``."""
    marks = {"format": FORMAT, **format.checksums(small)}
    entries: dict[str, Any] = {
        "__metadata__": marks,
        "pixels": {"dtype": "U8", "shape": shape, "data_offsets": [0, size]},
    }
    for name, array in small.items():
        entries[name] = {
            "dtype": _TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [size, size + array.nbytes],
        }
        size += array.nbytes
    text = json.dumps(entries).encode()
    return (DATA_START - 8).to_bytes(8, "little") + text.ljust(DATA_START - 8)
