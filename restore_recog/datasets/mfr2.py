"""MFR2: real masks on well-known people, with a list of pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from restore_recog.datasets.files import FileDataset, beside
from restore_recog.datasets.lfw import shares_a_trained_name
from restore_recog.errors import DataError
from restore_recog.names import brief, label, written
from restore_recog.system.text import plain_rows, whole
from restore_recog.types import FaceSample

LABELS = "mfr2_labels.txt"
PAIRS = "pairs.txt"
UNMASKED = "no-mask"

Labels = Mapping[tuple[str, int], str]


class MFR2(FileDataset):
    """Masked Faces in Real World for Face Recognition (MaskTheFace): 53 people, 269 images.

    The kind of mask comes from ``mfr2_labels.txt``: ``no-mask`` is a clean image, anything
    else a mask of that ``mask_type``. What the labels leave out is kept under the condition
    ``unknown``.

    The people are celebrities. The attribute ``lfw_train`` is yes for those whose name (letters
    only, in any case) is that of a person of LFW who trained a shipped model, else no.
    """

    name = "mfr2"
    tree = """\
PATH/                           or PATH/mfr2/
  <Identity>/
    <Identity>_0001.png         four digits
  mfr2_labels.txt               lines: Identity, number, kind of mask or no-mask
  pairs.txt                     optional: 'name i j' and 'name i name j', no header
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        if (root / self.name).is_dir():
            root = root / self.name
        self.pair_list = beside(root, PAIRS)
        file = beside(root, LABELS)
        labels = _labels(file) if file else {}
        if file is None:
            self.notes.append(f"There is no {LABELS} in {root}: no image's condition is known.")
        self.leave_out_loose(root)
        keys_of = {}
        for folder in self.folders(root):
            for path in self.image_files(folder, deep=True):
                keys_of[path] = _key(label(folder.name), label(path.stem))
        self._note(root, keys_of, labels)
        return [
            _sample(self.identifier(path, root), path, key, labels) for path, key in keys_of.items()
        ]

    def _note(self, root: Path, keys_of: Mapping[Path, tuple[str, int]], labels: Labels) -> None:
        keys = set(keys_of.values())
        unlabelled = sum(key not in labels for key in keys_of.values())
        if labels and unlabelled:
            self.notes.append(
                f"{unlabelled} images in {root} are not in {LABELS}; they are kept with the"
                " condition 'unknown'."
            )
        absent = sum(key not in keys for key in labels)
        self.note(absent, f"images of {LABELS} are not in {root}.")
        people = {who for who, _ in keys}
        trained = sorted(who for who in people if shares_a_trained_name(who))
        if trained:
            self.notes.append(
                f"{len(trained)} of the {len(people)} people in {root} have the names of people"
                " of LFW who trained the shipped models, which may favour them:"
                f" {', '.join(trained)}."
            )


def _key(person: str, stem: str) -> tuple[str, int]:
    """Return (person, number) of a file name; number 0 if it is not <person>_<number>."""
    match = re.fullmatch(re.escape(person) + r"_(\d+)", stem, re.ASCII | re.IGNORECASE)
    return person, (whole(match[1]) or 0) if match else 0


def _sample(image_id: str, path: Path, key: tuple[str, int], labels: Labels) -> FaceSample:
    kind = labels.get(key)
    trained = "yes" if shares_a_trained_name(key[0]) else "no"
    condition = "unknown" if kind is None else "clean" if kind == UNMASKED else "mask"
    attributes = {"lfw_train": trained}
    if kind is not None and condition == "mask":
        attributes["mask_type"] = kind
    return FaceSample(image_id, key[0], path, condition, attributes=attributes)


def _labels(file: Path) -> dict[tuple[str, int], str]:
    """Return (person, number) -> kind of mask in lower case.

    Raises:
        DataError: Not UTF-8 text, a line of another form, or two lines that differ.
    """
    kinds: dict[tuple[str, int], str] = {}
    for line, values in plain_rows(file):
        number = whole(values[1]) if len(values) == 3 and all(values) else None
        if number is None:
            raise DataError(
                f"{file}, line {line}: '{brief(', '.join(values))}' is not"
                " 'Identity, number, kind of mask'."
            )
        key, kind = (written(values[0]), number), values[2].lower()
        if kinds.setdefault(key, kind) != kind:
            raise DataError(
                f"{file}, line {line}: {values[0]} {values[1]} is '{kinds[key]}' in an earlier line"
                f" and '{kind}' here."
            )
    return kinds
