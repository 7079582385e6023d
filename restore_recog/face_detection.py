"""Faces and their five landmarks in images, by MTCNN; from image to aligned crop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from restore_recog.alignment import TEMPLATE, align, in_pixels
from restore_recog.errors import NoFaceError, SeveralFacesError
from restore_recog.types import FaceCrop, FaceImage

LONGEST = 1024
"""Longer images are shrunk to this many pixels before the search; landmarks stay to a pixel."""

SMALLEST = 20
"""Narrower faces (in pixels, after shrinking) are not looked for."""

FIRST_TRY = (0.6, 0.7, 0.7)
"""Least confidence after each of MTCNN's three nets, as published with it."""

SECOND_TRY = (0.4, 0.3, 0.3)
"""The same where the first try found nothing."""

BORDER = 0.25
"""Width of the grey border put round every image, in shorter sides of the image.

The detector's nets see a box cut off at the image's edge stretched to a square, and place
its landmarks as if it were not. On tight crops of masked faces (141 LFW faces with a drawn
mask) that puts the eyes a third of the eye distance off; with the border it is 8 %.
"""

FILLS = 0.4
"""The second try takes a face only if it is so wide, in shorter sides of the image."""

_PYRAMID_STEP = 0.709


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
    """Finds faces with MTCNN, whose weights are part of facenet-pytorch.

    Two tries. The first is MTCNN with its published thresholds. Where it finds nothing the
    second accepts less confidence, but only for the one most confident face, which must
    fill much of the image: a tight crop of a masked face shows the detector little that it
    was trained on. Such a face's :attr:`Detection.score` is below the first thresholds.

    Attributes:
        policy: ``"one"`` refuses an image with several faces, ``"largest"`` takes the one
            with the largest box, and ``"aligned"`` never searches: the whole image is
            taken for an aligned crop already, as wide and high as it is.
    """

    def __init__(
        self, policy: Literal["one", "largest", "aligned"] = "one", device: str = "cpu"
    ) -> None:
        if policy not in ("one", "largest", "aligned"):
            raise ValueError(f"policy is '{policy}'; it must be one, largest or aligned.")
        self.policy = policy
        self.device = device

    @cached_property
    def _nets(self) -> nn.Module:
        # Slow to import: only where a face is looked for that is not known already.
        from facenet_pytorch.models.mtcnn import MTCNN

        return MTCNN(device=self.device).eval()

    def find(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Return every face, the largest first.

        Args:
            pixels: (H, W, 3) uint8 RGB of any size.
        """
        scale = min(1.0, LONGEST / max(pixels.shape[:2]))
        if scale < 1:
            size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        shorter = min(pixels.shape[:2])
        border = round(BORDER * shorter)
        framed = np.pad(pixels, ((border, border), (border, border), (0, 0)), constant_values=127)
        faces = self._search(framed, SMALLEST, FIRST_TRY)
        if not faces:
            large = max(float(SMALLEST), FILLS * shorter)
            faces = [
                face for face in self._search(framed, large, SECOND_TRY) if _width(face) >= large
            ]
            faces = sorted(faces, key=lambda face: face.score)[-1:]
        faces.sort(key=_area, reverse=True)
        return [_in_image(face, border, scale) for face in faces]

    def crop(
        self, image: FaceImage, size: int, template: NDArray[np.floating] = TEMPLATE
    ) -> FaceCrop:
        """Return the aligned crop; landmarks that are known are taken as they are.

        Args:
            image: Of any size.
            size: Side of the crop in pixels.
            template: (5, 2), where the landmarks go, in units of the side.

        Raises:
            NoFaceError: No face was found.
            SeveralFacesError: More than one was found and the policy is ``"one"``.
            ImageError: The landmarks cannot be aligned.
        """
        if image.landmarks is None:
            image = self.locate(image)
        return align(image, size, template)

    def locate(self, image: FaceImage) -> FaceImage:
        """Return the image with the landmarks of its face.

        Raises:
            NoFaceError: No face was found.
            SeveralFacesError: More than one was found and the policy is ``"one"``.
        """
        height, width = image.pixels.shape[:2]
        if self.policy == "aligned":
            landmarks = in_pixels(TEMPLATE, (height, width)).astype(np.float32)
            return replace(image, landmarks=landmarks)
        faces = self.find(image.pixels)
        if not faces:
            raise NoFaceError(f"No face was found in the image of {width} x {height} pixels.")
        if len(faces) > 1 and self.policy == "one":
            raise SeveralFacesError(
                f"{len(faces)} faces were found in the image where exactly one is expected;"
                " the policy 'largest' would take the largest."
            )
        return replace(image, landmarks=faces[0].landmarks)

    def _search(
        self, pixels: NDArray[np.uint8], smallest: float, least: tuple[float, float, float]
    ) -> list[Detection]:
        """Run the three nets once, for faces at least *smallest* pixels wide."""
        import torch
        from facenet_pytorch.models.utils.detect_face import detect_face

        if min(pixels.shape[:2]) < smallest:  # detect_face fails where its pyramid is empty
            return []
        nets = self._nets
        with torch.inference_mode():
            boxes, points = detect_face(
                np.ascontiguousarray(pixels),
                smallest,
                nets.pnet,
                nets.rnet,
                nets.onet,
                least,
                _PYRAMID_STEP,
                self.device,
            )
        return [
            Detection(box[:4].astype(np.float32), float(box[4]), five.astype(np.float32))
            for box, five in zip(boxes[0], points[0], strict=True)
        ]


def _width(face: Detection) -> float:
    return float(face.box[2] - face.box[0])


def _area(face: Detection) -> float:
    return _width(face) * float(face.box[3] - face.box[1])


def _in_image(face: Detection, border: int, scale: float) -> Detection:
    """Return a face found in the framed, shrunk image in pixels of the image itself."""

    def undo(points: NDArray[np.float32]) -> NDArray[np.float32]:
        # Pixel centres: shrinking maps u to (u + 0.5) * scale - 0.5.
        return ((points - border + 0.5) / scale - 0.5).astype(np.float32)

    return Detection(undo(face.box), face.score, undo(face.landmarks))
