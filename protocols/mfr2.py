"""MFR2's pairs: really masked images of well-known people.

Source: Anwar and Raychowdhury, "Masked Face Recognition for Secure Authentication",
arXiv:2008.11104, and the data's ``pairs.txt``: 848 lines without a header, no folds.
"""

from __future__ import annotations

from pathlib import Path

from restore_recog.errors import DataError
from restore_recog.protocols.pair_lines import ListedPair, by_number, lines
from restore_recog.protocols.pairs import PairList


class Mfr2(PairList):
    """MFR2's list of 848 pairs, masks as found on one side, both or none; ``mfr2:pairs.txt``."""

    name = "mfr2"
    version = 1
    covers = False
    published = 848

    def read(self, file: Path) -> list[ListedPair]:
        pairs = [by_number(file, line, text.split(), 0) for line, text in lines(file)]
        if not pairs:
            raise DataError(f"The list of pairs {file} is empty.")
        return pairs
