"""UTKFace: faces of all ages, with age, gender and race in the file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from restore_recog.datasets.files import FileDataset
from restore_recog.types import FaceSample

_GENDERS = {"0": "male", "1": "female"}
AGE_GROUPS = {0: "0-17", 18: "18-29", 30: "30-44", 45: "45-59", 60: "60+"}
"""First year of each group -> its name."""

_RACES = {"0": "White", "1": "Black", "2": "Asian", "3": "Indian", "4": "other"}
_NAME = re.compile(
    r"(?P<stem>(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_\d+)(?:\.jpg(?:\.chip)?)?",
    re.ASCII,
)


class UTKFace(FileDataset):
    """UTKFace: 23,708 aligned and cropped faces without names, 0 to 116 years old.

    Source: Zhang, Song, Qi, "Age Progression/Regression by Conditional Adversarial
    Autoencoder", CVPR 2017.

    Attributes: ``age`` in years and ``age_group`` (:data:`AGE_GROUPS`), ``gender`` (male, female)
    and ``race`` (White, Black, Asian, Indian, other). Nobody is named, so every image counts as a
    different person; a note says so. There is no official split and no list of landmarks of the
    crops: a face detector must find the faces.
    """

    name = "utkface"
    tree = """\
PATH/                                                or folders of such files
  <age>_<gender>_<race>_<date>.jpg.chip.jpg          gender 0 male, 1 female; race 0 White,
                                                     1 Black, 2 Asian, 3 Indian, 4 other
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        for path, match in self.named(root, _NAME, "<age>_<gender>_<race>_<date>", deep=True):
            age = int(match["age"])
            attributes = {
                "age": str(age),
                "age_group": AGE_GROUPS[max(first for first in AGE_GROUPS if first <= age)],
                "gender": _GENDERS[match["gender"]],
                "race": _RACES[match["race"]],
            }
            yield FaceSample(
                self.identifier(path, root), match["stem"], path, attributes=attributes
            )
        self.note_nobody("UTKFace")
