"""YTF68: frames of YouTube Faces with 68 landmarks each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from restore_recog.datasets.files import FileDataset, beside
from restore_recog.datasets.lfw import split_of
from restore_recog.errors import DataError
from restore_recog.landmarks import of_68
from restore_recog.names import written
from restore_recog.system.text import csv_rows, numbers
from restore_recog.types import FaceSample

LANDMARKS = "ytf68_landmarks.csv"
_COLUMNS = tuple(f"{axis}{number}" for number in range(68) for axis in "xy")
_NAME = re.compile(r"(?P<person>.+)_\d+", re.ASCII)


class YTF68(FileDataset):
    """YTF68: face crops out of the videos of YouTube Faces, with the 68 landmarks of iBUG.

    Source of the videos: Wolf, Hassner, Maoz, "Face Recognition in Unconstrained Videos with
    Matched Background Similarity", CVPR 2011.

    The landmarks are read from ``ytf68_landmarks.csv`` in the folder or its parent, where there
    is one, and placed among the 98 (:func:`restore_recog.landmarks.of_68`); without it a face
    detector must find the faces. Two videos of a person may have had a
    frame of the same number: the file then is the one written last, and so is the last row of
    that name in the list.

    The people are among those of LFW. ``split`` follows
    :func:`~restore_recog.datasets.lfw.split_of`, so that nobody is trained on who is tested there.
    """

    name = "ytf68"
    tree = """\
PATH/
  <Name>_<frame>.jpg       Adam_Sandler_10.jpg
  ytf68_landmarks.csv      optional, here or beside PATH: file,person,size,x0,y0,...,x67,y67
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        file = beside(root, LANDMARKS)
        rows = 0 if file is None else self._read_landmarks(file)
        samples = []
        for path, match in self.named(root, _NAME, "<Name>_<frame>"):
            attributes = {"split": split_of(match["person"])}
            image_id = self.identifier(path, root)
            samples.append(FaceSample(image_id, match["person"], path, attributes=attributes))
        if file is not None:
            ids = {sample.image_id for sample in samples}
            twice = rows - len(self.points)
            self.note(twice, f"rows of {file} name a file that a later row names again.")
            self.note(len(ids - self.points.keys()), f"images in {root} have no row in {file}.")
            self.note(len(self.points.keys() - ids), f"images named in {file} are not in {root}.")
        return samples

    def _read_landmarks(self, file: Path) -> int:
        """Remember the landmarks of every image; return the number of rows."""
        rows = 0
        for line, row in csv_rows(file, ("file", *_COLUMNS)):
            rows += 1
            values = numbers(row[name] for name in _COLUMNS)
            if values is None:
                raise DataError(
                    f"{file}, line {line}: the row of {row['file']} is garbled; {_COLUMNS[0]} to"
                    f" {_COLUMNS[-1]} must be numbers."
                )
            points = np.array(values, np.float32).reshape(68, 2)
            self.points[written(row["file"].replace("\\", "/"))] = of_68(points)
        return rows
