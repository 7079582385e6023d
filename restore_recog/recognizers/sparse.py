"""``src[:PENALTY]``: sparse representation by the enrolled images and by single pixels.

A probe y is written as A x + e: x a sparse mixture of the gallery's images, e what covers some of
its pixels. The person whose share of the mixture leaves the least of y - e unexplained is the
answer.

Source: Wright, Yang, Ganesh, Sastry, Ma, "Robust Face Recognition via Sparse Representation",
IEEE TPAMI 31(2), 2009, sections 2.2 and 3.2. Row "SR" of FMODR's table 5, which says nothing of
its settings.

Deviation: the l1 norm is a penalty (scikit-learn's Lasso), not a constraint.
Deviation: grey crops of 24 x 24 less their mean, of length 1. With the mean left in, as in the
paper, all images are so alike that fewer are recognised (23 % against 35 % of 60 rendered probes).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.linear_model import Lasso
from torch import Tensor, inference_mode

from restore_recog.api import Compare, Recognizer
from restore_recog.errors import DataError, PluginError
from restore_recog.recognizers.learning import check_gallery, flattened, grey, refuse_weights
from restore_recog.types import Templates

PENALTY = 0.01
"""Of the sum of sizes of x and e, beside half the squared error of a probe of length 1."""

SIDE = 24

SAME = 1e-6
"""Cosines this close to 1 are of the same image."""


class SparseRepresentation(Recognizer):
    """Sparse representation by the gallery, with a dictionary of single pixels for the covering.

    Args:
        argument: Penalty on the sizes of the coefficients; None for 0.01.
        weights: Refused: there is no file.
        device: Where the grey crops are computed.

    Raises:
        PluginError: The argument is no such number.
        WeightsError: A file was given.
    """

    name = "src"
    image_size = (SIDE, SIDE)

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        refuse_weights(self.name, weights)
        super().__init__(argument, device=device)
        self.penalty = PENALTY if argument is None else _penalty(argument)
        self.settings = {"penalty": self.penalty}
        self.notes = (
            "The recogniser 'src' takes the gallery as its dictionary, for each arm its own.",
        )

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, 576) centred grey values of length 1 of (N, 3, 24, 24) images in [0, 1]."""
        with inference_mode():
            return F.normalize(flattened(grey(images)))

    def enrol(self, gallery: Templates, subjects: NDArray[np.str_]) -> Compare:
        """Return the comparison with the people in a gallery.

        Raises:
            DataError: The gallery has too few images.
        """
        check_gallery(self.name, gallery)
        return Dictionary(gallery, subjects, self.penalty)


class Dictionary:
    """The images of a gallery and one for each pixel, and how probes are written by them.

    Args:
        gallery: (R, D) images of length 1.
        subjects: (R,) whose they are.
        penalty: As :data:`PENALTY`.
    """

    def __init__(self, gallery: Templates, subjects: NDArray[np.str_], penalty: float) -> None:
        self.gallery, self.penalty = gallery, penalty
        self.names, self.owners = np.unique(subjects, return_inverse=True)
        self.atoms = np.concatenate([gallery, np.eye(gallery.shape[1])])  # (R + D, D)
        self.products = self.atoms @ self.atoms.T
        # A probe is asked about in searches, in pairs and at fixed thresholds.
        self._known: dict[bytes, NDArray[np.float32]] = {}

    def __call__(self, references: Templates, probes: Templates) -> NDArray[np.floating]:
        """Return (R', P) shares of each probe that the persons of enrolled references explain.

        Raises:
            DataError: A reference is not enrolled.
        """
        nearest = references @ self.gallery.T  # (R', R)
        if len(references) and nearest.max(axis=1).min() < 1 - SAME:
            raise DataError(
                "The recogniser 'src' tells enrolled people apart, and was asked about a "
                "reference that is not enrolled; take a protocol that searches a gallery, with "
                "--enrolment max, and of --score-norm only z."
            )
        people = self.owners[nearest.argmax(axis=1)]  # (R',)
        table = [self._remembered(probe)[people] for probe in probes]
        return np.reshape(table, (len(probes), len(references))).T

    def _remembered(self, probe: NDArray[np.float64]) -> NDArray[np.float32]:
        key = probe.tobytes()
        if key not in self._known:
            self._known[key] = self.explained(probe).astype(np.float32)
        return self._known[key]

    def explained(self, probe: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (S,) how much of a probe each person explains: by what they shorten y - e.

        For one probe this orders people as the paper's residuals do. The residuals themselves
        would be small for everybody where the pixels take nearly all of a probe.
        A probe that is itself enrolled is written by the other images: none explains itself.
        """
        rest = ~(self.gallery == probe).all(axis=1)
        keep = np.concatenate([rest, np.ones(len(probe), dtype=bool)])
        atoms, products, owners = self.atoms, self.products, self.owners
        if not rest.all():
            atoms, products = atoms[keep], products[np.ix_(keep, keep)]
            owners = owners[rest]
        solver = Lasso(
            self.penalty / probe.size, fit_intercept=False, precompute=products, max_iter=10_000
        )  # scikit-learn divides the squared error by D, and so the penalty
        code = solver.fit(atoms.T, probe).coef_  # (R + D,)
        mixture, covering = np.split(code, [len(owners)])
        bare = probe - covering
        explained, whole = np.zeros(len(self.names)), np.linalg.norm(bare)
        for person in np.unique(owners[mixture != 0]):
            mine = owners == person
            left = bare - mixture[mine] @ atoms[: len(owners)][mine]
            explained[person] = whole - np.linalg.norm(left)
        return np.clip(explained, -1, 1)


def _penalty(argument: str) -> float:
    try:
        value = float(argument)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise PluginError(
            f"'src:{argument}' is no recogniser: what follows the colon is the penalty on the "
            f"coefficients, above 0 and below 1, e.g. 'src:{PENALTY}'."
        )
    return value
