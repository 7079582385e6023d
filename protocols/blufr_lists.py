"""The published lists of BLUFR: who is enrolled and who is searched in each of its ten trials.

Source: Liao, Lei, Yi, Li, "A Benchmark Study of Large-scale Unconstrained Face Recognition", IJCB
2014, and the readme files of its package: ``config/lfw/blufr_lfw_config.mat`` with the variables
``imageList``, ``galIndex`` and ``probIndex``, or the same as text, ``list/lfw/gallery_set.txt`` and
``probe_set.txt``. Its training and development sets are not used: recognisers come trained.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from restore_recog.errors import DataError
from restore_recog.names import brief
from restore_recog.protocols.pair_lines import lines
from restore_recog.system.matlab import Value, read_variables
from restore_recog.system.text import whole

CONFIG = "blufr_lfw_config.mat"
GALLERY, PROBES = "gallery_set.txt", "probe_set.txt"
VARIABLES = ("imageList", "galIndex", "probIndex")


@dataclass(frozen=True, slots=True)
class ListedTrial:
    """One trial: names of images without their endings, ``Aaron_Eckhart_0001``."""

    gallery: tuple[str, ...]
    probes: tuple[str, ...]


def read(place: Path) -> list[ListedTrial]:
    """Return the trials of the .mat file, or of the folder with the text lists.

    Raises:
        DataError: There is no such thing, it is garbled, or a trial is no division of images.
    """
    if not os.path.exists(place):
        raise DataError(
            f"There is no {place}; --protocol blufr:PLACE takes {CONFIG} or a folder with "
            f"{GALLERY} and {PROBES}, and --protocol blufr draws trials of the same kind."
        )
    if os.path.isdir(place):
        sides = _text(place / GALLERY), _text(place / PROBES)
    else:
        sides = _matlab(place)
    if len(sides[0]) != len(sides[1]) or not sides[0]:
        raise DataError(
            f"{place}: {len(sides[0])} galleries and {len(sides[1])} sets of probes; each trial "
            "has one of both."
        )
    trials = [ListedTrial(*pair) for pair in zip(*sides, strict=True)]
    for number, trial in enumerate(trials, 1):
        _check(place, number, trial)
    return trials


def _check(place: Path, number: int, trial: ListedTrial) -> None:
    images = (*trial.gallery, *trial.probes)
    if not trial.gallery or not trial.probes or len(set(images)) < len(images):
        raise DataError(
            f"{place}, trial {number}: its gallery and its probes must be images, each listed "
            "once; the lists are garbled."
        )


def _matlab(file: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return galleries and probes of the .mat file."""
    facts = read_variables(file, VARIABLES)
    if lacking := [name for name in VARIABLES if name not in facts]:
        raise DataError(f"{file} has no variable {lacking[0]}; give BLUFR's {CONFIG}.")
    names, *sides = (_cells(file, name, facts[name]) for name in VARIABLES)
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"{file}: imageList is no list of file names.")
    stems = [_stem(str(name)) for name in names]
    galleries, probes = ([_chosen(file, cell, stems) for cell in side] for side in sides)
    return galleries, probes


def _cells(file: Path, name: str, value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise DataError(f"{file}: {name} is no cell array; give BLUFR's {CONFIG}.")
    return value


def _chosen(file: Path, index: Value, names: Sequence[str]) -> tuple[str, ...]:
    """Return the images that indices name; MATLAB counts from 1."""
    known = np.arange(1, len(names) + 1)
    if not isinstance(index, np.ndarray) or not np.isin(index, known).all():
        raise DataError(
            f"{file}: an index is no whole number from 1 to {len(names):,}, the images of its list."
        )
    return tuple(names[int(i) - 1] for i in index)


def _text(file: Path) -> list[tuple[str, ...]]:
    """Return the images of every trial of a list: the number of trials, then of each its images."""
    rows = lines(file)
    trials = []
    for _ in range(_count(file, rows)):
        trials.append(tuple(_listed(file, rows) for _ in range(_count(file, rows))))
    if left := next(rows, None):
        raise DataError(f"{file}, line {left[0]}: more lines than the counts before promise.")
    return trials


def _count(file: Path, rows: Iterator[tuple[int, str]]) -> int:
    line, text = next(rows, (0, ""))
    count = whole(text)
    if not count:
        raise DataError(
            f"{file}, {f'line {line}' if line else 'at its end'}: a number should stand here, of "
            "trials or of the images of one."
        )
    return count


def _listed(file: Path, rows: Iterator[tuple[int, str]]) -> str:
    line, text = next(rows, (0, ""))
    number, comma, name = text.partition(",")
    if not comma or not whole(number.strip()) or not name.strip():
        raise DataError(
            f"{file}, {f'line {line}' if line else 'at its end'}: '{brief(text)}' is not 'number, "
            "name of an image'."
        )
    return _stem(name.strip())


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem
