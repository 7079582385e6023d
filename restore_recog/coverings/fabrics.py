"""What coverings are made of: relief, shine and transparency, woven into a drawn sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restore_recog.coverings.patterns import PLAIN, fabric
from restore_recog.coverings.sheet import EXTENT, SLOPE, Bytes, Canvas, Floats, Sheet

Texture = Callable[[Canvas, np.random.Generator], Floats]
"""Draws a (S, S) relief, about -1 to 1."""


@dataclass(frozen=True, slots=True)
class Fabric:
    """One material.

    Attributes:
        texture: Its relief.
        depth: Height of the relief in eye distances; it catches the light.
        contrast: How much darker its hollows are.
        gloss: Strength of the highlight.
        opacity: Of the cloth itself; trims and straps are never transparent.
        pierced: Whether the hollows are holes.
    """

    texture: Texture
    depth: float = 0.0
    contrast: float = 0.0
    gloss: float = 0.0
    opacity: float = 1.0
    pierced: bool = False

    def weave(self, sheet: Sheet, canvas: Canvas, rng: np.random.Generator) -> Sheet:
        """Return a sheet of this material; straps (all third colour) stay as they are."""
        relief = self.texture(canvas, rng).astype(np.float32)
        paint = sheet.paint.astype(np.float32)
        form = sheet.form.astype(np.float32)
        cloth = 1 - np.maximum(paint[..., 2], paint[..., 3]) / 255
        along_v, along_x = np.gradient(self.depth * relief, EXTENT / canvas.size)
        form[..., 0] += along_x * cloth * (255 / (2 * SLOPE))
        form[..., 1] += along_v * cloth * (255 / (2 * SLOPE))
        form[..., 2] *= 1 + self.contrast * relief * cloth
        if self.opacity < 1 or self.pierced:
            share = np.float32(self.opacity)
            if self.pierced:
                share = share * np.clip(0.5 + 2.5 * relief, 0.06, 1)
            paint[..., :2] *= (1 - cloth * (1 - share))[..., None]
        return Sheet(_bytes(paint), _bytes(form), sheet.pattern)


def printed(sheet: Sheet, canvas: Canvas, pattern: str, rng: np.random.Generator) -> Sheet:
    """Return a sheet with a pattern of ``patterns.PRINTS`` on its cloth, trims left as they are."""
    paint = sheet.paint.astype(np.float32)
    if sheet.pattern != PLAIN:  # a print of its own: it gives way
        paint[..., 2:] = 0
    if pattern != PLAIN:
        cloth = 1 - np.maximum(paint[..., 2], paint[..., 3]) / 255
        shares = fabric(canvas, rng, pattern, np.zeros_like(canvas.x))
        for layer, share in enumerate(shares, start=2):
            paint[..., layer] += 255 * share * cloth
    return Sheet(_bytes(paint), sheet.form, pattern)


def _bytes(layers: Floats) -> Bytes:
    return np.clip(np.round(layers), 0, 255).astype(np.uint8)


def _wave(value: Floats) -> Floats:
    return np.cos(np.float32(2 * np.pi) * value)


def _woven(canvas: Canvas, rng: np.random.Generator) -> Floats:
    pitch = rng.uniform(0.06, 0.09)
    return _wave(canvas.x / pitch) * _wave(canvas.v / pitch)


def _twill(canvas: Canvas, rng: np.random.Generator) -> Floats:
    diagonal = _wave((canvas.x + canvas.v) / rng.uniform(0.05, 0.07))
    return 0.6 * diagonal + 0.35 * canvas.noise(rng, 0.03, 0.09)


def _knit(canvas: Canvas, rng: np.random.Generator) -> Floats:
    pitch, stitch = rng.uniform(0.085, 0.12), rng.uniform(0.1, 0.14)
    across = canvas.x / stitch
    valley = np.abs(across - np.floor(across) - 0.5)
    return 0.7 * _wave(canvas.v / pitch - 1.2 * valley) + 0.6 * (valley * 4 - 1)


def _ribbed(canvas: Canvas, rng: np.random.Generator) -> Floats:
    return _wave(canvas.x / rng.uniform(0.09, 0.13))


def _quilted(canvas: Canvas, rng: np.random.Generator) -> Floats:
    pitch = rng.uniform(0.3, 0.42)
    a, b = (canvas.x + canvas.v) / pitch, (canvas.x - canvas.v) / pitch
    edges = [np.abs(line - np.round(line)) for line in (a, b)]
    return 1 - 2 * np.exp(-np.minimum(*edges) / 0.12)


def _grain(canvas: Canvas, rng: np.random.Generator) -> Floats:
    return 0.6 * canvas.noise(rng, 0.06, 0.06) + 0.3 * canvas.noise(rng, 0.4, 0.3)


def _fluff(canvas: Canvas, rng: np.random.Generator) -> Floats:
    return 0.5 * canvas.noise(rng, 0.04, 0.05) + 0.4 * canvas.noise(rng, 0.15, 0.12)


def _crinkles(canvas: Canvas, rng: np.random.Generator) -> Floats:
    creased = np.abs(canvas.noise(rng, 0.5, 0.4))
    return 1 - 1.4 * creased + 0.1 * canvas.noise(rng, 0.03, 0.03)


def _ripples(canvas: Canvas, rng: np.random.Generator) -> Floats:
    return 0.7 * canvas.noise(rng, 0.55, 0.16)


def _smooth(canvas: Canvas, rng: np.random.Generator) -> Floats:
    return 0.5 * canvas.noise(rng, 0.6, 0.6)


def _lace(canvas: Canvas, rng: np.random.Generator) -> Floats:
    flowers, hearts = fabric(canvas, rng, "flowers", np.zeros_like(canvas.x))
    a, b = (canvas.x + canvas.v) / 0.11, (canvas.x - canvas.v) / 0.11
    net = np.maximum(_wave(a), _wave(b))
    return np.maximum(2 * np.maximum(flowers, hearts) - 1, net - 0.75)


FABRICS: dict[str, Fabric] = {
    "paper": Fabric(_crinkles, depth=0.012, contrast=0.04),
    "fleece": Fabric(_fluff, depth=0.008, contrast=0.07),
    "foam": Fabric(_smooth, depth=0.01, contrast=0.02),
    "woven": Fabric(_woven, depth=0.002, contrast=0.08),
    "twill": Fabric(_twill, depth=0.003, contrast=0.16),
    "knit": Fabric(_knit, depth=0.009, contrast=0.14),
    "ribbed": Fabric(_ribbed, depth=0.01, contrast=0.12),
    "quilted": Fabric(_quilted, depth=0.03, contrast=0.06),
    "leather": Fabric(_grain, depth=0.006, contrast=0.06, gloss=0.4),
    "satin": Fabric(_ripples, depth=0.03, contrast=0.03, gloss=0.5),
    "rubber": Fabric(_smooth, depth=0.006, gloss=0.3),
    "lace": Fabric(_lace, depth=0.003, contrast=0.12, pierced=True),
    "clear": Fabric(_smooth, depth=0.1, contrast=0.05, gloss=1.6, opacity=0.27),
}
"""Materials by name."""
