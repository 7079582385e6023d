"""What is sewn, clipped or printed on coverings."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.drawings import canisters, valve
from restore_recog.coverings.shapes import Points, hem, rounded, side
from restore_recog.coverings.sheet import Canvas, Floats, curve

Layers = dict[str, Floats]


def _cover(layers: Layers, name: str, share: Floats) -> None:
    layers[name] = np.maximum(layers[name], share)


def _wire(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Raise the wire over the nose."""
    top = rng.uniform(0.04, 0.08) + float(canvas.v[:, canvas.size // 2][_edge(canvas, body)])
    half: Points = [(-0.42, top + 0.13), (-0.2, top + 0.05), (0, top)]
    wire = canvas.stroke(curve(half + side(half[1::-1], -1)), 0.055)
    layers["height"] += 0.02 * wire
    _cover(layers, "second", 0.5 * wire * body)


def _edge(canvas: Canvas, body: Floats) -> int:
    """Return the row where the covering begins in the middle."""
    return int(np.argmax(body[:, canvas.size // 2] > 0.5))


def _hemmed(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Bind the edge with a tape of the second colour."""
    _cover(layers, "second", rng.uniform(0.5, 1.0) * hem(canvas, body, 0.05))


def _valve(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Set an exhalation valve before the mouth or to one side."""
    _plate(canvas, (float(rng.choice([0.0, 0.36, -0.36])), 1.18), layers)


def _valves(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Set two valves on the cheeks."""
    x, v = rng.uniform(0.46, 0.58), rng.uniform(1.05, 1.2)
    for sign in (-1, 1):
        _plate(canvas, (sign * x, v), layers)


def _plate(canvas: Canvas, place: tuple[float, float], layers: Layers) -> None:
    plate, slits = valve(canvas, *place)
    layers["height"] += 0.1 * canvas.blur(plate, 0.015)
    layers["crease"] -= 0.4 * slits
    _cover(layers, "second", plate)


def _filters(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Clip a flat round filter to either cheek."""
    place = rng.uniform(0.62, 0.72), rng.uniform(1.1, 1.22), rng.uniform(0.34, 0.42)
    discs, ribs = canisters(canvas, *place)
    layers["alpha"] = np.maximum(layers["alpha"], discs)
    layers["height"] = np.where(discs > 0.5, 0.6, layers["height"]) + 0.02 * ribs
    layers["height"] = canvas.blur(layers["height"], 0.015)
    layers["crease"] = np.where(discs > 0.5, 1 - 0.12 * ribs, layers["crease"])
    layers["third"] *= 1 - discs
    _cover(layers, "second", discs)


def _outlet(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Put the outlet's round lid before the mouth."""
    lid = canvas.fill(rounded((0.0, 1.32), 0.2, 0.2))
    layers["height"] += 0.12 * canvas.blur(lid, 0.02)
    for level in (1.24, 1.32, 1.4):
        layers["crease"] -= 0.3 * canvas.stroke(np.array([[-0.12, level], [0.12, level]]), 0.025)


def _staples(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Fix the band with a staple at either side."""
    for sign in (-1, 1):
        line = np.array([[sign * 0.66, 1.04], [sign * 0.66, 1.16]])
        _cover(layers, "second", canvas.stroke(line, 0.035) * body)


def _panel(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Sew in a part of the second colour: the sides, the lower half or one half."""
    shape = rng.integers(3)
    if shape == 0:
        inside = np.abs(canvas.x) - 0.45 - 0.15 * (canvas.v - 1.1)
    elif shape == 1:
        inside = canvas.v - 1.12 + 0.1 * canvas.x**2
    else:
        inside = canvas.x * rng.choice([-1, 1])
    share = np.clip(0.5 + inside * canvas.size / 8, 0, 1).astype(np.float32)
    layers["crease"] -= 0.2 * np.exp(-((inside / 0.02) ** 2))
    _cover(layers, "second", share * body)


def _mouth(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Print a mouth: a smile, a row of teeth, or whiskers."""
    shape = rng.integers(3)
    wide, bow = rng.uniform(0.35, 0.5), rng.uniform(0.06, 0.2)
    line: Points = [(-wide, 1.15), (-wide / 2, 1.15 + bow), (0, 1.15 + 1.3 * bow)]
    lips = curve(line + side(line[1::-1], -1))
    ink = canvas.stroke(lips, 0.07)
    if shape == 1:
        ink = canvas.stroke(lips, 0.24)
        teeth = canvas.stroke(lips, 0.17)
        gaps = np.cos(canvas.x * (2 * np.pi / 0.13)) > 0.93
        _cover(layers, "third", teeth * (1 - gaps) * body)
        ink = ink * (1 - teeth * (1 - gaps))
    elif shape == 2:
        whiskers = [[(0.3, v), (0.6, v - tilt), (0.85, v - 2 * tilt)]
                    for v, tilt in ((1.0, 0.05), (1.12, 0.0), (1.24, -0.05))]  # fmt: skip
        lines = [canvas.stroke(curve(side(w, s)), 0.03) for w in whiskers for s in (-1, 1)]
        ink = np.maximum.reduce([ink, *lines, canvas.fill(rounded((0.0, 0.82), 0.13, 0.09))])
    _cover(layers, "second", ink * body)


def _window(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Cut a clear window before the mouth."""
    wide, high = rng.uniform(0.42, 0.52), rng.uniform(0.24, 0.3)
    pane = canvas.fill(rounded((0.0, 1.18), wide, high))
    frame = canvas.fill(rounded((0.0, 1.18), wide + 0.06, high + 0.06))
    layers["alpha"] = layers["alpha"] * (1 - 0.78 * pane)
    layers["height"] += 0.05 * canvas.blur(frame, 0.03)
    layers["crease"] -= 0.2 * (frame - pane)
    _cover(layers, "second", frame)


def _rim(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Thicken the upper edge, and put the rest for the chin below."""
    band = hem(canvas, body, 0.025)
    rest = np.clip((canvas.v - 1.82) * canvas.size / 8, 0, 1) * body
    _cover(layers, "second", np.maximum(0.5 * band, rest).astype(np.float32))


def _zip(canvas: Canvas, rng: np.random.Generator, body: Floats, layers: Layers) -> None:
    """Close it with a zip down the middle."""
    x = rng.normal(0, 0.05)
    tape = canvas.stroke(np.array([[x, 0.62], [x, 3.6]]), 0.07) * body
    teeth = np.cos(canvas.v * (2 * np.pi / 0.07)) > 0
    layers["crease"] -= 0.3 * tape * teeth
    _cover(layers, "second", tape)


TRIMS = {
    "wire": _wire,
    "edge": _hemmed,
    "valve": _valve,
    "valves": _valves,
    "filters": _filters,
    "outlet": _outlet,
    "staples": _staples,
    "panel": _panel,
    "mouth": _mouth,
    "window": _window,
    "rim": _rim,
    "zip": _zip,
}
"""Trims by name: (canvas, rng, coverage of the body, layers to be changed)."""
