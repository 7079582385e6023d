"""Templates of faces, each cut as the recogniser wants it, and those of the references."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE, five_points, in_pixels, part_of, similarity, warp
from restore_recog.api import Recognizer, answers
from restore_recog.errors import DataError, PluginError, RestoreRecogError
from restore_recog.evaluation.arms.arm import WHOLE
from restore_recog.evaluation.cache.entries import FinishedWork
from restore_recog.evaluation.cache.packing import Outcome
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


class Embedded(NamedTuple):
    """What a recogniser made of a face.

    Attributes:
        template: (D,) of unit length, or None.
        weight: Above 0, see :func:`embed`; NaN where nobody asked.
    """

    template: Templates | None
    weight: float = math.nan


def embed(
    recognizer: Recognizer, faces: Sequence[Face], ledger: Ledger, *, weigh: bool = False
) -> list[Embedded]:
    """Return one unit-length (D,) template per face; None, and a failure, where there is none.

    The weight of a template among others of its person is its length before it was made unit
    length, where the recogniser tells (:meth:`restore_recog.api.Recognizer.unnormalised`), for in
    networks trained with a margin it grows with the quality of the image (Meng et al., "MagFace",
    CVPR 2021; Kim et al., "AdaFace", CVPR 2022). Else it is the sharpness of the recogniser's
    crop: the standard deviation of the Laplacian of its grey values (Pech-Pacheco et al., ICPR
    2000). That figure knows nothing of pose or covering.

    Args:
        recognizer: Where templates come from.
        faces: To be embedded.
        ledger: Takes failures and costs.
        weigh: Whether weights are wanted.

    Raises:
        PluginError: The recogniser breaks its contract.
    """
    if not faces:
        return []
    recognizer.prepare()  # not below, where what fails is an image's failure
    fitted = _fitted(recognizer, faces, ledger)
    images, raw = to_tensor(fitted), None
    try:
        with ledger.timed("embed", len(faces), recognizer.device), torch.inference_mode():
            wanted = resize(images, recognizer.image_size).to(recognizer.device)
            raw = answers.unnormalised(recognizer, wanted) if weigh else None
            unit = answers.embedded(recognizer, wanted) if raw is None else F.normalize(raw)
            templates = unit.cpu().double().numpy()
    except PluginError:
        raise
    except RestoreRecogError as error:
        if len(faces) > 1:
            return [embed(recognizer, [face], ledger, weigh=weigh)[0] for face in faces]
        ledger.fail("embed", faces[0].sample, error)
        return [Embedded(None)]
    weights = [math.nan] * len(faces)
    if weigh:
        weights = [sharpness(x) for x in fitted] if raw is None else raw.norm(dim=1).tolist()
    rows = _sound(faces, templates, ledger)
    return [Embedded(row, weight) for row, weight in zip(rows, weights, strict=True)]


def sharpness(pixels: Pixels) -> float:
    """Return the standard deviation of the Laplacian of an (H, W, 3) image's grey values.

    It is at least 1e-6, so that weights add up to more than 0.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)  # (H, W)
    return max(float(cv2.Laplacian(grey, cv2.CV_64F).std()), 1e-6)


def _sound(faces: Sequence[Face], templates: Templates, ledger: Ledger) -> list[Templates | None]:
    """Return the (D,) rows of (N, D) templates; None, and a failure, for those that are none."""
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
        templates: Part of the face -> image_id -> template.
        weights: image_id -> weight of the template of the whole face.
        total: (S, S, 3) uint64, the sum of the crops.
        failures: Of these references.
    """

    digests: dict[str, str]
    templates: dict[str, dict[str, Templates | None]]
    weights: dict[str, float]
    total: NDArray[np.uint64]
    failures: list[Failure]


def enrol(
    crops: Mapping[str, FaceCrop],
    studio: Studio,
    recognizer: Recognizer,
    work: FinishedWork | None,
    *,
    parts: Sequence[str],
    weigh: bool = False,
) -> GalleryBlock:
    """Embed one block of clean references.

    Args:
        crops: image_id -> crop of the references whose face was found.
        studio: Where they come from; its ledger takes the costs.
        recognizer: Where templates come from.
        work: Where those made before come from, or None.
        parts: Which parts of the faces are embedded: ``whole`` and others.
        weigh: Whether their weights are wanted.
    """
    samples, ledger = studio.source.samples, studio.ledger

    def outcomes(part: str) -> dict[str, Outcome]:
        def make() -> dict[str, Outcome]:
            faces = [
                Face(samples[i], c, c.pixels)
                if part == WHOLE
                else Face(samples[i], c, part_of(c.pixels, part), beyond=True)
                for i, c in crops.items()
            ]
            rows = embed(recognizer, faces, ledger, weigh=weigh)
            return {
                i: Outcome(row.template, False, ImageQuality(), weight=row.weight)
                for i, row in zip(crops, rows, strict=True)
            }

        if work is None:
            return make()
        return work.block(work.reference_keys(crops, part), samples, ledger, make)

    with ledger.collect() as failures:
        made = {part: outcomes(part) for part in sorted(parts, key=lambda part: part != WHOLE)}
    total = np.zeros((studio.size, studio.size, 3), np.uint64)
    for crop in crops.values():
        total += crop.pixels
    digests = {image_id: digest(crop.pixels) for image_id, crop in crops.items()}
    return GalleryBlock(
        digests,
        {part: {i: outcome.template for i, outcome in of.items()} for part, of in made.items()},
        {image_id: outcome.weight for image_id, outcome in made[WHOLE].items()},
        total,
        failures,
    )
