"""FER+: the faces of FER2013 with ten people's votes on the expression of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.face_detection import FaceFinder
from restore_recog.labels import EXPRESSIONS
from restore_recog.names import brief, written
from restore_recog.system.text import plain_rows, whole
from restore_recog.types import FaceImage, FaceSample

LABELS = "label.csv"
PARTS = {"FER2013Train": "train", "FER2013Valid": "valid", "FER2013Test": "test"}
"""Folder -> what it is for."""

COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    "unknown", "not a face",
)  # fmt: skip
"""The order of the votes in a list without a header."""

VOTES = (*EXPRESSIONS, *COLUMNS[-3:])
"""The order of the votes in the attribute ``votes``."""

ENLARGED = 2
"""How many times larger the face detector sees the images.

Of 600 images drawn from FER2013Train it finds 582 as they are, 580 twice as large (28 ms each), 585
four times as large (49 ms) and 576 with a repeated border of 8 pixels besides (64 ms). As its
boxes are whole pixels, the points become finer: they are 1.3 pixels from those of the last (median)
on the images as they are, 0.8 on those twice as large, 0.6 on those four times as large.
"""

MEAN_POINTS = np.array(
    [[15.28, 17.77], [32.92, 17.43], [24.21, 27.84], [16.88, 37.54], [31.38, 37.35]], np.float32
)
"""(5, 2) pixels of a 48 x 48 image: the mean of those 580 faces.

Their deviation is 3.8 to 5.2 pixels in each direction, a quarter of the distance of the eyes: the
faces are registered only roughly. So these points serve where the detector finds none, not for all.
"""

SIDE = 48


class FERPlus(FileDataset):
    """FER+: 48 x 48 grey images of FER2013, each with ten votes on its expression.

    Source: Barsoum, Zhang, Canton Ferrer, Zhang, "Training Deep Networks for Facial Expression
    Recognition with Crowd-Sourced Label Distribution", ICMI 2016.

    Attributes: ``split`` (``train`` for FER2013Train, else ``test``), ``part`` (train, valid or
    test), ``votes`` (ten numbers in the order of :data:`VOTES`) and ``expression``, what more than
    half of the votes say: one of the seven, or ``contempt``. Images without such a majority, or
    with one that says ``unknown``, have no ``expression``; those that more than half of the votes
    call no face are left out. Nobody is named, so every image counts as a different person. Notes
    say how many of each there are.

    There is no list of landmarks. A face detector looks for them in the enlarged image when it is
    read (about 30 ms each); where it finds no face :data:`MEAN_POINTS` take their place.
    """

    name = "ferplus"
    tree = """\
PATH/
  FER2013Train/           and FER2013Valid, FER2013Test, as far as they are there
    fer0000000.png        48 x 48 grey
    label.csv             file,box, then ten votes: neutral,happiness,surprise,sadness,anger,
                          disgust,fear,contempt,unknown,not a face; a header may say another order
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        folders = [root / name for name in PARTS if (root / name).is_dir()]
        if not folders:
            raise self.finds(f"none of {', '.join(PARTS)} in {root}")
        samples = [sample for folder in folders for sample in self._part(root, folder)]
        self.note_nobody("FER+")
        self.notes.append(
            "FER+ lists no landmarks: a face detector looks for them in the enlarged images, and"
            " where it finds no face (3 of 100) the mean points of the others are taken."
        )
        return samples

    def _part(self, root: Path, folder: Path) -> Iterator[FaceSample]:
        """Yield the labelled images of a folder, and note what is missing."""
        if not (folder / LABELS).is_file():
            raise self.finds(f"no file {folder / LABELS}")
        votes, part = _votes(folder / LABELS), PARTS[folder.name]
        counts: Counter[str] = Counter()
        for path in self.image_files(folder):
            cast = votes.pop(written(path.name), None)
            word = "unlisted" if cast is None else _majority(cast)
            counts[word] += 1
            if cast is None or word == "not a face":
                continue
            attributes = {
                "split": "train" if part == "train" else "test",
                "part": part,
                "votes": ",".join(str(cast[name]) for name in VOTES),
            }
            if word not in ("", "unknown"):
                attributes["expression"] = word
            image_id = self.identifier(path, root)
            yield FaceSample(image_id, image_id, path, attributes=attributes)
        self._note_part(folder, counts, len(votes))

    def _note_part(self, folder: Path, counts: Counter[str], missing: int) -> None:
        where = f"images in {folder}"
        self.note(counts["not a face"], f"{where} show no face by most votes and were left out.")
        self.note(counts[""], f"{where} have no expression that more than half of the votes name.")
        self.note(counts["unknown"], f"{where} have an unknown expression by most votes.")
        self.note(
            counts["contempt"], f"{where} show contempt, which is none of the seven expressions."
        )
        self.note(counts["unlisted"], f"{where} are not in {LABELS} and were left out.")
        self.note(missing, f"images listed in {folder / LABELS} are not there.")

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._located(answer) for answer in super().read(samples)]

    def _located(self, answer: FaceImage | RestoreRecogError) -> FaceImage | RestoreRecogError:
        if isinstance(answer, RestoreRecogError):
            return answer
        return FaceImage(answer.pixels, self._five(answer.pixels))

    def _five(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (5, 2) landmarks of an image."""
        height, width = pixels.shape[:2]
        large = cv2.resize(
            pixels, (ENLARGED * width, ENLARGED * height), interpolation=cv2.INTER_CUBIC
        )
        faces = self._finder.find(large.astype(np.uint8))
        if not faces:
            return (MEAN_POINTS * np.array([width, height]) / SIDE).astype(np.float32)
        # Pixel centres: enlarging maps u to (u + 0.5) * ENLARGED - 0.5.
        return ((faces[0].landmarks + 0.5) / ENLARGED - 0.5).astype(np.float32)

    @cached_property
    def _finder(self) -> FaceFinder:
        return FaceFinder("largest")


def _votes(file: Path) -> dict[str, dict[str, int]]:
    """Return the votes by file name: word -> how many.

    Raises:
        DataError: A line is not a file, a box and ten votes, or names a file again.
    """
    votes: dict[str, dict[str, int]] = {}
    order: Sequence[str] = COLUMNS
    for place, (number, row) in enumerate(plain_rows(file)):
        if place == 0 and _is_header(row):
            order = [word.lower() for word in row[2:]]
            if sorted(order) != sorted(COLUMNS):
                raise DataError(
                    f"{file}, line {number}: the header must name, after file and box, "
                    f"{', '.join(COLUMNS)}."
                )
            continue
        cast = [whole(text) or 0 for text in row[2:]]
        name = written(row[0])
        if not name or len(cast) != len(COLUMNS) or None in map(whole, row[2:]) or not sum(cast):
            raise DataError(
                f"{file}, line {number}: '{brief(','.join(row))}' is not a file, a box and"
                f" {len(COLUMNS)} votes."
            )
        if name in votes:
            raise DataError(f"{file}, line {number}: {name} is listed twice.")
        votes[name] = dict(zip(order, map(int, row[2:]), strict=True))
    return votes


def _is_header(row: Sequence[str]) -> bool:
    """Return whether a first line names columns: none of its votes is a number."""
    return len(row) > 2 and not any(map(str.isdigit, row[2:]))


def _majority(votes: dict[str, int]) -> str:
    """Return the word that more than half of the votes are for, or nothing."""
    word = max(votes, key=lambda name: votes[name])
    return word if 2 * votes[word] > sum(votes.values()) else ""
