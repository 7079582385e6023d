"""Images that a list says must not be trained on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from restore_recog.api import Dataset
from restore_recog.errors import DataError
from restore_recog.names import label, written
from restore_recog.system.text import plain_rows
from restore_recog.training.crops import HasPack
from restore_recog.types import FaceSample

_HEADER = "file"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Which images a list leaves out.

    Attributes:
        file: The list.
        image_ids: Of the images that it names.
        strangers: How many of its names match no image.
    """

    file: Path
    image_ids: frozenset[str]
    strangers: int

    def __str__(self) -> str:
        """Return one sentence, or two, for the terminal."""
        text = f"{len(self.image_ids)} images named in {self.file.name} are left out."
        if self.strangers:
            text += f" {self.strangers} of its names match no image of the data sets."
        return text


def left_out(file: Path, datasets: Sequence[Dataset]) -> LeftOut:
    """Return which images of the data sets a list names.

    A name is the place of an image in the data set's folder or in that folder's parent, or its
    image_id: ``7213/193500.jpg`` or ``celeba_id/7213/193500.jpg`` for ``folder:celeba_id``. Those
    packed from it go by the same names.

    Args:
        file: Text or CSV; the first column names images, a first line ``file`` is a header.
        datasets: Where to look for them.

    Raises:
        DataError: It cannot be read, names nothing, or nothing that is in the data sets.
    """
    names = _listed(file)
    matched: set[str] = set()
    image_ids: set[str] = set()
    for dataset in datasets:
        for sample in dataset.samples():
            hits = names.intersection(_names(dataset, sample))
            if hits:
                matched |= hits
                image_ids.add(sample.image_id)
    if not matched:
        raise DataError(
            f"None of the {len(names)} names in {file} is an image of"
            f" {', '.join(dataset.name for dataset in datasets)}; a name is an image's place in the"
            f" data set's folder or in that folder's parent, and the first one is '{min(names)}'."
        )
    return LeftOut(file, frozenset(image_ids), len(names) - len(matched))


def _listed(file: Path) -> set[str]:
    first = [row[0] for _, row in plain_rows(file) if row[0]]
    if first and first[0].lower() == _HEADER:
        del first[0]
    names = {written(name.replace("\\", "/")) for name in first if name}
    if not names:
        raise DataError(f"The list of images to leave out, {file}, names none.")
    return names


def _names(dataset: Dataset, sample: FaceSample) -> Iterator[str]:
    """Yield what a list may call an image."""
    yield sample.image_id
    if isinstance(dataset, HasPack):
        number, _, own = sample.image_id.partition(":")
        yield own
        yield f"{dataset.pack().note.sources[int(number)]['location']}/{own}"
    elif dataset.location:
        root = Path(os.path.abspath(Path(dataset.location).expanduser()))
        yield f"{root.name}/{sample.image_id}"
        if sample.path is not None:
            path = Path(os.path.abspath(sample.path))
            for folder in (root, root.parent):
                if path.is_relative_to(folder):
                    yield label(path.relative_to(folder).as_posix())
