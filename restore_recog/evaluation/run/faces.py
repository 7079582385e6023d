"""From data sets to aligned faces: read, crop, cover. Every failure is recorded.

Synthetic coverings are drawn on the crop of the clean image, so that the covered face
has an exact clean counterpart and an exact mask; the face search has not seen the covering then.
They are put back into the photograph, from which recognisers of another alignment are fed.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE, on_image, warp
from restore_recog.api import Dataset
from restore_recog.coverings import choose, cover
from restore_recog.errors import DataError, ImageError
from restore_recog.evaluation.run.coverings_drawn import Drawn
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.locator import Locator
from restore_recog.names import numbered
from restore_recog.photographs import around, carried_on, photographed, repainted
from restore_recog.types import FaceCrop, FaceImage, FaceSample


class Source:
    """One or several data sets as one: unique ids, training images left out.

    Args:
        datasets: One or more.
        training: Whether training images are taken too.

    Attributes:
        samples: image_id -> sample, in the order of the ids.
        left_out: How many images belong to a training split.
        rendered: Whether any of the data sets is synthetic.
    """

    def __init__(self, datasets: Sequence[Dataset], *, training: bool = False) -> None:
        self._origin: dict[str, tuple[Dataset, FaceSample]] = {}
        self.samples: dict[str, FaceSample] = {}
        self.left_out = 0
        self.rendered = any(dataset.rendered for dataset in datasets)
        prefixes = _prefixes(datasets)
        for dataset, prefix in zip(datasets, prefixes, strict=True):
            for sample in dataset.samples():
                if sample.attributes.get("split") == "train" and not training:
                    self.left_out += 1
                    continue
                named = _prefixed(sample, prefix)
                if named.image_id in self.samples:
                    raise DataError(
                        f"The data set '{dataset.name}' has two images called "
                        f"'{sample.image_id}'; rename one of them."
                    )
                self.samples[named.image_id] = named
                self._origin[named.image_id] = (dataset, sample)
        self.samples = dict(sorted(self.samples.items()))
        if not self.samples:
            raise DataError(
                "The data has no image that may be evaluated"
                + (f": all {self.left_out} belong to the training split." if self.left_out else ".")
            )

    def read(self, ids: Sequence[str], ledger: Ledger) -> Iterator[tuple[FaceSample, FaceImage]]:
        """Yield every image that can be read, in order; the others go to the ledger.

        Of files one is decoded at a time, when it is asked for.
        """
        asked: dict[int, tuple[Dataset, list[FaceSample]]] = {}
        for image_id in ids:
            dataset, sample = self._origin[image_id]
            asked.setdefault(id(dataset), (dataset, []))[1].append(sample)
        answers = {key: dataset.each(samples) for key, (dataset, samples) in asked.items()}
        laps, seconds = ledger.laps.setdefault("read", []), 0.0
        for image_id in ids:
            sample, start = self.samples[image_id], time.perf_counter()
            item = next(answers[id(self._origin[image_id][0])])
            seconds += time.perf_counter() - start
            if isinstance(item, FaceImage):
                yield sample, item
                del item  # before the next one is decoded
            else:
                ledger.fail("read", sample, item)
        if ids:
            laps.append((len(ids), seconds))

    def only(self, ids: Sequence[str]) -> Source:
        """Return a source of some of the images."""
        part = copy.copy(self)
        part.samples = {image_id: self.samples[image_id] for image_id in sorted(ids)}
        part._origin = {image_id: self._origin[image_id] for image_id in part.samples}
        return part

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
    return [f"{name}/" for name in numbered(dataset.name for dataset in datasets)]


def _prefixed(sample: FaceSample, prefix: str) -> FaceSample:
    clean = None if sample.clean_id is None else prefix + sample.clean_id
    return replace(
        sample, image_id=prefix + sample.image_id, subject=prefix + sample.subject, clean_id=clean
    )


@dataclass(frozen=True, slots=True, eq=False)
class ProbeFace:
    """One probe, ready for every arm.

    Attributes:
        crop: The occluded face; its ``mask`` is the true mask where it is known.
        bare: The pixel-aligned unoccluded counterpart, or None.
        covering: Kind of the covering, or the condition that the data states.
        drawn: What was drawn, where the covering is synthetic.
    """

    sample: FaceSample
    crop: FaceCrop
    bare: FaceCrop | None
    covering: str
    drawn: Drawn | None = None

    @property
    def clean(self) -> NDArray[np.uint8] | None:
        """Return the (S, S, 3) uint8 pixels of the unoccluded counterpart, or None."""
        return None if self.bare is None else self.bare.pixels


@dataclass(frozen=True, slots=True)
class FoundProbe:
    """What is kept of a probe whose face was found, when its pixels are gone.

    Attributes:
        covering, drawn: As in :class:`ProbeFace`.
        digest, clean_digest: :func:`digest` of the occluded crop and of its clean counterpart.
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

    def __post_init__(self) -> None:
        """Raise DataError for what cannot be drawn, before any work is done."""
        choose(self.kind, self.colour, self.pattern, self.difficulty)


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """Makes aligned faces out of a source's images.

    Attributes:
        size: Side of the crops in pixels.
        template: (5, 2) where the five points lie in them, in units of the side.
        coverings: What to cover probes with, or None to take them as they are found.
    """

    source: Source
    locator: Locator
    size: int
    ledger: Ledger
    template: NDArray[np.float64] = field(default_factory=lambda: TEMPLATE)
    coverings: CoveringSpec | None = None

    def crops(self, ids: Sequence[str]) -> dict[str, FaceCrop]:
        """Return image_id -> crop for every image whose face was found."""
        crops = {}
        for sample, image in self.source.read(ids, self.ledger):
            crop = self._crop(sample, image)
            del image  # before the next one is decoded
            if crop is not None:
                crops[sample.image_id] = crop
        return crops

    def probes(self, ids: Sequence[str]) -> dict[str, ProbeFace]:
        """Return image_id -> probe of those whose face was found."""
        return self.as_found(ids) if self.coverings is None else self.covered(ids, self.coverings)

    def covered(self, ids: Sequence[str], spec: CoveringSpec) -> dict[str, ProbeFace]:
        """Return probes with synthetic coverings: exact clean counterpart, exact mask."""
        probes = {}
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
            photo = repainted(crop, result.pixels, beyond=True)
            occluded = replace(
                crop,
                pixels=carried_on(crop, result.pixels),
                mask=on_image(result.mask, crop.valid),
                photo=photo,
            )
            probes[image_id] = ProbeFace(sample, occluded, crop, result.kind, Drawn.of(result))
        return probes

    def as_found(self, ids: Sequence[str]) -> dict[str, ProbeFace]:
        """Return occluded probes as they are; with the clean counterpart where it is aligned."""
        images: dict[str, tuple[FaceSample, FaceCrop, tuple[int, ...]]] = {}
        for sample, image in self.source.read(ids, self.ledger):
            crop, shape = self._crop(sample, image), image.pixels.shape
            del image
            if crop is not None:
                images[sample.image_id] = (sample, crop, shape)
        clean = self._counterparts(images)
        return {
            image_id: ProbeFace(sample, crop, clean.get(image_id), sample.condition)
            for image_id, (sample, crop, _) in images.items()
        }

    def _counterparts(
        self, images: Mapping[str, tuple[FaceSample, FaceCrop, tuple[int, ...]]]
    ) -> dict[str, FaceCrop]:
        """Return the clean counterparts, cut exactly as their occluded images were."""
        owners: dict[str, list[str]] = {}
        for image_id, (sample, _, _) in images.items():
            if sample.clean_id is not None and sample.clean_id in self.source.samples:
                owners.setdefault(sample.clean_id, []).append(image_id)
        crops = {}
        for clean, image in self.source.read(list(owners), self.ledger):
            for image_id in owners[clean.image_id]:
                sample, crop, shape = images[image_id]
                if image.pixels.shape == shape:
                    pixels = warp(image.pixels, crop.matrix, self.size)
                    aligned = crop.photo is not None and crop.photo.aligned
                    photo = around(image.pixels, crop.matrix, self.size, aligned=aligned)
                    crops[image_id] = replace(crop, pixels=pixels, mask=None, photo=photo)
                else:
                    self.ledger.fail("align", sample, "Its clean counterpart has another size.")
            del image
        return crops

    def _crop(self, sample: FaceSample, image: FaceImage) -> FaceCrop | None:
        stage, aligned = "detect", self.locator.takes_as_aligned(image)
        try:
            image = self.locator.locate(image, self.ledger)
            stage = "align"
            with self.ledger.timed(stage):
                return photographed(image, self.size, self.template, aligned=aligned)
        except ImageError as error:
            self.ledger.fail(stage, sample, error)
        return None


def stable_seed(seed: int, image_id: str) -> int:
    """Return a seed that depends on nothing but the run's seed and the image's id."""
    digest = hashlib.sha256(f"{seed}:{image_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def digest(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of an image's shape and pixels."""
    sha256 = hashlib.sha256(str(pixels.shape).encode())
    sha256.update(pixels.tobytes())
    return sha256.hexdigest()
