"""``pca[:DIMENSIONS]``: eigenfaces.

Source: Turk and Pentland, "Eigenfaces for Recognition", J. Cognitive Neuroscience 3(1), 1991.
Row "PCA" of FMODR's table 5, which says nothing of its settings.

Deviation: grey crops of 32 x 32 with mean 0 and length 1, compared by the cosine of their
coefficients instead of the Euclidean distance.
"""

from __future__ import annotations

from torch import Tensor

from restore_recog.recognizers.learning import Project, SubspaceRecognizer, flattened, subspace
from restore_recog.types import Templates


class Eigenfaces(SubspaceRecognizer):
    """Eigenfaces: principal components of the gallery's grey crops."""

    name = "pca"
    components = 150

    def features(self, images: Tensor) -> Tensor:
        """Return (N, H W) centred pixels of (N, 1, H, W) grey images."""
        return flattened(images)

    def learn(self, gallery: Templates) -> Project:
        """Return the projection on the first principal components."""
        return subspace(gallery, self.dimensions).transform  # type: ignore[no-any-return]
