"""Where the faces are in images that came without landmarks."""

from __future__ import annotations

from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.face_detection import FaceFinder
from restore_recog.types import FaceImage


class Locator:
    """Finds the landmarks of the faces in images that came without them."""

    def __init__(self, finder: FaceFinder) -> None:
        self.finder = finder

    def takes_as_aligned(self, image: FaceImage) -> bool:
        """Return whether an image is taken for an aligned crop: no landmarks, none looked for."""
        return image.landmarks is None and self.finder.policy == "aligned"

    def locate(self, image: FaceImage, ledger: Ledger) -> FaceImage:
        """Return the image with landmarks; the cost of looking for them goes to the ledger.

        Raises:
            ImageError: There is no usable face.
        """
        if image.landmarks is not None:
            return image
        with ledger.timed("detect", 1, self.finder.device):
            return self.finder.locate(image)
