"""What an arm scores in the trials of an open set: who is found, and which pairs are accepted.

In each trial its probes are searched in its gallery, and each image of its test set, the gallery
and the probes together, is compared as a probe with every other one as a reference. Nobody is
compared with the very photograph that was restored, covered or bare.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import OpenSetTrial
from restore_recog.evaluation.scores.cosine_table import genuine_pairs, pair_scores
from restore_recog.evaluation.scores.design import Design, Measured
from restore_recog.evaluation.scores.search import search
from restore_recog.metrics.open_set import OpenSetPoint, fnir_at_fpir
from restore_recog.metrics.verification import largest_count
from restore_recog.types import Mask

FARS = (1e-2, 1e-3)
"""False alarm rates at which people are to be found, by the strangers of the trial."""

PAIRS_FAR = 1e-3
"""False accept rate at which pairs are to be accepted, by the test set's pairs of two people."""

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Which of the genuine searches or pairs of a trial were answered rightly.

    Attributes:
        right: (G,) whether found, or accepted.
        rows: (G,) the probe of each, as a row of the design.
        threshold: The one that was set.
        budget: False alarms that it allows.
        n_impostor: Searches or pairs that it was set on.
    """

    right: Mask
    rows: Rows
    threshold: float
    budget: int
    n_impostor: int


@dataclass(frozen=True, slots=True, eq=False)
class TrialScores:
    """One arm in one trial.

    Attributes:
        found: False alarm rate -> who of the gallery's people is found at rank 1.
        accepted: Which of the test set's genuine pairs are accepted; None without both kinds.
    """

    found: Mapping[float, Outcomes]
    accepted: Outcomes | None


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Indices of the images of a plan's trials."""

    design: Design

    @cached_property
    def _images(self) -> tuple[Rows, Rows]:
        """Return numbers of the images, (P,) of the probes and (R,) of the columns."""
        number: dict[str, int] = {}
        sides = self.design.plan.probes, self.design.columns
        probes, columns = (
            np.array([number.setdefault(i, len(number)) for i in side], dtype=np.intp)
            for side in sides
        )
        return probes, columns

    @cached_property
    def _places(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the row of every probe and the column of every reference."""
        sides = self.design.plan.probes, self.design.columns
        row, column = ({image_id: i for i, image_id in enumerate(side)} for side in sides)
        return row, column

    def scores(self, arm: Measured) -> tuple[TrialScores, ...]:
        """Return what an arm scores in every trial that has both mates and strangers."""
        trials = (self._trial(trial, arm) for trial in self.design.plan.open_set)
        return tuple(trial for trial in trials if trial is not None)

    def _trial(self, trial: OpenSetTrial, arm: Measured) -> TrialScores | None:
        row, column = self._places
        rows = np.array([row[i] for i in trial.probes], dtype=np.intp)
        gallery = np.array([column[i] for i in trial.gallery], dtype=np.intp)
        owners = self.design.column_subjects[gallery]
        mated = np.isin(self.design.probe_subjects[rows], owners)
        if mated.all() or not mated.any():
            return None
        result = search(
            arm.probes[rows],
            arm.references[gallery],
            self.design.probe_subjects[rows],
            owners,
            compare=arm.compare,
            block=self.design.block,
        )
        own, ranks = result.own[mated], result.ranks.pessimistic
        strangers, found = result.best_other[~mated], {}
        for far in FARS:
            point = fnir_at_fpir(own, ranks, strangers, far)
            right = (own >= point.threshold) & (ranks == 1)
            found[far] = Outcomes(right, rows[mated], *_facts(point), strangers.size)
        return TrialScores(found, self._pairs({*trial.gallery, *trial.probes}, arm))

    def _pairs(self, test: Set[str], arm: Measured) -> Outcomes | None:
        """Return which genuine pairs of a test set are accepted; None without both kinds."""
        rows, columns = (
            np.array(sorted(place[i] for i in test & place.keys()), dtype=np.intp)
            for place in self._places
        )
        people = self.design.probe_subjects[rows], self.design.column_subjects[columns]
        impostor = search(
            arm.probes[rows],
            arm.references[columns],
            *people,
            compare=arm.compare,
            block=self.design.block,
            streams=True,
        ).impostor
        first, second = genuine_pairs(*people)
        first, second = rows[first], columns[second]
        probes, references = self._images
        other = probes[first] != references[second]
        if not other.any() or not impostor.count:
            return None
        first, second = first[other], second[other]
        scores = pair_scores(arm.probes, first, arm.references, second, compare=arm.compare)
        threshold, _ = impostor.threshold_at(PAIRS_FAR)
        budget = largest_count(PAIRS_FAR, impostor.count)
        return Outcomes(scores >= threshold, first, threshold, budget, impostor.count)


def _facts(point: OpenSetPoint) -> tuple[float, int]:
    return point.threshold, point.false_alarm_budget
