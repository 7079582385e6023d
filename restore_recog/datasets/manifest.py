"""Any images, listed in a CSV file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError
from restore_recog.names import label, listed, written
from restore_recog.system.text import csv_rows
from restore_recog.types import FaceSample

LANDMARK_COLUMNS = ("lex", "ley", "rex", "rey", "nx", "ny", "lmx", "lmy", "rmx", "rmy")
"""Five landmarks in pixels: left eye, right eye, nose, mouth corners; image-left first."""

_REQUIRED = ("path", "subject_id", "condition")
_OWN = {*_REQUIRED, *LANDMARK_COLUMNS, "image_id", "mask", "clean_path", "clean_id"}
_SYNONYMS = {"unmasked": "clean", "masked": "mask"}


class Manifest(FileDataset):
    """A CSV file with one row per image; places are relative to the file's folder.

    An image's image_id is its path as written, or its ``image_id`` where that column is
    filled. Every column that has no meaning of its own becomes an attribute.
    """

    name = "manifest"
    tree = """\
FILE.csv, comma-separated, UTF-8, with a header and one row per image:
  path, subject_id              required
  condition                     required: clean (or unmasked), mask (or masked), scarf, ...
  image_id                      optional; else the path is used
  mask                          optional: mask image, white = occluded
  clean_path or clean_id        optional: the pixel-aligned clean counterpart, another row
  split                         optional: train or test
  lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy   optional: eyes, nose, mouth corners in pixels
  any other column              becomes an attribute
"""

    def root(self) -> Path:
        if self.location and os.path.isfile(Path(self.location).expanduser()):
            return Path(self.location).expanduser()
        needs = f"--data {self.name}:FILE.csv needs one"
        raise self.finds(f"no file {self.location}; {needs}")

    def scan(self, root: Path) -> Iterable[FaceSample]:
        lines: dict[str, int] = {}
        paths: dict[str, str] = {}
        samples: list[FaceSample] = []
        clean_paths: dict[str, str] = {}
        for line, row in _rows(root):
            sample = self._sample(root, line, row)
            if sample.image_id in lines:
                raise DataError(
                    f"{root}, line {line}: the image {sample.image_id} is listed in line"
                    f" {lines[sample.image_id]} already."
                )
            lines[sample.image_id] = line
            paths[label(row["path"])] = sample.image_id
            if row.get("clean_path"):
                clean_paths[sample.image_id] = label(row["clean_path"])
            samples.append(sample)
        return [_with_clean(root, lines, paths, clean_paths, sample) for sample in samples]

    def _sample(self, root: Path, line: int, row: Mapping[str, str]) -> FaceSample:
        """Return one row as a sample; remember its landmarks and its mask."""
        for column in _REQUIRED:
            if not row[column]:
                raise DataError(f"{root}, line {line}: '{column}' is empty; fill it in.")
        if row.get("split", "") not in ("", "train", "test"):
            raise DataError(
                f"{root}, line {line}: split is '{row['split']}'; it must be train, test or empty."
            )
        image_id = written(row.get("image_id", "")) or label(row["path"])
        points = _landmarks(root, line, row)
        if points is not None:
            self.points[image_id] = points
        if row.get("mask"):
            self.masks[image_id] = root.parent / row["mask"]
        return FaceSample(
            image_id,
            written(row["subject_id"]),
            root.parent / row["path"],
            _SYNONYMS.get(row["condition"].lower(), row["condition"].lower()),
            written(row.get("clean_id", "")) or None,
            {
                written(name): written(value)
                for name, value in row.items()
                if name not in _OWN and value
            },
        )


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) with stripped values and places as the file system spells them."""
    for line, values in csv_rows(file, _REQUIRED, once=True):
        row = {name: value.strip() for name, value in values.items()}
        for column in {"path", "mask", "clean_path"} & row.keys():
            row[column] = listed(file.parent, row[column])
        if any(row.values()):
            yield line, row


def _landmarks(file: Path, line: int, row: Mapping[str, str]) -> NDArray[np.float32] | None:
    """Return (5, 2) float32 pixels, or None where all ten fields are empty."""
    texts = [row.get(column, "") for column in LANDMARK_COLUMNS]
    if not any(texts):
        return None
    try:
        points = np.array([float(text) for text in texts], np.float32).reshape(5, 2)
    except ValueError:
        points = np.full((5, 2), np.nan, np.float32)
    if not np.isfinite(points).all():
        raise DataError(
            f"{file}, line {line}: the landmarks must be ten numbers"
            f" ({', '.join(LANDMARK_COLUMNS)}) or all empty."
        )
    return points


def _with_clean(
    file: Path,
    lines: Mapping[str, int],
    paths: Mapping[str, str],
    clean_paths: Mapping[str, str],
    sample: FaceSample,
) -> FaceSample:
    """Return the sample with its clean counterpart's image_id checked."""
    clean_path = clean_paths.get(sample.image_id)
    clean_id = sample.clean_id or (paths.get(clean_path) if clean_path else None)
    if clean_id is None and clean_path is None:
        return sample
    if clean_id not in lines or clean_id == sample.image_id:
        raise DataError(
            f"{file}, line {lines[sample.image_id]}: the clean counterpart"
            f" '{sample.clean_id or clean_path}' is not another row of the file."
        )
    return replace(sample, clean_id=clean_id)
