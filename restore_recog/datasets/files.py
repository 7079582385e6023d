"""What all data sets that lie in folders share: finding, sorting, reading, clear errors."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.api import Dataset
from restore_recog.errors import DataError, ImageError, RestoreRecogError
from restore_recog.image_search import ImageSearch
from restore_recog.names import identifier, label
from restore_recog.types import FaceImage, FaceSample


class FileDataset(Dataset):
    """Images in a folder. A layout says in :meth:`scan` what each file is.

    Attributes:
        points: image_id -> (5, 2) or (98, 2) landmarks, of the images whose landmarks are known.
        masks: image_id -> mask image, of the images that have one.
    """

    notes: list[str]

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location)
        self.notes = []
        self.points: dict[str, NDArray[np.float32]] = {}
        self.masks: dict[str, Path] = {}
        self.search = ImageSearch()
        self._places: dict[str, Path] = {}
        self._samples: list[FaceSample] | None = None

    @abstractmethod
    def scan(self, root: Path) -> Iterable[FaceSample]:
        """Return every image under *root*, in any order."""

    def landmarks(self, sample: FaceSample) -> NDArray[np.float32] | None:
        """Return the known (5, 2) or (98, 2) landmarks of an image, or None."""
        return self.points.get(sample.image_id)

    def mask_path(self, sample: FaceSample) -> Path | None:
        """Return the mask image of a sample, or None."""
        return self.masks.get(sample.image_id)

    def pixels(self, path: Path) -> NDArray[np.uint8]:
        """Return the (H, W, 3) uint8 RGB pixels of a file; a layout may have formats of its own.

        Raises:
            ImageError: It cannot be read.
        """
        return images.read(path)

    def samples(self) -> Sequence[FaceSample]:
        if self._samples is None:
            root = self.root()
            samples = sorted(self.scan(root), key=lambda sample: sample.image_id)
            self.notes += self.search.notes(root)
            if not samples:
                raise DataError(
                    f"The data set '{self.name}' found no images in {self.location}."
                    f"{self.expected()}"
                )
            self._samples = samples
        return self._samples

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._read(sample) for sample in samples]

    def _read(self, sample: FaceSample) -> FaceImage | RestoreRecogError:
        if sample.path is None:
            return ImageError(f"The sample {sample.image_id} names no file.")
        try:
            pixels = self.pixels(sample.path)
            mask_file = self.mask_path(sample)
            mask = images.read_mask(mask_file, pixels.shape[:2]) if mask_file else None
        except ImageError as error:
            return error
        return FaceImage(pixels, self.landmarks(sample), mask)

    def root(self) -> Path:
        """Return the folder that :meth:`scan` is given.

        Raises:
            DataError: There is none.
        """
        if not self.location:
            raise DataError(
                f"The data set '{self.name}' needs a path: --data {self.name}:PATH."
                f"{self.expected()}"
            )
        root = Path(self.location).expanduser()
        if not os.path.isdir(root):
            raise self.finds(f"no folder {self.location}")
        return root

    def image_files(self, folder: Path, *, deep: bool = False) -> list[Path]:
        """Return the image files in a folder, sorted, as :class:`ImageSearch` finds them."""
        return self.search.images(folder, deep=deep)

    def folders(self, folder: Path) -> list[Path]:
        """Return the folders right in a folder, sorted; hidden ones do not count."""
        return self.search.folders(folder)

    def identifier(self, path: Path, root: Path) -> str:
        """Return a file's image_id: its place below the root, spelt alike on every machine.

        A second file of that name in another Unicode form gets a number behind it.
        """
        name = image_id = identifier(path, root)
        number = 1
        while self._places.setdefault(image_id, path) != path:
            number += 1
            image_id = f"{name} ({number})"
        return image_id

    def note(self, count: int, text: str) -> None:
        """Note "<count> <text>" for the report, unless the count is 0."""
        if count:
            self.notes.append(f"{count} {text}")

    def named(
        self, folder: Path, pattern: re.Pattern[str], form: str, *, deep: bool = False
    ) -> Iterator[tuple[Path, re.Match[str]]]:
        """Yield the images of a folder whose names follow a pattern, then note how many do not.

        Args:
            folder: Where to look.
            pattern: Of the whole name without its ending, in the spelling of
                :func:`restore_recog.names.label`.
            form: The same in words, e.g. ``<Name>_<number>``.
            deep: Look into folders within, too.
        """
        misnamed = 0
        for path in self.image_files(folder, deep=deep):
            match = pattern.fullmatch(label(path.stem))
            if match is None:
                misnamed += 1
            else:
                yield path, match
        self.note(misnamed, f"images in {folder} are not named {form} and were left out.")

    def note_nobody(self, title: str) -> None:
        """Note that the data, called *title*, does not say who is who."""
        self.notes.append(
            f"{title} names nobody: every image counts as a different person, so it can train"
            " and test restoration, not recognition."
        )

    def leave_out_loose(self, folder: Path) -> None:
        """Note how many images lie directly in a folder that should hold people's folders."""
        loose = len(self.image_files(folder))
        self.note(
            loose, f"images lie directly in {folder}, in no person's folder; they were left out."
        )

    def expected(self) -> str:
        """Return the end of a message about a missing folder: what should be there."""
        return f" Expected:\n{self.tree}"

    def finds(self, nothing: str) -> DataError:
        """Return the refusal of data that lacks something, e.g. ``no folder PATH``."""
        return DataError(f"The data set '{self.name}' finds {nothing}.{self.expected()}")


def beside(root: Path, *names: str) -> Path | None:
    """Return the first file of these names in a folder or its parent, or None."""
    places = (folder / name for folder in (root, root.parent) for name in names)
    return next((place for place in places if os.path.isfile(place)), None)
