"""WFLW: faces in the wild with 98 landmarks, as distributed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError
from restore_recog.landmarks import COUNT
from restore_recog.names import brief, written
from restore_recog.system.text import lines, numbers
from restore_recog.types import FaceSample

IMAGES = "WFLW_images"
LISTS = "WFLW_annotations/list_98pt_rect_attr_train_test"
_LIST = "list_98pt_rect_attr_{}.txt"

_WORDS: Mapping[str, tuple[str, str]] = {
    "pose": ("normal", "large"),
    "expression": ("normal", "exaggerated"),
    "illumination": ("normal", "extreme"),
    "make_up": ("no", "yes"),
    "occlusion": ("no", "yes"),
    "blur": ("no", "yes"),
}
"""The six attributes in the order of the lists, and what 0 and 1 mean."""

_POINTS, _BOX = 2 * COUNT, 4
_FIELDS = _POINTS + _BOX + len(_WORDS) + 1


class WFLW(FileDataset):
    """WFLW: 10,000 faces with 98 landmarks and six attributes; 7,500 to train on, 2,500 to test.

    Source: Wu et al., "Look at Boundary: A Boundary-Aware Face Alignment Algorithm", CVPR 2018.

    A photograph may have several faces on the lists: each is a sample of its own, ``#1``, ``#2``
    and so on behind the file's name, in the order of the lists. ``split`` is that of the list.
    Attributes: ``pose`` (normal, large), ``expression`` (normal, exaggerated), ``illumination``
    (normal, extreme), ``make_up``, ``occlusion`` and ``blur`` (yes, no). Faces with an occlusion
    have the condition ``occluded``, so that no training takes them for the truth. Nobody is
    named, so every face counts as a different person; a note says so.
    """

    name = "wflw"
    tree = """\
PATH/
  WFLW_images/<event>/<file>.jpg
  WFLW_annotations/list_98pt_rect_attr_train_test/
    list_98pt_rect_attr_train.txt    a face a line: 98 points, box, six attributes, <event>/<file>
    list_98pt_rect_attr_test.txt
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        folder = root / IMAGES
        if not folder.is_dir():
            raise self.finds(f"no folder {folder}")
        files = {split: root / LISTS / _LIST.format(split) for split in ("train", "test")}
        present = {split: file for split, file in files.items() if file.is_file()}
        if not present:
            raise self.finds(f"neither of the two lists in {root / LISTS}")
        paths = self.image_files(folder, deep=True)
        images = {self.identifier(path, folder): path for path in paths}
        faces, samples, gone = dict[str, int](), [], 0
        for split, file in present.items():
            for image, attributes, points in _faces(file):
                if image not in images:
                    gone += 1
                    continue
                number = faces[image] = faces.get(image, 0) + 1
                image_id = f"{image}#{number}"
                self.points[image_id] = points
                condition = "occluded" if attributes["occlusion"] == "yes" else "clean"
                labels = {"split": split, **attributes}
                samples.append(
                    FaceSample(image_id, image_id, images[image], condition, attributes=labels)
                )
        self.note(gone, f"faces on the lists are in images that are not in {folder}.")
        self.note(len(images.keys() - faces.keys()), f"images in {folder} are on no list.")
        self.note_nobody("WFLW")
        return samples


def _faces(file: Path) -> Iterator[tuple[str, dict[str, str], NDArray[np.float32]]]:
    """Yield image, attributes and (98, 2) landmarks of every line.

    Raises:
        DataError: A line is no face with 98 points.
    """
    for number, line in lines(file):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != _FIELDS:
            raise DataError(
                f"{file}, line {number}: there are {len(fields)} fields, and a face has {_FIELDS}:"
                f" the coordinates of {COUNT} points, a box, six attributes and the image's name."
            )
        values = numbers(fields[: _POINTS + _BOX])
        marks = fields[_POINTS + _BOX : -1]
        if values is None or not set(marks) <= {"0", "1"}:
            raise DataError(
                f"{file}, line {number}: the face in {brief(fields[-1])} is garbled; points and box"
                " must be numbers, and the six attributes 0 or 1."
            )
        pairs = zip(_WORDS.items(), marks, strict=True)
        attributes = {name: words[int(mark)] for (name, words), mark in pairs}
        points = np.array(values[:_POINTS], np.float32).reshape(COUNT, 2)
        yield written(fields[-1].replace("\\", "/")), attributes, points
