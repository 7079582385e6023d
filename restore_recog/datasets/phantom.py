"""The default data set: synthetic faces that are rendered when they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from restore_recog.api import Dataset
from restore_recog.datasets.phantom_sets import MOST, SEED, phantom_set
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.phantom import Person, Shot, draw_person, draw_shot, render
from restore_recog.phantom.identity import labels
from restore_recog.system.workers import in_order
from restore_recog.types import FaceImage, FaceSample

WORTH = 8
"""Images that are worth a process of their own."""

_SPLITS = {"test": 1, "train": 2}
_DEFAULT = {"test": (200, 5), "train": (1000, 5)}


class Phantom(Dataset):
    """Rendered people, the same on every machine; no file is read or written.

    The people of the two splits are drawn from different seeds and never meet. Image s
    of person p is the same whatever the size of the data set.

    ``phantom:ar`` and ``phantom:fmor`` are sets with occluded images, see
    :mod:`~restore_recog.datasets.phantom_sets`; their people are others again, and they have
    no split: the protocol decides what is left for training.
    """

    name = "phantom"
    rendered = True
    tree = """\
phantom                 200 people for testing, 1,000 for training, 5 images each
phantom:PEOPLExIMAGES   for example phantom:200x5
phantom:ar[-PEOPLE]     as the AR data: 13 shots x 2 sessions, sunglasses and scarf
phantom:fmor[-PEOPLE]   as the FMOR data: 5 unoccluded and 5 masked images
"""

    def __init__(self, location: str | None = None) -> None:
        """Read which set is wanted, and how many people it has.

        Args:
            location: See ``tree``; None for 200x5 in the test and 1000x5 in the training split.

        Raises:
            DataError: The location has another form or asks for none or too many.
        """
        super().__init__(location)
        self.size = 128
        self._set = phantom_set(location) if location else None
        counts = _parse(location) if location and self._set is None else None
        self._counts = dict.fromkeys(_SPLITS, counts) if counts else dict(_DEFAULT)

    def samples(self) -> Sequence[FaceSample]:
        """Return what is known about every image, without rendering any."""
        if self._set is not None:
            return self._set.samples()
        out = []
        for split in sorted(_SPLITS):
            people, images = self._counts[split]
            for p in range(people):
                person = draw_person(SEED, _SPLITS[split], p)
                for s in range(images):
                    out.append(_sample(split, p, s, person))
        return out

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        """Render the samples, many of them on all cores; an unknown one gives a DataError."""
        return in_order(self._answer, [sample.image_id for sample in samples], least=WORTH)

    def _answer(self, image_id: str) -> FaceImage | RestoreRecogError:
        try:
            return self._image(image_id)
        except RestoreRecogError as error:
            return error

    def _image(self, image_id: str) -> FaceImage:
        if self._set is not None:
            return self._set.image(image_id, self.size)
        split, p, s = _place(image_id)
        person = draw_person(SEED, _SPLITS[split], p)
        return FaceImage(*render(person, _shot(split, p, s, person), self.size))


def _parse(location: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", location)
    if match is None:
        raise DataError(
            "The phantom data set is asked for as PEOPLExIMAGES, such as 200x5, as ar, ar-PEOPLE,"
            f" fmor or fmor-PEOPLE, not '{location}'."
        )
    people, images = int(match[1]), int(match[2])
    if not (1 <= people <= MOST and 1 <= images <= 100):
        raise DataError(
            f"The phantom data set has 1 to {MOST} people with 1 to 100 images each; "
            f"'{location}' asks for other numbers."
        )
    return people, images


def _place(image_id: str) -> tuple[str, int, int]:
    match = re.fullmatch(r"(test|train)/p(\d{4})/s(\d{2})", image_id)
    if match is None:
        raise DataError(f"The phantom data set has no image '{image_id}'.")
    return match[1], int(match[2]), int(match[3])


def _shot(split: str, p: int, s: int, person: Person) -> Shot:
    # Images alternate between the two sessions, so that any two of them have both.
    return draw_shot(person, 1 + s % 2, SEED, _SPLITS[split], p, s)


def _sample(split: str, p: int, s: int, person: Person) -> FaceSample:
    shot = _shot(split, p, s, person)
    return FaceSample(
        image_id=f"{split}/p{p:04d}/s{s:02d}",
        subject=f"{split}-p{p:04d}",
        attributes={"split": split, **labels(person, shot)},
    )
