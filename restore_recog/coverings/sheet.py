"""The flat sheet on which a covering is drawn before it is laid on the face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bytes = NDArray[np.uint8]

LEFT, TOP, EXTENT = -2.0, -0.6, 4.0
"""The sheet shows x in [-2, 2] and v in [-0.6, 3.4] of the face frame, in eye distances."""

SLOPE = 1.6
"""The steepest slope that a sheet can store."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One drawn covering, without its colours and light; all layers uint8, 0 to 255.

    Attributes:
        paint: (S, S, 4) opacity, shadow on the skin, share of the second and of the third
            colour.
        form: (S, S, 3) slope along x and along v (128 = flat, 255 = SLOPE), and the
            brightness factor of creases (128 = 1).
        pattern: What is printed on it.
        image: (S, S, 3) RGB that takes the place of the three colours, or None.
    """

    paint: Bytes
    form: Bytes
    pattern: str = "plain"
    image: Bytes | None = None

    def lay(self, x: Floats, v: Floats) -> tuple[Bytes, Bytes, Bytes | None]:
        """Return paint, form and image at face-frame coordinates; transparent off the sheet."""
        scale = np.float32(self.paint.shape[0] / EXTENT)
        columns = (x - np.float32(LEFT)) * scale - np.float32(0.5)
        rows = (v - np.float32(TOP)) * scale - np.float32(0.5)
        # Fixed-point coordinates: the two look-ups below then share the conversion.
        near, between = cv2.convertMaps(columns, rows, cv2.CV_16SC2)
        paint = cv2.remap(self.paint, near, between, cv2.INTER_LINEAR)
        form = cv2.remap(self.form, near, between, cv2.INTER_LINEAR, borderValue=(128, 128, 128))
        image = self.image
        if image is not None:
            image = cv2.remap(image, near, between, cv2.INTER_LINEAR)  # type: ignore[assignment]
        return paint, form, image  # type: ignore[return-value]


class Canvas:
    """Draws smooth shapes in face-frame units at any resolution.

    Attributes:
        size: Side of the finished layers in pixels.
        x, v: (size, size) face-frame coordinates of the pixels.
    """

    _FINE = 2  # every fill is drawn this much larger and averaged down

    def __init__(self, size: int) -> None:
        self.size = size
        line = (np.arange(size, dtype=np.float32) + 0.5) * (EXTENT / size)
        self.x, self.v = np.meshgrid(line + LEFT, line + TOP)

    def _pixels(self, points: NDArray[np.floating]) -> NDArray[np.int32]:
        scale = self.size * self._FINE / EXTENT
        pixels = (np.asarray(points, dtype=np.float64) - [LEFT, TOP]) * scale - 0.5
        return np.round(pixels * 16).astype(np.int32)

    def _down(self, fine: Bytes) -> Floats:
        small = cv2.resize(fine, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / 255

    def fill(self, outline: NDArray[np.floating]) -> Floats:
        """Return the (size, size) coverage in [0, 1] of a closed outline."""
        fine = np.zeros((self.size * self._FINE,) * 2, dtype=np.uint8)
        cv2.fillPoly(fine, [self._pixels(outline)], 255, cv2.LINE_AA, 4)
        return self._down(fine)

    def stroke(self, line: NDArray[np.floating], width: float) -> Floats:
        """Return the (size, size) coverage in [0, 1] of a line of a width in eye distances."""
        pixels = max(1, round(width * self.size * self._FINE / EXTENT))
        fine = np.zeros((self.size * self._FINE,) * 2, dtype=np.uint8)
        cv2.polylines(fine, [self._pixels(line)], False, 255, pixels, cv2.LINE_AA, 4)
        return self._down(fine)

    def ridge(self, line: NDArray[np.floating], width: float) -> Floats:
        """Return a (size, size) crest of height 1 along a line that fades at both ends.

        Args:
            line: (L, 2) face-frame points.
            width: Standard deviation of the crest's profile in eye distances.
        """
        scale = self.size / EXTENT
        canvas = np.zeros((self.size, self.size), dtype=np.float32)
        points = np.round(((np.asarray(line) - [LEFT, TOP]) * scale - 0.5) * 16).astype(np.int32)
        fade = np.sin(np.linspace(0, np.pi, len(points) + 1)[1:-1])
        for start, end, level in zip(points[:-1], points[1:], fade, strict=True):
            cv2.line(canvas, start.tolist(), end.tolist(), float(level), 1, cv2.LINE_8, 4)
        sigma = max(width * scale, 0.5)
        return self.blur(canvas, width) * np.float32(sigma * np.sqrt(2 * np.pi))

    def blur(self, layer: Floats, sigma: float) -> Floats:
        """Return a layer smoothed by a Gaussian of *sigma* eye distances."""
        pixels = max(sigma * self.size / EXTENT, 0.4)
        return cv2.GaussianBlur(layer, (0, 0), pixels)  # type: ignore[return-value]

    def shift_down(self, layer: Floats, distance: float) -> Floats:
        """Return a layer moved down by a distance in eye distances; 0 comes in at the top."""
        rows = round(distance * self.size / EXTENT)
        return np.pad(layer, ((rows, 0), (0, 0)))[: self.size]

    def noise(self, rng: np.random.Generator, across: float, along: float) -> Floats:
        """Return smooth (size, size) noise, standard deviation 1, of the two grain sizes.

        The grain is drawn on a grid that does not depend on the resolution, so that the same
        seed gives the same image at every size.
        """
        columns, rows = max(4, round(EXTENT / across)), max(4, round(EXTENT / along))
        grid = rng.standard_normal((rows, columns)).astype(np.float32)
        return cv2.resize(grid, (self.size, self.size), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def curve(points: list[tuple[float, float]], steps: int = 8, *, closed: bool = False) -> Floats:
    """Return a smooth line through points (uniform Catmull-Rom spline).

    Args:
        points: At least two (x, v) points.
        steps: Line segments between two points.
        closed: Whether the last point joins the first.
    """
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    a, b, c, d = (knots[i : len(knots) - 3 + i, None] for i in range(4))
    t = (np.arange(steps) / steps)[None, :, None]
    line = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    line = line.reshape(-1, 2)
    return (line if closed else np.concatenate([line, knots[-2:-1]])).astype(np.float32)


def mirrored(points: list[tuple[float, float]], steps: int = 8) -> Floats:
    """Return the closed smooth outline of the right half's points and their mirror images.

    Args:
        points: From top to bottom; those on x = 0 are not doubled.
        steps: Line segments between two points.
    """
    left = [(-x, v) for x, v in reversed(points) if x != 0]
    return curve(points + left, steps, closed=True)


def finish(canvas: Canvas, layers: dict[str, Floats], pattern: str = "plain") -> Sheet:
    """Return the sheet of float layers.

    Args:
        canvas: On which they were drawn.
        layers: ``alpha`` and ``height`` (eye distances), and where wanted ``second``,
            ``third`` (colour shares in [0, 1]) and ``crease`` (brightness factor, 1 = none).
        pattern: Name of what ``second`` and ``third`` show.
    """
    alpha, zero = layers["alpha"], np.zeros_like(layers["alpha"])
    step = EXTENT / canvas.size
    along_v, along_x = np.gradient(layers["height"], step)
    # The covering throws a narrow shadow downwards on the skin.
    shadow = canvas.shift_down(canvas.blur(alpha, 0.035), 0.04)
    paint = [alpha, shadow, layers.get("second", zero), layers.get("third", zero)]
    slopes = [0.5 + s / (2 * SLOPE) for s in (along_x, along_v)]
    form = [*slopes, layers.get("crease", zero + 1) * (128 / 255)]
    return Sheet(to_bytes(np.dstack(paint)), to_bytes(np.dstack(form)), pattern)


def to_bytes(layers: Floats) -> Bytes:
    """Return values in [0, 1] as bytes."""
    return np.clip(np.round(layers * 255), 0, 255).astype(np.uint8)
