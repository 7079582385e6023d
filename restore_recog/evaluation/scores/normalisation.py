"""Score normalisation with a cohort: how far a score stands out from those with strangers.

Some references are like everybody and some probes are (a covering makes them so): their scores
are high with impostors too, and one threshold does not suit them all. The cohort is a set of
people who are neither enrolled nor searched. With s(r, p) the score of a reference r and a probe
p, and m and d the mean and the standard deviation (n - 1) of scores with the cohort:

=========  ==========================================================================
``z``      (s(r, p) - m(r)) / d(r), of the reference with the cohort as probes; *zero
           normalisation* (Li and Porter, "Normalizations and selection of speech
           segments for speaker recognition scoring", ICASSP 1988)
``t``      (s(r, p) - m(p)) / d(p), of the probe with the cohort as references; *test
           normalisation* (Auckenthaler, Carey and Lloyd-Thomas, "Score normalization
           for text-independent speaker verification systems", Digital Signal
           Processing 10, 2000)
``s``      the mean of the two; *symmetric normalisation* (Kenny, "Bayesian speaker
           verification with heavy-tailed priors", Odyssey 2010)
=========  ==========================================================================

Scores are then in standard deviations of the cohort, and no longer in [-1, 1].

The cohort's faces are bare in every arm, as references are. So what a covering or a restorer does
to the scores of a probe is corrected for by ``t`` and ``s``, and not by ``z``, whose numbers are
those of the reference alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Compare
from restore_recog.types import Templates

KINDS = ("z", "t", "s")

LEAST_SPREAD = 2.0**-7
"""A smaller standard deviation counts as this one, so that a template which scores the same with
everybody has no boundless scores."""

LIMIT = 256
"""Largest size of a normalised score: scores in [-1, 1] differ by 2 at most."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreNorm:
    """How scores are normalised.

    Attributes:
        kind: One of :data:`KINDS`.
        cohort: (C, D) unit-length templates of the cohort, none missing, one a person.
    """

    kind: str
    cohort: Templates

    def scores(
        self, compare: Compare, references: Templates, probes: Templates
    ) -> NDArray[np.floating]:
        """Return normalised scores.

        The numbers of a template follow from itself and the cohort, so that scores may be asked
        for block by block.

        Args:
            compare: Of (R, D) references and (P, D) probes gives their (R, P) scores in [-1, 1].
            references: (R, D).
            probes: (P, D).

        Returns:
            (R, P) scores, at most :data:`LIMIT` in size.
        """
        scores = compare(references, probes)  # (R, P)
        parts = []
        if self.kind != "t":
            parts.append(_standardised(scores, compare(references, self.cohort), 1))  # (R, C)
        if self.kind != "z":
            parts.append(_standardised(scores, compare(self.cohort, probes), 0))  # (C, P)
        return np.mean(parts, axis=0)  # type: ignore[no-any-return]


def _standardised(
    scores: NDArray[np.floating], strangers: NDArray[np.floating], axis: int
) -> NDArray[np.floating]:
    """Return (R, P) scores in standard deviations from the mean of those with the cohort."""
    mean = strangers.mean(axis=axis, keepdims=True)  # (R, 1) or (1, P)
    spread = strangers.std(axis=axis, ddof=1, keepdims=True)
    return (scores - mean) / np.maximum(spread, LEAST_SPREAD)  # type: ignore[no-any-return]
