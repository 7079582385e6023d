"""Drawn faces and their landmarks, for tests of coverings."""

from __future__ import annotations

import numpy as np

from restore_recog.alignment import TEMPLATE, WFLW_FIVE


def face(size: int = 128, *, light: float = 0.0, tint: bool = True) -> np.ndarray:
    """Return a noisy skin-coloured ellipse that brightens to the right by *light*."""
    v, x = np.mgrid[:size, :size] / size
    skin = np.array([196, 152, 128]) if tint else np.array([150, 150, 150])
    inside = ((x - 0.5) / 0.36) ** 2 + ((v - 0.5) / 0.45) ** 2 < 1
    shade = 1 + light * (x - 0.5)
    pixels = np.where(inside[..., None], skin * shade[..., None], [70, 90, 80] if tint else 80)
    noise = np.random.default_rng(0).normal(0, 2, (size, size, 3 if tint else 1))
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def five(size: int = 128) -> np.ndarray:
    """Return the landmarks of an aligned crop."""
    return (TEMPLATE * size - 0.5).astype(np.float32)


def ninety_eight(size: int = 128, width: float = 1.0, chin: float = 0.93) -> np.ndarray:
    """Return 98 points: an elliptic contour and the five alignment points, the rest between."""
    angle = np.linspace(np.pi, 0, 33)
    contour = np.column_stack(
        [0.5 + 0.34 * width * np.cos(angle), 0.4 + (chin - 0.4) * np.sin(angle)]
    )
    points = np.full((98, 2), 0.5)
    points[:33] = contour
    points[list(WFLW_FIVE.values())] = TEMPLATE
    return (points * size - 0.5).astype(np.float32)


def at(mask: np.ndarray, point: np.ndarray) -> int:
    column, row = np.rint(point).astype(int)
    return int(mask[row, column])
