"""Who is pictured and how: the random parameters of people and of their images.

Lengths are in units of the mean distance between the eyes (about 62 mm); x to the image
right, y down, z to the viewer; the origin lies between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

from restore_recog.labels import EXPRESSIONS, GENDERS
from restore_recog.phantom.numeric import Draw

AGE_GROUPS = ("18-29", "30-44", "45-59", "60+")
HAIR_STYLES = ("bald", "crop", "short", "curly", "bob", "long", "tied")
HAIR_COLOURS = ("black", "dark brown", "brown", "blond", "red", "grey", "white")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")

SHAPE: dict[str, tuple[float, float, float]] = {
    # name: (mean, deviation, what male adds and female takes away)
    "face_width": (1.0, 0.045, 0.01),
    "temple": (0.0, 0.035, 0.0),
    "cheek_width": (0.0, 0.04, 0.0),
    "jaw_width": (0.0, 0.06, 0.045),
    "chin_width": (0.0, 0.055, 0.04),
    "chin_y": (1.80, 0.075, 0.04),
    "forehead": (-1.05, 0.08, 0.0),
    "eye_gap": (0.5, 0.018, 0.0),
    "eye_width": (0.268, 0.019, -0.004),
    "eye_up": (0.118, 0.018, -0.009),
    "eye_low": (0.068, 0.012, -0.003),
    "eye_tilt": (0.025, 0.022, -0.006),
    "eye_depth": (0.125, 0.03, 0.012),
    "lid_fold": (0.055, 0.018, -0.004),
    "brow_y": (-0.37, 0.045, 0.03),
    "brow_arch": (0.050, 0.028, -0.018),
    "brow_tilt": (-0.01, 0.045, 0.01),
    "brow_thick": (0.090, 0.022, 0.018),
    "brow_inner": (0.19, 0.03, -0.01),
    "brow_length": (0.64, 0.045, 0.0),
    "brow_ridge": (0.055, 0.03, 0.03),
    "nose_tip": (0.62, 0.055, 0.01),
    "nose_width": (0.255, 0.034, 0.014),
    "nose_height": (0.31, 0.045, 0.015),
    "nose_bridge": (0.42, 0.12, 0.03),
    "nose_ridge": (0.125, 0.018, 0.006),
    "nose_ball": (0.125, 0.02, 0.004),
    "nose_hump": (0.0, 0.03, 0.008),
    "mouth_y": (1.10, 0.045, 0.01),
    "mouth_width": (0.435, 0.04, 0.008),
    "lip_upper": (0.098, 0.022, -0.012),
    "lip_lower": (0.150, 0.026, -0.014),
    "cupid": (0.30, 0.14, -0.03),
    "mouth_curve": (0.0, 0.02, 0.0),
    "cheekbone": (0.075, 0.035, -0.005),
    "cheek_fat": (0.045, 0.04, -0.005),
    "chin_bump": (0.085, 0.04, 0.015),
    "chin_cleft": (0.0, 0.014, 0.004),
    "muzzle": (0.075, 0.03, 0.0),
    "ear": (1.0, 0.12, 0.06),
    "neck": (0.66, 0.05, 0.07),
    "uneven_brow": (0.0, 0.018, 0.0),
    "uneven_eye": (0.0, 0.012, 0.0),
    "uneven_mouth": (0.0, 0.014, 0.0),
    "uneven_nose": (0.0, 0.02, 0.0),
}

ACTIONS: dict[str, dict[str, float]] = {
    "surprise": {"brow_up": 1.0, "wide": 1.0, "jaw": 0.8, "part": 0.9, "narrow": 0.5},
    "fear": {"brow_up": 0.6, "brow_in": 0.8, "wide": 0.9, "part": 0.4, "stretch": 0.7, "jaw": 0.2},
    "disgust": {"frown": 0.6, "squint": 0.7, "sneer": 1.0, "down": 0.4, "part": 0.1},
    "happiness": {"smile": 1.0, "squint": 0.55, "part": 0.45, "cheek": 1.0},
    "sadness": {"brow_in": 1.0, "droop": 0.7, "down": 0.9, "press": 0.2},
    "anger": {"frown": 1.0, "squint": 0.25, "wide": 0.2, "press": 0.9, "down": 0.25},
    "neutral": {},
}
"""What each expression does to the face, on muscles of our own naming, at full strength."""


@dataclass(frozen=True)
class Person:
    """One phantom's lasting looks.

    Attributes:
        shape: One length for each row of SHAPE.
        gender, age_group, skin_tone: Labels; the tone runs from 0 (lightest) to 5.
        tone: Skin tone with its individual part, 0 to 5.
        redness, freckles, gloss, iris, lip_colour, hair_shade: Colouring, about 0 to 1.
        hair_colour, hair_style, beard: Index into the lists of names above.
        glasses: Whether the person owns glasses (not every image shows them).
        texture: Seed of skin blotches, moles and wrinkles.
    """

    shape: dict[str, float]
    gender: int
    age_group: int
    skin_tone: int
    tone: float
    redness: float
    freckles: float
    gloss: float
    iris: float
    lip_colour: float
    hair_shade: float
    hair_colour: int
    hair_style: int
    beard: int
    glasses: bool
    texture: int


@dataclass(frozen=True)
class Shot:
    """One image's circumstances.

    Attributes:
        yaw, pitch, roll: Sines of the angles; positive looks to the image right, down, and
            tilts the head clockwise.
        scale: Distance of the eyes as a share of the image's side.
        centre: Where the point between the eyes comes to lie, shares of the side.
        expression: Index into EXPRESSIONS. strength: 0 to 1.
        actions: What each muscle does, 0 to about 1.
        gaze: Sideways and down, units of the iris radius.
        light: Direction to the key light (not of unit length). key, fill, ambient: Powers.
        exposure: Factor. white: Gains of red, green and blue.
        noise: Deviation of the sensor's noise at mid grey. blur: 0 to 1.
        session: 1 or 2. hair_style, beard, glasses, hair_length: As worn on that day.
        texture: Seed of background, clothes, hair strands and noise.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    centre: tuple[float, float]
    expression: int
    strength: float
    actions: dict[str, float]
    gaze: tuple[float, float]
    light: tuple[float, float, float]
    key: float
    fill: float
    ambient: float
    exposure: float
    white: tuple[float, float, float]
    noise: float
    blur: float
    session: int
    hair_style: int
    beard: int
    glasses: bool
    hair_length: float
    texture: int


def draw_person(*seed: int) -> Person:
    """Return the person that belongs to a seed."""
    draw = Draw(*seed)
    gender = draw.index((1, 1))
    age = draw.index((4, 4, 3, 2))
    sign = 1.0 if gender else -1.0
    shape = {
        name: draw.normal(mean, spread) + sign * male
        for name, (mean, spread, male) in SHAPE.items()
    }
    skin = draw.index((3, 4, 4, 3, 3, 2))
    tone = min(max(skin + draw.uniform(-0.45, 0.45), 0.0), 5.0)
    dark = tone / 5.0
    hair = draw.index((2 + 6 * dark, 3, 3 - 3 * dark, 2.4 * (1 - dark) ** 2, 0.8 * (1 - dark) ** 2))
    if draw.chance((0.0, 0.06, 0.4, 0.85)[age]):
        hair = 5 if draw.chance(0.65) else 6
    styles = (
        (0.0, 0.2, 1.4, 1.3, 2.2, 3.0, 1.8) if not gender else (0.7 + age / 2, 3, 4, 1, 0.2, 0.3, 0)
    )
    return Person(
        shape=shape,
        gender=gender,
        age_group=age,
        skin_tone=skin,
        tone=tone,
        redness=draw.uniform(0.0, 1.0),
        freckles=max(draw.normal(0.1, 0.45), 0.0) * (1 - dark),
        gloss=draw.uniform(0.3, 1.0),
        iris=min(max(draw.normal(0.55 * (1 - dark) ** 2 + 0.05, 0.3 * (1 - dark)), 0.0), 1.0),
        lip_colour=draw.uniform(0.0, 1.0),
        hair_shade=draw.uniform(0.75, 1.25),
        hair_colour=hair,
        hair_style=draw.index(styles),
        beard=draw.index((5, 3, 0.8, 1.2, 1.6)) if gender else 0,
        glasses=draw.chance(0.12 + 0.08 * age),
        texture=int(draw.rng.integers(1 << 31)),
    )


def _actions(draw: Draw, expression: int, strength: float) -> dict[str, float]:
    names = sorted({name for one in ACTIONS.values() for name in one})
    full = ACTIONS[EXPRESSIONS[expression]]
    return {
        name: max(
            full.get(name, 0.0) * strength * draw.uniform(0.75, 1.2) + draw.normal(0.0, 0.06), 0.0
        )
        for name in names
    }


def draw_shot(person: Person, session: int, *seed: int) -> Shot:
    """Return the circumstances of one image of a person."""
    draw = Draw(*seed)
    expression = draw.index((1, 1, 1, 2.5, 1, 1, 4))
    strength = draw.uniform(0.45, 1.0)
    styles = {1: (1, 2), 2: (2, 1), 3: (3, 2), 4: (4, 5), 5: (5, 6), 6: (6, 5)}
    worn = styles.get(person.hair_style, (person.hair_style, person.hair_style))
    beards = {1: (1, 0), 2: (2, 1), 3: (3, 1), 4: (4, 1)}.get(person.beard, (0, 0))
    # Hair and beard belong to the day, so they depend on person and session alone.
    day = Draw(person.texture, session)
    warm, tint = draw.normal(0.0, 0.07), draw.normal(0.0, 0.02)
    return Shot(
        yaw=min(max(draw.normal(0.0, 0.17), -0.42), 0.42),
        pitch=min(max(draw.normal(0.0, 0.09), -0.25), 0.25),
        roll=min(max(draw.normal(0.0, 0.07), -0.17), 0.17),
        scale=draw.uniform(0.232, 0.275),
        centre=(draw.uniform(0.465, 0.535), draw.uniform(0.425, 0.47)),
        expression=expression,
        strength=strength,
        actions=_actions(draw, expression, strength),
        gaze=(draw.normal(0.0, 0.35), draw.normal(0.0, 0.15)),
        light=(draw.normal(0.0, 0.7), draw.normal(-0.55, 0.4), 1.0),
        key=draw.uniform(0.65, 1.25),
        fill=draw.uniform(0.03, 0.25),
        ambient=draw.uniform(0.15, 0.40),
        exposure=draw.uniform(0.85, 1.3),
        white=(1.0 + warm, 1.0 + tint, 1.0 - warm),
        noise=draw.uniform(0.004, 0.028),
        blur=draw.uniform(0.0, 0.9),
        session=session,
        hair_style=worn[day.index((3, 1))],
        beard=beards[day.index((3, 1))],
        glasses=person.glasses and draw.chance(0.75),
        hair_length=day.uniform(0.0, 1.0),
        texture=int(draw.rng.integers(1 << 31)),
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
