"""From templates to scores: who is compared with whom, and what each arm scored.

A comparison without a template scores -inf: it is never accepted, a miss at every rank,
and counted in every denominator (usnistgov/frvt#133). Means of cosines cannot include -inf;
they leave it out and their n says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Compare, Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.scores.comparison import cosines
from restore_recog.evaluation.scores.cosine_table import (
    Comparisons,
    CosineTable,
    averaged,
    cosine_table,
    genuine_comparisons,
    pair_scores,
    row_means,
    without,
)
from restore_recog.evaluation.scores.labelled import Decisions, Labelled
from restore_recog.evaluation.scores.plan_checks import check_pairs, check_search, check_trials
from restore_recog.evaluation.scores.search import BLOCK, SearchResult, search
from restore_recog.metrics.identification import Ranks, hits
from restore_recog.types import Mask, Templates, Vector


@dataclass(frozen=True, slots=True, eq=False)
class ArmScores:
    """One arm, probe by probe; P probes in the plan's order, T trials.

    Attributes:
        failed: (P,) whether the probe has no template.
        search: Result of the search of the gallery, or None where there is none.
        cosine: (P,) to the subject's one random clean image; NaN without both templates.
            With pairs only: mean cosine of the probe's genuine pairs.
        impostor: (P,) mean cosine to those images of all other subjects; NaN likewise.
        table: The whole cosine table, or None where the plan has no such images.
        genuine: All genuine comparisons of probes with references; with pairs only, those listed.
        trials: (T,) scores, -inf where a template is missing.
        trial_cosines: (T,) cosines of the trials: the scores themselves, where the recogniser
            compares by cosine.
    """

    failed: Mask
    search: SearchResult | None
    cosine: Vector
    impostor: Vector
    table: CosineTable | None
    genuine: Comparisons
    trials: Vector
    trial_cosines: Vector

    @property
    def by_cosine(self) -> bool:
        """Return whether the scores are cosines."""
        return self.trial_cosines is self.trials

    @property
    def margin(self) -> Vector:
        """Return (P,) the cosine less the best score against others; NaN where that is none."""
        return self.cosine - (self.best_impostor if self.by_cosine else np.nan)

    @property
    def mated(self) -> Mask:
        """Return (P,) whether the probe was searched and its subject is in the gallery."""
        none = np.zeros(self.failed.size, dtype=bool)
        return none if self.search is None else self.search.mated

    @property
    def ranks(self) -> Ranks:
        """Return the ranks of the mated probes, in order.

        Raises:
            DataError: The plan has pairs only.
        """
        if self.search is None:
            raise DataError("The protocol has pairs only, so there are no ranks.")
        return self.search.ranks

    def rank(self) -> NDArray[np.int64]:
        """Return (P,) pessimistic ranks, 0 for probes whose subject is not in the gallery."""
        ranks = np.zeros(self.failed.size, dtype=np.int64)
        if self.search is not None:
            ranks[self.mated] = self.ranks.pessimistic
        return ranks

    def hit(self, k: int = 1) -> Vector:
        """Return (P,) 1 where found at rank k or better, 0 where not, NaN where not mated."""
        right = np.full(self.failed.size, np.nan)
        if self.search is not None:
            right[self.mated] = hits(self.ranks, k)
        return right

    @property
    def best_impostor(self) -> Vector:
        """Return (P,) the best score against another subject; NaN where there is none."""
        if self.search is None:
            return np.full(self.failed.size, np.nan)
        best: Vector = np.where(np.isfinite(self.search.best_other), self.search.best_other, np.nan)
        return best


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One arm after its run: templates and what they scored.

    Attributes:
        name: Of the arm in the report.
        probes: (P, D) templates in the plan's order.
        references: (R, D) templates of the design's columns.
        qualities: One per probe; all NaN where it was not measured.
        features: (P, F) float32 for FID, NaN rows where there are none; None without a network.
        compare: How its templates are compared.
        labelled: What a classifier sees in its images, where the plan asks for it and it has any.
        vgg: (P, 512) of VGG-19, likewise.
        decisions: Kind of label -> what the restorer went by, where it went by any.
    """

    name: str
    probes: Templates
    references: Templates
    scores: ArmScores
    qualities: Sequence[ImageQuality]
    features: NDArray[np.float32] | None = None
    compare: Compare = cosines
    labelled: Labelled | None = None
    vgg: NDArray[np.float32] | None = None
    decisions: Mapping[str, Decisions] = field(default_factory=dict)

    def quality(self, name: str) -> Vector:
        """Return (P,) one metric of the images' quality; NaN where it was not measured."""
        return np.array([getattr(quality, name) for quality in self.qualities], dtype=float)


@dataclass(frozen=True, eq=False)
class Design:
    """Who is compared with whom, as indices.

    Attributes:
        probe_subjects: (P,) in the plan's order.
        columns: image_ids of the gallery, followed by those of cosine references outside it.
        column_subjects: (R,) their subjects.
        enrolment: ``"max"``, ``"mean"`` or ``"quality"``, as in
            :class:`~restore_recog.evaluation.request.EvalRequest`.
        weights: (R,) of the columns' templates, for enrolment by quality.
        block: See :data:`~restore_recog.evaluation.scores.search.BLOCK`.
    """

    plan: Plan
    probe_subjects: NDArray[np.str_]
    columns: tuple[str, ...]
    column_subjects: NDArray[np.str_]
    enrolment: str = "max"
    block: int = BLOCK
    weights: Vector | None = None

    @classmethod
    def of(cls, plan: Plan, subjects: Mapping[str, str]) -> Design:
        """Return the design of a plan; *subjects* maps every image_id to its subject.

        Raises:
            DataError: An image would be searched in itself, no probe has a reference of its
                subject, a pair or trial has an image that is not in the plan, or there is neither
                a search nor a pair.
        """
        inside = set(plan.references)
        extra = sorted(set(plan.cosine_references.values()) - inside)
        columns = (*plan.references, *extra)
        if plan.identification:
            check_search(plan, subjects)
        check_pairs(plan, set(columns))
        check_trials(plan)
        return cls(
            plan,
            np.array([subjects[i] for i in plan.probes]),
            columns,
            np.array([subjects[i] for i in columns]),
        )

    def enrolled_by(self, enrolment: str, weights: Vector | None = None) -> Design:
        """Return the design with another kind of enrolment.

        Raises:
            DataError: There is no such kind.
        """
        if enrolment not in ("max", "mean", "quality"):
            raise DataError(f"The enrolment is 'max', 'mean' or 'quality', not '{enrolment}'.")
        return replace(self, enrolment=enrolment, weights=weights)

    @cached_property
    def people(self) -> NDArray[np.intp]:
        """Return (P,) numbers for the probes' subjects."""
        return np.unique(self.probe_subjects, return_inverse=True)[1]

    @cached_property
    def pair_rows(self) -> NDArray[np.intp]:
        """Return (T, 2) the row of each trial's probe and the column of its reference."""
        place = {image_id: i for i, image_id in enumerate(self.columns)}
        row = {image_id: i for i, image_id in enumerate(self.plan.probes)}
        pairs = [(row[t.probe_id], place[t.reference_id]) for t in self.plan.pairs]
        return np.array(pairs, dtype=np.intp).reshape(-1, 2)

    @cached_property
    def genuine(self) -> Mask:
        """Return (T,) whether each trial is genuine."""
        return np.array([trial.genuine for trial in self.plan.pairs], dtype=bool)

    def trial_subjects(self) -> NDArray[np.str_]:
        """Return (T, 2) the subjects of each trial's reference and probe."""
        rows, columns = self.pair_rows.T
        return np.stack([self.column_subjects[columns], self.probe_subjects[rows]], axis=1)

    def gallery(self, references: Templates) -> tuple[Templates, NDArray[np.str_]]:
        """Return the enrolled templates and their subjects, averaged where that is asked for.

        With pairs only nobody is enrolled: references are never averaged.
        """
        size = len(self.plan.references)
        if self.plan.identification:
            return self.pooled(references[:size], np.arange(size))
        return references[:size], self.column_subjects[:size]

    def pooled(
        self, templates: Templates, columns: NDArray[np.intp]
    ) -> tuple[Templates, NDArray[np.str_]]:
        """Return the templates of some columns as they are enrolled, and their subjects.

        Args:
            templates: (n, D) of these columns.
            columns: (n,) which they are.
        """
        subjects = self.column_subjects[columns]
        if self.enrolment == "max":
            return templates, subjects
        weights = self.weights if self.enrolment == "quality" else None
        return averaged(templates, subjects, None if weights is None else weights[columns])

    def enrolled(self, references: Templates) -> tuple[Templates, NDArray[np.str_]]:
        """Return what a recogniser may learn from: the gallery, or references that are no probes.

        With pairs only an image may be on both sides.
        """
        gallery, owners = self.gallery(references)
        if self.plan.identification:
            return gallery, owners
        probes = set(self.plan.probes)
        seen = np.array([image_id not in probes for image_id in self.plan.references], dtype=bool)
        return gallery[seen], owners[seen]

    def score(
        self, probes: Templates, references: Templates, compare: Compare = cosines
    ) -> ArmScores:
        """Return the comparisons of one arm.

        Args:
            probes: (P, D) unit-length templates, NaN rows for failed ones.
            references: (R, D) the same for the columns.
            compare: Of (R', D) references and (P', D) probes gives their (R', P') scores.
        """
        rows, columns = self.pair_rows.T
        cosine = trials = pair_scores(probes, rows, references, columns)
        if compare is not cosines:
            trials = pair_scores(probes, rows, references, columns, compare=compare)
        result, table = None, None
        if self.plan.identification:
            gallery, owners = self.gallery(references)
            sides = probes, gallery, self.probe_subjects, owners
            result = search(*sides, compare=compare, block=self.block, streams=True)
            genuine = genuine_comparisons(*sides, compare=compare)
        else:
            genuine = Comparisons(trials[self.genuine], rows[self.genuine])
        if chosen := self.plan.cosine_references:
            place = {image_id: i for i, image_id in enumerate(self.columns)}
            images = references[[place[image_id] for image_id in chosen.values()]]
            table = cosine_table(probes, self.probe_subjects, images, np.array(list(chosen)))
            own, others = table.own, table.others
        else:
            own = row_means(cosine, rows, self.genuine, len(probes))
            others = row_means(cosine, rows, ~self.genuine, len(probes))
        return ArmScores(without(probes), result, own, others, table, genuine, trials, cosine)
