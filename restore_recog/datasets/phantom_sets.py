"""Phantom people photographed in the manner of the AR and of the FMOR data.

Every occluded image has an exact mask and a pixel-aligned clean counterpart. The latter is a
sample of its own with the attribute ``twin`` = ``yes``: it is the truth to compare with, not
another image of the person, so a gallery must do without it.

The images under the coverings are the same bytes on every machine. The coverings go
through OpenCV's floating-point filters, which may differ in the last bit between processors.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

from restore_recog.coverings import cover
from restore_recog.errors import DataError
from restore_recog.labels import EXPRESSIONS
from restore_recog.phantom import Person, Shot, draw_person, draw_shot, render
from restore_recog.phantom.identity import ACTIONS, labels
from restore_recog.phantom.numeric import Draw
from restore_recog.types import FaceImage, FaceSample

SEED = 20260101
MOST = 10_000
"""People that a set has at most."""

_TWIN = "-twin"


@lru_cache(maxsize=64)
def _person(stream: int, number: int) -> Person:
    return draw_person(SEED, stream, number)


@dataclass(frozen=True)
class Take:
    """One image of a set: who, how, and what is worn.

    Attributes:
        condition: As in :class:`~restore_recog.types.FaceSample`.
        kind: Of the covering, or None where there is none.
        seed: Of the covering.
        attributes: Of the sample.
    """

    person: Person
    shot: Shot
    condition: str
    kind: str | None
    seed: int
    attributes: dict[str, str]


class PhantomSet(ABC):
    """People numbered from 0, each photographed in the same order of takes."""

    prefix: ClassVar[str]
    people: ClassVar[int]
    takes: ClassVar[tuple[str, ...]]

    def __init__(self, people: int | None = None) -> None:
        self.count = people or self.people

    @abstractmethod
    def take(self, person: int, name: str) -> Take:
        """Return one of ``takes`` of a person."""

    def samples(self) -> list[FaceSample]:
        """Return every image, sorted by image_id, without rendering any."""
        samples = [
            sample
            for person in range(self.count)
            for name in self.takes
            for sample in self._pair(person, name)
        ]
        return sorted(samples, key=lambda sample: sample.image_id)

    def image(self, image_id: str, size: int) -> FaceImage:
        """Render one image.

        Raises:
            DataError: The set has no image of this name.
        """
        match = re.fullmatch(rf"{self.prefix}/p(\d{{4}})/(\w+)({_TWIN})?", image_id)
        if match is None or match[2] not in self.takes:
            raise DataError(f"The data set 'phantom:{self.prefix}' has no image '{image_id}'.")
        take = self.take(int(match[1]), match[2])
        pixels, points = render(take.person, take.shot, size)
        if take.kind is None or match[3]:
            return FaceImage(pixels, points)
        covered = cover(pixels, points, kind=take.kind, seed=take.seed)
        return FaceImage(covered.pixels, points, covered.mask)

    def _pair(self, person: int, name: str) -> Iterator[FaceSample]:
        """Yield an image and, where something is worn in it, its clean counterpart."""
        take, image_id = self.take(person, name), f"{self.prefix}/p{person:04d}/{name}"
        subject, twin = f"{self.prefix}-p{person:04d}", image_id + _TWIN
        if take.kind is None:
            yield FaceSample(image_id, subject, None, "clean", None, take.attributes)
            return
        yield FaceSample(image_id, subject, None, take.condition, twin, take.attributes)
        yield FaceSample(twin, subject, None, "clean", None, take.attributes | {"twin": "yes"})


LIGHTS: dict[str, dict[str, object]] = {
    "none": {"light": (0.0, -0.5, 1.0), "key": 0.75, "fill": 0.2, "ambient": 0.34},
    "left": {"light": (-2.2, -0.3, 0.6), "key": 1.5, "fill": 0.0, "ambient": 0.10},
    "right": {"light": (2.2, -0.3, 0.6), "key": 1.5, "fill": 0.0, "ambient": 0.10},
    "both": {"light": (-2.0, -0.3, 0.7), "key": 1.4, "fill": 1.2, "ambient": 0.10},
}
"""Which lamps burn beside the room's own light; left and right are those of the image."""

_SCREAM = {"jaw": 1.0, "part": 1.0, "stretch": 0.5, "squint": 0.8, "frown": 0.4, "cheek": 0.4}
_FACES: dict[str, tuple[str, dict[str, float]]] = {
    "neutral": ("neutral", {}),
    "happiness": ("happiness", ACTIONS["happiness"]),
    "anger": ("anger", ACTIONS["anger"]),
    "scream": ("fear", _SCREAM),
}
"""The expressions that can be ordered."""


def staged_shot(person: Person, session: int, face: str, lamps: str, worn: str, *seed: int) -> Shot:
    """Return the circumstances of a studio image.

    The camera is always the same, the head is held nearly straight; hair, beard and whether
    glasses are worn belong to the session.

    Args:
        person: Who is pictured.
        session: 1 or 2.
        face: ``neutral``, ``happiness``, ``anger`` or ``scream``.
        lamps: A key of LIGHTS.
        worn: ``"sunglasses"`` take the place of the person's own glasses.
        seed: Of everything else.
    """
    label, full = _FACES[face]
    draw = Draw(*seed, 1)
    names = sorted({name for one in (*ACTIONS.values(), _SCREAM) for name in one})
    actions = {
        name: max(full.get(name, 0.0) * draw.uniform(0.75, 1.1) + draw.normal(0.0, 0.04), 0.0)
        for name in names
    }
    glasses = person.glasses and Draw(person.texture, session, 8).chance(0.8)
    shot = draw_shot(person, session, *seed)
    return replace(
        shot,
        yaw=0.2 * shot.yaw,
        pitch=0.3 * shot.pitch,
        roll=0.3 * shot.roll,
        expression=EXPRESSIONS.index(label),
        strength=1.0,
        actions=actions,
        exposure=draw.uniform(1.0, 1.1),
        white=(1.0, 1.0, 1.0),
        noise=0.008,
        blur=0.25,
        glasses=glasses and worn != "sunglasses",
        **LIGHTS[lamps],  # type: ignore[arg-type]
    )


_SHOTS: tuple[tuple[str, str, str], ...] = (
    # Expression, lamps, what is worn; in AR's order.
    ("neutral", "none", ""),
    ("happiness", "none", ""),
    ("anger", "none", ""),
    ("scream", "none", ""),
    ("neutral", "left", ""),
    ("neutral", "right", ""),
    ("neutral", "both", ""),
    ("neutral", "none", "sunglasses"),
    ("neutral", "left", "sunglasses"),
    ("neutral", "right", "sunglasses"),
    ("neutral", "none", "scarf"),
    ("neutral", "left", "scarf"),
    ("neutral", "right", "scarf"),
)


class ArSet(PhantomSet):
    """13 shots in each of two sessions, as in the AR Face Database.

    Source: A. M. Martinez and R. Benavente, "The AR Face Database", CVC technical report 24,
    1998: the 13 conditions and their order. A take's number counts from 1 to 26.

    Deviation: in AR the wall, the clothes and the framing stay the same; here they change from
    shot to shot, so that no recogniser can live on them.
    """

    prefix = "ar"
    people = 100
    takes = tuple(f"s{number:02d}" for number in range(1, 27))

    def take(self, person: int, name: str) -> Take:
        number = int(name[1:]) - 1
        session, shot_number = 1 + number // 13, 1 + number % 13
        face, lamps, worn = _SHOTS[shot_number - 1]
        someone = _person(3, person)
        shot = staged_shot(someone, session, face, lamps, worn, SEED, 3, person, number + 1)
        # A person brings one scarf and one pair of sunglasses to a session.
        wardrobe = Draw(SEED, 3, person, session, 101 if worn == "scarf" else 102)
        attributes = labels(someone, shot) | {
            "shot": str(shot_number),
            "session": str(session),
            "expression": face,
            "light": lamps,
        }
        return Take(someone, shot, worn or "clean", worn or None, wardrobe.whole(), attributes)


class FmorSet(PhantomSet):
    """Five unoccluded and five masked images per person, as in the FMOR data.

    Source: "Toward High-quality Face-Mask Occluded Restoration", ACM TOMM 2022, section 3.
    """

    prefix = "fmor"
    people = 100
    takes = tuple(f"{tree}{number}" for tree in "ab" for number in range(1, 6))
    masks = ("surgical", "n95", "kn95", "cloth", "cloth_patterned")

    def take(self, person: int, name: str) -> Take:
        place = self.takes.index(name) + 1
        someone = _person(4, person)
        shot = draw_shot(someone, 1 + place % 2, SEED, 4, person, place)
        attributes = labels(someone, shot)
        if name.startswith("b"):
            return Take(someone, shot, "clean", None, 0, attributes)
        wardrobe = Draw(SEED, 4, person, place, 101)
        kind = self.masks[wardrobe.index((4, 1, 1, 2, 2))]
        attributes["mask_type"] = kind
        return Take(someone, shot, "mask", kind, wardrobe.whole(), attributes)


_SETS: dict[str, type[PhantomSet]] = {one.prefix: one for one in (ArSet, FmorSet)}


def phantom_set(location: str) -> PhantomSet | None:
    """Return the set that ``ar``, ``ar-PEOPLE``, ``fmor`` or ``fmor-PEOPLE`` asks for, else None.

    Raises:
        DataError: It asks for nobody or for too many.
    """
    match = re.fullmatch(rf"({'|'.join(_SETS)})(?:-(\d{{1,9}}))?", location)
    if match is None:
        return None
    people = int(match[2]) if match[2] else None
    if people is not None and not 2 <= people <= MOST:
        raise DataError(
            f"The phantom data set '{match[1]}' has 2 to {MOST} people; '{location}' asks for"
            " another number."
        )
    return _SETS[match[1]](people)
