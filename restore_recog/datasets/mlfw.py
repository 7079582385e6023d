"""MLFW: masks drawn on the images of Cross-Age LFW, with its list of pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from restore_recog.datasets.files import FileDataset, beside
from restore_recog.datasets.lfw import split_of
from restore_recog.types import FaceSample

TREES = ("aligned", "origin")
PAIRS = "pairs.txt"
_NAME = re.compile(r"(?P<photo>(?P<person>.+)_\d{4})_(?P<variant>\d{4})", re.ASCII)


class MLFW(FileDataset):
    """MLFW: 6,000 pairs of Cross-Age LFW in which one side or both wear a drawn mask.

    Source: Wang, Fang, Zhong, Deng, "MLFW: A Database for Face Recognition on Masked Faces",
    arXiv:2109.05804.

    A file is named after the person, the photograph of Cross-Age LFW and, in the last four
    digits, the variant of it; variants of one photograph have other masks, or none. No name
    and no list that came with the data says which images have a mask, so the condition of
    all is ``unknown``: in the arms they are taken as occluded.

    The people are those of LFW. ``split`` follows :func:`~restore_recog.datasets.lfw.split_of`,
    so that no person who trained a shipped model is tested.
    """

    name = "mlfw"
    tree = """\
PATH/
  aligned/                               or origin/, or PATH itself one of the two
    <Name>_<photo>_<variant>.jpg         four digits each: Aaron_Eckhart_0001_0000.jpg
  pairs.txt                              optional: lines of two file names and 1 or 0, tabs between
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        self.pair_list = beside(root, PAIRS)
        tree = next((root / name for name in TREES if (root / name).is_dir()), root)
        if tree.name == TREES[0] and (root / TREES[1]).is_dir():
            other = root / TREES[1]
            self.notes.append(
                f"{len(self.image_files(other, deep=True))} images in {other} were"
                f" left out: those in {tree.name} are the same; name the other folder to read it."
            )
        form = "<Name>_<four digits>_<four digits>"
        for path, match in self.named(tree, _NAME, form, deep=True):
            attributes = {
                "split": split_of(match["person"]),
                "photo": match["photo"],
                "variant": match["variant"],
            }
            image_id = self.identifier(path, tree)
            yield FaceSample(image_id, match["person"], path, "unknown", attributes=attributes)
