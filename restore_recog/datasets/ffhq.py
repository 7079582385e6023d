"""Flickr-Faces-HQ, in the folders of its own distribution."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import five_of_68
from restore_recog.datasets.files import FileDataset, beside
from restore_recog.errors import DataError
from restore_recog.names import brief
from restore_recog.system.text import read_text
from restore_recog.types import FaceSample

METADATA = "ffhq-dataset-v2.json"
TRAINING = 60_000
"""The publisher has set the images from this number on aside for validation."""

_FOLDERS = ("images1024x1024", "thumbnails128x128")
_SIDES = {"images1024x1024": 1024, "thumbnails128x128": 128}
_SPLITS = {"training": "train", "validation": "test"}
_NUMBER = re.compile(r"\d+", re.ASCII)


class FFHQ(FileDataset):
    """FFHQ: 70,000 faces without names, for training restorers.

    Nobody is named, so every image counts as a different person and nobody can be
    recognised on it; a note says so. Its publisher asks that it not be used to develop face
    recognition.

    Images 0 to 59,999 are ``train``, the others ``test``, as the publisher has set them
    apart. From ``ffhq-dataset-v2.json`` come the landmarks (five of dlib's 68), the licence
    of each image (attribute ``license``) and its part (attribute ``category``).
    """

    name = "ffhq"
    tree = """\
PATH/
  images1024x1024/00000/00000.png     or thumbnails128x128/; folders of 1,000 images, or flat
  ffhq-dataset-v2.json                optional, here or beside PATH: landmarks, licences
"""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location)
        self._points: dict[int, NDArray[np.float32]] = {}
        self._side = 1024

    def scan(self, root: Path) -> Iterable[FaceSample]:
        folder = next((root / name for name in _FOLDERS if (root / name).is_dir()), root)
        self._side = _SIDES.get(folder.name, self._side)
        known = self._metadata(beside(root, METADATA))
        for path, match in self.named(folder, _NUMBER, "by a number", deep=True):
            number = int(match[0][-9:])
            category = "training" if number < TRAINING else "validation"
            attributes = {"category": category, **known.get(number, {})}
            attributes["split"] = _SPLITS[attributes["category"]]
            yield FaceSample(self.identifier(path, folder), path.stem, path, attributes=attributes)
        self.note_nobody("FFHQ")

    def landmarks(self, sample: FaceSample) -> NDArray[np.float32] | None:
        points = self._points.get(int(sample.subject))
        if points is None:
            return None
        scale = np.float32(self._side / 1024)
        # (0, 0) is the centre of a pixel; what scales is the distance from its corner.
        return (points + np.float32(0.5)) * scale - np.float32(0.5)

    def _metadata(self, file: Path | None) -> dict[int, dict[str, str]]:
        """Return category and licence by number; remember the landmarks."""
        known: dict[int, dict[str, str]] = {}
        if file is None:
            return known
        words: dict[str, str] = {}
        for key, entry in _entries(file):
            try:
                number, category = int(key), entry["category"]
                licence = str(entry["metadata"]["license"])
                points = np.array(entry["image"]["face_landmarks"], np.float32)
                self._points[number] = five_of_68(points.reshape(68, 2))
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise DataError(
                    f"{file}: the entry '{brief(key)}' is incomplete or garbled"
                    f" ({brief(str(error))})."
                ) from error
            if not isinstance(category, str) or category not in _SPLITS:
                raise DataError(
                    f"{file}: the entry '{brief(key)}' has the category '{category}'; it must be"
                    " training or validation."
                )
            known[number] = {
                "category": words.setdefault(category, category),
                "license": words.setdefault(licence, licence),
            }
        return known


def _entries(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the members of a JSON object one by one.

    The file has 255 MB; as a whole, its ten million points would take gigabytes.
    """
    decoder = json.JSONDecoder()
    try:
        text = read_text(file)
        place = _after(text, 0, "{")
        while text[place : place + 1] != "}":
            key, place = decoder.raw_decode(text, place)
            entry, place = decoder.raw_decode(text, _after(text, place, ":"))
            yield key, entry
            place = _after(text, place, "")
            if text[place : place + 1] != "}":
                place = _after(text, place, ",")
    except RecursionError as error:
        raise DataError(f"{file} cannot be read as JSON: it is nested too deep.") from error
    except ValueError as error:
        raise DataError(f"{file} cannot be read as JSON: {error}.") from error


def _after(text: str, place: int, sign: str) -> int:
    """Return the place after a sign and the blanks before and behind it."""
    match = re.compile(rf"\s*{re.escape(sign)}\s*").match(text, place)
    if match is None:
        raise ValueError(f"no '{sign}' at character {place}")
    return match.end()
