"""Recognisers that learn from the gallery of each run: what they have in common.

Their templates are plain features of one image, so that nothing of a gallery is in them; what is
learned from it, a subspace or a dictionary, is in the comparison that
:meth:`~restore_recog.api.Recognizer.enrol` returns. Probes are never learned from.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, inference_mode

from restore_recog.api import Compare, Recognizer
from restore_recog.errors import DataError, PluginError, WeightsError
from restore_recog.names import brief
from restore_recog.system.text import whole
from restore_recog.types import Templates

Project = Callable[[Templates], NDArray[np.float64]]

LEAST = 3
"""Images of a gallery that something can be learned from."""

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey value (ITU-R BT.601)."""


def grey(images: Tensor) -> Tensor:
    """Return (N, 1, H, W) grey values of (N, 3, H, W) RGB images, both in [0, 1]."""
    return (images * images.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def subspace(gallery: Templates, components: int | float) -> PCA:
    """Return the principal components of a gallery.

    Args:
        gallery: (R, D).
        components: At most this many, or below 1 the share of the variance that they explain.
    """
    most = min(len(gallery) - 1, gallery.shape[1])  # centred, R images span R - 1 directions
    wanted = components if components < 1 else min(int(components), most)
    solver = "full" if components < 1 else "auto"
    return PCA(wanted, svd_solver=solver, random_state=0).fit(gallery)


class SubspaceRecognizer(Recognizer):
    """Compares faces in a subspace that is learned from the gallery, by their cosine there.

    Args:
        argument: How many dimensions the subspace has at most; None for :attr:`components`.
        weights: Refused: there is no file.
        device: Where the features are computed.

    Raises:
        PluginError: The argument is no such number.
        WeightsError: A file was given.
    """

    components: ClassVar[int]
    """Dimensions of the subspace where nobody says how many."""

    image_size = (32, 32)

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        refuse_weights(self.name, weights)
        super().__init__(argument, device=device)
        self.dimensions = self.components if argument is None else _count(self.name, argument)
        self.settings = {"dimensions": self.dimensions}
        self.notes = (
            f"The recogniser '{self.name}' learns a subspace of at most {self.dimensions} "
            "dimensions from the gallery, for each arm from its own.",
        )

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, D) unit-length features of (N, 3, H, W) images in [0, 1]."""
        with inference_mode():
            return F.normalize(self.features(grey(images)))

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Return (N, D) features of (N, 1, H, W) grey images in [0, 1]."""

    @abstractmethod
    def learn(self, gallery: Templates) -> Project:
        """Return what takes (N, D) features into the subspace learned from (R, D) of them."""

    def enrol(self, gallery: Templates, subjects: NDArray[np.str_]) -> Compare:
        """Return the comparison in the subspace of a gallery.

        Raises:
            DataError: The gallery has too few images.
        """
        check_gallery(self.name, gallery)
        return _InSubspace(self.learn(gallery))


@dataclass(frozen=True, slots=True, eq=False)
class _InSubspace:
    """Cosines of projected templates."""

    project: Project

    def __call__(self, references: Templates, probes: Templates) -> NDArray[np.floating]:
        """Return (R, P) cosines in the subspace; 0 for what lies at its origin."""
        sides = [self.project(side) for side in (references, probes)]
        lengths = [np.linalg.norm(side, axis=1, keepdims=True) for side in sides]
        first, second = (s / np.maximum(n, 1e-12) for s, n in zip(sides, lengths, strict=True))
        return first @ second.T


def flattened(images: Tensor) -> Tensor:
    """Return (N, H W) pixels less their mean, so that brightness and contrast do not count."""
    pixels = images.flatten(1)
    return pixels - pixels.mean(1, keepdim=True)


def check_gallery(name: str, gallery: Templates) -> None:
    """Raise DataError where a gallery has too few images to learn from."""
    if len(gallery) < LEAST:
        raise DataError(
            f"The recogniser '{name}' learns from the gallery, and {len(gallery)} images in it are "
            f"too few: {LEAST} are the least. Take a protocol that enrols more, or another "
            "recogniser."
        )


def refuse_weights(name: str, weights: Path | None) -> None:
    """Raise WeightsError where a file is given to a recogniser that has none."""
    if weights is not None:
        raise WeightsError(
            f"The recogniser '{name}' has no weights: it learns from the gallery of each run. "
            "Leave --recognizer-weights out."
        )


def _count(name: str, argument: str) -> int:
    count = whole(argument)
    if not count:
        raise PluginError(
            f"'{name}:{brief(argument)}' is no recogniser: what follows the colon is the "
            f"largest number of dimensions, e.g. '{name}:100'."
        )
    return count
