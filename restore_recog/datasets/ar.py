"""The AR face database, under any of the names that its copies go by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.datasets.files import FileDataset
from restore_recog.errors import DataError, ImageError
from restore_recog.types import FaceSample

RAW = ".raw"
RAW_SHAPE = (576, 768, 3)
"""(H, W, channels) of the raw files; with 8 bits a channel they have 1,327,104 bytes."""

SHOTS = 13
"""Shots a session; the second session's are numbered 14 to 26, in the same order."""

_NAME = re.compile(r"([mwf])-(\d{2,3})-(\d{1,2})", re.ASCII | re.IGNORECASE)
_ENDINGS = (RAW, *images.extensions)
_EXPRESSIONS = {2: "happiness", 3: "anger", 4: "scream"}
"""AR's smile in the word that other data sets have; its scream is none of theirs."""
_LIGHTS = {5: "left", 6: "right", 7: "both", 9: "left", 10: "right", 12: "left", 13: "right"}


class AR(FileDataset):
    """AR: people photographed 13 times in each of two sessions two weeks apart.

    Three families of names are read, in any case: ``M-01-01.raw`` (the original: M or F, two
    digits, headerless), ``m-001-01.ppm`` and, of the cropped subset, ``M-001-01.bmp`` (m or
    w, three digits). Women and men are numbered separately, so a subject is gender and
    number. Copies differ in how many people and images they hold; none is expected to be
    complete.

    Attributes: ``gender``, ``session`` (1 or 2), ``shot`` (1 to 13), ``expression`` (neutral,
    happiness, anger, scream) and ``light`` (none, left, right, both: the side lights that are
    on). No two shots are pixel-aligned, so no image has a clean counterpart.

    Deviation: the official page says only that the raw files are 768 x 576 RGB pixels of 24
    bits without a header. They are read plane after plane (red, green, blue), as the one
    public reader that we know of does, unless the bytes say otherwise: see :func:`read_raw`.
    """

    name = "ar"
    tree = """\
PATH/                     flat, or in folders of any depth
  M-01-01.raw             official: M or F (or W), two-digit person, shot 1 to 26; 768x576 RGB
  m-001-01.ppm            m or w, three-digit person
  M-001-01.bmp            cropped subset; .png, .jpg and .tif are read as well
"""

    def scan(self, root: Path) -> Iterable[FaceSample]:
        shots: dict[tuple[str, str, str], FaceSample] = {}
        twice: list[str] = []
        misnamed = 0
        unread: Counter[str] = Counter()
        for path in self.search.files(root, deep=True):
            if path.suffix.lower() not in _ENDINGS:
                if _NAME.match(path.name):
                    unread[path.suffix.lower()] += 1
                continue
            match = _NAME.fullmatch(path.stem)
            if match is None or not 1 <= int(match[3]) <= 2 * SHOTS:
                misnamed += 1
                continue
            sample = _sample(self.identifier(path, root), path, match)
            key = (sample.subject, sample.attributes["session"], sample.attributes["shot"])
            first = shots.setdefault(key, sample)
            if first is not sample:
                twice += [first.image_id, sample.image_id]
        self._check_one_copy(root, twice)
        self._note(root, list(shots.values()), misnamed, unread)
        return shots.values()

    def pixels(self, path: Path) -> NDArray[np.uint8]:
        return read_raw(path) if path.suffix.lower() == RAW else super().pixels(path)

    def _check_one_copy(self, root: Path, twice: Sequence[str]) -> None:
        if twice:
            raise DataError(
                f"The data set 'ar' finds {len(twice) // 2} shots more than once in {root}, such"
                f" as {twice[0]} and {twice[1]}: copies of AR may number their people"
                " differently, so name the folder of one copy."
            )

    def _note(
        self, root: Path, samples: Sequence[FaceSample], misnamed: int, unread: Counter[str]
    ) -> None:
        self.note(
            misnamed,
            f"images in {root} are not named <m, w or f>-<person>-<shot 1 to 26>"
            " and were left out.",
        )
        if unread:
            endings = ", ".join(f"{count} {ending}" for ending, count in sorted(unread.items()))
            self.notes.append(
                f"{unread.total()} files in {root} have names of AR but endings that are not"
                f" read ({endings}); unpack them if they are images."
            )
        people = Counter(sample.subject for sample in samples)
        missing = {who: 2 * SHOTS - shots for who, shots in people.items() if shots < 2 * SHOTS}
        if missing:
            self.notes.append(
                f"{len(missing)} of the {len(people)} people in {root} have fewer than"
                f" {2 * SHOTS} shots; {sum(missing.values())} shots are missing."
            )


def _sample(image_id: str, path: Path, match: re.Match[str]) -> FaceSample:
    man = match[1].lower() == "m"
    session, shot = divmod(int(match[3]) - 1, SHOTS)
    shot += 1
    return FaceSample(
        image_id,
        f"{'m' if man else 'w'}-{int(match[2]):03d}",
        path,
        "clean" if shot < 8 else "sunglasses" if shot < 11 else "scarf",
        attributes={
            "gender": "male" if man else "female",
            "session": str(session + 1),
            "shot": str(shot),
            "expression": _EXPRESSIONS.get(shot, "neutral"),
            "light": _LIGHTS.get(shot, "none"),
        },
    )


def read_raw(path: Path) -> NDArray[np.uint8]:
    """Return the (576, 768, 3) uint8 RGB pixels of one of AR's headerless files.

    The three colours lie in planes one after the other, or alternate from byte to byte.
    In a photograph the nearer of two bytes of one plane are the more alike; where bytes
    three apart are more alike than neighbours, the colours must alternate.

    Raises:
        ImageError: Missing, unreadable, or not of 1,327,104 bytes.
    """
    height, width, channels = RAW_SHAPE
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ImageError(f"The image {path} cannot be read: {error.strerror}.") from error
    if data.size != height * width * channels:
        raise ImageError(
            f"The image {path} has {data.size} bytes; a raw file of AR has"
            f" {height * width * channels} ({width} x {height} RGB pixels, no header)."
        )
    values = data.astype(np.int16)
    neighbours = np.abs(values[1:] - values[:-1]).mean()
    alternating = np.abs(values[channels:] - values[:-channels]).mean() < neighbours
    if alternating:
        return data.reshape(RAW_SHAPE)
    return np.ascontiguousarray(data.reshape(channels, height, width).transpose(1, 2, 0))
