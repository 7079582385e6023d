"""From data sets to aligned clean crops in memory, with a cache on disk."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from restore_recog.alignment import align, five_points, warp
from restore_recog.api import Dataset
from restore_recog.coverings import cover
from restore_recog.detection import FaceFinder
from restore_recog.errors import (
    DataError,
    NoFaceError,
    OutputError,
    RestoreRecogError,
    SeveralFacesError,
)
from restore_recog.types import FaceCrop, FaceSample, Failure, Picture

FORMAT = 1
"""Part of the cache's key: raised when the crops are made in another way."""

MARGIN = 1 / 16
"""Extra picture kept on every side of a crop, in units of its side, for small shifts."""

CHUNK = 64
PROBES = 8


@dataclass(frozen=True, eq=False)
class Crops:
    """Aligned clean faces.

    Attributes:
        pixels: (N, S + 2m, S + 2m, 3) uint8, with a margin of m pixels around the crop.
        landmarks: (N, 5, 2) float32 pixels of the crop without the margin.
        image_ids: N texts, ``<data set's number>:<image_id>``.
        subjects: (N,) int64 labels, 0 to people - 1.
        size: S.
        failures: Pictures that yielded no crop.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    image_ids: tuple[str, ...]
    subjects: NDArray[np.int64]
    size: int
    failures: tuple[Failure, ...] = ()

    def fingerprint(self) -> str:
        """Return the SHA-256 of ids, people, landmarks and pixels as hexadecimal text."""
        digest = hashlib.sha256(json.dumps([self.size, self.image_ids]).encode())
        for array in (self.subjects, self.landmarks, self.pixels):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class _Source:
    """One data set and those of its samples that may be trained on."""

    number: int
    dataset: Dataset
    samples: tuple[FaceSample, ...]


def collect(
    datasets: Sequence[Dataset],
    size: int,
    *,
    cache: Path | None = None,
    only: Collection[str] | None = None,
    limit: int | None = None,
    progress: bool = True,
) -> Crops:
    """Return the crops of every clean training picture.

    Args:
        datasets: Test pictures (``split`` is ``"test"``) and occluded ones are left out.
        size: Side of the crops in pixels.
        cache: Folder for a file of finished crops, made where needed; None for no cache.
        only: image_ids that may be used; None for all.
        limit: At most so many pictures of each data set, whole people as far as possible.
        progress: Whether to show a bar on the terminal.

    Raises:
        DataError: Nothing is left to train on.
        OutputError: The cache cannot be written.
    """
    sources = [
        _Source(number, dataset, _usable(dataset, only, limit))
        for number, dataset in enumerate(datasets)
    ]
    if not any(source.samples for source in sources):
        raise DataError(
            f"No picture of {', '.join(d.name for d in datasets)} may be trained on: none is clean "
            "and outside the test split; add another --data."
        )
    stored = cache / f"crops-{size}-{_key(sources, size)[:16]}.npz" if cache else None
    if stored is not None and stored.is_file():
        return _load(stored)
    crops = _build(sources, size, progress)
    if stored is not None:
        _store(stored, crops)
    return crops


def _usable(
    dataset: Dataset, only: Collection[str] | None, limit: int | None
) -> tuple[FaceSample, ...]:
    allowed = None if only is None else set(only)
    chosen = [
        sample
        for sample in dataset.samples()
        if sample.condition == "clean"
        and sample.attributes.get("split") != "test"
        and (allowed is None or sample.image_id in allowed)
    ]
    # Sorting by person keeps people whole where the limit cuts.
    chosen.sort(key=lambda sample: (sample.subject, sample.image_id))
    return tuple(chosen[:limit])


def _key(sources: Sequence[_Source], size: int) -> str:
    """Return what the cache file depends on; a few pictures stand for the contents of all."""
    digest = hashlib.sha256(f"{FORMAT} {size} {MARGIN}".encode())
    for source in sources:
        digest.update(source.dataset.name.encode())
        for sample in source.samples:
            stat = sample.path.stat() if sample.path and sample.path.is_file() else None
            file = [stat.st_size, stat.st_mtime_ns] if stat else None
            digest.update(json.dumps([sample.image_id, sample.subject, file]).encode())
        step = max(1, len(source.samples) // PROBES)
        for picture in source.dataset.read(source.samples[::step][:PROBES]):
            if isinstance(picture, Picture):
                digest.update(np.ascontiguousarray(picture.pixels).data)
    return digest.hexdigest()


def _build(sources: Sequence[_Source], size: int, progress: bool) -> Crops:
    count = sum(len(source.samples) for source in sources)
    wide = size + 2 * round(size * MARGIN)
    pixels = np.empty((count, wide, wide, 3), np.uint8)
    landmarks = np.empty((count, 5, 2), np.float32)
    people: dict[tuple[int, str], int] = {}
    ids: list[str] = []
    labels: list[int] = []
    failures: list[Failure] = []
    cropper = _Cropper(size)
    pace = 0.5 if sys.stderr.isatty() else 30
    bar = tqdm(
        total=count, desc="reading faces", unit="img", mininterval=pace, disable=not progress
    )
    with bar:
        for source, sample, picture in _pictures(sources):
            bar.update()
            try:
                pixels[len(ids)], landmarks[len(ids)] = cropper(picture)
            except RestoreRecogError as error:
                stage = "read" if picture is error else "align"
                if isinstance(error, NoFaceError | SeveralFacesError):
                    stage = "detect"
                failures.append(Failure(stage, sample.image_id, sample.subject, str(error)))
                continue
            labels.append(people.setdefault((source.number, sample.subject), len(people)))
            ids.append(f"{source.number}:{sample.image_id}")
    if not ids:
        raise DataError(
            f"None of the {count} pictures yielded a face crop; the first one: {failures[0].reason}"
        )
    kept = len(ids)
    return Crops(
        pixels[:kept],
        landmarks[:kept],
        tuple(ids),
        np.array(labels, np.int64),
        size,
        tuple(failures),
    )


def _pictures(
    sources: Sequence[_Source],
) -> Iterator[tuple[_Source, FaceSample, Picture | RestoreRecogError]]:
    for source in sources:
        for start in range(0, len(source.samples), CHUNK):
            chunk = source.samples[start : start + CHUNK]
            for sample, picture in zip(chunk, source.dataset.read(chunk), strict=True):
                yield source, sample, picture


class _Cropper:
    """Cuts aligned crops with a margin; loads the face detector only where it is needed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._finder: FaceFinder | None = None

    def __call__(
        self, picture: Picture | RestoreRecogError
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the wide crop and its (5, 2) landmarks, or raise why there is none."""
        if isinstance(picture, RestoreRecogError):
            raise picture
        crop = self._crop(picture)
        points = five_points(crop.landmarks)
        # Any kind refuses the same landmarks, and a rectangle costs nothing: what cannot be
        # covered is listed now instead of stopping the training later.
        cover(crop.pixels, points, kind="rectangle")
        margin = round(self.size * MARGIN)
        matrix = crop.matrix.copy()
        matrix[:, 2] += margin
        return warp(picture.pixels, matrix, self.size + 2 * margin), points

    def _crop(self, picture: Picture) -> FaceCrop:
        if picture.landmarks is not None:
            return align(picture, self.size)
        if self._finder is None:
            self._finder = FaceFinder(policy="largest")
        return self._finder.crop(picture, self.size)


def _store(path: Path, crops: Crops) -> None:
    """Write a cache file, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    note = {
        "image_ids": crops.image_ids,
        "size": crops.size,
        "failures": [asdict(failure) for failure in crops.failures],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as handle:
                np.savez(
                    handle,
                    pixels=crops.pixels,
                    landmarks=crops.landmarks,
                    subjects=crops.subjects,
                    note=np.frombuffer(json.dumps(note).encode(), np.uint8),
                )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"The face crops cannot be kept in {path} ({error.strerror}); make room there or "
            "choose another folder with --cache."
        ) from error


def _load(path: Path) -> Crops:
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            note = json.loads(file["note"].tobytes())
            return Crops(
                file["pixels"],
                file["landmarks"],
                tuple(note["image_ids"]),
                file["subjects"],
                note["size"],
                tuple(Failure(**failure) for failure in note["failures"]),
            )
    except Exception as error:  # a damaged archive raises nearly anything
        raise DataError(
            f"The file of face crops {path} is damaged ({error}); delete it and it is made anew."
        ) from error
