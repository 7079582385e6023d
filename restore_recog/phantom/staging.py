"""Images taken in a studio: the face, the expression and the lamps are as ordered."""

from __future__ import annotations

from dataclasses import replace

from restore_recog.phantom.identity import ACTIONS, EXPRESSIONS, Person, Shot, draw_shot
from restore_recog.phantom.numeric import Draw

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
    "smile": ("happiness", ACTIONS["happiness"]),
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
        face: ``neutral``, ``smile``, ``anger`` or ``scream``.
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
