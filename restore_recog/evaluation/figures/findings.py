"""All arms of one evaluation side by side: scores, shared thresholds, figures, groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from restore_recog.evaluation.arms import Clean, Occluded
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.figure import Figure, collected
from restore_recog.evaluation.figures import (
    classes,
    fixed_threshold,
    groups,
    open_trials,
    paired,
    pairs,
    single,
)
from restore_recog.evaluation.figures.fixed_threshold import Calibration
from restore_recog.evaluation.figures.group_gaps import spreads
from restore_recog.evaluation.figures.group_labels import Labels
from restore_recog.evaluation.figures.groups import series
from restore_recog.evaluation.figures.single import arm_figures
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.results import ArmReport, Cohort, Spread
from restore_recog.evaluation.scores.comparison import comparison
from restore_recog.evaluation.scores.design import Design, Measured
from restore_recog.evaluation.scores.labelled import Decisions, Labelled, truth
from restore_recog.evaluation.scores.open_trials import OpenSet, TrialScores
from restore_recog.evaluation.scores.search import AcceptedCounts
from restore_recog.metrics.identification import cmc
from restore_recog.metrics.view2 import View2
from restore_recog.types import Mask, Vector

if TYPE_CHECKING:
    from restore_recog.evaluation.run.probes import ArmRun
    from restore_recog.evaluation.run.session import Session

GROUP_FMR = (1e-3, 1e-2)
"""FMR at which groups are compared: the first that the calibration supports."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What every arm scored.

    Attributes:
        measured: By the arm's name, in order of display.
        calibration: The fixed thresholds, or None where there is nothing to fix them on.
        counted: Arm -> its impostor comparisons at the fixed thresholds.
        views: Arm -> its decisions on pairs in folds; empty without folds.
        trials: Arm -> its scores in the trials of an open set.
        bases: Arm -> the arm it is compared with, where there is one.
        limited: Whether the number of probes was limited.
        asks_quality: Whether the plan is about image quality and compares no two people.
    """

    design: Design
    specs: Mapping[str, ArmSpec]
    measured: Mapping[str, Measured]
    calibration: Calibration | None
    counted: Mapping[str, AcceptedCounts]
    views: Mapping[str, View2]
    trials: Mapping[str, Sequence[TrialScores]]
    bases: Mapping[str, str]
    seed: int
    limited: bool = False
    asks_quality: bool = False

    @classmethod
    def of(cls, session: Session, runs: Mapping[str, ArmRun]) -> Findings:
        """Score every arm, and fix the thresholds on the clean one."""
        design = session.design.enrolled_by(session.request.enrolment, session.weights())
        specs = {spec.name: spec for spec in session.specs}
        measured = {
            name: measure(session, design, spec, runs[name]) for name, spec in specs.items()
        }
        samples = session.source.samples
        bare = np.array([samples[i].condition == "clean" for i in design.columns], dtype=bool)
        calibration = None
        if not session.asks_quality:
            sides = measured.get(Clean.name), measured[Occluded.name]
            calibration = fixed_threshold.calibrate(design, *sides, bare)
        counted, views, trials = {}, {}, OpenSet(design)
        for name, arm in measured.items():
            if calibration is not None:
                counted[name] = fixed_threshold.impostors(design, calibration, arm)
            view = pairs.accuracy(design, arm.scores.trials)
            if view is not None:
                views[name] = view
        bases = {
            name: spec.arm.base if spec.arm.base in specs else Occluded.name
            for name, spec in specs.items()
            if spec.arm.base
        }
        return cls(
            design,
            specs,
            measured,
            calibration,
            counted,
            views,
            {name: trials.scores(arm) for name, arm in measured.items()},
            bases,
            session.request.seed,
            limited=session.request.limit is not None,
            asks_quality=session.asks_quality,
        )

    @property
    def mated(self) -> Mask:
        """Return (P,) whether the gallery holds the subject of each probe."""
        return self.measured[Occluded.name].scores.mated

    def arm(self, name: str, run: ArmRun) -> ArmReport:
        """Return the report of one arm."""
        design, mine = self.design, self.measured[name]
        scores = mine.scores
        figures = arm_figures(mine, design, self.seed)
        figures |= collected(*single.failure_rates(design, scores, mine.references, self.seed))
        figures |= collected(*single.generalised(design, scores.trials, figures))
        figures |= collected(*self._further(name), *self._gains(name))
        searched = scores.search is not None and scores.mated.any()
        curve = cmc(scores.ranks, scores.ranks.n_subjects).tolist() if searched else ()
        missed = scores.ranks.missed if searched else scores.failed
        return ArmReport(
            name=name,
            arm=self.specs[name].arm.name,
            restorer=self.specs[name].restorer,
            figures=figures,
            cmc=tuple(curve),
            fallbacks=sum(run.fallbacks.values()),
            misses=int(missed.sum()),
        )

    def _further(self, name: str) -> Iterator[Figure | None]:
        """Yield the figures of an arm that need more than its scores."""
        mine, design, seed = self.measured[name], self.design, self.seed
        yield single.open_set(design, mine.scores, seed)
        if self.calibration is not None:
            counted = self.counted[name]
            yield from fixed_threshold.rates_at_fixed(
                design, self.calibration, mine.scores, counted, seed
            )
        if name in self.views:
            yield pairs.accuracy_figure(self.views[name], design, limited=self.limited)
        yield from open_trials.figures(self.trials[name], design.people, seed)
        if mine.labelled is not None:
            yield from classes.figures(mine.labelled, design.people, seed)
        for decisions in mine.decisions.values():
            yield from classes.decided(decisions, design.people, seed)
        if self.asks_quality or mine.features is not None:
            yield from paired.of_sets(mine, self.measured.get(Clean.name))

    def _gains(self, name: str) -> Iterator[Figure]:
        """Yield the paired figures of an arm: against its base and the arm beside it."""
        base, arm = self.bases.get(name), self.specs[name].arm
        if base is None:
            return
        for figure in collected(*self._against_base(name, base)).values():
            yield figure.with_details(against=base)
        beside = self.specs[name].sibling(arm.beside).name if arm.beside else ""
        if beside in self.measured:
            for figure in collected(*self._over(name, beside)).values():
                yield figure.with_details(against=beside)

    def _against_base(self, name: str, base: str) -> Iterator[Figure | None]:
        arm, mine, theirs = self.specs[name].arm, self.measured[name], self.measured[base]
        people, seed = self.design.people, self.seed
        ceiling = None
        if arm.covered and Clean.name in self.measured:
            ceiling = self.measured[Clean.name].scores
        yield from paired.gains(mine.scores, theirs.scores, ceiling, people, seed)
        if arm.restores:
            yield paired.quality_vs_recognition(mine, theirs, people, seed)
            yield from paired.quality_gains(mine, theirs, people, seed)
        if self.calibration is not None:
            counted = self.counted[name], self.counted[base]
            yield from fixed_threshold.fmr_changes(*counted, seed)
            yield from fixed_threshold.fnmr_changes(
                self.design, self.calibration, mine.scores, theirs.scores, seed
            )
        if name in self.views:
            yield self._accuracy_gain("accuracy_gain", name, base)
        yield from open_trials.gains("gain", self.trials[name], self.trials[base], people, seed)
        yield classes.gain(mine.labelled, theirs.labelled, people, seed)

    def _over(self, name: str, beside: str) -> Iterator[Figure | None]:
        """Yield what an arm gained over the one beside it, named ``over_`` and that arm."""
        mine, other, over = self.measured[name], self.measured[beside], self.specs[beside].arm.name
        people, seed = self.design.people, self.seed
        yield paired.rank1_gain(f"rank1_gain_over_{over}", mine.scores, other.scores, people, seed)
        yield from paired.quality_gains(mine, other, people, seed, f"gain_over_{over}")
        if self.calibration is not None and mine.scores.search is None:
            scores = mine.scores, other.scores
            yield from fixed_threshold.fnmr_changes(
                self.design, self.calibration, *scores, seed, f"fnmr_frozen_over_{over}"
            )
        if name in self.views:
            yield self._accuracy_gain(f"accuracy_gain_over_{over}", name, beside)
        trials = self.trials[name], self.trials[beside]
        yield from open_trials.gains(f"gain_over_{over}", *trials, people, seed)
        yield classes.gain(mine.labelled, other.labelled, people, seed, f"gain_over_{over}")

    def _accuracy_gain(self, figure: str, name: str, other: str) -> Figure:
        units = pairs.flipped_together(self.design, self.measured[name], self.measured[other])
        views = self.views[name], self.views[other]
        return pairs.accuracy_gain(figure, *views, self.design, units, self.seed)

    @cached_property
    def group_target(self) -> float | None:
        """Return the FMR at whose fixed threshold groups are compared, or None."""
        if self.calibration is None:
            return None
        supported = [t for t in GROUP_FMR if self.calibration.budgets[t]]
        return supported[0] if supported else GROUP_FMR[-1]

    def by_group(
        self, labels: Labels, min_subjects: int
    ) -> tuple[tuple[Cohort, ...], tuple[Spread, ...]]:
        """Return the figures by group of every label, and how much the groups differ."""
        target, threshold = self.group_target, None
        if self.calibration is not None and target is not None:
            threshold = (target, self.calibration.thresholds[target])
        arms = list(self.measured.values())
        columns = series(arms, self.bases, self.views, self.design, threshold)
        grouping = groups.Grouping(
            columns, self.design.people, self._of_group, self.seed, min_subjects
        )
        parts = [grouping.breakdown(name, values) for name, values in labels.items()]
        cohorts = tuple(cohort for part in parts for cohort in part.cohorts)
        return cohorts, tuple(spread for part in parts for spread in spreads(part))

    def _of_group(self, name: str, mask: Mask) -> Iterator[Figure | None]:
        """Yield the FMR of some probes, what the restorer went by, and how alike images are."""
        mine, target = self.measured[name], self.group_target
        if self.calibration is not None and target is not None:
            counted = fixed_threshold.impostors(self.design, self.calibration, mine, mask)
            yield fixed_threshold.fmr_figure(counted, target, self.seed)
        people = self.design.people
        for decisions in mine.decisions.values():
            yield from classes.decided(decisions, people, self.seed, mask)
        if mine.labelled is not None:
            yield from classes.calibration(mine.labelled, people, self.seed, mask)
        if self.asks_quality or mine.labelled is not None:
            clean = self.measured.get(Clean.name)
            yield from classes.likeness(mine, clean, mask, people, self.seed)

    def right(self, name: str) -> Vector:
        """Return (P,) whether each probe is right in an arm: 1, 0, or NaN where not compared.

        Where a classifier is asked, in what it tells. In a search, at rank 1. With pairs only, in
        all listed pairs of the probe: in View 2, or without folds at the fixed threshold.
        """
        scores, design = self.measured[name].scores, self.design
        labelled = self.measured[name].labelled
        if labelled is not None:
            return labelled.right.astype(float)
        if scores.search is not None:
            return scores.hit()
        if name in self.views:
            wrong = ~self.views[name].correct
        elif self.calibration is not None and self.group_target is not None:
            threshold = self.calibration.thresholds[self.group_target]
            wrong = (scores.trials >= threshold) != design.genuine
        else:
            return np.full(len(design.plan.probes), np.nan)
        rows = design.pair_rows[:, 0]
        asked = np.bincount(rows, minlength=len(design.plan.probes))
        errors = np.bincount(rows[wrong], minlength=len(design.plan.probes))
        return np.where(asked > 0, errors == 0, np.nan)


def measure(session: Session, design: Design, spec: ArmSpec, run: ArmRun) -> Measured:
    """Score one arm of a run."""
    references = session.references(spec)
    parts = len(spec.parts) if spec.arm.side_by_side else 1
    enrolled, norm = design.enrolled(references), session.norm(spec)
    compare = comparison(session.request.recognizer, *enrolled, parts=parts, norm=norm)
    samples = [session.source.samples[image_id] for image_id in design.plan.probes]
    labelled = None
    if kind := "" if spec.arm.fuses else design.plan.label:
        labelled = Labelled(kind, truth(kind, samples), run.told, run.confidence, run.seen)
    return Measured(
        name=spec.name,
        probes=run.templates,
        references=references,
        scores=design.score(run.templates, references, compare),
        compare=compare,
        qualities=[run.qualities.get(image_id, ImageQuality()) for image_id in design.plan.probes],
        features=run.features,
        labelled=labelled,
        vgg=run.vgg,
        decisions={k: Decisions(k, truth(k, samples), taken) for k, taken in run.went_by.items()},
    )
