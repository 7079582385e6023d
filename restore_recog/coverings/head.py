"""Head geometry from five or 98 landmarks: where each image pixel lies on the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import five_points
from restore_recog.errors import ImageError

Floats = NDArray[np.floating]

MOUTH, CHIN = 1.1, 1.87
"""How far below the eye line mouth and chin lie, in eye distances (see alignment.TEMPLATE)."""

_NOSE_DEPTH = 0.5
"""How far the nose tip stands out before the eyes, in eye distances."""
_MAX_YAW = np.deg2rad(35.0)
_LEVELS = np.array([0.3, 1.35], dtype=np.float32)
"""Cheek and jaw level at which the contour's width is compared with the usual one."""
_USUAL_HALF_WIDTHS = np.array([1.16, 0.93], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Head:
    """A face's place in the image.

    The face frame has its origin between the eyes, x to the image right, v down, both in
    eye distances of the frontal face.

    Attributes:
        origin: (2,) image pixels of the frame's origin.
        axes: (2, 2) columns: one eye distance along x and along v, in pixels.
        yaw: Radians; positive when the nose points to the image right.
        widths: (2, 2) face half widths over the usual ones: rows image left and right,
            columns cheek and jaw level.
        chin: Where the chin lies, in eye distances below the eyes.
    """

    origin: NDArray[np.float64]
    axes: NDArray[np.float64]
    yaw: float
    widths: Floats
    chin: float

    @property
    def unit(self) -> float:
        """Return the frame's unit in pixels."""
        return float(np.sqrt(abs(np.linalg.det(self.axes))))

    def to_frame(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (L, 2) image points in the face frame, the yaw not undone."""
        return np.linalg.solve(self.axes, (points - self.origin).T).T

    def surface(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Return where a block of image pixels lies on the frontal, usual face.

        Returns:
            x and v, each (rows, columns) float32 in eye distances: the yaw is undone on the
            head's curved surface, and this face's width and chin are brought to the usual ones.
        """
        inverse = np.linalg.inv(self.axes)
        column = np.arange(columns.start, columns.stop) - self.origin[0]
        row = (np.arange(rows.start, rows.stop) - self.origin[1])[:, None]
        x = (inverse[0, 0] * column + inverse[0, 1] * row).astype(np.float32)
        v = (inverse[1, 0] * column + inverse[1, 1] * row).astype(np.float32)
        x = _undo_yaw(x, v, self.yaw)
        return self._usual(x, v)

    def _usual(self, x: Floats, v: Floats) -> tuple[Floats, Floats]:
        if self.chin != CHIN:
            stretch = np.float32((CHIN - MOUTH) / (self.chin - MOUTH))
            v = np.where(v > MOUTH, MOUTH + (v - MOUTH) * stretch, v)
        if np.any(self.widths != 1):
            mix = np.clip((v - _LEVELS[0]) / (_LEVELS[1] - _LEVELS[0]), 0, 1)
            left, right = (w[0] + mix * (w[1] - w[0]) for w in self.widths)
            x = x / np.where(x < 0, left, right)
        return x, v


def depth(x: Floats, v: Floats) -> Floats:
    """Return how far the face stands out at (x, v), in eye distances."""
    skull = -0.7 * (np.sqrt(1 + 0.95 * x * x) - 1)
    bump = 0.42 * np.exp(-((x / 0.42) ** 2) - ((v - 0.7) / 0.55) ** 2)
    return skull + bump


def _undo_yaw(x: Floats, v: Floats, yaw: float) -> Floats:
    """Solve ``seen = x cos(yaw) + depth(x, v) sin(yaw)`` for x by fixed-point iteration.

    Three steps leave under 0.02 eye distances at the largest yaw allowed.
    """
    if abs(yaw) < 0.02:
        return x
    cosine, tangent = np.float32(np.cos(yaw)), np.float32(np.tan(yaw))
    seen = x / cosine
    guess = seen
    for _ in range(3):
        guess = seen - tangent * depth(guess, v)
    return guess


def find_head(landmarks: NDArray[np.floating], shape: tuple[int, ...]) -> Head:
    """Return the head geometry of one face.

    Args:
        landmarks: (5, 2) or (98, 2) image pixels; without the whole outline five count.
        shape: Of the image, height first.

    Raises:
        ImageError: The landmarks are not a finite, upright-ordered face inside the image.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64)
    try:
        points = five_points(landmarks).astype(np.float64)
    except ValueError as error:
        raise ImageError(f"No covering can be placed: {error}") from error
    if np.isinf(landmarks).any() or np.isnan(points).any():
        raise ImageError("No covering can be placed: some landmarks are not finite numbers.")
    head = _five_point_head(points)
    centre = points.mean(axis=0)
    if not ((centre >= -0.5).all() and (centre <= np.array(shape[1::-1]) - 0.5).all()):
        raise ImageError("No covering can be placed: the face lies outside the image.")
    if len(landmarks) == 5 or np.isnan(landmarks[:33]).any():
        return head
    return _with_contour(head, landmarks[:33])


def _five_point_head(points: NDArray[np.float64]) -> Head:
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across = (points[1] - points[0]) + 0.5 * (points[4] - points[3])
    if np.linalg.norm(points[1] - points[0]) < 2 or np.linalg.norm(across) < 2:
        raise ImageError("No covering can be placed: the eyes' landmarks coincide.")
    right = across / np.linalg.norm(across)
    down = np.array([-right[1], right[0]])
    height = float((mouth - eyes) @ down) / MOUTH
    if height < 2:
        raise ImageError("No covering can be placed: the mouth does not lie below the eyes.")
    offset = float((points[2] - eyes) @ right) / height
    yaw = float(np.clip(np.arcsin(np.clip(0.9 * offset / _NOSE_DEPTH, -1, 1)), -_MAX_YAW, _MAX_YAW))
    distance = float((points[1] - points[0]) @ right) / np.cos(yaw)
    width = float(np.clip(distance, 0.8 * height, 1.2 * height))
    axes = np.column_stack([right * width, down * height])
    return Head(eyes, axes, yaw, np.ones((2, 2), dtype=np.float32), CHIN)


def _with_contour(head: Head, contour: Floats) -> Head:
    """Return the head with width and chin taken from the (33, 2) WFLW face contour."""
    frame = head.to_frame(contour).astype(np.float32)
    x, v = _undo_yaw(frame[:, 0], frame[:, 1], head.yaw), frame[:, 1]
    widths = np.ones((2, 2), dtype=np.float32)
    for side, (part, sign) in enumerate([(slice(0, 17), -1), (slice(32, 15, -1), 1)]):
        half = np.interp(_LEVELS, v[part], sign * x[part])
        widths[side] = np.clip(half / _USUAL_HALF_WIDTHS, 0.75, 1.3)
    chin = float(np.clip(v[16], 1.5, 2.4))
    return Head(head.origin, head.axes, head.yaw, widths, chin)
