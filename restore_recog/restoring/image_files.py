"""Restore the faces in image files and put them back into the full-size images."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from restore_recog import images
from restore_recog.alignment import align, on_image, repeated
from restore_recog.api import Restorer, Segmenter, answers
from restore_recog.containers import read as read_container
from restore_recog.containers import rewrite
from restore_recog.errors import (
    ImageError,
    NoFaceError,
    OutputError,
    PluginError,
    SeveralFacesError,
)
from restore_recog.face_detection import FaceFinder
from restore_recog.names import label, printable
from restore_recog.photographs import paste
from restore_recog.restoring.jobs import Job
from restore_recog.restoring.restoration import known_masks, run_restorer, valid_tensor
from restore_recog.segmenters.names import OWN, choose, margin
from restore_recog.system.atomic import whole_file
from restore_recog.types import FaceBatch, FaceCrop, FaceImage, Failure, Pixels

SHEET_FACES = 60
"""A contact sheet stops here: one page that can still be looked at."""

_FOR_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Failures of the system that concern every image that is to be written."""

Faces = Literal["one", "largest", "all", "aligned"]


@dataclass(frozen=True, slots=True, eq=False)
class RestoredFace:
    """One face before and after.

    Attributes:
        crop: The aligned crop as it was; its ``mask`` is what was restored.
        pixels: (S, S, 3) uint8 RGB, the restored crop.
    """

    crop: FaceCrop
    pixels: NDArray[np.uint8]


def segmenter_for(restorer: Restorer, choice: str = OWN) -> Segmenter:
    """Return what finds the covering for a restorer.

    Args:
        restorer: Whose images are to be restored.
        choice: As in an evaluation (:mod:`restore_recog.segmenters.names`), except for the true
            masks. Every restorer gets one: only what lies under a mask is pasted back.

    Raises:
        PluginError: It is unknown or has no segmenter, or the true masks were asked for.
    """
    if margin(choice) is not None:
        raise PluginError(
            f"--segmenter {choice} needs true masks, which images come without; give --mask."
        )
    chosen = choose(choice, {restorer.name: restorer}, restorer.device, for_all=True)[restorer.name]
    assert chosen is not None
    return chosen.segmenter


class ImageRestorer:
    """Finds, restores and pastes back the faces of one image at a time.

    Args:
        restorer: Restores the covered part.
        segmenter: Finds the covering where no mask is given; None if masks are always given.
        faces: ``one`` refuses an image with several faces, ``largest`` takes the largest,
            ``all`` restores every face, ``aligned`` takes the whole image as one crop.
    """

    def __init__(
        self,
        restorer: Restorer,
        segmenter: Segmenter | None,
        *,
        faces: Faces = "one",
    ) -> None:
        self.restorer = restorer
        self.segmenter = segmenter
        self.faces = faces
        self._finder = FaceFinder("largest" if faces == "all" else faces, restorer.device)

    def find(self, image: FaceImage) -> list[FaceCrop]:
        """Return the aligned crops of an image, the largest face first.

        Raises:
            ImageError: No face, several where one is asked for, or one that cannot be aligned.
        """
        size = max(self.restorer.image_size)
        if self.faces != "all":
            return [self._finder.crop(image, size)]
        faces = self._finder.find(image.pixels)
        if not faces:
            raise NoFaceError("No face was found in the image.")
        return [align(replace(image, landmarks=face.landmarks), size) for face in faces]

    def restore(self, crops: Sequence[FaceCrop]) -> list[RestoredFace]:
        """Return the crops restored, in order; their masks are used where they are known.

        Raises:
            ImageError: The restorer returned pixels that are not numbers.
        """
        tensors = images.to_tensor([crop.pixels for crop in crops]).to(self.restorer.device)
        valid = valid_tensor(crops)
        masks = self._masks(crops, tensors)
        landmarks = torch.from_numpy(np.stack([crop.landmarks for crop in crops]))
        batch = FaceBatch(tensors, masks, landmarks, valid=valid)
        with torch.inference_mode():
            restored = run_restorer(self.restorer, batch).cpu()
        if not bool(restored.isfinite().all()):
            raise ImageError(f"'{self.restorer.name}' returned pixels that are not numbers.")
        arrays = masks[:, 0].round().to(torch.uint8).cpu().numpy()  # (N, S, S)
        return [
            RestoredFace(replace(crop, mask=on_image(mask, crop.valid)), pixels)
            for crop, mask, pixels in zip(crops, arrays, images.to_uint8(restored), strict=True)
        ]

    def _masks(self, crops: Sequence[FaceCrop], tensors: torch.Tensor) -> torch.Tensor:
        known = known_masks(crops)
        if known is not None:
            return known.to(tensors.device)
        if self.segmenter is None:
            raise ImageError("The image has no mask, and there is no segmenter to find one.")
        with torch.inference_mode():
            return answers.segmented(self.segmenter, tensors)


@dataclass(frozen=True, slots=True, eq=False)
class RestoredFile:
    """One image file that is done.

    Attributes:
        faces: Its faces.
        notes: What there is to say about it, such as what the new file has lost.
    """

    faces: Sequence[RestoredFace]
    notes: Sequence[str] = ()


def restore_file(
    job: Job, worker: ImageRestorer, *, crops: bool = False, overwrite: bool = False
) -> RestoredFile | Failure:
    """Restore one image file and write the result, whole or not at all.

    An image in which nothing changes is copied byte for byte.

    Args:
        job: What to read and where to write.
        worker: Does the work.
        crops: Write the restored crops (``a.png``, ``a.2.png``, ...), not the image.
        overwrite: Whether results of a former run are replaced; they go where this run fails.

    Returns:
        The faces, or why this image cannot be done.

    Raises:
        OutputError: The disk is full or read-only; that concerns every image.
    """
    stage = "read"
    try:
        pixels = images.read(job.source)
        mask = images.read_mask(job.mask, pixels.shape[:2]) if job.mask else None
        image = FaceImage(pixels, mask=mask)
        stage = "align"
        cropped = worker.find(image)
        stage = "restore"
        faces = worker.restore(cropped)
        stage = "write"
        if crops:
            _write_crops(job, faces, overwrite)
            return RestoredFile(faces)
        for face in faces:
            image = replace(image, pixels=put_back(image, face))
        return RestoredFile(faces, _write(job, pixels, image.pixels, faces, overwrite))
    except (ImageError, OutputError) as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FOR_ALL:
            raise
        if overwrite:
            _remove(job.target, job.copy)
        stage = "detect" if isinstance(error, (NoFaceError, SeveralFacesError)) else stage
        return Failure(stage, str(job.source), "", printable(error))


def _write_crops(job: Job, faces: Sequence[RestoredFace], overwrite: bool) -> None:
    for number, face in enumerate(faces, start=1):
        ending = "" if number == 1 else f".{number}"
        crop = Image.fromarray(face.pixels)
        images.save(job.target.with_stem(job.target.stem + ending), crop, overwrite=overwrite)


def _write(
    job: Job, before: Pixels, after: Pixels, faces: Sequence[RestoredFace], overwrite: bool
) -> list[str]:
    """Write an image after its faces were put back; return what there is to say."""
    if np.array_equal(before, after):
        with whole_file(job.copy, overwrite=overwrite) as part:
            shutil.copyfile(job.source, part)
        _remove(*({job.target} - {job.copy}))
        covered = any(face.crop.mask is not None and face.crop.mask.any() for face in faces)
        return [] if covered else ["no covering found, so nothing changed; it was copied as it is"]
    notes = rewrite(read_container(job.source), job.target, before, after, overwrite=overwrite)
    _remove(*({job.copy} - {job.target}))
    if job.target.suffix.lower() != job.source.suffix.lower():
        notes.insert(
            0, f"written as {label(job.target.name)}, as its own format would change pixels"
        )
    return notes


def _remove(*results: Path) -> None:
    """Remove what a former run has left in place of a result."""
    for path in results:
        with suppress(OSError):
            path.unlink()


def put_back(image: FaceImage, face: RestoredFace) -> NDArray[np.uint8]:
    """Return the (H, W, 3) uint8 pixels of an image with one restored face put back.

    Only pixels inside the mask change. Where the image's own mask is known, that counts.
    """
    crop = face.crop
    if crop.mask is None:
        return image.pixels
    # Else the part that is put back would fade where the photograph ends.
    mask = repeated(crop.mask, crop.valid)
    return paste(image.pixels, face.pixels, mask, crop.matrix, exact=image.mask)


def contact_sheet(faces: Sequence[RestoredFace], columns: int = 4) -> NDArray[np.uint8]:
    """Return one image of triples: before, the mask in red, after.

    Args:
        faces: At least one, all of one size.
        columns: Triples in a row.
    """
    cells = []
    for face in faces:
        tinted = face.crop.pixels.copy()
        if face.crop.mask is not None:
            tinted[face.crop.mask > 0] = tinted[face.crop.mask > 0] // 2 + np.array(
                [127, 0, 0], np.uint8
            )
        triple = np.hstack([face.crop.pixels, tinted, face.pixels])
        cells.append(np.pad(triple, [(2, 2), (2, 2), (0, 0)], constant_values=255))
    columns = min(columns, len(cells))
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return np.vstack(rows)
