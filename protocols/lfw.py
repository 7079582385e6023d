"""LFW's View 2: ten folds of pairs, the second image of each covered.

Source: Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild", technical report
07-49, University of Massachusetts, Amherst, 2007, section on View 2 and ``pairs.txt``.

Deviation: View 2 compares two images as they are. Here the second one of each pair is the
probe that is covered and restored; the first stays as it is.
"""

from __future__ import annotations

from pathlib import Path

from restore_recog.errors import DataError
from restore_recog.protocols.pair_lines import ListedPair, by_number, lines
from restore_recog.protocols.pairs import PairList
from restore_recog.system.text import whole


class Lfw(PairList):
    """LFW's View 2: 6,000 pairs in ten folds, the second image covered; ``lfw:pairs.txt``."""

    name = "lfw"
    version = 1
    covers = True
    published = 6000

    def read(self, file: Path) -> list[ListedPair]:
        rows = list(lines(file))
        head = rows[0][1].split() if rows else []
        counts = [whole(word) for word in head]
        if len(counts) != 2 or not counts[0] or not counts[1]:
            raise DataError(
                f"{file}, line 1: View 2 begins with the number of folds and of pairs of each "
                "kind in a fold, '10<tab>300'; lists of View 1 are not read."
            )
        folds, each = counts[0], counts[1]
        if len(rows) - 1 != folds * 2 * each:
            raise DataError(
                f"{file}: {len(rows) - 1:,} pairs, but line 1 promises {folds} x 2 x {each} = "
                f"{folds * 2 * each:,}; the file is incomplete or no list of View 2."
            )
        pairs = []
        for i, (line, text) in enumerate(rows[1:]):
            pair = by_number(file, line, text.split(), 1 + i // (2 * each))
            if pair.genuine != (i % (2 * each) < each):
                expected = "of one person" if i % (2 * each) < each else "of two people"
                raise DataError(f"{file}, line {line}: a pair {expected} should stand here.")
            pairs.append(pair)
        return pairs
