"""A folder of what a restorer is given, to be filled by any system, and read again.

=====================  ==========================================================================
``occluded/NAME``      the crops, 8-bit RGB, PNG
``masks/NAME``         their masks, grey, PNG; ``polarity`` says whether covered is white or black
``restored/NAME``      where the results go, of any image format
``manifest.json``      what they are of, and how the folder was asked for; ``.csv``: the same rows
=====================  ==========================================================================

A crop is known by a digest of its pixels and its mask, so that every arm, and any data, finds its
result again whatever the order of the run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.errors import DataError
from restore_recog.names import brief, printable
from restore_recog.system.atomic import json_text
from restore_recog.system.text import read_json, write_csv
from restore_recog.types import Pixels

OCCLUDED, MASKS, RESTORED = "occluded", "masks", "restored"
MANIFEST = "manifest.json"
FORMAT = "restore-recog crops 1"

_DIGITS = 16
_ID = 60
"""Most characters of an image's id in a file's name."""

_TABLE = ("name", "digest", "image_id", "subject", "arm", "size", "polarity")
_MATRIX = tuple(f"m{row}{column}" for row in (1, 2) for column in (1, 2, 3))


def digest(image: Pixels, hole: Pixels) -> str:
    """Return what a crop is known by: 16 hex digits of the SHA-256 of its bytes and its mask's.

    Args:
        image: (S, S, 3) uint8 RGB.
        hole: (S, S) uint8, 1 = covered.
    """
    sha256 = hashlib.sha256(np.ascontiguousarray(image).tobytes())
    sha256.update(np.ascontiguousarray(hole).tobytes())
    return sha256.hexdigest()[:_DIGITS]


@dataclass(frozen=True, slots=True)
class CropRow:
    """One image in one arm.

    Attributes:
        name: Of its files; two arms that show the same crop share it.
        digest: As :func:`digest` returns it.
        image_id, subject, arm: What it is of.
        matrix: 2 x 3, from pixels of the photograph to those of the crop.
    """

    name: str
    digest: str
    image_id: str
    subject: str
    arm: str
    matrix: list[list[float]]


class CropWriter:
    """Fills an empty folder with crops.

    Args:
        folder: It.
        size: Side of the crops in pixels.
        polarity: 1: covered pixels are white in the mask files; 0: they are black.
    """

    def __init__(self, folder: Path, size: int, polarity: int) -> None:
        self._folder, self._size, self._polarity = folder, size, polarity
        self.rows: list[CropRow] = []
        self.names: dict[str, str] = {}
        for name in (OCCLUDED, MASKS, RESTORED):
            (folder / name).mkdir()

    def add(
        self, image: Pixels, hole: Pixels, arm: str, whose: tuple[str, str], matrix: Any
    ) -> None:
        """Write one crop with its mask, unless the same is there.

        Args:
            image: (S, S, 3) uint8 RGB.
            hole: (S, S) uint8, 1 = covered.
            arm: In which arm it is restored.
            whose: image_id and subject.
            matrix: (2, 3) from the photograph to the crop.

        Raises:
            OutputError: It cannot be written.
        """
        key = digest(image, hole)
        if key not in self.names:
            readable = re.sub(r"[^A-Za-z0-9._-]+", "_", whose[0])[-_ID:]
            name = f"{len(self.names) + 1:04d}-{readable}-{key}.png"
            images.write(self._folder / OCCLUDED / name, image)
            white = hole if self._polarity else 1 - hole
            images.write(self._folder / MASKS / name, 255 * white)
            self.names[key] = name
        rows = np.asarray(matrix).tolist()
        self.rows.append(CropRow(self.names[key], key, *whose, arm, rows))

    def finish(self, asked: Mapping[str, Any]) -> None:
        """Write the manifest; *asked* is how the folder was asked for."""
        facts = {"format": FORMAT, "size": self._size, "polarity": self._polarity, "asked": asked}
        text = json_text({**facts, "crops": [asdict(row) for row in self.rows]})
        (self._folder / MANIFEST).write_text(text, encoding="utf-8")
        table = (
            (r.name, r.digest, r.image_id, r.subject, r.arm, self._size, self._polarity)
            + tuple(number for line in r.matrix for number in line)
            for r in self.rows
        )
        csv = (self._folder / MANIFEST).with_suffix(".csv")
        write_csv(csv, (*_TABLE, *_MATRIX), table)


@dataclass(frozen=True, slots=True)
class CropFolder:
    """A folder that :class:`CropWriter` filled, perhaps with results.

    Attributes:
        path: The folder.
        size: Side of the crops in pixels.
        polarity: What covered pixels are in its mask files: 1 white, 0 black.
        names: Digest -> name of the files.
        command: The command line that made it.
    """

    path: Path
    size: int
    polarity: int
    names: Mapping[str, str]
    command: str

    @classmethod
    def read(cls, path: Path) -> CropFolder:
        """Read the manifest of a folder.

        Raises:
            DataError: There is none, or it is damaged.
        """
        file = path / MANIFEST
        if not file.is_file():
            raise DataError(
                f"'{path}' holds no {MANIFEST}; name the folder that 'restore-recog crops' wrote, "
                f"with the results in its folder '{RESTORED}'."
            )
        facts = read_json(file)
        try:
            if facts["format"] != FORMAT:
                raise ValueError(f"the format is {brief(str(facts['format']))}, not '{FORMAT}'")
            size, polarity = int(facts["size"]), int(facts["polarity"])
            names = {str(row["digest"]): str(row["name"]) for row in facts["crops"]}
            if size < images.MIN_SIDE or polarity not in (0, 1):
                raise ValueError(f"size {size} or polarity {polarity} is none")
            for name in names.values():
                if not re.fullmatch(r"[A-Za-z0-9._-]+\.png", name):
                    raise ValueError(f"'{brief(name)}' is no file's name")
            command = str(facts["asked"]["command"])
        except (KeyError, TypeError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(
                f"{file} is no manifest of 'restore-recog crops' ({printable(what)}); "
                "write the folder again."
            ) from error
        return cls(path, size, polarity, names, command)

    def crop(self, name: str) -> tuple[Pixels, Pixels]:
        """Return the (S, S, 3) crop of a name and its (S, S) hole, 1 = covered.

        Raises:
            ImageError: One of the files is missing or damaged.
        """
        image = images.read(self.path / OCCLUDED / name)
        white: NDArray[np.uint8] = images.read_mask(self.path / MASKS / name, image.shape[:2])
        return image, white if self.polarity else 1 - white
