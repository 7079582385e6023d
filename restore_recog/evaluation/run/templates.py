"""Templates of faces, each cut as the recogniser wants it, and those of the references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE, five_points, in_pixels, similarity, warp
from restore_recog.api import Recognizer
from restore_recog.errors import DataError, PluginError, RestoreRecogError
from restore_recog.evaluation.arms import upper_half
from restore_recog.evaluation.cache.entries import FinishedWork, Outcome
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.run.faces import Studio, digest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.images import to_tensor
from restore_recog.photographs import own_crop, recut
from restore_recog.restoring.restoration import resize
from restore_recog.types import FaceCrop, FaceSample, Failure, Pixels, Templates

MEAN_OF = 256
"""So many occluded references make the mean face where none is clean."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face to be embedded.

    Attributes:
        crop: As it was photographed.
        pixels: (S, S, 3) uint8, the crop after something was done to it, or as it was.
        beyond: Whether what was done goes on outside of the crop.
    """

    sample: FaceSample
    crop: FaceCrop
    pixels: Pixels
    beyond: bool = False


def embed(recognizer: Recognizer, faces: Sequence[Face], ledger: Ledger) -> list[Templates | None]:
    """Return one unit-length (D,) template per face; None, and a failure, where there is none.

    Raises:
        PluginError: The recogniser's answer has the wrong shape.
    """
    if not faces:
        return []
    images = to_tensor(_fitted(recognizer, faces, ledger))
    try:
        with ledger.timed("embed", len(faces), recognizer.device), torch.inference_mode():
            wanted = resize(images, recognizer.image_size).to(recognizer.device)
            templates = recognizer.embed(wanted).double().cpu().numpy()
    except PluginError:
        raise
    except RestoreRecogError as error:
        if len(faces) > 1:
            return [embed(recognizer, [face], ledger)[0] for face in faces]
        ledger.fail("embed", faces[0].sample, error)
        return [None]
    if templates.ndim != 2 or len(templates) != len(faces):
        raise PluginError(
            f"The recogniser '{recognizer.name}' returned shape {templates.shape} for "
            f"{len(faces)} images, expected ({len(faces)}, D); fix the plug-in."
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = templates / np.linalg.norm(templates, axis=1, keepdims=True)
    rows: list[Templates | None] = []
    for face, row in zip(faces, unit, strict=True):
        sound = bool(np.isfinite(row).all())
        if not sound:
            ledger.fail("embed", face.sample, "The template is zero or not finite.")
        rows.append(row if sound else None)
    return rows


def stacked(
    templates: Mapping[str, NDArray[Any] | None], ids: Sequence[str], length: int | None = None
) -> NDArray[Any]:
    """Return (N, D) templates (or features) in the order of *ids*, rows of NaN for those without.

    Args:
        templates: image_id -> (D,) template or None; ids may be missing.
        length: D, or None to take it from the templates.

    Raises:
        DataError: Nothing has a template and the length is not given.
        PluginError: The templates are not all of one length.
    """
    known = {image_id: row for image_id, row in templates.items() if row is not None}
    if length is None and not known:
        raise DataError(
            f"The recogniser gave none of the {len(ids)} gallery images a template, so nothing "
            "can be compared; failing images or wrong weights are the usual cause."
        )
    lengths = {len(row) for row in known.values()} | ({length} if length else set())
    if len(lengths) > 1:
        raise PluginError(
            f"The recogniser gives templates of {' and '.join(map(str, sorted(lengths)))} numbers "
            "in one run; they cannot be compared, so fix the plug-in or its network."
        )
    kind = next((row.dtype for row in known.values()), np.dtype(float))
    missing = np.full(lengths.pop(), np.nan, kind)
    return np.stack([known.get(image_id, missing) for image_id in ids])


def _fitted(recognizer: Recognizer, faces: Sequence[Face], ledger: Ledger) -> list[Pixels]:
    """Return the crops, cut from the photograph where the recogniser wants another alignment."""
    if recognizer.template is None or own_crop(recognizer.template):
        return [_usual(face) for face in faces]
    with ledger.timed("cut", len(faces)):
        return [
            recut(f.crop, f.pixels, recognizer.template, recognizer.image_size, beyond=f.beyond)
            for f in faces
        ]


def _usual(face: Face) -> Pixels:
    """Return the crop as it is, or cut anew where it is not framed as the project's own are."""
    side = face.pixels.shape[0]
    matrix = similarity(five_points(face.crop.landmarks), in_pixels(TEMPLATE, side))
    if np.allclose(matrix, np.eye(2, 3), rtol=0, atol=[0.01, 0.01, 1.0]):
        return face.pixels
    return warp(face.pixels, matrix, side)


def mean_crop(total: NDArray[np.uint64], count: int) -> Pixels:
    """Return the mean of *count* crops whose sum is given."""
    return np.rint(total / count).astype(np.uint8)


def mean_occluded(studio: Studio, ids: Sequence[str], size: int) -> tuple[Pixels, str]:
    """Return the mean of the first :data:`MEAN_OF` crops of the references, and a note on them.

    Nothing is recorded or timed.

    Args:
        studio: Where they come from.
        ids: Of the references, none of which is clean.
        size: How many are read at a time.
    """
    total, count = np.zeros((studio.size, studio.size, 3), np.uint64), 0
    with studio.ledger.paused():
        for start in range(0, min(MEAN_OF, len(ids)), size):
            for crop in studio.crops(ids[start : start + size]).values():
                total += crop.pixels
                count += 1
    note = f"No reference is clean; the mean face is that of the first {count} occluded ones."
    return mean_crop(total, max(1, count)), note


@dataclass(slots=True, eq=False)
class GalleryBlock:
    """What is kept of one block of references.

    Attributes:
        digests: image_id -> :func:`~restore_recog.evaluation.run.faces.digest` of its crop.
        whole, upper: image_id -> template of the whole face, and of its upper half.
        total: (S, S, 3) uint64, the sum of the crops.
        failures: Of these references.
    """

    digests: dict[str, str]
    whole: dict[str, Templates | None]
    upper: dict[str, Templates | None]
    total: NDArray[np.uint64]
    failures: list[Failure]


def enrol(
    crops: Mapping[str, FaceCrop],
    studio: Studio,
    recognizer: Recognizer,
    work: FinishedWork | None,
    *,
    upper: bool,
) -> GalleryBlock:
    """Embed one block of clean references.

    Args:
        crops: image_id -> crop of the references whose face was found.
        studio: Where they come from; its ledger takes the costs.
        recognizer: Where templates come from.
        work: Where those made before come from, or None.
        upper: Whether the upper halves are embedded too.
    """
    samples, ledger = studio.source.samples, studio.ledger

    def templates(part: str) -> dict[str, Templates | None]:
        def make() -> dict[str, Outcome]:
            upper = part == "upper"
            faces = [
                Face(samples[i], c, upper_half(c.pixels) if upper else c.pixels, upper)
                for i, c in crops.items()
            ]
            rows = embed(recognizer, faces, ledger)
            return {
                i: Outcome(row, False, ImageQuality()) for i, row in zip(crops, rows, strict=True)
            }

        if work is None:
            outcomes = make()
        else:
            outcomes = work.block(work.reference_keys(crops, part), samples, ledger, make)
        return {image_id: outcome.template for image_id, outcome in outcomes.items()}

    with ledger.collect() as failures:
        whole = templates("whole")
        halves = templates("upper") if upper else {}
    total = np.zeros((studio.size, studio.size, 3), np.uint64)
    for crop in crops.values():
        total += crop.pixels
    digests = {image_id: digest(crop.pixels) for image_id, crop in crops.items()}
    return GalleryBlock(digests, whole, halves, total, failures)
