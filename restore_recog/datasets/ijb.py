"""IJB-B and IJB-C in the lists that insightface's evaluation made common."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError
from restore_recog.image_search import ImageSearch
from restore_recog.names import listed as spelt_there
from restore_recog.names import written
from restore_recog.system.text import csv_rows, lines, numbers
from restore_recog.types import FaceSample

IMAGES = "loose_crop"
TEMPLATES = "_face_tid_mid.txt"
POINTS = "_name_5pts_score.txt"
META = "meta"

Points = tuple[list[float], str]
"""Ten coordinates and the detector score of an image."""

Template = tuple[str, Mapping[str, str]]
"""Subject and attributes of a template."""


class IJB(FileDataset):
    """IJB-B or IJB-C: images that belong to templates, with landmarks and detector scores.

    Every line of ``*_face_tid_mid.txt`` is a sample, whether or not its file is there, with
    the attributes ``template_id``, ``media_id`` and ``detector_score``. Whose template it is
    stands in the lists for searches, ``*_1N_gallery_*.csv`` and ``*_1N_probe_*.csv``, which
    also give the attribute ``role`` (gallery or probe) and, for galleries, ``gallery`` (such
    as G1). The people of other templates are unknown: each such template is a subject of its
    own, ``template-<id>``, though some may show the same person.

    The data is scored image by image here; the pooling of a template's images and the
    list of template pairs are not used.
    """

    name = "ijb"
    tree = """\
PATH/                                   IJBB/ or IJBC/; the lists lie in meta/ or here
  loose_crop/1.jpg
  meta/
    ijbc_face_tid_mid.txt               lines: 1.jpg template media
    ijbc_name_5pts_score.txt            lines: 1.jpg, ten coordinates, detector score
    ijbc_1N_gallery_G1.csv              optional: TEMPLATE_ID,SUBJECT_ID,...
    ijbc_1N_probe_mixed.csv             optional: likewise
"""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location)
        self._points: dict[str, Points] = {}

    def scan(self, root: Path) -> Iterable[FaceSample]:
        listed = self._list(root)
        points = listed.with_name(listed.name.removesuffix(TEMPLATES) + POINTS)
        if os.path.isfile(points):
            self._points = _points(points)
        else:
            self.notes.append(f"There is no {points}: the images have no landmarks.")
        people = _searches(listed)
        folder = root / IMAGES
        samples: dict[str, FaceSample] = {}
        again = 0
        for _, (name, template, media) in _rows(listed, 3):
            image_id = f"{template}/{name}"
            if image_id in samples:
                again += 1
                continue
            attributes = {"template_id": template, "media_id": media}
            if name in self._points:
                attributes["detector_score"] = self._points[name][1]
            subject, labels = people.get(template, (f"template-{template}", {}))
            path = folder / spelt_there(folder, name)
            attributes |= labels
            samples[image_id] = FaceSample(image_id, subject, path, attributes=attributes)
        self._note(root, listed, samples, again)
        return samples.values()

    def landmarks(self, sample: FaceSample) -> NDArray[np.float32] | None:
        known = self._points.get(sample.image_id.partition("/")[2])
        return np.array(known[0], np.float32).reshape(5, 2) if known else None

    def _list(self, root: Path) -> Path:
        """Return the one list of images and templates, in ``meta`` or the folder itself."""
        lists = [
            file
            for folder in (root / META, root)
            if folder.is_dir()
            for file in self.search.files(folder)
            if file.name.endswith(TEMPLATES)
        ]
        if not lists or not (root / IMAGES).is_dir():
            missing = root / IMAGES if lists else f"{root / META}/*{TEMPLATES}"
            raise self.finds(f"no {missing}")
        if len(lists) > 1:
            raise DataError(
                f"The data set 'ijb' finds several lists *{TEMPLATES} in {root}:"
                f" {', '.join(file.name for file in lists)}; leave one there."
            )
        return lists[0]

    def _note(
        self, root: Path, listed: Path, samples: Mapping[str, FaceSample], again: int
    ) -> None:
        strangers = [s for s in samples.values() if "role" not in s.attributes]
        templates = len({sample.subject for sample in strangers})
        names = {image_id.partition("/")[2] for image_id in samples}
        folder = root / IMAGES
        there = {self.identifier(path, folder) for path in self.image_files(folder, deep=True)}
        for count, text in (
            (again, f"lines of {listed.name} repeat an image of a template and count once."),
            (
                templates,
                f"templates ({len(strangers)} images) are in no 1:N list; each is a subject of"
                " its own, though some may show the same person.",
            ),
            (
                len(names - self._points.keys()) if self._points else 0,
                f"images of {listed.name} have no landmarks.",
            ),
            (len(names - there), f"images of {listed.name} are not in {folder}."),
            (
                len(there - names),
                f"images in {folder} are not in {listed.name} and were left out.",
            ),
        ):
            self.note(count, text)


def _rows(file: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, values) of a list with spaces between its columns.

    Raises:
        DataError: Not UTF-8 text, or a line has another number of values.
    """
    for number, line in lines(file):
        values = written(line.replace("\t", " ")).split()
        if values and len(values) != columns:
            raise DataError(f"{file}, line {number}: {len(values)} values instead of {columns}.")
        if values:
            yield number, values


def _points(file: Path) -> dict[str, Points]:
    """Return what is known of every image by its name.

    Raises:
        DataError: A line has not twelve values or other things than finite numbers in them.
    """
    points: dict[str, Points] = {}
    for line, (name, *texts) in _rows(file, 12):
        values = numbers(texts)
        if values is None:
            raise DataError(
                f"{file}, line {line}: {name} must be followed by ten coordinates and a score."
            )
        points[name] = values[:10], texts[10]
    return points


def _searches(listed: Path) -> dict[str, Template]:
    """Return template -> (subject, attributes) from the lists for 1:N searches.

    Raises:
        DataError: A list is garbled or gives a template another subject than an earlier one.
    """
    prefix = listed.name.removesuffix(TEMPLATES)
    templates: dict[str, Template] = {}
    for role in ("gallery", "probe"):
        for file in ImageSearch().files(listed.parent):
            if not re.fullmatch(rf"{re.escape(prefix)}_1N_{role}_.*\.csv", file.name):
                continue
            labels = {"role": role}
            if role == "gallery":
                labels["gallery"] = file.stem.rpartition("_")[2]
            for line, template, subject in _templates(file):
                known = templates.setdefault(template, (subject, labels))
                if known[0] != subject:
                    raise DataError(
                        f"{file}, line {line}: template {template} belongs to subject {subject}"
                        f" here and to {known[0]} before."
                    )
    return templates


def _templates(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, template, subject)."""
    for line, row in csv_rows(file, ("template_id", "subject_id")):
        template, subject = row["template_id"].strip(), written(row["subject_id"].strip())
        if not template or not subject:
            raise DataError(f"{file}, line {line}: TEMPLATE_ID or SUBJECT_ID is empty.")
        yield line, template, subject
