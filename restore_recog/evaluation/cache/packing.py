"""What an entry of the cache holds, as bytes and back.

A folder may be shared, so that an entry may hold anything. What is not as it was written raises
an error (of nearly any kind) when it is read, and counts as missing:
:meth:`restore_recog.evaluation.cache.store.WorkCache.read`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import ImageError, NoFaceError, SeveralFacesError
from restore_recog.evaluation.cache.store import inflated
from restore_recog.evaluation.image_quality import QUALITIES, ImageQuality
from restore_recog.labels import UNKNOWN
from restore_recog.types import FaceImage, FaceSample, Pixels, Templates

Tile = tuple[Pixels, Pixels | None]
"""An image of an arm, and the mask that it was made with."""

REASONS: Mapping[str, type[ImageError]] = {
    kind.__name__: kind for kind in (NoFaceError, SeveralFacesError)
}
"""Why there may be no face in an image, by what it is called in an entry."""

POINTS = (5, 98)
"""How many landmarks a face may have."""


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
        told: The code of the class that a classifier sees in the image; -1 for none.
        confidence: How likely it takes that class to be; NaN for none.
        went_by: The labels that the restorer went by: kind -> code, -1 for none.
        seen: (G,) features by which the classifier decides, or None.
        vgg: (512,) of VGG-19, or None.
    """

    template: Templates | None
    fallback: bool
    quality: ImageQuality
    mask: bytes | None = None
    features: NDArray[np.float32] | None = None
    weight: float = math.nan
    told: int = UNKNOWN
    confidence: float = math.nan
    went_by: Mapping[str, int] = field(default_factory=dict)
    seen: NDArray[np.float32] | None = None
    vgg: NDArray[np.float32] | None = None


_VECTORS = ("features", "seen", "vgg")
"""The float32 arrays of an outcome, in their order in an entry."""


def packed(outcome: Outcome, failures: Sequence[tuple[str, str]]) -> bytes:
    """Return an outcome and its failures as bytes: a line of JSON, then its arrays'."""
    row = outcome.template
    vectors = {name: getattr(outcome, name) for name in _VECTORS}
    head = {
        "fallback": outcome.fallback,
        "quality": list(asdict(outcome.quality).values()),
        "failures": list(failures),
        "weight": outcome.weight,
        "told": outcome.told,
        "confidence": outcome.confidence,
        "went_by": dict(outcome.went_by),
        "template": None if row is None else len(row),
        "mask": None if outcome.mask is None else len(outcome.mask),
        **{name: None if array is None else len(array) for name, array in vectors.items()},
    }
    arrays = [b"" if array is None else array.tobytes() for array in (row, *vectors.values())]
    return json.dumps(head).encode() + b"\n" + b"".join(arrays) + (outcome.mask or b"")


def unpacked(content: bytes) -> tuple[Outcome, list[tuple[str, str]]]:
    """Return what :func:`packed` was given."""
    line, _, rest = content.partition(b"\n")
    head = json.loads(line)
    sizes = [8 * (head["template"] or 0), *(4 * (head[name] or 0) for name in _VECTORS)]
    sizes.append(head["mask"] or 0)
    ends = np.cumsum(sizes).tolist()
    _require(ends[-1] == len(rest) and min(sizes) >= 0)
    row = None if head["template"] is None else np.frombuffer(rest[: ends[0]], np.float64)
    _require(row is None or abs(float(np.linalg.norm(row)) - 1) < 1e-6)  # NaN is not
    vectors = {
        name: np.frombuffer(rest[start:end], np.float32)
        for name, start, end in zip(_VECTORS, ends, ends[1:], strict=False)
        if head[name] is not None
    }
    mask = None if head["mask"] is None else rest[ends[-2] :]
    _require(mask is None or len(inflated(mask)) > 0)
    failures = [(_text(stage), _text(reason)) for stage, reason in head["failures"]]
    _require(len(head["quality"]) == len(QUALITIES) and isinstance(head["fallback"], bool))
    quality = ImageQuality(*map(_number, head["quality"]))
    went_by = {_text(kind): _code(one) for kind, one in head["went_by"].items()}
    outcome = Outcome(
        row,
        head["fallback"],
        quality,
        mask,
        weight=_number(head["weight"]),
        told=_code(head["told"]),
        confidence=_number(head["confidence"]),
        went_by=went_by,
        **vectors,
    )
    return outcome, failures


def packed_tile(tile: Tile) -> bytes:
    """Return an image and its mask as bytes: their size, then their pixels."""
    image, mask = tile
    head = json.dumps(image.shape[:2]).encode() + b"\n"
    return head + image.tobytes() + (b"" if mask is None else mask.tobytes())


def unpacked_tile(content: bytes) -> Tile:
    """Return what :func:`packed_tile` was given."""
    line, _, rest = content.partition(b"\n")
    height, width = json.loads(line)
    values = np.frombuffer(rest, np.uint8)  # (3 H W,), or (4 H W,) with a mask at the end
    _require(values.size in (3 * height * width, 4 * height * width) and height > 0)
    kept, kept_mask = np.split(values, [3 * height * width])
    return (
        kept.reshape(height, width, 3),
        kept_mask.reshape(height, width) if kept_mask.size else None,
    )


def packed_place(place: NDArray[np.float32] | ImageError) -> bytes:
    """Return the (L, 2) landmarks of a face, or why there are none, as bytes."""
    if isinstance(place, ImageError):
        return json.dumps([type(place).__name__, str(place)]).encode()
    return json.dumps(["", place.tolist()]).encode()


def unpacked_place(content: bytes) -> NDArray[np.float32] | ImageError:
    """Return what :func:`packed_place` was given."""
    kind, answer = json.loads(content)
    if kind:
        return REASONS[kind](_text(answer))
    points = np.array(answer, np.float32)
    _require(points.ndim == 2 and points.shape[1] == 2 and len(points) in POINTS)
    _require(bool(np.isfinite(points).all()))
    return points


def packed_image(image: FaceImage) -> bytes:
    """Return an image with its landmarks and mask as bytes: what there is, then the arrays."""
    points, mask = image.landmarks, image.mask
    head = [image.pixels.shape[:2], 0 if points is None else len(points), mask is not None]
    parts = [image.pixels.tobytes(), b"" if points is None else points.tobytes()]
    return (
        json.dumps(head).encode()
        + b"\n"
        + b"".join(parts)
        + (b"" if mask is None else mask.tobytes())
    )


def unpacked_image(content: bytes) -> FaceImage:
    """Return what :func:`packed_image` was given."""
    line, _, rest = content.partition(b"\n")
    (height, width), points, masked = json.loads(line)
    _require(min(height, width) > 0 and points in (0, *POINTS) and isinstance(masked, bool))
    sizes = [3 * height * width, 8 * points, height * width * masked]
    ends = np.cumsum(sizes).tolist()
    _require(ends[-1] == len(rest))
    pixels = np.frombuffer(rest[: ends[0]], np.uint8).reshape(height, width, 3)
    landmarks = np.frombuffer(rest[ends[0] : ends[1]], np.float32).reshape(-1, 2)
    mask = np.frombuffer(rest[ends[1] :], np.uint8).reshape(height, width) if masked else None
    _require(not np.isinf(landmarks).any() and (points > 5 or not np.isnan(landmarks).any()))
    return FaceImage(pixels.copy(), landmarks.copy() if points else None, mask)


def packed_samples(samples: Sequence[FaceSample]) -> bytes:
    """Return samples without files as bytes."""
    rows = [[s.image_id, s.subject, s.condition, s.clean_id, dict(s.attributes)] for s in samples]
    return json.dumps(rows).encode()


def unpacked_samples(content: bytes) -> list[FaceSample]:
    """Return what :func:`packed_samples` was given."""
    samples = []
    for image_id, subject, condition, clean, attributes in json.loads(content):
        clean = None if clean is None else _text(clean)
        facts = {_text(name): _text(value) for name, value in attributes.items()}
        names = _text(image_id), _text(subject)
        samples.append(FaceSample(*names, None, _text(condition), clean, facts))
    _require(len(samples) > 0)
    return samples


def _require(true: bool) -> None:
    if not true:
        raise ValueError("This entry was not written by this package.")


def _text(value: Any) -> str:
    _require(isinstance(value, str))
    return str(value)


def _code(value: Any) -> int:
    _require(type(value) is int and value >= UNKNOWN)
    return int(value)


def _number(value: Any) -> float:
    _require(type(value) in (int, float))
    return float(value)
