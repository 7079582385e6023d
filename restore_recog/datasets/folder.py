"""Any images, one folder per person."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from restore_recog.datasets.files import FileDataset
from restore_recog.names import label
from restore_recog.types import FaceSample

_CONDITIONS = ("clean", "occluded")


class Folder(FileDataset):
    """One folder per person; all unoccluded, or sorted into ``clean`` and ``occluded``.

    The sorted form is meant where one of the two folders exists and holds folders itself.
    Folders inside a person's folder (sessions, say) belong to that person.
    """

    name = "folder"
    tree = """\
PATH/                    all images unoccluded
  <person>/*.jpg
or
PATH/
  clean/<person>/*.jpg
  occluded/<person>/*.jpg
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        trees = [name for name in _CONDITIONS if self._holds_folders(root / name)]
        samples: list[FaceSample] = []
        for tree, condition in [(root / name, name) for name in trees] or [(root, "clean")]:
            samples.extend(self._tree(root, tree, condition))
        return samples

    def _tree(self, root: Path, tree: Path, condition: str) -> Iterator[FaceSample]:
        self.leave_out_loose(tree)
        for folder in self.folders(tree):
            for path in self.image_files(folder, deep=True):
                yield FaceSample(self.identifier(path, root), label(folder.name), path, condition)

    def _holds_folders(self, folder: Path) -> bool:
        return os.path.isdir(folder) and bool(self.folders(folder))
