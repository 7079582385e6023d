"""Faces and their five landmarks in pictures, by MTCNN; from picture to aligned crop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE, align
from restore_recog.errors import NoFaceError, SeveralFacesError
from restore_recog.types import FaceCrop, Picture

LONGEST = 1024
"""Longer pictures are shrunk to this many pixels before the search."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face.

    Attributes:
        box: (4,) float32 pixels: left, top, right, bottom; may reach over the border.
        score: The detector's confidence in [0, 1].
        landmarks: (5, 2) float32 pixels.
    """

    box: NDArray[np.float32]
    score: float
    landmarks: NDArray[np.float32]


class FaceFinder:
    """Finds faces with MTCNN (its weights are part of facenet-pytorch)."""

    def __init__(self, policy: Literal["one", "largest"] = "one", device: str = "cpu") -> None:
        from facenet_pytorch.models.mtcnn import MTCNN

        self.policy = policy
        self._net = MTCNN(keep_all=True, select_largest=True, device=device).eval()

    def find(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Return every face, the largest first.

        Args:
            pixels: (H, W, 3) uint8 RGB.
        """
        scale = min(1.0, LONGEST / max(pixels.shape[:2]))
        if scale < 1:
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        boxes, scores, points = self._net.detect(pixels, landmarks=True)
        if boxes is None:
            return []
        return [
            Detection((b / scale).astype(np.float32), float(s), (p / scale).astype(np.float32))
            for b, s, p in zip(boxes, scores, points, strict=True)
        ]

    def crop(
        self, picture: Picture, size: int, template: NDArray[np.floating] = TEMPLATE
    ) -> FaceCrop:
        """Return the aligned crop; known landmarks are used as they are, else it searches.

        Raises:
            NoFaceError: No face was found.
            SeveralFacesError: More than one, and the policy is ``"one"``.
        """
        if picture.landmarks is None:
            faces = self.find(picture.pixels)
            if not faces:
                raise NoFaceError("No face was found in the picture.")
            if len(faces) > 1 and self.policy == "one":
                raise SeveralFacesError(
                    f"{len(faces)} faces were found in the picture where one is expected."
                )
            picture = replace(picture, landmarks=faces[0].landmarks)
        return align(picture, size, template)
