"""The Real-World Masked Face Recognition Dataset, in its own folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from restore_recog.datasets.files import FileDataset
from restore_recog.names import label
from restore_recog.types import FaceSample

_TREES = {"AFDB_face_dataset": "clean", "AFDB_masked_face_dataset": "mask"}
_OUTER = "self-built-masked-face-recognition-dataset"
_POSES = {"0": "frontal", "1": "profile"}
_SHARPNESS = {"0": "clear", "1": "blurred"}
_CODES = re.compile(r"(\d+)_(\d+)_")


class RMFRD(FileDataset):
    """RMFRD: real photographs of people with and without a real mask, tightly cropped.

    The first two numbers of a name become the attributes ``pose`` (frontal, profile) and
    ``sharpness`` (clear, blurred). Files with other numbers exist; the number is kept as it
    is. A file whose name has no such numbers is kept without these attributes.

    A masked and an unmasked image are never pixel-aligned, so there is no truth under the
    mask, and there are no landmarks: a face detector must find them.
    """

    name = "rmfrd"
    tree = """\
PATH/                             or PATH/self-built-masked-face-recognition-dataset/
  AFDB_face_dataset/
    <person>/<p>_<b>_<person>_<nnnn>.jpg     p: 0 frontal, 1 profile
  AFDB_masked_face_dataset/
    <person>/<p>_<b>_<n>.jpg                 b: 0 clear, 1 blurred
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        if (root / _OUTER).is_dir():
            root = root / _OUTER
        samples = [sample for tree in _TREES for sample in self._tree(root, tree)]
        people = {
            condition: {sample.subject for sample in samples if sample.condition == condition}
            for condition in _TREES.values()
        }
        for condition, other in (("clean", "mask"), ("mask", "clean")):
            lone = people[condition] - people[other]
            if lone:
                kept = sum(sample.subject in lone for sample in samples)
                self.notes.append(
                    f"{len(lone)} of the people in {root} have '{condition}' images but no"
                    f" '{other}' ones; their {kept} images are kept."
                )
        return samples

    def _tree(self, root: Path, tree: str) -> Iterator[FaceSample]:
        if not (root / tree).is_dir():
            raise self.finds(f"no folder {root / tree}")
        self.leave_out_loose(root / tree)
        for folder in self.folders(root / tree):
            for path in self.image_files(folder, deep=True):
                yield FaceSample(
                    self.identifier(path, root),
                    label(folder.name),
                    path,
                    condition=_TREES[tree],
                    attributes=_attributes(path.stem),
                )


def _attributes(stem: str) -> dict[str, str]:
    match = _CODES.match(stem)
    if match is None:
        return {}
    pose, sharpness = match.groups()
    return {"pose": _POSES.get(pose, pose), "sharpness": _SHARPNESS.get(sharpness, sharpness)}
