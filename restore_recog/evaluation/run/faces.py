"""From data sets to aligned faces: read, crop, cover. Whatever fails is written down.

Synthetic coverings are drawn on the crop of the clean picture, so that the covered face
has an exact twin and an exact map; the face search has not seen the covering then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE, align, warp
from restore_recog.api import Dataset
from restore_recog.coverings import choose, cover
from restore_recog.errors import DataError, ImageError
from restore_recog.evaluation.run.coverings_drawn import Drawn
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.face_detection import FaceFinder
from restore_recog.types import FaceCrop, FaceSample, Picture


class Source:
    """One or several data sets as one: unique ids, training pictures left out.

    Attributes:
        samples: image_id -> sample, in the order of the ids.
        left_out: How many pictures belong to a training split.
        rendered: Whether any of the data sets is synthetic.
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self._origin: dict[str, tuple[Dataset, FaceSample]] = {}
        self.samples: dict[str, FaceSample] = {}
        self.left_out = 0
        self.rendered = any(dataset.rendered for dataset in datasets)
        prefixes = _prefixes(datasets)
        for dataset, prefix in zip(datasets, prefixes, strict=True):
            for sample in dataset.samples():
                if sample.attributes.get("split") == "train":
                    self.left_out += 1
                    continue
                named = _prefixed(sample, prefix)
                if named.image_id in self.samples:
                    raise DataError(
                        f"The data set '{dataset.name}' has two pictures called "
                        f"'{sample.image_id}'; rename one of them."
                    )
                self.samples[named.image_id] = named
                self._origin[named.image_id] = (dataset, sample)
        self.samples = dict(sorted(self.samples.items()))
        if not self.samples:
            raise DataError(
                "The data has no picture that may be evaluated"
                + (f": all {self.left_out} belong to the training split." if self.left_out else ".")
            )

    def read(self, ids: Sequence[str], ledger: Ledger) -> Iterator[tuple[FaceSample, Picture]]:
        """Yield every picture that can be read, in order; the others go to the ledger."""
        if not ids:
            return
        with ledger.timed("read", len(ids)):
            found = self._read_batch(ids)
        for image_id in ids:
            sample, item = self.samples[image_id], found[image_id]
            if isinstance(item, Picture):
                yield sample, item
            else:
                ledger.fail("read", sample, item)

    def _read_batch(self, ids: Sequence[str]) -> dict[str, Picture | Exception]:
        found: dict[str, Picture | Exception] = {}
        by_dataset: dict[int, list[str]] = {}
        for image_id in ids:
            by_dataset.setdefault(id(self._origin[image_id][0]), []).append(image_id)
        for members in by_dataset.values():
            dataset = self._origin[members[0]][0]
            pictures = dataset.read([self._origin[image_id][1] for image_id in members])
            found.update(zip(members, pictures, strict=True))
        return found

    def fingerprint(self) -> str:
        """Return the SHA-256 of all ids, subjects and conditions."""
        digest = hashlib.sha256()
        for sample in self.samples.values():
            digest.update(f"{sample.image_id}\0{sample.subject}\0{sample.condition}\n".encode())
        return digest.hexdigest()


def _prefixes(datasets: Sequence[Dataset]) -> list[str]:
    """Return what to put before the ids: nothing for one data set, else a name for each."""
    if len(datasets) == 1:
        return [""]
    seen: dict[str, int] = {}
    prefixes = []
    for dataset in datasets:
        seen[dataset.name] = count = seen.get(dataset.name, 0) + 1
        prefixes.append(f"{dataset.name}/" if count == 1 else f"{dataset.name}-{count}/")
    return prefixes


def _prefixed(sample: FaceSample, prefix: str) -> FaceSample:
    twin = None if sample.clean_id is None else prefix + sample.clean_id
    return replace(
        sample, image_id=prefix + sample.image_id, subject=prefix + sample.subject, clean_id=twin
    )


@dataclass(frozen=True, slots=True, eq=False)
class ProbeFace:
    """One probe, ready for every arm.

    Attributes:
        crop: The occluded face; its ``mask`` is the true map where it is known.
        clean: (S, S, 3) uint8, the pixel-aligned unoccluded twin, or None.
        covering: Kind of the covering, or the condition as found.
        drawn: What was drawn, where the covering is synthetic.
    """

    sample: FaceSample
    crop: FaceCrop
    clean: NDArray[np.uint8] | None
    covering: str
    drawn: Drawn | None = None


@dataclass(frozen=True, slots=True)
class FoundProbe:
    """What is kept of a probe whose face was found, when its pixels are gone.

    Attributes:
        covering, drawn: As in :class:`ProbeFace`.
        digest, clean_digest: :func:`digest` of the occluded crop and of its clean twin.
    """

    covering: str
    digest: str
    clean_digest: str | None
    drawn: Drawn | None = None

    @classmethod
    def of(cls, face: ProbeFace) -> FoundProbe:
        """Return what is kept of a face."""
        clean = None if face.clean is None else digest(face.clean)
        return cls(face.covering, digest(face.crop.pixels), clean, face.drawn)


@dataclass(frozen=True, slots=True)
class CoveringSpec:
    """Which synthetic coverings to draw; see :func:`restore_recog.coverings.cover`."""

    kind: str = "random"
    colour: str | None = None
    seed: int = 0
    pattern: str | None = None
    difficulty: str | None = None

    def check(self) -> None:
        """Raise DataError for what cannot be drawn, before any work is done."""
        choose(self.kind, self.colour, self.pattern, self.difficulty)


class Locator:
    """Finds the landmarks of the faces in pictures that came without."""

    def __init__(self, finder: FaceFinder) -> None:
        self.finder = finder

    def locate(self, picture: Picture, ledger: Ledger) -> Picture:
        """Return the picture with landmarks; the ledger is told the cost of looking for them.

        Raises:
            ImageError: There is no usable face.
        """
        if picture.landmarks is not None:
            return picture
        with ledger.timed("detect", 1, self.finder.device):
            return self.finder.locate(picture)


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """Makes aligned faces out of a source's pictures.

    Attributes:
        size: Side of the crops in pixels.
        template: (5, 2) where the five points lie in them, in units of the side.
    """

    source: Source
    locator: Locator
    size: int
    ledger: Ledger
    template: NDArray[np.float64] = field(default_factory=lambda: TEMPLATE)

    def crops(self, ids: Sequence[str]) -> dict[str, FaceCrop]:
        """Return image_id -> crop for every picture whose face was found."""
        found = {}
        for sample, picture in self.source.read(ids, self.ledger):
            crop = self._crop(sample, picture)
            if crop is not None:
                found[sample.image_id] = crop
        return found

    def covered(self, ids: Sequence[str], spec: CoveringSpec) -> dict[str, ProbeFace]:
        """Return probes with synthetic coverings: exact twin, exact map."""
        found = {}
        for image_id, crop in self.crops(ids).items():
            sample = self.source.samples[image_id]
            try:
                with self.ledger.timed("cover"):
                    result = cover(
                        crop.pixels,
                        crop.landmarks,
                        kind=spec.kind,
                        colour=spec.colour,
                        pattern=spec.pattern,
                        difficulty=spec.difficulty,
                        seed=stable_seed(spec.seed, image_id),
                    )
            except ImageError as error:
                self.ledger.fail("cover", sample, error)
                continue
            occluded = replace(crop, pixels=result.pixels, mask=result.mask)
            found[image_id] = ProbeFace(
                sample, occluded, crop.pixels, result.kind, Drawn.of(result)
            )
        return found

    def as_found(self, ids: Sequence[str]) -> dict[str, ProbeFace]:
        """Return occluded probes as the data has them, with twin where one is aligned."""
        pictures: dict[str, tuple[FaceSample, FaceCrop, tuple[int, ...]]] = {}
        for sample, picture in self.source.read(ids, self.ledger):
            crop = self._crop(sample, picture)
            if crop is not None:
                pictures[sample.image_id] = (sample, crop, picture.pixels.shape)
        twins = self._twins(pictures)
        return {
            image_id: ProbeFace(sample, crop, twins.get(image_id), sample.condition)
            for image_id, (sample, crop, _) in pictures.items()
        }

    def _twins(
        self, pictures: Mapping[str, tuple[FaceSample, FaceCrop, tuple[int, ...]]]
    ) -> dict[str, NDArray[np.uint8]]:
        """Return the clean twins, cut exactly as their occluded pictures were."""
        owners: dict[str, list[str]] = {}
        for image_id, (sample, _, _) in pictures.items():
            if sample.clean_id is not None and sample.clean_id in self.source.samples:
                owners.setdefault(sample.clean_id, []).append(image_id)
        found = {}
        for twin, picture in self.source.read(list(owners), self.ledger):
            for image_id in owners[twin.image_id]:
                sample, crop, shape = pictures[image_id]
                if picture.pixels.shape == shape:
                    found[image_id] = warp(picture.pixels, crop.matrix, self.size)
                else:
                    self.ledger.fail("align", sample, "Its clean twin has another size.")
        return found

    def _crop(self, sample: FaceSample, picture: Picture) -> FaceCrop | None:
        stage = "detect"
        try:
            picture = self.locator.locate(picture, self.ledger)
            stage = "align"
            with self.ledger.timed(stage):
                return align(picture, self.size, self.template)
        except ImageError as error:
            self.ledger.fail(stage, sample, error)
        return None


def stable_seed(seed: int, image_id: str) -> int:
    """Return a seed that depends on nothing but the run's seed and the picture's id."""
    digest = hashlib.sha256(f"{seed}:{image_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def digest(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of a picture's shape and pixels."""
    found = hashlib.sha256(str(pixels.shape).encode())
    found.update(pixels.tobytes())
    return found.hexdigest()
