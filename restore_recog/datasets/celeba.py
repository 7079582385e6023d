"""CelebFaces Attributes, in the folders and files of its own distribution."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError
from restore_recog.names import label, written
from restore_recog.system.text import lines, numbers
from restore_recog.types import FaceSample

_WILD = "img_celeba"
_FOLDERS = ("img_align_celeba", "img_align_celeba_png", _WILD)
_PARTS = {"0": ("train", "train"), "1": ("val", "train"), "2": ("test", "test")}
"""Code in the list -> (official part, split)."""
_FILES = {
    "identity": "identity_CelebA.txt",
    "label": "list_attr_celeba.txt",
    "partition": "list_eval_partition.txt",
    "landmark": "list_landmarks_align_celeba.txt, or list_landmarks_celeba.txt for img_celeba",
}
_WITHOUT = {
    "identity": "every image counts as a different person",
    "label": "gender and the other labels are unknown",
    "partition": "it is unknown which images are for training and which for testing",
    "landmark": "a face detector must find the faces",
}
"""What a missing list means."""
_FLAGS = {"1": "yes", "-1": "no", "0": "no"}
_GENDERS = {"yes": "male", "no": "female"}


class CelebA(FileDataset):
    """CelebA: 202,599 images of celebrities with 40 labels each.

    The aligned images (178 x 218) are taken where they are there, else those from the wild,
    or the other way round with ``wild``; the landmarks are those of the images taken, and
    without a list of them the faces are looked for.

    Attributes: ``gender`` (the label ``Male``), ``smiling`` and the other 38 labels under their
    own names in lower case, yes or no each; ``partition`` is the official part (train, val or
    test). The project knows two splits: train and val are ``train``, test is ``test``, so
    everything but the official test images may be trained on. ``partition`` tells the
    validation part apart.

    The people are those of ``identity_CelebA.txt``. Without that file, which some copies lack,
    every image counts as a different person, and a note says so.
    """

    name = "celeba"
    tree = """\
PATH/                                the lists may also lie directly in PATH, or be .csv
  Img/img_align_celeba/000001.jpg    or img_celeba/ (in the wild); also without Img/
  Anno/identity_CelebA.txt           optional: <image> <person>
  Anno/list_attr_celeba.txt          optional: a count, the names, <image> and 40 times 1 or -1
  Anno/list_landmarks_align_celeba.txt    optional; list_landmarks_celeba.txt for img_celeba
  Eval/list_eval_partition.txt       optional: <image> and 0 (train), 1 (val) or 2 (test)
"""

    def __init__(self, location: str | None = None, *, wild: bool = False) -> None:
        """Remember where the data lies.

        Args:
            location: As ``tree`` says.
            wild: Whether the larger images from the wild go before the aligned ones.
        """
        super().__init__(location)
        self._wild = wild

    def scan(self, root: Path) -> Iterable[FaceSample]:
        folder = self._folder(root)
        people = dict(_pairs(_list(root, "identity_CelebA")))
        parts = dict(_pairs(_list(root, "list_eval_partition")))
        names, flags = _labels(_list(root, "list_attr_celeba"))
        self._read_landmarks(root, wild=_WILD in (folder.name, folder.parent.name))
        index = {name: place for place, name in enumerate((*names, "partition", "split"))}
        nothing = ("",) * len(names)
        samples = []
        for path in self.image_files(folder):
            name = label(path.stem)
            values = (*flags.get(name, nothing), *_part(root, parts.get(name)))
            subject = people.get(name, name)
            sample = FaceSample(
                self.identifier(path, folder), subject, path, attributes=Labels(index, values)
            )
            samples.append(sample)
        lists: dict[str, Mapping[str, object]] = {
            "identity": people,
            "label": flags,
            "partition": parts,
            "landmark": self.points,
        }
        self._note(root, samples, lists)
        if self._wild:
            self.notes.append(f"The images are those of {folder.name}.")
        return samples

    def landmarks(self, sample: FaceSample) -> NDArray[np.float32] | None:
        return self.points.get(Path(sample.image_id).stem)

    def _folder(self, root: Path) -> Path:
        """Return the folder with the images; archives often hold one within one."""
        for name in sorted(_FOLDERS, key=lambda one: (one == _WILD) != self._wild):
            for outer in (root, root / "Img"):
                for folder in (outer / name / name, outer / name):
                    if folder.is_dir():
                        return folder
        if root.name in _FOLDERS:
            return root
        raise self.finds(f"none of the folders {', '.join(_FOLDERS)} in {root}")

    def _read_landmarks(self, root: Path, *, wild: bool) -> None:
        file = _list(root, "list_landmarks_celeba" if wild else "list_landmarks_align_celeba")
        for row in _rows(file):
            if len(row) != 11 or not _stem(row[0]):
                continue
            points = numbers(row[1:])
            if points is None:
                raise DataError(f"{file}: the landmarks of {row[0]} are not numbers.")
            self.points[_stem(row[0])] = np.array(points, np.float32).reshape(5, 2)

    def _note(
        self, root: Path, samples: list[FaceSample], lists: Mapping[str, Mapping[str, object]]
    ) -> None:
        stems = {label(sample.path.stem) for sample in samples if sample.path is not None}
        for what, known in lists.items():
            if not known:
                name = _FILES[what]
                self.notes.append(f"{root} lacks {name}: {_WITHOUT[what]}.")
                continue
            self.note(len(stems - known.keys()), f"images in {root} are not on the {what} list.")
            self.note(len(known.keys() - stems), f"images on the {what} list are not in {root}.")


class Labels(Mapping[str, str]):
    """The labels of one image: its values, and a table of names that all images share.

    A dictionary for each of 202,599 images would take half a gigabyte. An empty value is
    one that is not known.
    """

    __slots__ = ("_index", "_values")

    def __init__(self, index: Mapping[str, int], values: tuple[str, ...]) -> None:
        self._index = index
        self._values = values

    def __getitem__(self, name: str) -> str:
        value = self._values[self._index[name]]
        if not value:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, place in self._index.items() if self._values[place])

    def __len__(self) -> int:
        return sum(map(bool, self._values))

    def __repr__(self) -> str:
        return repr(dict(self))


def _list(root: Path, name: str) -> Path | None:
    """Return the place of a list, or None."""
    base = root
    while base.name in (*_FOLDERS, "Img"):
        base = base.parent
    places = (root, base, base / "Anno", base / "Eval")
    files = (place / f"{name}{ending}" for ending in (".txt", ".csv") for place in places)
    return next((file for file in files if os.path.isfile(file)), None)


def _rows(file: Path | None) -> Iterator[list[str]]:
    """Yield the fields of every line, whether blanks or commas part them."""
    if file is None:
        return
    for _, line in lines(file):
        if fields := written(line.replace(",", " ").replace("\t", " ")).split():
            yield fields


def _stem(name: str) -> str:
    """Return an image's name without its ending, or nothing where it is not an image."""
    stem, dot, _ = name.rpartition(".")
    return stem if dot else ""


def _pairs(file: Path | None) -> Iterator[tuple[str, str]]:
    for row in _rows(file):
        if len(row) == 2 and _stem(row[0]):
            yield _stem(row[0]), row[1]


def _part(root: Path, code: str | None) -> tuple[str, str]:
    """Return (official part, split), both empty where the image is on no list."""
    if code is None:
        return "", ""
    if code not in _PARTS:
        raise DataError(
            f"The partition list of {root} has the code '{code}'; it must be 0 (train), 1 (val)"
            " or 2 (test)."
        )
    return _PARTS[code]


def _labels(file: Path | None) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the names of the labels, and their values by image, as words."""
    names: tuple[str, ...] = ()
    flags: dict[str, tuple[str, ...]] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in _rows(file):
        if not _stem(row[0]):
            if len(row) > 1:  # the line of names; a lone number counts the images
                names = tuple(name.lower() for name in row if name != "image_id")
            continue
        values = tuple(row[1:])
        if len(values) != len(names) or not set(values) <= _FLAGS.keys():
            raise DataError(
                f"{file}: the line of {row[0]} must hold {len(names)} times 1 or -1, one for each"
                " name in the line of names."
            )
        flags[_stem(row[0])] = known.setdefault(
            values,
            tuple(
                _GENDERS[_FLAGS[value]] if name == "male" else _FLAGS[value]
                for name, value in zip(names, values, strict=True)
            ),
        )
    return tuple("gender" if name == "male" else name for name in names), flags
