"""What is known about an image, in words."""

from __future__ import annotations

from restore_recog.phantom.identity import (
    AGE_GROUPS,
    BEARDS,
    EXPRESSIONS,
    GENDERS,
    HAIR_COLOURS,
    HAIR_STYLES,
    Person,
    Shot,
)


def labels(person: Person, shot: Shot) -> dict[str, str]:
    """Return the attributes of one image of a person."""
    return {
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
    }


def _degrees(sine: float) -> str:
    # The first terms of the arc sine do: its error is below 0.1 degrees for our angles.
    return f"{57.29578 * (sine + sine**3 / 6.0 + 0.075 * sine**5):.0f}"
