"""Printed and woven patterns as shares of a second and a third colour."""

from __future__ import annotations

import numpy as np

from restore_recog.coverings.sheet import Canvas, Floats

PATTERNS = ("stripes", "checks", "tartan", "dots", "flowers", "camouflage")
"""What ``cloth_patterned`` draws from; a longer list would change its drawings."""

PLAIN = "plain"
PRINTS = (*PATTERNS, "zigzag", "leopard", "hearts", "triangles")
"""All that can be printed on a covering by name."""


def fabric(
    canvas: Canvas, rng: np.random.Generator, pattern: str, height: Floats
) -> tuple[Floats, Floats]:
    """Return (S, S) shares of the second and third colour in [0, 1].

    Args:
        canvas: Where to draw.
        rng: Draws scale and angle.
        pattern: ``plain`` or one of PRINTS.
        height: (S, S) of the cloth in eye distances; its folds bend the pattern.
    """
    zero = np.zeros_like(canvas.x)
    if pattern == PLAIN:
        return zero, zero
    angle, pitch = rng.choice([0.0, np.pi / 4, np.pi / 2]), rng.uniform(0.16, 0.34)
    angle += rng.normal(0, 0.06)
    x, v = canvas.x * (1 + 0.12 * canvas.x**2), canvas.v - 0.5 * height
    a = ((np.cos(angle) * x + np.sin(angle) * v) / pitch).astype(np.float32)
    b = ((np.cos(angle) * v - np.sin(angle) * x) / pitch).astype(np.float32)
    soft = 0.5 * canvas.size / 160 * pitch / 0.16
    if pattern == "camouflage":
        return _camouflage(canvas, rng)
    if pattern == "flowers":
        return _flowers(a / 2, b / 2)
    if pattern == "stripes":
        return _step(np.cos(2 * np.pi * a), 4 * soft), _step(np.cos(6 * np.pi * a) - 0.9, soft)
    if pattern == "dots":
        row = np.floor(b)
        across, along = a + 0.5 * (row % 2) - 0.5, b - 0.5
        radius = np.hypot(across - np.round(across), along - np.round(along))
        return _step(0.27 - radius, 10 * soft), zero
    if pattern in _MOTIFS:
        return _MOTIFS[pattern](a, b, soft)
    if pattern == "leopard":
        return _leopard(canvas, rng)
    woven = 0.5 * _step(np.cos(2 * np.pi * a), 4 * soft) + 0.5 * _step(
        np.cos(2 * np.pi * b), 4 * soft
    )
    if pattern == "checks":
        return woven, zero
    thread = np.maximum(np.cos(2 * np.pi * a + 1.5), np.cos(2 * np.pi * b + 1.5))
    return woven * 0.8, 0.8 * _step(thread - 0.96, 40 * soft)


def _step(value: Floats, sharpness: float) -> Floats:
    return np.clip(0.5 + value * np.float32(sharpness), 0, 1).astype(np.float32)


def _camouflage(canvas: Canvas, rng: np.random.Generator) -> tuple[Floats, Floats]:
    first, second = (canvas.noise(rng, 0.26, 0.2) for _ in range(2))
    dark = _step(second - 0.45, 8)
    return _step(first - 0.25, 8) * (1 - dark), dark


def _flowers(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return five-petalled flowers on a lattice, each cell turned and shifted differently."""
    row = np.floor(b)
    a = a + 0.5 * (row % 2)
    column = np.floor(a)
    turn = np.sin(column * 12.9898 + row * 78.233) * 43758.5453
    turn = turn - np.floor(turn)
    x, y = a - column - 0.5 - 0.2 * (turn - 0.5), b - row - 0.5 - 0.25 * (turn - 0.5)
    radius, angle = np.hypot(x, y), np.arctan2(y, x) + 2 * np.pi * turn
    size = 0.2 + 0.18 * turn
    petals = _step(size * (0.72 + 0.28 * np.cos(5 * angle)) - radius, 25)
    heart = _step(0.3 * size - radius, 25)
    return petals * (1 - heart), heart


def _zigzag(a: Floats, b: Floats, soft: float) -> tuple[Floats, Floats]:
    wave = b + 0.5 * np.abs(a - np.floor(a) - 0.5)
    return _step(np.cos(2 * np.pi * wave), 4 * soft), _step(np.cos(4 * np.pi * wave) - 0.85, soft)


def _hearts(a: Floats, b: Floats, soft: float) -> tuple[Floats, Floats]:
    row = np.floor(b)
    x = a + 0.5 * (row % 2)
    x, y = 3.2 * (x - np.floor(x) - 0.5), 3.2 * (0.45 - (b - row))
    inside = (x * x + y * y - 1) ** 3 - x * x * y**3
    return _step(-inside, 6 * soft), np.zeros_like(inside)


def _triangles(a: Floats, b: Floats, soft: float) -> tuple[Floats, Floats]:
    column, row = np.floor(a), np.floor(b)
    across, along = a - column, b - row
    slanted = np.where((column + row) % 2 == 0, across - along, across + along - 1)
    return _step(slanted, 14 * soft), 0.7 * _step(-slanted, 14 * soft) * (row % 2)


_MOTIFS = {"zigzag": _zigzag, "hearts": _hearts, "triangles": _triangles}
"""Patterns that repeat in cells: cell coordinates and sharpness -> shares of two colours."""


def _leopard(canvas: Canvas, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return dark broken rings around tinted hearts."""
    blobs, breaks = canvas.noise(rng, 0.15, 0.12), canvas.noise(rng, 0.09, 0.09)
    ring = np.exp(-(((blobs - 0.75) / 0.28) ** 2))
    return _step(ring - 0.55, 6) * _step(breaks + 0.5, 5), 0.6 * _step(blobs - 1.0, 5)
