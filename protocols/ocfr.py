"""OCFR-2022: pairs of LFW whose probes, references or both are occluded in one of seven ways.

Source: Neto, Boutros, Pinto, Damer, Sequeira, Cardoso et al., "OCFR 2022: Competition on Occluded
Face Recognition From Synthetically Generated Structure-Aware Occlusions", IJCB 2022. The layout of
the lists is that of the README and of ``evaluate.py`` in its public repository: an image list for
every protocol, named after what occludes references and probes (``C_O1_list.txt``: clear
references, probes occluded the first way), and one list of pairs for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from restore_recog import images, names
from restore_recog.api import Plan
from restore_recog.datasets.files import beside
from restore_recog.datasets.ocfr import CLEAR, CLEAR_FOLDER, PAIRS, STRATEGIES, photograph
from restore_recog.errors import DataError
from restore_recog.protocols.pair_lines import ListedPair, checked, lines
from restore_recog.protocols.pairs import PairList
from restore_recog.types import FaceSample

SAME = ("issame.txt", "issame_list.txt")
"""Names of the optional list that says of every pair, line by line, whether it is genuine."""

FOLDERS = {CLEAR_FOLDER: CLEAR, **{f"lfwA{strategy}_u": strategy for strategy in STRATEGIES}}
"""Folder of an image in the lists -> what occludes it."""

_SIDES = re.compile(r"(C|O[1-7])[_-](C|O[1-7])", re.IGNORECASE)
_LIST = re.compile(rf"({_SIDES.pattern})_list\.(?:txt|csv)", re.IGNORECASE)
_TRUTH = {"1": True, "true": True, "0": False, "false": False}

Places = Mapping[str, Mapping[str, str]]
"""Name of an image -> what occludes it -> its place, ``lfwAO1_u/<Name>/<image>``."""


class Ocfr(PairList):
    """One protocol of OCFR-2022: ``ocfr:C_O1`` beside the data, or ``ocfr:FILE``, an image list.

    Raises:
        DataError: The argument is neither.
    """

    name = "ocfr"
    version = 1
    covers = False
    published = None

    def __init__(self, argument: str | None = None) -> None:
        super().__init__()
        self.argument = argument
        self._file: Path | None = None
        if not argument or _SIDES.fullmatch(argument):
            return
        self._file = Path(argument).expanduser()
        if not _LIST.fullmatch(self._file.name):
            raise DataError(
                f"The protocol 'ocfr' does not know '{argument}': give what occludes references "
                "and probes, ocfr:C_O1, or an image list, ocfr:FOLDER/C_O1_list.txt."
            )
        self.pair_list = beside(self._file.parent, *PAIRS) or self._file.parent / PAIRS[0]

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the pairs that the data has images for; as :meth:`PairList.plan`."""
        if self.pair_list is None:
            raise DataError(
                f"The protocol 'ocfr' needs the competition's pairs: {PAIRS[0]} in the folder of "
                "--data ocfr:PATH, with the image lists (C_O1_list.txt, ...) beside it."
            )
        plan = super().plan(samples, seed=seed, limit=limit)
        file = self._image_list(self.pair_list.parent)
        reference, probe = _sides(file)
        note = (
            f"{file.name}: references {reference}, probes {probe} (C: clear; O1 to O7: occluded)."
        )
        return replace(plan, notes=(note, *plan.notes))

    def read(self, file: Path) -> list[ListedPair]:
        listed = self._image_list(file.parent)
        places, same = _places(listed), _same(file.parent)
        pairs = [_pair(file, line, text, listed, places) for line, text in lines(file)]
        if not pairs or (same is not None and len(same) != len(pairs)):
            answers = (
                "" if same is None else f", and {len(same):,} answers whether they are genuine"
            )
            raise DataError(f"{file}: {len(pairs):,} pairs{answers}; the file is incomplete.")
        if same is None:
            return pairs
        return [replace(pair, genuine=one) for pair, one in zip(pairs, same, strict=True)]

    def _image_list(self, folder: Path) -> Path:
        """Return the image list that was asked for, or the only one there is.

        Raises:
            DataError: There is none, or there are several to choose from.
        """
        if self._file is not None:
            return self._file
        files = (file for file in sorted(folder.iterdir()) if _LIST.fullmatch(file.name))
        lists = {"_".join(_sides(file)): file for file in files}
        wanted = (self.argument or "").upper().replace("-", "_")
        if not wanted and len(lists) == 1:
            return next(iter(lists.values()))
        if wanted in lists:
            return lists[wanted]
        if not lists:
            raise DataError(
                f"{folder} has no image list of OCFR-2022; names are {CLEAR}_{STRATEGIES[0]}"
                "_list.txt and so on, after what occludes references and probes."
            )
        every = ",".join(f"ocfr:{name}" for name in lists)
        raise DataError(
            (f"There is no image list {wanted}_list.txt in {folder}" if wanted else
             f"{folder} has the image lists of {len(lists)} protocols")
            + f"; choose among them, or take all side by side: --protocol {every}"
        )  # fmt: skip


def _sides(file: Path) -> tuple[str, str]:
    """Return what occludes references and probes, after the name of an image list."""
    match = _SIDES.match(file.name)
    assert match is not None
    return match[1].upper(), match[2].upper()


def _places(file: Path) -> Places:
    """Return the images of an image list: a place, then a box of the face, which is not used.

    Raises:
        DataError: A line begins with no place of an image, or one that the protocol has not.
    """
    places: dict[str, dict[str, str]] = {}
    for line, text in lines(file):
        word, *_ = *text.replace(",", " ").split(), ""
        folder, person, name = ["", "", *word.replace("\\", "/").split("/")][-3:]
        strategy = FOLDERS.get(folder)
        if strategy not in _sides(file) or not person:
            raise DataError(
                f"{file}, line {line}: '{names.brief(word)}' is no place of an image of this "
                f"protocol, such as {'/'.join(_example(file))}."
            )
        stem = _stem(name)
        shown = (photograph(person, stem) or stem) if strategy == CLEAR else stem
        places.setdefault(stem, {})[strategy] = f"{folder}/{person}/{shown}"
    return places


def _example(file: Path) -> tuple[str, str, str]:
    folder = next(folder for folder, strategy in FOLDERS.items() if strategy == _sides(file)[1])
    return folder, "<Name>", "<image>.jpg"


def _pair(file: Path, line: int, text: str, listed: Path, places: Places) -> ListedPair:
    """Return the pair of a line, two names of images and perhaps 1 or 0, which is genuine.

    Raises:
        DataError: The line has another form, or an image is not on the image list.
    """
    words = text.replace(",", " ").split()
    label = words[2].lower() if len(words) == 3 else ""
    if len(words) not in (2, 3) or (label and label not in _TRUTH):
        raise DataError(
            f"{file}, line {line}: '{names.brief(text)}' is not two names of images, with or "
            "without 1 or 0 behind them."
        )
    where = f"{file}, line {line}"
    first, second = (
        _place(places, word, side, where, listed)
        for word, side in zip(words, _sides(listed), strict=False)
    )
    people = [place.split("/")[1] for place in (first, second)]
    genuine = _TRUTH[label] if label else people[0] == people[1]
    return checked(file, ListedPair(first, second, genuine, 0, line))


def _place(places: Places, word: str, side: str, where: str, listed: Path) -> str:
    """Return the place of an image that a pair names.

    Raises:
        DataError: The image list has none of that name, or two and neither is of this side.
    """
    named = places.get(_stem(word.replace("\\", "/").rpartition("/")[2]), {})
    place = next(iter(named.values())) if len(named) == 1 else named.get(side)
    if place is None:
        raise DataError(f"{where}: '{names.brief(word)}' is not in {listed.name}.")
    return place


def _same(folder: Path) -> list[bool] | None:
    """Return whether each pair is genuine, or None where no list says so."""
    file = beside(folder, *SAME)
    if file is None:
        return None
    return list(_truths(file))


def _truths(file: Path) -> Iterator[bool]:
    for line, text in lines(file):
        if text.lower() not in _TRUTH:
            raise DataError(f"{file}, line {line}: '{names.brief(text)}' is not 1 or 0.")
        yield _TRUTH[text.lower()]


def _stem(name: str) -> str:
    """Return a name without the ending of an image, where it has one."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in images.extensions else name
