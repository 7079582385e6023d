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
from scipy.io import loadmat

from restore_recog.errors import DataError
from restore_recog.names import brief
from restore_recog.protocols.pair_lines import lines
from restore_recog.system.text import whole
from restore_recog.types import Vector

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
    """Return galleries and probes of the .mat file; reading it runs nothing."""
    try:
        facts = loadmat(os.fspath(file), variable_names=VARIABLES)
    except Exception as error:  # whatever SciPy makes of a damaged file, or of another format
        raise DataError(
            f"{file} cannot be read as a MATLAB file of versions 4 to 7 ({brief(str(error))}); "
            f"give BLUFR's {CONFIG} as it was published."
        ) from None
    if lacking := [name for name in VARIABLES if name not in facts]:
        raise DataError(f"{file} has no variable {lacking[0]}; give BLUFR's {CONFIG}.")
    names = [_name(file, cell) for cell in facts["imageList"].ravel()]
    return (
        [_chosen(file, cell, names) for cell in facts["galIndex"].ravel()],
        [_chosen(file, cell, names) for cell in facts["probIndex"].ravel()],
    )


def _name(file: Path, cell: object) -> str:
    text = np.asarray(cell).ravel()
    if text.size != 1 or text.dtype.kind != "U":
        raise DataError(f"{file}: imageList is no list of file names.")
    return _stem(str(text[0]))


def _chosen(file: Path, cell: object, names: Sequence[str]) -> tuple[str, ...]:
    """Return the images that a cell's indices name; MATLAB counts from 1."""
    given = np.asarray(cell).ravel()
    index: Vector = given.astype(np.float64) if given.dtype.kind in "iuf" else np.zeros(1)
    if not ((index >= 1) & (index <= len(names)) & (index % 1 == 0)).all():
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
