"""Labeled Faces in the Wild, in its own folders."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from restore_recog.datasets.files import FileDataset, beside
from restore_recog.errors import DataError
from restore_recog.names import label, written
from restore_recog.system.text import csv_rows, numbers
from restore_recog.types import FaceSample

LABELS = "lfw_labels.csv"
PAIRS = ("pairs.txt", "lfw_pairs.txt")
_POINTS = ("lex", "ley", "rex", "rey", "nx", "ny", "lmx", "lmy", "rmx", "rmy")
_COLUMNS = ("file", "gender", "emotion", "smile", *_POINTS)
_WORDS = {
    "gender": {"m": "male", "f": "female"},
    "smile": {"1": "yes", "0": "no"},
}


class LFW(FileDataset):
    """LFW: every person a folder, every image unoccluded.

    Who is for training and who for testing is fixed by a list of names that comes with the
    package (:func:`split_of`), so that no person who trained a shipped model is ever tested.

    Labels (gender, expression, smile and five landmarks) are read from ``lfw_labels.csv`` in
    the folder or its parent, where there is one. They were made on the original images:
    in a folder whose name says that it is funneled the landmarks are not used, since
    funneling moves the face; a face detector must find them.

    The list of pairs (``pairs.txt`` or ``lfw_pairs.txt``, in the folder or its parent) is
    used as it is. An evaluation leaves the training people out before it looks at the pairs,
    so that their pairs are counted as missing, not tested.
    """

    name = "lfw"
    tree = """\
PATH/
  <Name>/
    <Name>_0001.jpg     four digits; gaps are allowed
  lfw_labels.csv        optional, here or beside PATH
  pairs.txt             optional (or lfw_pairs.txt), here or beside PATH: View 2
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        self.pair_list = beside(root, *PAIRS)
        self.leave_out_loose(root)
        labels = self._labels(root)
        misnamed, images = 0, set[str]()
        for folder in self.folders(root):
            person = label(folder.name)
            pattern = re.compile(re.escape(person) + r"_\d{4}", re.ASCII)
            for path in self.image_files(folder, deep=True):
                if path.parent != folder or not pattern.fullmatch(label(path.stem)):
                    misnamed += 1
                    continue
                image_id = self.identifier(path, root)
                images.add(image_id)
                attributes = {"split": split_of(person), **labels.get(image_id, {})}
                yield FaceSample(image_id, person, path, attributes=attributes)
        self.note(
            misnamed,
            f"images in {root} are not named <Name>_<four digits> after their"
            " folder and were left out.",
        )
        strangers = len(labels.keys() - images)
        self.note(strangers, f"images named in {LABELS} are not in {root}.")

    def _labels(self, root: Path) -> dict[str, Mapping[str, str]]:
        """Return the attributes by image_id; remember the landmarks."""
        file = beside(root, LABELS)
        if file is None:
            return {}
        moved = "funneled" in root.resolve().name.lower()
        attributes: dict[str, Mapping[str, str]] = {}
        for line, row in csv_rows(file, _COLUMNS):
            image_id = written(row["file"].strip().replace("\\", "/"))
            points = numbers(row[name] for name in _POINTS)
            if not image_id or points is None:
                raise DataError(
                    f"{file}, line {line}: the row of {image_id} is garbled; {', '.join(_POINTS)}"
                    " must be numbers."
                )
            attributes[image_id] = _attributes(row)
            if not moved:
                self.points[image_id] = np.array(points, np.float32).reshape(5, 2)
        return attributes


def split_of(person: str) -> str:
    """Return ``"train"`` or ``"test"`` for a person's name.

    The list holds the 3,380 people whose images may have trained something. Among the
    1,380 of them with two images or more, the 300 whose names have the smallest SHA-256
    are for testing. Nobody outside the list has ever been trained on: for testing too.
    """
    return _people().get(person, "test")


def shares_a_trained_name(person: str) -> bool:
    """Return whether a training person has this name, letter by letter, whatever its spelling.

    For other data sets of well-known people, who may be the same people.
    """
    return _letters(person) in _trained()


@cache
def _trained() -> frozenset[str]:
    return frozenset(_letters(name) for name, split in _people().items() if split == "train")


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.casefold()))


@cache
def _people() -> Mapping[str, str]:
    text = files("restore_recog.datasets").joinpath("lfw_people.csv").read_text("utf-8")
    return {row["name"]: row["split"] for row in csv.DictReader(text.splitlines())}


def _attributes(row: Mapping[str, str]) -> dict[str, str]:
    """Return what is known of gender, expression and smile, in words."""
    known = {"gender": row["gender"], "expression": row["emotion"], "smile": row["smile"]}
    return {name: _WORDS.get(name, {}).get(value, value) for name, value in known.items() if value}
