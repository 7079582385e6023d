"""What all data sets that lie in folders share: finding, sorting, reading, clear errors."""

from __future__ import annotations

import csv
import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.api import Dataset
from restore_recog.errors import DataError, ImageError, RestoreRecogError
from restore_recog.types import FaceImage, FaceSample


class FileDataset(Dataset):
    """Images in a folder. A layout says in :meth:`scan` what each file is.

    Attributes:
        points: image_id -> (5, 2) landmarks, of the images whose landmarks are known.
        masks: image_id -> mask image, of the images that have one.
    """

    notes: list[str]

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location)
        self.notes = []
        self.points: dict[str, NDArray[np.float32]] = {}
        self.masks: dict[str, Path] = {}
        self._samples: list[FaceSample] | None = None

    @abstractmethod
    def scan(self, root: Path) -> Iterable[FaceSample]:
        """Return every image under *root*, in any order."""

    def landmarks(self, sample: FaceSample) -> NDArray[np.float32] | None:
        """Return the known (5, 2) landmarks of an image, or None."""
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
            samples = sorted(self.scan(self.root()), key=lambda sample: sample.image_id)
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
        if not root.is_dir():
            raise self.finds(f"no folder {self.location}")
        return root

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
            pattern: Of the whole name without its ending, in the spelling of :func:`spelt`.
            form: The same in words, e.g. ``<Name>_<number>``.
            deep: Look into folders within, too.
        """
        misnamed = 0
        for path in image_files(folder, deep=deep):
            match = pattern.fullmatch(spelt(path.stem))
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
        loose = len(image_files(folder))
        self.note(
            loose, f"images lie directly in {folder}, in no person's folder; they were left out."
        )

    def expected(self) -> str:
        """Return the end of a message about a missing folder: what should be there."""
        return f" Expected:\n{self.tree}"

    def finds(self, nothing: str) -> DataError:
        """Return the refusal of data that lacks something, e.g. ``no folder PATH``."""
        return DataError(f"The data set '{self.name}' finds {nothing}.{self.expected()}")


def image_files(folder: Path, *, deep: bool = False) -> list[Path]:
    """Return the image files in a folder, sorted; hidden files do not count.

    Args:
        folder: Where to look.
        deep: Look into folders within, too.
    """
    return [path for path in visible(folder, deep=deep) if path.suffix.lower() in images.extensions]


def visible(folder: Path, *, deep: bool = False) -> list[Path]:
    """Return all files in a folder, sorted, but hidden ones and those in hidden folders."""
    return [
        path
        for path in sorted(folder.rglob("*") if deep else folder.iterdir())
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]


def folders(folder: Path) -> Iterator[Path]:
    """Yield the folders right in a folder, sorted; hidden ones do not count."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            yield path


def csv_rows(
    file: Path, columns: Sequence[str], *, once: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV file in UTF-8; the names of its columns in lower case.

    Args:
        file: With a header.
        columns: Must be in the header.
        once: Whether a header that names a column twice is refused.

    Raises:
        DataError: It cannot be read, the header is another, or a row has more or fewer values.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            if missing := [column for column in columns if column not in header]:
                raise DataError(
                    f"{file}, line 1: the header lacks {', '.join(missing)}; it must name at least "
                    f"{', '.join(columns)}, separated by commas."
                )
            twice = sorted({column for column in header if header.count(column) > 1})
            if once and twice:
                raise DataError(f"{file}, line 1: the column {', '.join(twice)} is named twice.")
            for values in reader:
                if not any(map(str.strip, values[:1])) and len(values) < 2:
                    continue
                if len(values) != len(header):
                    raise DataError(
                        f"{file}, line {reader.line_num}: {len(values)} values where the header "
                        f"names {len(header)} columns."
                    )
                yield reader.line_num, dict(zip(header, values, strict=True))
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{file} cannot be read as CSV in UTF-8: {error}.") from error


def identifier(path: Path, root: Path) -> str:
    """Return a file's image_id: its place below the root, spelt alike on every machine."""
    return spelt(path.relative_to(root).as_posix())


def spelt(name: str) -> str:
    """Return a name from the file system in the one spelling (Unicode NFC) that is compared."""
    return unicodedata.normalize("NFC", name)


def beside(root: Path, *names: str) -> Path | None:
    """Return the first file of these names in a folder or its parent, or None."""
    places = (folder / name for folder in (root, root.parent) for name in names)
    return next((place for place in places if place.is_file()), None)
