"""What is kept of an evaluation's work, under which key, so that no network runs on it twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from restore_recog.api import Recognizer, Restorer
from restore_recog.errors import ImageError
from restore_recog.evaluation.arms.arm import Arm
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.cache.identity import identity, sources
from restore_recog.evaluation.cache.packing import (
    REASONS,
    Outcome,
    Tile,
    packed,
    packed_place,
    packed_tile,
    unpacked,
    unpacked_place,
    unpacked_tile,
)
from restore_recog.evaluation.cache.store import WorkCache
from restore_recog.evaluation.run.faces import ProbeFace, digest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.locator import Locator
from restore_recog.face_detection import FaceFinder
from restore_recog.photographs import own_crop
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.system import provenance
from restore_recog.types import FaceCrop, FaceImage, FaceSample, Pixels

FORMAT = 10
"""Raised by any change of what an entry holds."""

CORE = {"restore_recog.evaluation.run.probes"}
"""The module that makes an entry; its sources, and those of all that it uses, are in the key."""

Tally = tuple[int, int, int]
"""Results taken from the cache, results made, entries damaged."""

Keys = Mapping[str, bytes]


class FinishedWork:
    """Looks up and keeps what the networks of one run made.

    An entry's key is the SHA-256 of the crop (with its landmarks, true mask and clean
    counterpart, and its photograph where the recogniser is fed from that), of everything that
    works on it, and of how many images are worked on together: networks may round differently in
    batches of another size, and what comes from here is what the same run would have made, bit
    for bit. A block is made anew where one of its images is not known. The number of threads and
    the kind of GPU are not in the key.

    Attributes:
        reused, made: How many results came from the cache, and how many did not.
    """

    def __init__(
        self,
        cache: WorkCache,
        *,
        recognizer: Recognizer,
        restorers: Mapping[str, Restorer],
        segmenters: Mapping[str, ChosenSegmenter | None],
        quality_models: object,
        policies: Mapping[str, Sequence[object]],
        weighed: bool = False,
    ) -> None:
        """Hash everything that works on the crops of a run.

        Args:
            cache: Where entries are kept.
            recognizer: Of the run.
            restorers: By their names in the run.
            segmenters: Restorer name -> what finds its masks.
            quality_models: Those that score how good images look.
            policies: Restorer name -> what else decides what its entries hold; JSON values.
            weighed: Whether entries hold the weights of templates.
        """
        self._cache = cache
        self.reused = self.made = 0
        self._base = [FORMAT, sources(CORE), software(), identity(recognizer)]
        self._reads_photos = not own_crop(recognizer.template)
        self._restorers = {name: identity(r) for name, r in restorers.items()}
        self._segmenters = {
            name: None if chosen is None else [identity(chosen.segmenter), chosen.device[:4]]
            for name, chosen in segmenters.items()
        }
        self._policies = {name: list(policy) for name, policy in policies.items()}
        self._base.append(identity(quality_models))
        self._base += ["weighed"] if weighed else []

    def probe_keys(
        self, spec: ArmSpec, faces: Sequence[ProbeFace], mean_face: Pixels, purpose: str = "work"
    ) -> dict[str, bytes]:
        """Return the key of every probe of a block in an arm."""
        arm: list[Any] = [purpose, spec.arm.name, len(faces)]
        if spec.restorer is not None:
            name = spec.restorer
            arm += [self._restorers[name], self._segmenters[name], self._policies[name]]
        elif type(spec.arm).image is not Arm.image:  # it may use the mean face and any mask
            arm += [digest(mean_face), list(self._segmenters.values())]
        return {
            face.sample.image_id: self._key(
                [*arm, *spec.arm.labels(face).items(), *self._seen(spec.arm.taken(face))],
                face.crop,
                face.crop.mask,
                face.clean,
            )
            for face in faces
        }

    def reference_keys(self, crops: Mapping[str, FaceCrop], part: str) -> dict[str, bytes]:
        """Return the key of every reference of a block; *part* is that of the face."""
        return {
            image_id: self._key(
                ["reference", part, len(crops), *self._seen(crop)], crop, None, None
            )
            for image_id, crop in crops.items()
        }

    def block(
        self,
        keys: Keys,
        samples: Mapping[str, FaceSample],
        ledger: Ledger,
        make: Callable[[], Mapping[str, Outcome]],
    ) -> dict[str, Outcome]:
        """Return the outcomes of a block: all from the cache, failures included, or all made.

        Args:
            keys: image_id -> key, of the whole block.
            samples: image_id -> sample, of at least these.
            ledger: Takes the failures, whether they are known or new.
            make: Makes the block's outcomes; its failures go to *ledger*.
        """
        known = {image_id: self._cache.read(key, unpacked) for image_id, key in keys.items()}
        entries = {image_id: entry for image_id, entry in known.items() if entry is not None}
        if len(entries) == len(keys):
            self.reused += len(keys)
            for image_id, (_, known_failures) in entries.items():
                for stage, reason in known_failures:
                    ledger.fail(stage, samples[image_id], reason)
            return {image_id: outcome for image_id, (outcome, _) in entries.items()}
        self.made += len(keys)
        with ledger.collect() as failures:
            outcomes = dict(make())
        places = {image_id: place for place, image_id in enumerate(keys)}
        failures.sort(key=lambda failure: places[failure.image_id])  # as they come from the cache
        ledger.failures += failures
        reasons: dict[str, list[tuple[str, str]]] = {image_id: [] for image_id in keys}
        for failure in dict.fromkeys(failures):
            reasons[failure.image_id].append((failure.stage, failure.reason))
        self._cache.put({key: packed(outcomes[i], reasons[i]) for i, key in keys.items()})
        return outcomes

    def tile(self, key: bytes, make: Callable[[], Tile]) -> Tile:
        """Return the image and mask of one probe in one arm, kept or made."""
        known = self._cache.read(key, unpacked_tile)
        if known is None:
            known = make()
            self._cache.put({key: packed_tile(known)})
        return known

    def tally(self) -> Tally:
        """Return how much came from the cache so far."""
        return self.reused, self.made, self._cache.damaged

    def _seen(self, crop: FaceCrop) -> list[Any]:
        """Return what tells a crop's photograph from others; nothing where it is not read."""
        if crop.photo is None or not self._reads_photos:
            return []
        photo = crop.photo
        return [digest(photo.pixels), photo.matrix.tolist(), photo.aligned]

    def _key(
        self, arm: list[Any], crop: FaceCrop, true_mask: Pixels | None, clean: Pixels | None
    ) -> bytes:
        images = [
            None if p is None else digest(p) for p in (crop.pixels, true_mask, clean, crop.valid)
        ]
        points = hashlib.sha256(crop.landmarks.tobytes()).hexdigest()
        text = json.dumps([self._base, arm, images, points], sort_keys=True)
        return hashlib.sha256(text.encode()).digest()


def notes(tallies: Sequence[Tally]) -> list[str]:
    """Return what the report must say about the cache; one tally per process."""
    reused, made, damaged = (sum(tally[i] for tally in tallies) for i in range(3))
    sentences = []
    if reused:
        sentences.append(
            f"{reused} of {reused + made} network results came from the cache of finished work; "
            "the costs are those of the others."
        )
    if damaged:
        sentences.append(
            f"{damaged} entries in the cache were cut off or damaged, or not its own, and were "
            "computed again."
        )
    return sentences


class RememberingLocator(Locator):
    """A locator that keeps the landmarks it found, and in which images it found none."""

    def __init__(self, finder: FaceFinder, cache: WorkCache) -> None:
        super().__init__(finder)
        self._cache = cache
        self._base = json.dumps([FORMAT, "locate", software(), identity(finder)])

    def locate(self, image: FaceImage, ledger: Ledger) -> FaceImage:
        """Return the image with landmarks, as :meth:`Locator.locate` does."""
        if image.landmarks is not None:
            return image
        key = hashlib.sha256((self._base + digest(image.pixels)).encode()).digest()
        known = self._cache.read(key, unpacked_place)
        if known is None:
            try:
                located = super().locate(image, ledger)
            except tuple(REASONS.values()) as error:
                self._cache.put({key: packed_place(error)})
                raise
            assert located.landmarks is not None
            self._cache.put({key: packed_place(located.landmarks)})
            return located
        if isinstance(known, ImageError):
            raise known
        return replace(image, landmarks=known)


def software() -> dict[str, str]:
    """Return the versions of what computes."""
    versions = provenance.versions()
    return {name: versions[name] for name in provenance.PACKAGES}
