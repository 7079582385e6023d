"""Scenes of models that learn edges beside the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from restore_recog.nn.edges import canny, greyed
from restore_recog.nn.inpainting.scene import Scene


@dataclass(frozen=True, eq=False)
class SketchedScene(Scene):
    """A scene with its edges, (N, 1, H, W) each.

    Attributes:
        known, true: Those of the occluded image, which networks may be shown, and those of the
            clean one, which they should learn; in {0, 1}.
        grey: The clean image in grey.
    """

    known: Tensor
    true: Tensor
    grey: Tensor


def edges_of(scene: Scene, sigma: float) -> dict[str, Any]:
    """Return all that a :class:`SketchedScene` holds, its edges by Canny with that *sigma*."""
    grey = greyed(scene.clean)
    known = canny(greyed(scene.occluded), sigma, scene.hole)
    return {**vars(scene), "known": known, "true": canny(grey, sigma), "grey": grey}
