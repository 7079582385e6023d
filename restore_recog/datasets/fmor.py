"""FMOR: occluded images in A, unoccluded ones in B, masks in face-mask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from restore_recog.datasets.files import FileDataset
from restore_recog.datasets.manifest import Manifest
from restore_recog.names import label
from restore_recog.types import FaceSample

MANIFEST = "manifest.csv"
MASKS = "face-mask"
_NUMBERED = re.compile(r"(.+)_\d+")


class FMOR(FileDataset):
    """Face-Mask Occluded Restoration data, in a layout of our own.

    The authors name three folders (section 3 of the FMODR paper): A with the occluded
    images, B with the unoccluded ones, face-mask with the annotated masks of A. They never
    published files, names or who is who, so what the folders hold here is this project's
    convention; a ``manifest.csv`` (see :class:`~restore_recog.datasets.manifest.Manifest`)
    in the folder goes first and can say everything.

    Most images of FMOR are photographs, not montages: images of one name in A and B
    show one person, but are not taken for pixel-aligned. A manifest can say that.
    """

    name = "fmor"
    tree = """\
PATH/
  manifest.csv                                optional; if present it alone counts
  A/<person>/*.jpg or A/<person>_<n>.jpg      occluded
  B/<person>/*.jpg or B/<person>_<n>.jpg      unoccluded
  face-mask/                                  optional: masks of A, same names, white = occluded
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        if (root / MANIFEST).is_file():
            manifest = Manifest(str(root / MANIFEST))
            samples = manifest.samples()
            self.points, self.masks = manifest.points, manifest.masks
            return samples
        for tree in ("A", "B"):
            if not (root / tree).is_dir():
                raise self.finds(f"no folder {root / tree}")
        occluded = list(self._tree(root, "A", "mask"))
        self._find_masks(root, occluded)
        return [*occluded, *self._tree(root, "B", "clean")]

    def _tree(self, root: Path, tree: str, condition: str) -> Iterator[FaceSample]:
        for folder in self.folders(root / tree):
            for path in self.image_files(folder):
                yield FaceSample(self.identifier(path, root), label(folder.name), path, condition)
        for path, match in self.named(root / tree, _NUMBERED, "<person>_<number>"):
            yield FaceSample(self.identifier(path, root), match[1], path, condition)

    def _find_masks(self, root: Path, occluded: Sequence[FaceSample]) -> None:
        """Match the masks to the images of A by their place, whatever their endings."""
        if not (root / MASKS).is_dir():
            return
        masks = {
            label(path.relative_to(root / MASKS).with_suffix("").as_posix()): path
            for path in self.image_files(root / MASKS, deep=True)
        }
        for sample in occluded:
            assert sample.path is not None
            place = label(sample.path.relative_to(root / "A").with_suffix("").as_posix())
            if place in masks:
                self.masks[sample.image_id] = masks[place]
        missing = len(occluded) - len(self.masks)
        self.note(missing, f"of {len(occluded)} images in A have no mask in {MASKS}.")
