"""The Real-world Affective Faces database, basic expressions, in its own folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError
from restore_recog.names import brief
from restore_recog.system.text import lines, numbers, read_text
from restore_recog.types import FaceSample

EXPRESSIONS = {
    "1": "surprise", "2": "fear", "3": "disgust", "4": "happiness", "5": "sadness", "6": "anger",
    "7": "neutral",
}  # fmt: skip
_GENDERS = {"0": "male", "1": "female"}
_RACES = {"0": "Caucasian", "1": "African-American", "2": "Asian"}
_AGES = {"0": "0-3", "1": "4-19", "2": "20-39", "3": "40-69", "4": "70+"}
_LABELS = ("list_patition_label.txt", "list_partition_label.txt")
"""The first spelling is the one that is distributed."""
_NAME = re.compile(r"((train|test)_\d+)(?:_aligned)?", re.ASCII)


class RAFDB(FileDataset):
    """RAF-DB, basic expressions: 12,271 images for training and 3,068 for testing.

    Attributes: ``expression`` (surprise, fear, disgust, happiness, sadness, anger, neutral) and,
    where the manual annotation is there, ``gender`` (left out where the annotators were
    unsure), ``race`` and ``age_group``. Nobody is named, so every image counts as a
    different person; a note says so.

    The original images are taken where they are there, since the manual annotation gives their
    five landmarks; else the aligned ones (100 x 100), in which a face detector must find them.
    """

    name = "rafdb"
    tree = """\
PATH/                                            or PATH/basic/
  Image/original/train_00001.jpg                 or Image/aligned/train_00001_aligned.jpg
  EmoLabel/list_patition_label.txt               train_00001.jpg 5; 1 surprise ... 7 neutral
  Annotation/manual/train_00001_manu_attri.txt   optional: 5 landmarks, gender, race, age
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        if (root / "basic").is_dir():
            root = root / "basic"
        folder = next(
            (f for f in (root / "Image" / "original", root / "Image" / "aligned") if f.is_dir()),
            None,
        )
        if folder is None:
            raise self.finds(f"neither original nor aligned in {root / 'Image'}")
        labels = self._expressions(root)
        samples, unlabelled = [], 0
        for path, match in self.named(folder, _NAME, "train_<number> or test_<number>"):
            attributes = {"split": match[2]}
            if match[1] in labels:
                attributes["expression"] = labels[match[1]]
            unlabelled += match[1] not in labels
            attributes |= self._annotation(root, match[1], folder.name == "original")
            samples.append(
                FaceSample(self.identifier(path, root), match[1], path, attributes=attributes)
            )
        self.note(unlabelled, f"images in {folder} have no expression label.")
        absent = labels.keys() - {sample.subject for sample in samples}
        self.note(len(absent), f"images on the list of labels are not in {folder}.")
        self.note_nobody("RAF-DB")
        return samples

    def landmarks(self, sample: FaceSample) -> NDArray[np.float32] | None:
        return self.points.get(sample.subject)

    def _expressions(self, root: Path) -> Mapping[str, str]:
        """Return the expression by image.

        Raises:
            DataError: The list is missing or has a line that is not a name and a label.
        """
        places = [root / "EmoLabel" / name for name in _LABELS]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            raise self.finds(f"no file {places[0]}")
        labels = {}
        for number, line in lines(file):
            if not line.strip():
                continue
            name, code = (*line.split(), "")[:2]
            match = _NAME.fullmatch(name.removesuffix(".jpg"))
            if match is None or code not in EXPRESSIONS:
                raise DataError(
                    f"{file}, line {number}: '{brief(line.strip())}' is not an image's name and a"
                    " number from 1 to 7."
                )
            labels[match[1]] = EXPRESSIONS[code]
        return labels

    def _annotation(self, root: Path, name: str, original: bool) -> dict[str, str]:
        """Return what the annotators say of an image; remember the landmarks of originals."""
        file = root / "Annotation" / "manual" / f"{name}_manu_attri.txt"
        if not file.is_file():
            return {}
        fields = read_text(file).split()
        try:
            points = np.array(numbers(fields[:10]), np.float32).reshape(5, 2)
            gender, race, age = fields[10:13]
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{file} must hold five landmarks and the codes of gender, race and age."
            ) from error
        if original:
            self.points[name] = _image_left_first(points)
        codes = {"gender": _GENDERS.get(gender), "race": _RACES.get(race)}
        codes["age_group"] = _AGES.get(age)
        return {label: word for label, word in codes.items() if word is not None}


def _image_left_first(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return eyes, nose and mouth corners with the image-left ones of the pairs first.

    The distribution does not say whose left it means.
    """
    order = [0, 1, 2, 3, 4]
    for first, second in ((0, 1), (3, 4)):
        if points[first, 0] > points[second, 0]:
            order[first], order[second] = second, first
    return points[order]
