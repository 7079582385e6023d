"""From data sets to aligned clean crops, in memory or in a packed data file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from restore_recog import __version__
from restore_recog.alignment import align, corners, five_points, warp, within
from restore_recog.api import Dataset
from restore_recog.coverings import cover
from restore_recog.errors import DataError, NoFaceError, RestoreRecogError, SeveralFacesError
from restore_recog.face_detection import FaceFinder
from restore_recog.landmarks import COUNT, unknown
from restore_recog.packs import format
from restore_recog.packs.format import Note, Pack, wide_side
from restore_recog.packs.writer import PackWriter
from restore_recog.system.atomic import whole_file
from restore_recog.system.progress import bar
from restore_recog.types import FaceCrop, FaceImage, FaceSample, Failure

CHUNK = 64


@dataclass(frozen=True)
class TrainingSource:
    """One data set and those of its samples that may be trained on."""

    number: int
    dataset: Dataset
    samples: tuple[FaceSample, ...]


def sources(
    datasets: Sequence[Dataset], only: Collection[str] | None, limit: int | None
) -> list[TrainingSource]:
    """Return what may be trained on: clean images outside the test split.

    Args:
        datasets: Where to look.
        only: image_ids that may be used; None for all.
        limit: At most so many images of each data set, whole people as far as possible.

    Raises:
        DataError: There is none.
    """
    usable = [
        TrainingSource(number, dataset, _usable(dataset, only, limit))
        for number, dataset in enumerate(datasets)
    ]
    if not any(source.samples for source in usable):
        raise DataError(
            f"No image of {', '.join(d.name for d in datasets)} may be trained on: none is clean "
            "and outside the test split; add another --data."
        )
    return usable


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


class _Cut(NamedTuple):
    """A (W, W, 3) crop with its margin; without it (5, 2) and (98, 2) landmarks, and the
    photograph's (4, 2) corners: NaN where it holds the whole crop with its margin.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    landmarks98: NDArray[np.float32]
    corners: NDArray[np.float32]


@dataclass
class CropRecords:
    """What is known about the crops that were kept, in their order.

    Attributes:
        image_ids, people: As ``<data set's number>:<name>``; people by label.
        labels: Of each crop's person.
        landmarks: (5, 2) float32 pixels of each crop without its margin.
        landmarks98: (98, 2) of the same, NaN for points that are not known.
        corners: (4, 2) of the same, of each photograph; NaN where it holds the whole crop.
        attributes: Of each crop's sample.
        failures: Images that yielded no crop.
    """

    image_ids: list[str] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    labels: list[int] = field(default_factory=list)
    landmarks: list[NDArray[np.float32]] = field(default_factory=list)
    landmarks98: list[NDArray[np.float32]] = field(default_factory=list)
    corners: list[NDArray[np.float32]] = field(default_factory=list)
    attributes: list[dict[str, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def add(self, source: TrainingSource, sample: FaceSample, crop: _Cut) -> None:
        """Add one crop that is kept."""
        person = f"{source.number}:{sample.subject}"
        self.labels.append(self.people.setdefault(person, len(self.people)))
        self.image_ids.append(f"{source.number}:{sample.image_id}")
        self.landmarks.append(crop.landmarks)
        self.landmarks98.append(crop.landmarks98)
        self.corners.append(crop.corners)
        self.attributes.append(dict(sample.attributes))

    def many(self) -> NDArray[np.float32] | None:
        """Return the (N, 98, 2) landmarks of all crops, or None where not one is known."""
        return _any_known(self.landmarks98)

    def edges(self) -> NDArray[np.float32] | None:
        """Return the (N, 4, 2) corners of all photographs, or None where all hold their crops."""
        return _any_known(self.corners)


def _any_known(points: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    stacked = np.stack(points)
    return None if np.isnan(stacked).all() else stacked


def cut_crops(
    chosen: Sequence[TrainingSource],
    size: int,
    keep: Callable[[NDArray[np.uint8]], Any],
    progress: bool,
) -> CropRecords:
    """Read, align and cut every image.

    Args:
        chosen: The images.
        size: Side of the crops in pixels.
        keep: Takes each (W, W, 3) crop with its margin, in order.
        progress: Whether to show a bar on the terminal.

    Raises:
        DataError: No image yielded a crop.
    """
    count = sum(len(source.samples) for source in chosen)
    records = CropRecords()
    cropper = _Cropper(size)
    with bar(count, "reading faces", shown=progress, unit="img", mininterval=0.5) as shown:
        for source, sample, image in _images(chosen):
            shown.update()
            try:
                crop = cropper(image)
            except RestoreRecogError as error:
                stage = "read" if image is error else "align"
                if isinstance(error, NoFaceError | SeveralFacesError):
                    stage = "detect"
                records.failures.append(Failure(stage, sample.image_id, sample.subject, str(error)))
                continue
            keep(crop.pixels)
            records.add(source, sample, crop)
    if not records.image_ids:
        raise DataError(
            f"None of the {count} images yielded a face crop; the first one: "
            f"{records.failures[0].reason}"
        )
    return records


def write_pack(
    path: Path,
    chosen: Sequence[TrainingSource],
    size: int,
    *,
    stored: str = "raw",
    protocol: str | None = None,
    left_out: str = "",
    overwrite: bool = False,
    progress: bool = True,
) -> Pack:
    """Write the crops of images to a packed data file, and open it.

    Args:
        path: The file.
        chosen: The images.
        size: Side of the crops in pixels.
        stored: One of :data:`restore_recog.packs.format.STORAGES`.
        protocol: Whose training images these are.
        left_out: What a list kept out of *chosen*, for whoever reads the pack.
        overwrite: Whether a file of this name may be replaced.
        progress: Whether to show a bar on the terminal.

    Raises:
        DataError: No image yielded a crop.
        OutputError: The file exists or cannot be written.
    """
    with whole_file(path, overwrite=overwrite) as part, part.open("wb") as file:
        writer = PackWriter(file, size, stored)
        made = cut_crops(chosen, size, writer.add, progress)
        note = Note(
            size,
            stored,
            made.image_ids,
            tuple(made.people),
            made.attributes,
            [_provenance(source, made) for source in chosen],
            tuple(made.failures),
            protocol=protocol,
            left_out=left_out,
            version=__version__,
        )
        subjects = np.array(made.labels, np.int64)
        writer.finish(note, np.stack(made.landmarks), subjects, made.many(), made.edges())
    return format.open_pack(path)


def _images(
    chosen: Sequence[TrainingSource],
) -> Iterator[tuple[TrainingSource, FaceSample, FaceImage | RestoreRecogError]]:
    for source in chosen:
        for start in range(0, len(source.samples), CHUNK):
            chunk = source.samples[start : start + CHUNK]
            for sample, image in zip(chunk, source.dataset.each(chunk), strict=True):
                yield source, sample, image


class _Cropper:
    """Cuts aligned crops with a margin; loads the face detector only where it is needed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._finder: FaceFinder | None = None

    def __call__(self, image: FaceImage | RestoreRecogError) -> _Cut:
        """Return the wide crop and its landmarks, or raise why there is none."""
        if isinstance(image, RestoreRecogError):
            raise image
        crop = self._crop(image)
        points = five_points(crop.landmarks)
        # Any kind refuses the same landmarks, and a rectangle costs nothing: what cannot be
        # covered is listed now instead of stopping the training later.
        cover(crop.pixels, points, kind="rectangle")
        wide = wide_side(self.size)
        matrix = crop.matrix.copy()
        matrix[:, 2] += (wide - self.size) // 2
        many = crop.landmarks if len(crop.landmarks) == COUNT else unknown()
        edges = corners(image.pixels.shape, crop.matrix)
        if within(image.pixels.shape, matrix, wide) is None:
            edges.fill(np.nan)
        return _Cut(warp(image.pixels, matrix, wide), points, many, edges)

    def _crop(self, image: FaceImage) -> FaceCrop:
        if image.landmarks is not None:
            return align(image, self.size)
        if self._finder is None:
            self._finder = FaceFinder(policy="largest")
        return self._finder.crop(image, self.size)


def _provenance(source: TrainingSource, made: CropRecords) -> dict[str, object]:
    """Return what a pack keeps of one data set; of a place only its name, no folders."""
    dataset = source.dataset
    location = Path(dataset.location).name if dataset.location else None
    listed = [[sample.image_id, sample.subject] for sample in source.samples]
    return {
        "name": dataset.name,
        "location": location,
        "rendered": dataset.rendered,
        "pictures": len(source.samples),
        "people": len({sample.subject for sample in source.samples}),
        "packed": sum(text.startswith(f"{source.number}:") for text in made.image_ids),
        "fingerprint": hashlib.sha256(json.dumps(listed).encode()).hexdigest(),
        "notes": list(dataset.notes),
    }
