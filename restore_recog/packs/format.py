"""Packed data files: aligned clean crops of many images in one memory-mapped file.

A pack is a safetensors file, so any reader of that format can open it and nothing in it runs.
Its header is padded to :data:`DATA_START` bytes, so that the pixels, which come first, begin at a
page of the disk. The tensors, in this order:

=========  ========================  =========================================================
pixels     (N, W, W, 3) uint8        crops with a margin, W = S + 2 round(S / 16); or, where they
                                     are stored as PNG or WebP, (B,) uint8: all these files end
                                     to end
offsets    (N + 1,) int64            where each such file begins; without entries for plain pixels
landmarks  (N, 5, 2) float32         pixels of the crop without its margin
subjects   (N,) int64                labels from 0 in order of first appearance
checksums  (N,) int64                CRC-32 of each image's stored bytes
many       (N, 98, 2) float32        the 98 landmarks, likewise, NaN for points that are not known;
                                     only where any is
corners    (N, 4, 2) float32         the photographs' corners, likewise, once around; NaN where the
                                     photograph holds the whole crop with its margin; only where
                                     one does not
note       (M,) uint8                JSON: what :class:`Note` holds
=========  ========================  =========================================================

``__metadata__`` holds the format's name, the SHA-256 of everything but the pixels, ``many`` and
``corners``, and that of each of these two: versions from before them read such a file too.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from restore_recog.errors import DataError
from restore_recog.landmarks import COUNT
from restore_recog.types import Failure

FORMAT = "restore-recog pack 1"
STORAGES = ("raw", "png", "webp", "webp:QUALITY")
"""How images may be stored: plain, as PNG, as lossless WebP, as lossy WebP (quality 1 to 100)."""

DATA_START = 4096
SMALL = ("offsets", "landmarks", "subjects", "checksums", "note")
"""The tensors that are read when a pack is opened."""

MANY, CORNERS = "many", "corners"
EXTRA = {MANY: (COUNT, 2), CORNERS: (4, 2)}
"""The tensors that are read besides, where there are any, and the shape of an image's entry."""

MARKS = ("sha256", *(f"sha256 {name}" for name in EXTRA))
"""Names of the checksums in the metadata; those of later versions are left alone."""


@dataclass(frozen=True)
class Note:
    """What a pack says about itself.

    Attributes:
        size: Side S of the crops in pixels.
        stored: One of :data:`STORAGES`; pixels differ from the crops' in ``webp:QUALITY`` alone.
        image_ids: N texts, ``<data set's number>:<image_id>``.
        subjects: Names of the people, by label; ``<data set's number>:<subject>``.
        attributes: Labels of each image, as in :class:`restore_recog.types.FaceSample`.
        sources: What was packed: name, images, people, notes of each data set.
        failures: Images that yielded no crop.
        fingerprint: Of the crops as they are read, as
            :meth:`restore_recog.training.crops.Crops.fingerprint`.
        protocol: Whose training images these are, or None.
        left_out: What a list kept out of the pack, one or two sentences; empty without a list.
        version: Of restore-recog.
    """

    size: int
    stored: str
    image_ids: Sequence[str]
    subjects: Sequence[str]
    attributes: Sequence[Mapping[str, str]]
    sources: Sequence[Mapping[str, Any]]
    failures: Sequence[Failure] = ()
    fingerprint: str = ""
    protocol: str | None = None
    left_out: str = ""
    version: str = ""

    def encode(self) -> bytes:
        """Return the note as JSON; what is no Unicode in a name is escaped, as JSON can."""
        return json.dumps(asdict(self), ensure_ascii=False).encode(errors="backslashreplace")

    @staticmethod
    def decode(text: bytes) -> Note:
        """Return the note of :meth:`encode`."""
        entries = json.loads(text)
        failures = tuple(Failure(**failure) for failure in entries.pop("failures"))
        return Note(**entries, failures=failures)


class PackedPixels:
    """The images of a pack by number, read when they are asked for.

    Worker processes share the pages that the system keeps of the file; a copy that goes to another
    process is the file's name, not its contents.

    Args:
        path: The pack.
        shape: (N, W, W, 3).
        offsets: Of compressed images; empty for plain pixels.
        checksums: (N,) CRC-32.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int, int],
        offsets: NDArray[np.int64],
        checksums: NDArray[np.int64],
    ) -> None:
        self.path = path
        self.shape = shape
        self._offsets = offsets
        self._checksums = checksums
        self._checked = np.zeros(shape[0], bool)
        self._bytes: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        """Return one (W, W, 3) image, read-only.

        Raises:
            DataError: Its bytes are not those that were written.
        """
        if self._bytes is None:
            self._bytes = np.memmap(self.path, np.uint8, "r", DATA_START)
        if len(self._offsets):
            start, stop = self._offsets[number : number + 2]
        else:
            each = int(np.prod(self.shape[1:]))
            start, stop = number * each, (number + 1) * each
        stored = self._bytes[start:stop]
        if not self._checked[number]:
            if zlib.crc32(stored.data) != self._checksums[number]:
                raise DataError(
                    f"The packed data file {self.path} is damaged at its image {number}; "
                    "copy it again, or pack the data again."
                )
            self._checked[number] = True
        if not len(self._offsets):
            return np.asarray(stored).reshape(self.shape[1:])
        decoded = cv2.imdecode(np.asarray(stored), cv2.IMREAD_COLOR)
        assert decoded is not None, "its checksum is right"
        return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bytes": None}


@dataclass(frozen=True)
class Pack:
    """An opened pack; its pixels are still in the file.

    Attributes:
        path: The file.
        note: What it says about itself.
        pixels: N images (W, W, 3) uint8.
        landmarks: (N, 5, 2) float32.
        subjects: (N,) int64 labels.
        landmarks98: (N, 98, 2) float32, NaN for points that are not known; None where none is.
        corners: (N, 4, 2) float32 of the photographs, NaN where one holds the whole crop with its
            margin; None where all do, or where the file is from before they were kept.
    """

    path: Path
    note: Note
    pixels: PackedPixels
    landmarks: NDArray[np.float32]
    subjects: NDArray[np.int64] = field(repr=False)
    landmarks98: NDArray[np.float32] | None = field(default=None, repr=False)
    corners: NDArray[np.float32] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.note.image_ids)


def open_pack(path: Path) -> Pack:
    """Return a pack, checked but for its pixels, which are checked one by one when read.

    Raises:
        DataError: There is no such file, it is not a pack, or it is damaged or cut short.
    """
    if not path.is_file():
        raise DataError(f"There is no packed data file {path}; 'restore-recog pack' makes one.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise DataError(
                    f"{path} is not a packed data file of this version ('{FORMAT}' is expected); "
                    "pack the data again with 'restore-recog pack'."
                )
            small = {name: file.get_tensor(name) for name in SMALL}
            shape = file.get_slice("pixels").get_shape()
            extra = {name: file.get_tensor(name) for name in EXTRA if name in file.keys()}  # noqa: SIM118
        stated = {name: metadata[name] for name in MARKS if name in metadata}
        if checksums({**small, **extra}) != stated:
            raise ValueError("its checksum differs")
        return _pack(path, small, shape, extra)
    except (SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        raise DataError(
            f"The packed data file {path} is damaged or cut short ({error}); copy it again, or "
            "pack the data again."
        ) from error


def _pack(
    path: Path,
    small: Mapping[str, NDArray[Any]],
    shape: Sequence[int],
    extra: Mapping[str, NDArray[np.float32]],
) -> Pack:
    note = Note.decode(small["note"].tobytes())
    count = len(note.image_ids)
    wide = wide_side(note.size)
    plain = (count, wide, wide, 3)
    offsets = small["offsets"]
    whole = len(offsets) == count + 1 if codec(note.stored) else tuple(shape) == plain
    lengths = [len(small["landmarks"]), len(small["subjects"]), len(note.attributes)]
    whole = whole and all(one.shape == (count, *EXTRA[name]) for name, one in extra.items())
    if not whole or any(length != count for length in lengths):
        raise ValueError("its parts do not fit together")
    pixels = PackedPixels(path, plain, offsets, small["checksums"])
    points = (extra.get(MANY), extra.get(CORNERS))
    return Pack(path, note, pixels, small["landmarks"], small["subjects"], *points)


def codec(stored: str) -> tuple[str, list[int]] | None:
    """Return file extension and OpenCV's options of a kind of storage, or None for raw.

    Raises:
        DataError: It is none of :data:`STORAGES`.
    """
    if stored == "raw":
        return None
    if stored == "png":
        return ".png", []
    kind, colon, quality = stored.partition(":")
    if kind == "webp" and not colon:
        return ".webp", [cv2.IMWRITE_WEBP_QUALITY, 101]  # above 100 is lossless
    if kind == "webp" and quality.isdecimal() and 1 <= int(quality) <= 100:
        return ".webp", [cv2.IMWRITE_WEBP_QUALITY, int(quality)]
    raise DataError(
        f"Images cannot be stored as '{stored}'; it must be {', '.join(STORAGES[:-1])} or"
        f" {STORAGES[-1]} with a quality from 1 to 100."
    )


def wide_side(size: int, margin: float = 1 / 16) -> int:
    """Return the side in pixels of a crop of *size* with its margin on both sides."""
    return size + 2 * round(size * margin)


def fingerprint(
    size: int,
    image_ids: Sequence[str],
    subjects: NDArray[np.int64],
    landmarks: NDArray[np.float32],
    pixels: Iterable[NDArray[np.uint8]],
) -> str:
    """Return the SHA-256 of ids, people, landmarks and pixels as hexadecimal text."""
    result = hashlib.sha256(json.dumps([size, list(image_ids)]).encode())
    for array in (subjects, landmarks):
        result.update(np.ascontiguousarray(array).data)
    for image in pixels:
        result.update(np.ascontiguousarray(image).data)
    return result.hexdigest()


def checksums(tensors: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Return what the metadata say of the small tensors, and of each that is read besides."""
    result = hashlib.sha256()
    for name in SMALL:
        result.update(np.ascontiguousarray(tensors[name]).data)
    known = [name for name in EXTRA if name in tensors]
    extra = {f"sha256 {name}": hashlib.sha256(tensors[name].data).hexdigest() for name in known}
    return {"sha256": result.hexdigest(), **extra}
