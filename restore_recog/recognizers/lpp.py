"""``lpp[:DIMENSIONS]``: locality preserving projections, "Laplacianfaces".

Source: He and Niyogi, "Locality Preserving Projections", NIPS 2003; He et al., "Face Recognition
Using Laplacianfaces", IEEE TPAMI 27(3), 2005. Row "LPP" of FMODR's table 5, which says nothing
of its settings.

Deviation: grey crops of 32 x 32 with mean 0 and length 1, compared by the cosine of their
coefficients instead of the Euclidean distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import csr_array
from sklearn.neighbors import kneighbors_graph
from torch import Tensor

from restore_recog.recognizers.learning import Project, SubspaceRecognizer, flattened, subspace
from restore_recog.types import Templates

NEIGHBOURS = 5
"""Of each image in the graph."""

VARIANCE = 0.98
"""Share that the principal components before the projection keep."""


class Laplacianfaces(SubspaceRecognizer):
    """Laplacianfaces: the projection that keeps neighbouring faces of the gallery together."""

    name = "lpp"
    components = 100

    def features(self, images: Tensor) -> Tensor:
        """Return (N, H W) centred pixels of (N, 1, H, W) grey images."""
        return flattened(images)

    def learn(self, gallery: Templates) -> Project:
        """Return the projection: principal components, then LPP among them."""
        first = subspace(gallery, VARIANCE)
        basis = projections(first.transform(gallery), self.dimensions)
        return lambda templates: first.transform(templates) @ basis


def projections(points: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """Return the (D, k) directions in which neighbours stay closest, k at most *dimensions*.

    The smallest solutions of X' L X a = v X' D X a, where D holds the sums of the weights W of
    the neighbours' graph, exp(-d^2 / mean of d^2), and L = D - W.

    Args:
        points: (R, D), centred and of full rank.
        dimensions: At most this many.
    """
    graph = kneighbors_graph(points, min(NEIGHBOURS, len(points) - 1), mode="distance")
    squares = csr_array(graph) ** 2
    squares.data = np.exp(-squares.data / max(float(squares.data.mean()), 1e-12))
    weights = squares.maximum(squares.T)  # neighbours if either is one of the other
    sums = weights.sum(axis=1)  # (R,)
    size = points.shape[1]
    scatter = points.T @ (points * sums[:, None])  # (D, D)
    local = scatter - points.T @ (weights @ points)
    return eigh(local, scatter, subset_by_index=[0, min(dimensions, size) - 1])[1]  # type: ignore[no-any-return]
