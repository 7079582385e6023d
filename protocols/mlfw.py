"""MLFW's pairs: Cross-Age LFW with drawn masks, ten folds.

Source: Wang, Fang, Zhong, Deng, "MLFW: A Database for Face Recognition on Masked Faces",
arXiv:2109.05804, and the data's ``pairs.txt``: 6,000 lines ``img0<TAB>img1<TAB>label``, ten
folds of 600 in the order of the file.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from restore_recog.errors import DataError
from restore_recog.protocols.pair_lines import ListedPair, checked, lines
from restore_recog.protocols.pairs import PairList

FOLDS = 10


class Mlfw(PairList):
    """MLFW's list of 6,000 pairs in ten folds, masks as found; ``mlfw:pairs.txt``."""

    name = "mlfw"
    version = 1
    covers = False
    published = 6000

    def read(self, file: Path) -> list[ListedPair]:
        rows = list(lines(file))
        if not rows or len(rows) % FOLDS:
            raise DataError(
                f"{file}: {len(rows):,} pairs; the list of MLFW has {FOLDS} folds of one length, "
                "so their number must be a multiple of that. The file is incomplete."
            )
        pairs = []
        for i, (line, text) in enumerate(rows):
            words = text.split("\t")
            if len(words) != 3 or words[2].strip() not in ("0", "1"):
                raise DataError(
                    f"{file}, line {line}: '{text}' is not two file names and 1 or 0 with tabs "
                    "between."
                )
            first, second = (PurePosixPath(word.strip()).stem for word in words[:2])
            fold = 1 + i // (len(rows) // FOLDS)
            pairs.append(
                checked(file, ListedPair(first, second, words[2].strip() == "1", fold, line))
            )
        return pairs
