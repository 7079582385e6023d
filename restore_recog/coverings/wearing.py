"""How a covering is worn: how large, how straight, how well seen; and levels of difficulty."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restore_recog.coverings.head import CHIN, Floats, Head
from restore_recog.coverings.light import Light


@dataclass(frozen=True, slots=True)
class Wearing:
    """How a covering is worn and seen; the defaults are the usual way.

    Attributes:
        size: Mean size, 1 for a good fit.
        spread: Standard deviation of the size.
        turn: Of the tilt, in radians.
        shift: Of the place along both axes, in eye distances.
        slips: Share that is worn under the nose, of the kinds that can be.
        shadow: Factor on the shadow that it throws on the skin.
        shade: How much darker its far side may be, as if something stood in the light.
        blur: Extra blur in eye distances.
        contrast: 1 for its own colour, 0 for that of the skin.
    """

    size: float = 1.0
    spread: float = 0.045
    turn: float = 0.035
    shift: float = 0.035
    slips: float = 0.06
    shadow: float = 1.0
    shade: float = 0.0
    blur: float = 0.0
    contrast: float = 1.0

    def misplace(
        self, x: Floats, v: Floats, slips: bool, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Return sheet coordinates for a covering that sits a little off, or under the nose."""
        scale, turn = rng.normal(self.size, self.spread), rng.normal(0, self.turn)
        shift_x, shift_v = rng.normal(0, self.shift), rng.normal(0, self.shift)
        lowered = rng.uniform(0.42, 0.55) if slips and rng.random() < self.slips else 0.0
        if lowered:
            bottom, top = CHIN + 0.1, 0.27
            v = bottom - (bottom - v) * np.float32((bottom - top) / (bottom - top - lowered))
        cosine, sine = np.float32(np.cos(turn) / scale), np.float32(np.sin(turn) / scale)
        x, v = x - np.float32(shift_x), v - np.float32(1 + shift_v)
        return cosine * x + sine * v, cosine * v - sine * x + np.float32(1)

    def dim(self, layer: Floats, rng: np.random.Generator) -> Floats:
        """Return the (H, W, 5) lit covering with its shadows as strong as this level has them."""
        if self.shadow != 1:
            layer[..., 4] = np.minimum(layer[..., 4] * np.float32(self.shadow), 2)
        if self.shade:
            angle, border = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
            height, width = layer.shape[:2]
            v = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
            x = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(np.cos(angle))
            far = 1 / (1 + np.exp(np.float32(8) * (x + v - np.float32(border))))
            layer[..., :3] *= (1 - np.float32(self.shade) * far)[..., None]
        return layer

    def seen(self, light: Light, head: Head) -> Light:
        """Return the light with this level's blur."""
        if not self.blur:
            return light
        own = self.blur * head.unit
        across, along = (float(np.hypot(sigma, own)) for sigma in light.blur)
        return replace(light, blur=(across, along))

    def paled(self, palette: Floats, light: Light) -> Floats:
        """Return the (3, 3) palette, so much nearer to the skin as this level has it."""
        if self.contrast == 1:
            return palette
        mixed = self.contrast * palette + (1 - self.contrast) * light.skin
        return mixed.astype(np.float32)


USUAL = "usual"
LEVELS: dict[str, Wearing] = {
    USUAL: Wearing(),
    "easy": Wearing(size=0.96, spread=0.02, turn=0.015, shift=0.015, slips=0.0, shadow=0.7),
    "medium": Wearing(
        size=1.03, spread=0.05, turn=0.06, shift=0.045, slips=0.12, shadow=1.2, shade=0.25,
        blur=0.008, contrast=0.75,
    ),
    "hard": Wearing(
        size=1.1, spread=0.06, turn=0.11, shift=0.06, slips=0.25, shadow=1.5, shade=0.5,
        blur=0.02, contrast=0.45,
    ),
}  # fmt: skip
"""Levels of difficulty; ``usual`` is what is drawn where none is asked for."""
