"""The parts of a face as the pixels between its landmarks, which teach the parser.

The paper's parser learns from the Helen data set as Smith et al. labelled it by hand.

Deviation: here the parts are the polygons between 98 landmarks, so that any photograph teaches.
Landmarks know nothing of hair, which belongs to what is no face, and of the skin above the brows.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from torch import Tensor

UNKNOWN = -100
"""Label of every pixel of an image whose landmarks are not known; no loss counts it."""

BEYOND = "beyond"

PARTS: Mapping[str, tuple[int, ...]] = {
    BEYOND: (),
    "skin": (*range(33), *range(46, 41, -1), *range(37, 32, -1)),
    "left brow": tuple(range(33, 42)),
    "right brow": tuple(range(42, 51)),
    "left eye": tuple(range(60, 68)),
    "right eye": tuple(range(68, 76)),
    "nose": (51, *range(55, 60)),
    "upper lip": (*range(76, 83), *range(92, 87, -1)),
    "mouth": tuple(range(88, 96)),
    "lower lip": (*range(82, 88), 76, 88, *range(95, 91, -1)),
}
"""Part -> its outline in WFLW's numbers, later ones drawn over earlier ones; a label is its place.
Left and right as seen."""


def regions(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, H, W) labels, the places in :data:`PARTS`, of faces with these landmarks.

    Args:
        points: (N, 98, 2) pixels, x then y; a face of which one is NaN is :data:`UNKNOWN`.
        size: H and W.
    """
    labels = np.full((len(points), *size), UNKNOWN, np.int32)
    for face, drawn in zip(points.float().cpu().numpy(), labels, strict=True):
        if np.isfinite(face).all():
            drawn[:] = 0
            near = np.clip(face, -max(size), 2 * max(size)).round().astype(np.int32)
            for label, outline in enumerate(PARTS.values()):
                if outline:
                    cv2.fillPoly(drawn, [near[list(outline)]], label)
    return torch.from_numpy(labels).long().to(points.device)
