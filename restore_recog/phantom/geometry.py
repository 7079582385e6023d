"""Where the parts of one face lie in one image, its expression included.

The same curves serve the surface, the paint and the landmarks, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restore_recog.phantom.identity import Person, Shot
from restore_recog.phantom.numeric import Array, polyline, smooth_line

TOP, BOTTOM = -2.05, 2.45
"""Range of heights in the outline tables."""

_ROWS = 450


@dataclass(frozen=True)
class Eye:
    """One eye: *side* is -1 at the image left. Lids are parabolas over e in [-1, 1]."""

    side: float
    x: float
    y: float
    half: float
    up: float
    low: float
    tilt: float
    iris_x: float
    iris_y: float
    iris: float

    def along(self, x: Array) -> Array:
        """Return e: -1 at the inner, 1 at the outer corner."""
        return (x - self.x) * (self.side / self.half)

    def lids(self, e: Array) -> tuple[Array, Array]:
        """Return the heights of the upper and the lower lid's edge."""
        arch = np.maximum(1.0 - e * e, 0.0)
        line = self.y - self.tilt * e
        return line - self.up * arch * (1.0 - 0.18 * e), line + self.low * arch * (1.0 + 0.2 * e)


@dataclass(frozen=True)
class Brow:
    """One brow: t runs from 0 (inner end) to 1 (outer end)."""

    side: float
    x: float
    length: float
    y: float
    tilt: float
    arch: float
    thick: float
    inner_lift: float

    def along(self, x: Array) -> Array:
        """Return t."""
        return (x * self.side - self.x) / self.length

    def edges(self, t: Array) -> tuple[Array, Array]:
        """Return the heights of the upper and the lower edge."""
        inner = np.maximum(1.0 - t * 1.6, 0.0)
        rise = np.minimum(t * (1.0 / 0.65), (1.0 - t) * (1.0 / 0.35) * 0.8 + 0.2)
        rise = np.maximum(rise, 0.0)
        line = (
            self.y
            + self.tilt * t
            - self.arch * rise * (2.0 - rise)
            - self.inner_lift * inner * inner
        )
        half = 0.5 * self.thick * np.maximum(1.0 - 0.75 * t * t, 0.1)
        return line - half, line + half


@dataclass(frozen=True)
class Mouth:
    """The lips over u in [-1, 1]; *open_up* and *open_low* part them."""

    x: float
    y: float
    half: float
    upper: float
    lower: float
    cupid: float
    corner: float
    open_up: float
    open_low: float

    def along(self, x: Array) -> Array:
        """Return u."""
        return (x - self.x) / self.half

    def edges(self, u: Array) -> tuple[Array, Array, Array, Array]:
        """Return heights: upper lip's top, its lower edge, lower lip's upper edge, its bottom."""
        arch = np.maximum(1.0 - u * u, 0.0)
        line = self.y - self.corner * u * u
        top_inner, low_inner = line - self.open_up * arch, line + self.open_low * arch
        dip = np.maximum(1.0 - u * u * 9.0, 0.0)
        top = top_inner - self.upper * arch * (1.0 - self.cupid * dip * dip)
        return top, top_inner, low_inner, low_inner + self.lower * arch * (0.65 + 0.35 * arch)


@dataclass(frozen=True)
class Features:
    """Everything that has a place on the face.

    Attributes:
        width, depth, centre: Tables over height: half width, half depth and middle of the
            ellipse that the head's cross-section is.
        nose_tip, nose_base, nose_half: Of the nose, after expression.
        chin: Height of the chin.
    """

    eyes: tuple[Eye, Eye]
    brows: tuple[Brow, Brow]
    mouth: Mouth
    nose_x: float
    nose_tip: float
    nose_base: float
    nose_half: float
    chin: float
    width: Array
    depth: Array
    centre: Array


def table_row(y: Array) -> Array:
    """Return the place of heights in the outline tables."""
    return (y - TOP) * ((_ROWS - 1) / (BOTTOM - TOP))


def _eye(person: Person, shot: Shot, side: float) -> Eye:
    shape, act = person.shape, shot.actions
    lid = 1.0 + 0.42 * act["wide"] - 0.38 * act["squint"] - 0.3 * act["droop"]
    lower = 1.0 + 0.15 * act["wide"] - 0.45 * act["squint"] - 0.25 * act["cheek"]
    x, y = side * shape["eye_gap"], side * shape["uneven_eye"]
    return Eye(
        side=side,
        x=x,
        y=y,
        half=shape["eye_width"],
        up=max(shape["eye_up"] * lid, 0.03),
        low=max(shape["eye_low"] * lower, 0.012),
        tilt=shape["eye_tilt"] - 0.02 * act["droop"],
        iris_x=x + 0.045 * shot.gaze[0],
        iris_y=y - 0.018 + 0.03 * shot.gaze[1],
        iris=0.098,
    )


def _brow(person: Person, shot: Shot, side: float) -> Brow:
    shape, act = person.shape, shot.actions
    frown = act["frown"]
    return Brow(
        side=side,
        x=shape["brow_inner"] - 0.05 * frown - 0.02 * act["brow_in"],
        length=shape["brow_length"],
        y=shape["brow_y"]
        + side * shape["uneven_brow"]
        - 0.13 * act["brow_up"]
        + 0.07 * frown
        + 0.02 * act["squint"],
        tilt=shape["brow_tilt"] - 0.07 * frown + 0.07 * act["brow_in"],
        arch=max(shape["brow_arch"] + 0.03 * act["brow_up"] - 0.02 * frown, 0.0),
        thick=max(shape["brow_thick"], 0.028),
        inner_lift=0.09 * act["brow_in"] - 0.05 * frown,
    )


def _mouth(person: Person, shot: Shot) -> Mouth:
    shape, act = person.shape, shot.actions
    part, thin = (
        act["part"],
        1.0 - 0.45 * act["press"] - 0.18 * act["smile"] - 0.15 * act["stretch"],
    )
    return Mouth(
        x=shape["uneven_mouth"],
        y=shape["mouth_y"] - 0.03 * act["smile"] - 0.05 * act["sneer"] + 0.05 * act["jaw"],
        half=shape["mouth_width"]
        * (1.0 + 0.22 * act["smile"] + 0.15 * act["stretch"] - 0.16 * act["narrow"]),
        upper=max(shape["lip_upper"] * thin, 0.022),
        lower=max(shape["lip_lower"] * thin, 0.035),
        cupid=min(max(shape["cupid"] * (1.0 - 0.5 * act["smile"]), 0.0), 0.7),
        corner=shape["mouth_curve"] + 0.10 * act["smile"] - 0.085 * act["down"],
        open_up=0.004 + 0.07 * part + 0.05 * act["sneer"] * part,
        open_low=0.004 + 0.09 * part + 0.16 * act["jaw"],
    )


def _outline(shape: dict[str, float], chin: float) -> tuple[Array, Array, Array]:
    """Return the tables of half width, half depth and middle."""
    y = np.linspace(TOP, BOTTOM, _ROWS).astype(np.float32)
    size, jaw = shape["face_width"], shape["jaw_width"]
    rise = chin - 1.80
    width = [
        (-1.95, 0.0), (-1.90, 0.34), (-1.78, 0.60), (-1.5, 0.85), (-1.05, 1.03 + shape["temple"]),
        (-0.5, 1.08 + shape["temple"]), (0.0, 1.09), (0.45, 1.06 + shape["cheek_width"]),
        (0.95 + 0.3 * rise, 0.94 + 0.6 * shape["cheek_width"] + 0.6 * jaw),
        (1.30 + 0.6 * rise, 0.76 + jaw), (chin - 0.24, 0.55 + shape["chin_width"]),
        (chin - 0.08, 0.35 + shape["chin_width"]), (chin - 0.02, 0.2 + 0.6 * shape["chin_width"]),
        (chin + 0.015, 0.0),
    ]  # fmt: skip
    front = [
        (-1.95, 0.0), (-1.78, 0.45), (-1.5, 0.80), (-1.05, 1.06), (-0.5, 1.17), (0.0, 1.14),
        (0.6, 1.16), (1.1, 1.18), (chin - 0.3, 1.15), (chin - 0.1, 1.07), (chin + 0.02, 0.85),
    ]  # fmt: skip
    half = smooth_line(polyline(y, width), 24) * size
    depth = np.maximum(half * 0.98, 0.0)
    return half, depth, smooth_line(polyline(y, front), 24) - depth


def features(person: Person, shot: Shot) -> Features:
    """Return where everything lies."""
    shape, act = person.shape, shot.actions
    tip = shape["nose_tip"] - 0.03 * act["sneer"] + 0.01 * act["smile"]
    chin = shape["chin_y"] + 0.20 * act["jaw"] + 0.03 * act["part"]
    width, depth, centre = _outline(shape, chin)
    return Features(
        eyes=(_eye(person, shot, -1.0), _eye(person, shot, 1.0)),
        brows=(_brow(person, shot, -1.0), _brow(person, shot, 1.0)),
        mouth=_mouth(person, shot),
        nose_x=shape["uneven_nose"],
        nose_tip=tip,
        nose_base=tip + 0.13,
        nose_half=shape["nose_width"] * (1.0 + 0.12 * act["smile"] + 0.12 * act["sneer"]),
        chin=chin,
        width=width,
        depth=depth,
        centre=centre,
    )
