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

DLIB = CropTemplate(
    ((0.3215, 0.2962), (0.6785, 0.2962), (0.5, 0.5127), (0.3426, 0.6902), (0.6574, 0.6902)),
    (150, 150),
)
"""Where the five points lie in dlib's own chips (``get_face_chip``, 150 pixels, padding 0.25).

dlib cuts by the corners of the eyes and the nose, which are not among the five points. So 741
photographs of LFW's training people were cut by dlib itself, with its detector and its 68-point
predictor, and the labelled five points were followed into the chips: their medians, made
symmetric, and enlarged by 1.4 % about their centre, since a fit by least squares makes faces whose
points scatter that much too small. One point scatters by 2.5 to 6 pixels of 150 (standard
deviation; the nose and the mouth most). A crop that is cut by this template is displaced from
dlib's own by a median of 3.0 pixels (90 %: 5.4). On 766 photographs of the 300 test people that
costs little: d' 4.55 against 4.61 with dlib's own chips, rank-1 97.2 % against 97.6 % of 466. With
dlib's 5-point predictor no median moves by more than 0.8 pixels.
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
