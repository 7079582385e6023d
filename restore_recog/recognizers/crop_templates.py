"""Where well-known recognisers want the five points in their crops, as plain data.

A point is given in the unit square: x in units of the crop's width and y of its height, so that
pixel u of a crop of W pixels is at (u + 0.5) / W.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CropTemplate:
    """How a crop is framed.

    Attributes:
        points: Left eye, right eye, nose, left and right mouth corner (left in the image), in the
            unit square.
        size: (H, W) in pixels for which it was made; any size of the same shape will do.
    """

    points: Points
    size: tuple[int, int]

    def array(self) -> NDArray[np.float64]:
        """Return the points as (5, 2) float64."""
        return np.array(self.points, np.float64)


def of_pixels(points: Points, size: tuple[int, int]) -> CropTemplate:
    """Return the template whose points were published as pixels, of which (0, 0) is a centre."""
    height, width = size
    return CropTemplate(tuple(((x + 0.5) / width, (y + 0.5) / height) for x, y in points), size)


ARCFACE = of_pixels(
    ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655))
    + ((70.7299, 92.2041),),
    (112, 112),
)
"""Of ArcFace and all of InsightFace's models, AdaFace, MagFace, MobileFaceNet (arcface_torch)."""

SPHEREFACE = of_pixels(
    ((30.2946, 51.6963), (65.5318, 51.5014), (48.0252, 71.7366), (33.5493, 92.3655))
    + ((62.7299, 92.2041),),
    (112, 96),
)
"""Of SphereFace and CosFace: 96 pixels wide and 112 high."""

FACENET = CropTemplate(
    ((0.27, 0.387), (0.73, 0.387), (0.5, 0.588), (0.3, 0.756), (0.7, 0.756)), (160, 160)
)
"""Where the points lie in facenet-pytorch's own crops: the MTCNN box stretched to a square.

Medians over 200 photographs of Labeled Faces in the Wild, made symmetric.
"""

OWN = CropTemplate(tuple((float(x), float(y)) for x, y in TEMPLATE), (128, 128))
"""The project's own: :data:`restore_recog.alignment.TEMPLATE`."""

TEMPLATES = {
    "arcface112": ARCFACE,
    "facenet160": FACENET,
    "sphereface96x112": SPHEREFACE,
    "own": OWN,
}
"""By the names that ``--template`` takes."""
