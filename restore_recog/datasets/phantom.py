"""The default data set: synthetic faces that are rendered when they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from restore_recog.api import Dataset
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.phantom import Person, Shot, draw_person, draw_shot, render
from restore_recog.phantom.identity import (
    AGE_GROUPS,
    BEARDS,
    EXPRESSIONS,
    GENDERS,
    HAIR_COLOURS,
    HAIR_STYLES,
)
from restore_recog.types import FaceSample, Picture

SEED = 20260101
_SPLITS = {"test": 1, "train": 2}
_DEFAULT = {"test": (200, 5), "train": (1000, 5)}
_MOST = 10_000


class Phantom(Dataset):
    """Rendered people, the same on every machine; no file is read or written.

    The people of the two splits are drawn from different seeds and never meet. Picture s
    of person p is the same whatever the size of the data set.
    """

    name = "phantom"
    rendered = True
    tree = "phantom  (or phantom:PEOPLExIMAGES, for example phantom:200x5)"

    def __init__(self, location: str | None = None) -> None:
        """Read how many people, and pictures of each, both splits have.

        Args:
            location: ``"PEOPLExIMAGES"``; None for 200x5 in the test and 1000x5 in the
                training split.

        Raises:
            DataError: The location has another form or asks for none or too many.
        """
        super().__init__(location)
        self._counts = dict.fromkeys(_SPLITS, _parse(location)) if location else dict(_DEFAULT)
        self.size = 128

    def samples(self) -> Sequence[FaceSample]:
        """Return what is known about every picture, without rendering any."""
        out = []
        for split in sorted(_SPLITS):
            people, images = self._counts[split]
            for p in range(people):
                person = draw_person(SEED, _SPLITS[split], p)
                for s in range(images):
                    out.append(_sample(split, p, s, person))
        return out

    def read(self, samples: Sequence[FaceSample]) -> list[Picture | RestoreRecogError]:
        """Render the samples; one that this data set does not have gives a DataError."""
        out: list[Picture | RestoreRecogError] = []
        for sample in samples:
            try:
                split, p, s = _place(sample.image_id)
            except DataError as error:
                out.append(error)
                continue
            person = draw_person(SEED, _SPLITS[split], p)
            pixels, points = render([person], [_shot(split, p, s, person)], self.size)
            out.append(Picture(pixels[0], points[0]))
        return out


def _parse(location: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", location)
    if match is None:
        raise DataError(
            f"The phantom data set is asked for as PEOPLExIMAGES, such as 200x5, not '{location}'."
        )
    people, images = int(match[1]), int(match[2])
    if not (1 <= people <= _MOST and 1 <= images <= 100):
        raise DataError(
            f"The phantom data set has 1 to {_MOST} people with 1 to 100 pictures each; "
            f"'{location}' asks for other numbers."
        )
    return people, images


def _place(image_id: str) -> tuple[str, int, int]:
    match = re.fullmatch(r"(test|train)/p(\d{4})/s(\d{2})", image_id)
    if match is None:
        raise DataError(f"The phantom data set has no picture '{image_id}'.")
    return match[1], int(match[2]), int(match[3])


def _shot(split: str, p: int, s: int, person: Person) -> Shot:
    # Pictures alternate between the two sessions, so that any two of them have both.
    return draw_shot(person, 1 + s % 2, SEED, _SPLITS[split], p, s)


def _degrees(sine: float) -> str:
    # The first terms of the arc sine do: its error is below 0.1 degrees for our angles.
    return f"{57.29578 * (sine + sine**3 / 6.0 + 0.075 * sine**5):.0f}"


def _sample(split: str, p: int, s: int, person: Person) -> FaceSample:
    shot = _shot(split, p, s, person)
    return FaceSample(
        image_id=f"{split}/p{p:04d}/s{s:02d}",
        subject=f"{split}-p{p:04d}",
        attributes={
            "split": split,
            "gender": GENDERS[person.gender],
            "age_group": AGE_GROUPS[person.age_group],
            "skin_tone": str(person.skin_tone + 1),
            "expression": EXPRESSIONS[shot.expression],
            "session": str(shot.session),
            "hair_style": HAIR_STYLES[shot.hair_style],
            "hair_colour": HAIR_COLOURS[person.hair_colour],
            "beard": BEARDS[shot.beard],
            "glasses": "yes" if shot.glasses else "no",
            "yaw": _degrees(shot.yaw),
            "pitch": _degrees(shot.pitch),
            "roll": _degrees(shot.roll),
        },
    )
