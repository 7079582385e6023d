"""How templates are compared: by their cosine, or as the recogniser itself compares them.

Either score can be normalised, see :mod:`~restore_recog.evaluation.scores.normalisation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Compare, Recognizer
from restore_recog.evaluation.scores.normalisation import LIMIT as NORMALISED
from restore_recog.evaluation.scores.normalisation import ScoreNorm
from restore_recog.types import Templates


def cosines(references: Templates, probes: Templates) -> NDArray[np.floating]:
    """Return the (R, P) cosines of (R, D) and (P, D) unit-length templates."""
    return references @ probes.T


def comparison(
    recognizer: Recognizer,
    gallery: Templates,
    subjects: NDArray[np.str_],
    parts: int = 1,
    norm: ScoreNorm | None = None,
) -> Compare:
    """Return how a recogniser compares templates with those of a gallery.

    Args:
        recognizer: Enrols the gallery; where it brings no comparison of its own and scores are
            not normalised, :func:`cosines` is returned.
        gallery: (R, D) unit-length templates, NaN rows for failed ones.
        subjects: (R,) whose they are.
        parts: How many templates of the recogniser stand side by side in a row, each
            1/sqrt(parts) long; the score of such a row is the mean of the scores of its parts.
        norm: How scores are normalised, each part's by itself; None where they are not.
    """
    from restore_recog.api import answers  # here: showing a report must not import torch

    known = ~np.isnan(gallery).any(axis=1)
    pieces = _split(gallery[known], parts)
    enrolled = [answers.enrolled(recognizer, piece, subjects[known]) for piece in pieces]
    by_cosine = all(getattr(one, "__func__", None) is Recognizer.compare for one in enrolled)
    return cosines if by_cosine and norm is None else _Own(recognizer.name, enrolled, norm)


def limit_of(compare: Compare) -> int:
    """Return the largest size of a score of a comparison."""
    return NORMALISED if isinstance(compare, _Own) and compare.norm is not None else 1


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """A recogniser's own comparison, or one that is normalised; what it answers is checked."""

    name: str
    enrolled: Sequence[Compare]
    norm: ScoreNorm | None = None

    def __call__(self, references: Templates, probes: Templates) -> NDArray[np.floating]:
        """Return (R, P) scores, the mean over the parts."""
        parts = len(self.enrolled)
        rows = zip(_split(references, parts), _split(probes, parts), strict=True)
        scores = [
            self._scored(compare, *pair) for compare, pair in zip(self.enrolled, rows, strict=True)
        ]
        return np.mean(scores, axis=0)  # type: ignore[no-any-return]

    def _scored(
        self, compare: Compare, references: Templates, probes: Templates
    ) -> NDArray[np.floating]:
        from restore_recog.api import answers

        def checked(references: Templates, probes: Templates) -> Templates:
            return answers.compared(self.name, compare, references, probes)

        if self.norm is None:
            return checked(references, probes)
        return self.norm.scores(checked, references, probes)


def _split(rows: Templates, parts: int) -> list[Templates]:
    """Return the (N, D) templates that stand side by side in (N, parts D) rows, of unit length."""
    if parts == 1:
        return [rows]
    pieces = np.split(rows, parts, axis=1)
    lengths = [np.linalg.norm(piece, axis=1, keepdims=True) for piece in pieces]  # (N, 1)
    return [p / np.maximum(n, 1e-12) for p, n in zip(pieces, lengths, strict=True)]
