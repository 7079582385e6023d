"""What is kept of an evaluation's work, under which key, so that no network runs on it twice."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Recognizer, Restorer
from restore_recog.errors import NoFaceError, SeveralFacesError
from restore_recog.evaluation.arm_choice import ArmSpec
from restore_recog.evaluation.arms import Arm
from restore_recog.evaluation.cache.identity import identity, sources
from restore_recog.evaluation.cache.store import WorkCache
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.run.faces import ProbeFace, digest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.locator import Locator
from restore_recog.face_detection import FaceFinder
from restore_recog.photographs import own_crop
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.system import provenance
from restore_recog.types import FaceCrop, FaceImage, FaceSample, Pixels, Templates

FORMAT = 5
"""Raised by any change of what an entry holds."""

CORE = {"restore_recog.evaluation.run.probes"}
"""The module that makes an entry; its sources, and those of all that it uses, are in the key."""

Tally = tuple[int, int, int]
"""Results taken from the cache, results made, entries damaged."""

Keys = Mapping[str, bytes]
Tile = tuple[Pixels, Pixels | None]
"""An image of an arm, and the mask that it was made with."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an arm made of one probe.

    Attributes:
        template: (D,) of unit length, or None where there is none.
        fallback: The restorer failed and the probe was used as it came.
        quality: Likeness to the clean counterpart.
        mask: The mask that it was restored with, packed; None where no segmenter looked for one.
        features: (F,) of the image for FID, or None.
        weight: Of the template among others of its person; NaN where nobody asked.
    """

    template: Templates | None
    fallback: bool
    quality: ImageQuality
    mask: bytes | None = None
    features: NDArray[np.float32] | None = None
    weight: float = math.nan


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
        policy: Sequence[object],
        weighed: bool = False,
    ) -> None:
        """Hash everything that works on the crops of a run.

        Args:
            cache: Where entries are kept.
            recognizer: Of the run.
            restorers: By their names in the run.
            segmenters: Restorer name -> what finds its masks.
            quality_models: Those that score how good images look.
            policy: What else decides what an entry holds; JSON values.
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
        self._policy = list(policy)
        self._base.append(identity(quality_models))
        self._base += ["weighed"] if weighed else []

    def probe_keys(
        self, spec: ArmSpec, faces: Sequence[ProbeFace], mean_face: Pixels, purpose: str = "work"
    ) -> dict[str, bytes]:
        """Return the key of every probe of a block in an arm."""
        arm: list[Any] = [purpose, spec.arm.name, len(faces)]
        if spec.restorer is not None:
            name = spec.restorer
            arm += [self._restorers[name], self._segmenters[name], self._policy]
        elif type(spec.arm).image is not Arm.image:  # it may use the mean face and any mask
            arm += [digest(mean_face), list(self._segmenters.values())]
        return {
            face.sample.image_id: self._key(
                [*arm, *self._seen(spec.arm.taken(face))], face.crop, face.crop.mask, face.clean
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
        known = {image_id: self._cache.get(key) for image_id, key in keys.items()}
        if all(content is not None for content in known.values()):
            self.reused += len(keys)
            entries = {image_id: unpacked(content or b"") for image_id, content in known.items()}
            for image_id, (_, known_failures) in entries.items():
                for stage, reason in known_failures:
                    ledger.fail(stage, samples[image_id], reason)
            return {image_id: outcome for image_id, (outcome, _) in entries.items()}
        self.made += len(keys)
        with ledger.collect() as failures:
            outcomes = dict(make())
        ledger.failures += failures
        reasons: dict[str, list[tuple[str, str]]] = {image_id: [] for image_id in keys}
        for failure in dict.fromkeys(failures):
            reasons[failure.image_id].append((failure.stage, failure.reason))
        self._cache.put({key: packed(outcomes[i], reasons[i]) for i, key in keys.items()})
        return outcomes

    def tile(self, key: bytes, make: Callable[[], Tile]) -> Tile:
        """Return the image and mask of one probe in one arm, kept or made."""
        content = self._cache.get(key)
        if content is not None:
            line, _, rest = content.partition(b"\n")
            height, width = json.loads(line)
            values = np.frombuffer(rest, np.uint8)  # (3 H W,), or (4 H W,) with a mask at the end
            kept, kept_mask = np.split(values, [3 * height * width])
            return (
                kept.reshape(height, width, 3),
                kept_mask.reshape(height, width) if kept_mask.size else None,
            )
        image, mask = make()
        head = json.dumps(image.shape[:2]).encode() + b"\n"
        self._cache.put({key: head + image.tobytes() + (b"" if mask is None else mask.tobytes())})
        return image, mask

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
            f"{damaged} entries in the cache were cut off or damaged and were computed again."
        )
    return sentences


class RememberingLocator(Locator):
    """A locator that keeps the landmarks it found, and in which images it found none."""

    _REASONS = {kind.__name__: kind for kind in (NoFaceError, SeveralFacesError)}

    def __init__(self, finder: FaceFinder, cache: WorkCache) -> None:
        super().__init__(finder)
        self._cache = cache
        self._base = json.dumps([FORMAT, "locate", software(), identity(finder)])

    def locate(self, image: FaceImage, ledger: Ledger) -> FaceImage:
        """Return the image with landmarks, as :meth:`Locator.locate` does."""
        if image.landmarks is not None:
            return image
        key = hashlib.sha256((self._base + digest(image.pixels)).encode()).digest()
        content = self._cache.get(key)
        if content is None:
            try:
                located = super().locate(image, ledger)
            except (NoFaceError, SeveralFacesError) as error:
                self._cache.put({key: json.dumps([type(error).__name__, str(error)]).encode()})
                raise
            assert located.landmarks is not None
            self._cache.put({key: json.dumps(["", located.landmarks.tolist()]).encode()})
            return located
        kind, answer = json.loads(content)
        if kind:
            raise self._REASONS[kind](answer)
        return replace(image, landmarks=np.array(answer, np.float32))


def software() -> dict[str, str]:
    """Return the versions of what computes."""
    versions = provenance.versions()
    return {name: versions[name] for name in provenance.PACKAGES}


def packed(outcome: Outcome, failures: Sequence[tuple[str, str]]) -> bytes:
    """Return an outcome and its failures as bytes: a line of JSON, then its arrays'."""
    row, features = outcome.template, outcome.features
    head = {
        "fallback": outcome.fallback,
        "quality": list(asdict(outcome.quality).values()),
        "failures": list(failures),
        "weight": outcome.weight,
        "template": None if row is None else len(row),
    }
    head["mask"] = None if outcome.mask is None else len(outcome.mask)
    head["features"] = None if features is None else len(features)
    arrays = [b"" if array is None else array.tobytes() for array in (row, features)]
    return json.dumps(head).encode() + b"\n" + b"".join(arrays) + (outcome.mask or b"")


def unpacked(content: bytes) -> tuple[Outcome, list[tuple[str, str]]]:
    """Return what :func:`packed` was given."""
    line, _, rest = content.partition(b"\n")
    head = json.loads(line)
    ends = np.cumsum([8 * (head["template"] or 0), 4 * (head["features"] or 0)]).tolist()
    row = None if head["template"] is None else np.frombuffer(rest[: ends[0]], np.float64)
    features = None
    if head["features"] is not None:
        features = np.frombuffer(rest[ends[0] : ends[1]], np.float32)
    mask = None if head["mask"] is None else rest[ends[1] :]
    failures = [(stage, reason) for stage, reason in head["failures"]]
    quality = ImageQuality(*head["quality"])
    outcome = Outcome(row, head["fallback"], quality, mask, features, head["weight"])
    return outcome, failures
