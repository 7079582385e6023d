"""Aligned clean crops: in memory, in a cache on disk, or in packed data files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from restore_recog import labels
from restore_recog.api import Dataset
from restore_recog.errors import DataError
from restore_recog.landmarks import unknown
from restore_recog.packs import format
from restore_recog.packs.format import Pack
from restore_recog.training.cropping import TrainingSource, cut_crops, sources, write_pack
from restore_recog.training.pixels import Pixels, Selection
from restore_recog.types import FaceImage, Failure

FORMAT = 4
"""Part of the cache's key: raised when the crops are made in another way."""

PROBES = 8


@runtime_checkable
class HasPack(Protocol):
    """A data set whose crops are made already."""

    def pack(self) -> Pack: ...


@dataclass(frozen=True, eq=False)
class Crops:
    """Aligned clean faces.

    Attributes:
        pixels: N times (S + 2m, S + 2m, 3) uint8, with a margin of m pixels around the crop.
        landmarks: (N, 5, 2) float32 pixels of the crop without the margin.
        image_ids: N texts, ``<data set's number>:<image_id>``.
        subjects: (N,) int64 labels, 0 to people - 1.
        size: S.
        failures: Images that yielded no crop.
        known: The fingerprint, where it has been computed already.
        labels: kind -> (N,) int64 codes, see :mod:`restore_recog.labels`; of a kind that is not
            there nothing is known.
        landmarks98: (N, 98, 2) float32 pixels, NaN for points that are not known; None where of
            no crop any is. The fingerprint leaves them out.
        corners: (N, 4, 2) float32 pixels of the photographs, NaN where one holds the whole crop
            with its margin; None where all do. The fingerprint leaves them out too.
    """

    pixels: Pixels
    landmarks: NDArray[np.float32]
    image_ids: tuple[str, ...]
    subjects: NDArray[np.int64]
    size: int
    failures: tuple[Failure, ...] = ()
    known: str = ""
    labels: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    landmarks98: NDArray[np.float32] | None = None
    corners: NDArray[np.float32] | None = None

    def fingerprint(self) -> str:
        """Return the SHA-256 of ids, people, landmarks and pixels as hexadecimal text."""
        if self.known:
            return self.known
        return format.fingerprint(
            self.size, self.image_ids, self.subjects, self.landmarks, self.pixels
        )

    def codes(self, kind: str) -> NDArray[np.int64]:
        """Return the (N,) codes of one kind of label."""
        if kind in self.labels:
            return self.labels[kind]
        return np.full(len(self.image_ids), labels.UNKNOWN, np.int64)

    def many(self, number: int) -> NDArray[np.float32]:
        """Return the (98, 2) landmarks of one crop, NaN for points that are not known."""
        return unknown() if self.landmarks98 is None else self.landmarks98[number]

    def edges(self, number: int) -> NDArray[np.float32]:
        """Return the (4, 2) corners of one photograph, NaN where it holds the whole crop."""
        return np.full((4, 2), np.nan, np.float32) if self.corners is None else self.corners[number]


def collect(
    datasets: Sequence[Dataset],
    size: int,
    *,
    cache: Path | None = None,
    only: Collection[str] | None = None,
    limit: int | None = None,
    progress: bool = True,
) -> Crops:
    """Return the crops of every clean training image.

    Those of packed data files stay in the file, as do those of the cache.

    Args:
        datasets: Test images (``split`` is ``"test"``) and occluded ones are left out.
        size: Side of the crops in pixels.
        cache: Folder for a file of finished crops, made where needed; None for no cache.
        only: image_ids that may be used; None for all.
        limit: At most so many images of each data set, whole people as far as possible.
        progress: Whether to show a bar on the terminal.

    Raises:
        DataError: Nothing is left to train on, or a packed data file does not fit.
        OutputError: The cache cannot be written.
    """
    parts: list[tuple[int, Crops]] = []
    for packed, group in groupby(datasets, lambda dataset: isinstance(dataset, HasPack)):
        members = list(group)
        if not packed:
            chosen = sources(members, only, limit)
            parts.append((len(members), _collected(chosen, size, cache, progress)))
            continue
        for dataset in members:
            assert isinstance(dataset, HasPack)
            pack = dataset.pack()
            parts.append((len(pack.note.sources), _chosen(pack, size, only, limit)))
    return parts[0][1] if len(parts) == 1 else _joined(parts)


def _collected(
    chosen: Sequence[TrainingSource], size: int, cache: Path | None, progress: bool
) -> Crops:
    if cache is None:
        return _in_memory(chosen, size, progress)
    path = cache / f"crops-{size}-{_key(chosen, size)[:16]}.pack"
    if not path.is_file():
        return _of_pack(write_pack(path, chosen, size, overwrite=True, progress=progress))
    try:
        return _of_pack(format.open_pack(path))
    except DataError as error:
        raise DataError(
            f"The file of face crops {path} is damaged; delete it, and it is made again."
        ) from error


def _in_memory(chosen: Sequence[TrainingSource], size: int, progress: bool) -> Crops:
    wide = format.wide_side(size)
    pixels = np.empty((sum(len(source.samples) for source in chosen), wide, wide, 3), np.uint8)
    places = iter(pixels)
    made = cut_crops(chosen, size, lambda crop: np.copyto(next(places), crop), progress)
    return Crops(
        pixels[: len(made.image_ids)],
        np.stack(made.landmarks),
        tuple(made.image_ids),
        np.array(made.labels, np.int64),
        size,
        tuple(made.failures),
        labels=labels.codes(made.attributes),
        landmarks98=made.many(),
        corners=made.edges(),
    )


def _key(chosen: Sequence[TrainingSource], size: int) -> str:
    """Return what the cache file depends on; a few images stand for the contents of all."""
    digest = hashlib.sha256(f"{FORMAT} {size} {format.wide_side(size)}".encode())
    for source in chosen:
        digest.update(source.dataset.name.encode())
        for sample in source.samples:
            stat = sample.path.stat() if sample.path and sample.path.is_file() else None
            file = [stat.st_size, stat.st_mtime_ns] if stat else None
            known = [sample.image_id, sample.subject, file, dict(sample.attributes)]
            digest.update(json.dumps(known).encode())
        step = max(1, len(source.samples) // PROBES)
        for image in source.dataset.each(source.samples[::step][:PROBES]):
            if isinstance(image, FaceImage):
                digest.update(np.ascontiguousarray(image.pixels).data)
    return digest.hexdigest()


def _of_pack(pack: Pack) -> Crops:
    note = pack.note
    return Crops(
        pack.pixels,
        pack.landmarks,
        tuple(note.image_ids),
        pack.subjects,
        note.size,
        tuple(note.failures),
        note.fingerprint,
        labels.codes(note.attributes),
        pack.landmarks98,
        pack.corners,
    )


def _chosen(pack: Pack, size: int, only: Collection[str] | None, limit: int | None) -> Crops:
    """Return those crops of a packed data file that may be used."""
    if pack.note.size != size:
        raise DataError(
            f"{pack.path} holds crops of {pack.note.size} pixels, and {size} are wanted; "
            f"pack the data again with --size {size}."
        )
    crops = _of_pack(pack)
    allowed = None if only is None else set(only)
    rows = [n for n, name in enumerate(crops.image_ids) if allowed is None or name in allowed]
    rows = rows[:limit]
    if not rows:
        raise DataError(f"No image of {pack.path} may be trained on; add another --data.")
    if len(rows) == len(crops.image_ids):
        return crops
    _, first, people = np.unique(crops.subjects[rows], return_index=True, return_inverse=True)
    ranks = np.argsort(np.argsort(first))  # labels count from 0 in order of first appearance
    return replace(
        crops,
        pixels=Selection([crops.pixels], np.zeros(len(rows), int), np.array(rows)),
        landmarks=crops.landmarks[rows],
        image_ids=tuple(crops.image_ids[row] for row in rows),
        subjects=ranks[people],
        known="",
        labels={kind: codes[rows] for kind, codes in crops.labels.items()},
        landmarks98=None if crops.landmarks98 is None else crops.landmarks98[rows],
        corners=None if crops.corners is None else crops.corners[rows],
    )


def _joined(parts: Sequence[tuple[int, Crops]]) -> Crops:
    """Return several crops as one; data sets and people are numbered on."""
    ids: list[str] = []
    subjects: list[NDArray[np.int64]] = []
    failures: list[Failure] = []
    number = people = 0
    for count, crops in parts:
        for text in crops.image_ids:
            own, _, name = text.partition(":")
            ids.append(f"{number + int(own)}:{name}")
        subjects.append(crops.subjects + people)
        failures += crops.failures
        number += count
        people += int(crops.subjects.max()) + 1
    lengths = [len(crops.image_ids) for _, crops in parts]
    pixels = Selection(
        [crops.pixels for _, crops in parts],
        np.repeat(np.arange(len(parts)), lengths),
        np.concatenate([np.arange(length) for length in lengths]),
    )
    landmarks = np.concatenate([crops.landmarks for _, crops in parts])
    return Crops(
        pixels,
        landmarks,
        tuple(ids),
        np.concatenate(subjects),
        parts[0][1].size,
        tuple(failures),
        labels={
            kind: np.concatenate([crops.codes(kind) for _, crops in parts]) for kind in labels.KINDS
        },
        landmarks98=_joined_points([crops.landmarks98 for _, crops in parts], lengths),
        corners=_joined_points([crops.corners for _, crops in parts], lengths),
    )


def _joined_points(
    parts: Sequence[NDArray[np.float32] | None], lengths: Sequence[int]
) -> NDArray[np.float32] | None:
    """Return (N, L, 2) points end to end, NaN where a part has none; None where none has any."""
    shapes = [part.shape[1:] for part in parts if part is not None]
    if not shapes:
        return None
    return np.concatenate(
        [
            np.full((length, *shapes[0]), np.nan, np.float32) if part is None else part
            for part, length in zip(parts, lengths, strict=True)
        ]
    )
