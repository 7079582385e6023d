"""What is kept of an evaluation's work, under which key, so that no net runs on it twice."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from restore_recog.api import Recognizer, Restorer
from restore_recog.errors import NoFaceError, SeveralFacesError
from restore_recog.evaluation.arm_choice import ArmSpec
from restore_recog.evaluation.arms import Arm
from restore_recog.evaluation.cache.identity import identity, sources
from restore_recog.evaluation.cache.store import WorkCache
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.run.faces import Locator, ProbeFace, digest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.outcomes import Outcome
from restore_recog.face_detection import FaceFinder
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.system import provenance
from restore_recog.types import FaceCrop, FaceImage, FaceSample, Pixels

FORMAT = 3
"""Raised by any change of what an entry holds."""

CORE = {"restore_recog.evaluation.run.probes", "restore_recog.evaluation.run.references"}
"""The modules that make an entry; with all that they use, their sources are in its key."""

Tally = tuple[int, int, int]
"""Results found in the cache, results made, entries damaged."""

Keys = Mapping[str, bytes]
Tile = tuple[Pixels, Pixels | None]
"""An image of an arm, and the mask that it was made with."""


class FinishedWork:
    """Looks up and keeps what the nets of one run made.

    An entry's key is the SHA-256 of the crop (with its landmarks, true mask and clean twin), of
    everything that works on it, and of how many images are worked on together: nets may
    round differently in batches of another size, and what comes from here is what the same run
    would have made, bit for bit. A block is made anew where one of its images is not known.
    The number of threads and the kind of GPU are not in the key.

    Attributes:
        found, made: How many results came from the cache, and how many did not.
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
    ) -> None:
        """Hash everything that works on the crops of a run.

        Args:
            cache: Where entries are kept.
            recognizer: Of the run.
            restorers: By their names in the run.
            segmenters: Restorer name -> what finds its masks.
            quality_models: What judges how good images look.
            policy: What else decides what an entry holds; JSON values.
        """
        self._cache = cache
        self.found = self.made = 0
        self._base = [FORMAT, sources(CORE), software(), identity(recognizer)]
        self._restorers = {name: identity(r) for name, r in restorers.items()}
        self._detectors = {
            name: None if found is None else [identity(found.segmenter), found.device[:4]]
            for name, found in segmenters.items()
        }
        self._policy = list(policy)
        self._base.append(identity(quality_models))

    def probe_keys(
        self, spec: ArmSpec, faces: Sequence[ProbeFace], mean_face: Pixels, purpose: str = "work"
    ) -> dict[str, bytes]:
        """Return the key of every probe of a block in an arm."""
        arm: list[Any] = [purpose, spec.arm.name, len(faces)]
        if spec.restorer is not None:
            name = spec.restorer
            arm += [self._restorers[name], self._detectors[name], self._policy]
        elif type(spec.arm).image is not Arm.image:  # it may use the mean face and any mask
            arm += [digest(mean_face), list(self._detectors.values())]
        return {
            face.sample.image_id: self._key(arm, face.crop, face.crop.mask, face.clean)
            for face in faces
        }

    def reference_keys(self, crops: Mapping[str, FaceCrop], part: str) -> dict[str, bytes]:
        """Return the key of every reference of a block; *part* is ``whole`` or ``upper``."""
        return {
            image_id: self._key(["reference", part, len(crops)], crop, None, None)
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
            self.found += len(keys)
            found = {image_id: unpacked(content or b"") for image_id, content in known.items()}
            for image_id, (_, failures) in found.items():
                for stage, reason in failures:
                    ledger.fail(stage, samples[image_id], reason)
            return {image_id: outcome for image_id, (outcome, _) in found.items()}
        self.made += len(keys)
        start = len(ledger.failures)
        outcomes = dict(make())
        reasons: dict[str, list[tuple[str, str]]] = {image_id: [] for image_id in keys}
        for failure in dict.fromkeys(ledger.failures[start:]):
            reasons[failure.image_id].append((failure.stage, failure.reason))
        self._cache.put({key: packed(outcomes[i], reasons[i]) for i, key in keys.items()})
        return outcomes

    def tile(self, key: bytes, make: Callable[[], Tile]) -> Tile:
        """Return the image and mask of one probe in one arm, kept or made."""
        content = self._cache.get(key)
        if content is not None:
            shape, pixels = _array(content)
            size = shape[0] * shape[1]
            has_mask = len(pixels) > 3 * size
            found = pixels[3 * size :].reshape(shape[:2]) if has_mask else None
            return pixels[: 3 * size].reshape(shape), found
        image, used = make()
        planes = [image.ravel(), *([] if used is None else [used.ravel()])]
        head = json.dumps(image.shape).encode() + b"\n"
        self._cache.put({key: head + zlib.compress(np.concatenate(planes).tobytes(), 1)})
        return image, used

    def tally(self) -> Tally:
        """Return what the cache has been good for so far."""
        return self.found, self.made, self._cache.damaged

    def _key(
        self, arm: list[Any], crop: FaceCrop, true_mask: Pixels | None, clean: Pixels | None
    ) -> bytes:
        images = [None if p is None else digest(p) for p in (crop.pixels, true_mask, clean)]
        points = hashlib.sha256(crop.landmarks.tobytes()).hexdigest()
        text = json.dumps([self._base, arm, images, points], sort_keys=True)
        return hashlib.sha256(text.encode()).digest()


def notes(tallies: Sequence[Tally]) -> list[str]:
    """Return what the report must say about the cache; one tally a process."""
    found, made = sum(tally[0] for tally in tallies), sum(tally[1] for tally in tallies)
    damaged = max((tally[2] for tally in tallies), default=0)  # all see the same files
    sentences = []
    if found:
        sentences.append(
            f"{found} of {found + made} results of the nets came from the cache of finished work; "
            "the costs are those of the others."
        )
    if damaged:
        sentences.append(
            f"{damaged} entries in the cache were cut off or damaged (a run that is stopped, or "
            "still going on, leaves one) and were made anew."
        )
    return sentences


class RememberingLocator(Locator):
    """A locator that writes down the landmarks it found, and what it found nothing in."""

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
        kind, found = json.loads(content)
        if kind:
            raise self._REASONS[kind](found)
        return replace(image, landmarks=np.array(found, np.float32))


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
        "template": None if row is None else len(row),
    }
    found = outcome.found or b""
    head["mask"] = None if outcome.found is None else len(found)
    head["features"] = None if features is None else len(features)
    arrays = [b"" if array is None else array.tobytes() for array in (row, features)]
    return json.dumps(head).encode() + b"\n" + b"".join(arrays) + found


def unpacked(content: bytes) -> tuple[Outcome, list[tuple[str, str]]]:
    """Return what :func:`packed` was given."""
    line, _, rest = content.partition(b"\n")
    head = json.loads(line)
    ends = np.cumsum([8 * (head["template"] or 0), 4 * (head["features"] or 0)]).tolist()
    row = None if head["template"] is None else np.frombuffer(rest[: ends[0]], np.float64)
    features = None
    if head["features"] is not None:
        features = np.frombuffer(rest[ends[0] : ends[1]], np.float32)
    found = None if head["mask"] is None else rest[ends[1] :]
    failures = [(stage, reason) for stage, reason in head["failures"]]
    return Outcome(row, head["fallback"], ImageQuality(*head["quality"]), found, features), failures


def _array(content: bytes) -> tuple[tuple[int, ...], Pixels]:
    line, _, rest = content.partition(b"\n")
    return tuple(json.loads(line)), np.frombuffer(zlib.decompress(rest), np.uint8)
