"""The results of an evaluation; :mod:`restore_recog.reporting.folder` writes and reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import Figure, FigureName, Figures, facts_of
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.metrics.verification import DetCurve
from restore_recog.types import Failure, Trial


@dataclass(frozen=True, slots=True)
class Test:
    """One test behind a verdict.

    Attributes:
        arm, figure: Names of the arm and of its figure: a paired difference.
        p: Of the sign-flip test over people.
        p_corrected: After correction for everything that was said at once.
        group: Whose people were tested (``gender = female``); empty for everybody.
    """

    arm: str
    figure: str
    p: float
    p_corrected: float
    group: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures say of one restorer; every page and table shows this and no other.

    Attributes:
        arm: Name of the restored arm.
        answer: ``helps``, ``hurts`` or ``cannot tell``; for image quality ``helps the image``
            and ``hurts the image``.
        sentence: The answer with its numbers, and what a reader must know with them.
        tests: What the answer and the remarks in the sentence rest on.
    """

    arm: str
    answer: str
    sentence: str
    tests: tuple[Test, ...] = ()

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class ArmReport:
    """The figures of one arm.

    Attributes:
        name: Unique in the report: the arm, with the restorer's name where one is used.
        arm: ``clean``, ``occluded``, ``restored``, ...
        restorer: Whose images these are, or None.
        figures: By name; one that cannot be measured (no clean counterpart, no true mask) is
            absent.
        cmc: Rank-k rates for k = 1, 2, ... up to the subjects in the gallery.
        fallbacks: Probes that the restorer failed on and that were used unrestored.
        misses: Probes without a template: misses at every rank, counted in every denominator.
    """

    name: str
    arm: str
    restorer: str | None
    figures: Figures
    cmc: tuple[float, ...] = ()
    fallbacks: int = 0
    misses: int = 0

    def facts(self) -> dict[str, Any]:
        """Return the arm as report.json holds it."""
        return {**asdict(replace(self, figures={})), "figures": facts_of(self.figures)}


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One probe in one arm; unknown numbers are NaN.

    Attributes:
        rank: Pessimistic rank of the probe's own subject, 1 = first; 0 where nobody is searched
            or they are not in the gallery.
        cosine: To the subject's one random clean image; NaN without a template.
        covering: Kind of the synthetic covering, or the condition in the data.
        fallback: The restorer failed and the image was used unrestored.
        quality: Compared with the clean counterpart.
        best_impostor: Best score against another subject of the gallery; *cosine* less it is the
            margin.
    """

    arm: str
    probe_id: str
    subject: str
    covering: str
    rank: int
    cosine: float
    fallback: bool
    quality: ImageQuality = ImageQuality()
    best_impostor: float = math.nan


@dataclass(frozen=True, slots=True)
class SightRow:
    """What a classifier saw in the image of one probe in one arm.

    Attributes:
        true: The label of the probe, in words.
        told: What the classifier told; empty where there is no image.
        predicted: What the restorer went by; empty where by nothing.
        x, y: Where t-SNE puts the classifier's features; NaN where it was not asked.
        confidence: How likely the classifier took what it told to be; NaN where there is no
            image, and in folders of older versions.
    """

    arm: str
    probe_id: str
    true: str
    told: str
    predicted: str
    x: float = math.nan
    y: float = math.nan
    confidence: float = math.nan


@dataclass(frozen=True, slots=True)
class Cohort:
    """The figures of one group of probes, at thresholds that all groups share.

    Attributes:
        column, value: A label and its value, e.g. ``gender``, ``female``.
        n, n_subjects: Probes and people.
        arms: Arm name -> figure name -> figure, as in :class:`ArmReport`; empty where there
            are fewer people than the minimum.
    """

    column: str
    value: str
    n: int
    n_subjects: int
    arms: Mapping[str, Figures]

    @property
    def title(self) -> str:
        """Return what the group is called in sentences and tests."""
        return f"{self.column} = {self.value}"

    def facts(self) -> dict[str, Any]:
        """Return the group as report.json holds it."""
        arms = {name: facts_of(figures) for name, figures in self.arms.items()}
        return {**asdict(replace(self, arms={})), "arms": arms}


@dataclass(frozen=True, slots=True)
class Spread:
    """How much the groups of one label differ, in one figure of one arm.

    Attributes:
        figure: Its name.
        best, worst: Values of the label, e.g. ``male``.
        difference: Best less worst, with its p under permuted labels (``p_permutation``).
        ratio: Worst over best of error rates, best over worst of success rates; NaN for
            differences, and where it would divide by 0.
        other: Further measures over all groups (``fdr``, ``garbe``), where they exist.
    """

    column: str
    arm: str
    figure: FigureName
    best: str
    worst: str
    difference: Figure
    ratio: float
    other: Mapping[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return the spread as report.json holds it."""
        return {**asdict(self), "difference": self.difference.facts()}


@dataclass(frozen=True, slots=True)
class Harm:
    """What going by another gender than the true one does to some probes.

    Attributes:
        contrast: ``wrong``, ``decided`` or ``pooled``
            (:mod:`restore_recog.evaluation.figures.harm`).
        restorer: Its name in the run.
        arm, against: The two arms.
        column, value: A label and its value; ``everybody`` with no label.
        n, n_subjects: Probes and people.
        figures: Paired differences, *arm* less *against*, each with its p and the corrected one;
            ``moved`` is how far the template moves, in units of the distance between genuine and
            impostor cosines. Empty where there are fewer people than the minimum.
    """

    contrast: str
    restorer: str
    arm: str
    against: str
    column: str
    value: str
    n: int
    n_subjects: int
    figures: Figures

    def facts(self) -> dict[str, Any]:
        """Return it as report.json holds it."""
        return {**asdict(replace(self, figures={})), "figures": facts_of(self.figures)}


RESCUED, HARMED = "rescued", "harmed"
OUTCOMES: Mapping[tuple[bool, bool], str] = {
    (False, True): RESCUED,
    (True, False): HARMED,
    (True, True): "both right",
    (False, False): "both wrong",
}
"""Whether a probe was at rank 1, before and after -> what restoring did to it; as displayed."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One probe seen through several arms.

    Attributes:
        caption: What happened to it, e.g. ``rescued: rank 7 -> 1``.
        titles: Of the tiles.
        strip: (S, tiles * S, 3) uint8, the tiles side by side.
        about: The arm whose restoration the caption tells of; empty where it tells of none.
        outcome: What that did to the probe: one of those in :data:`OUTCOMES`, or empty where its
            subject has no reference.
    """

    probe_id: str
    caption: str
    titles: tuple[str, ...]
    strip: NDArray[np.uint8]
    about: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationReport:
    """Everything that an evaluation measured.

    Attributes:
        verdicts: One per restorer: helps, hurts or cannot tell.
        family: Which tests behind the verdicts were corrected together, in words.
        labels: What a reader must know first ("synthetic coverings", "phantom faces", ...).
        notes: Sentences about counts, proportions and choices made.
        arms: In order of display.
        setup: Protocol, data, recogniser, seed, counts, provenance; plain JSON values.
        timing: Stage -> {"images", "ms_median", "ms_p95", "images_per_s"} and
            ``ms_per_image``, the mean.
        trials: The verification comparisons.
        scores: Arm name -> (T,) float64 of the trials, -inf where a template is missing.
        sights: What a classifier saw, where the protocol asks one.
        harms: What wrong decisions of a restorer do, where its arms were run.
        curves: Arm name -> DET curve over all comparisons of probes with references; empty
            where the protocol has pairs only.
        cohorts, spreads: The figures by group of probes, and how much the groups differ.
        protocol: File name -> text of the CSV files that say who was compared with whom.
    """

    verdicts: tuple[Verdict, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    arms: tuple[ArmReport, ...]
    setup: Mapping[str, Any]
    timing: Mapping[str, Mapping[str, float]]
    trials: tuple[Trial, ...]
    scores: Mapping[str, NDArray[np.float64]]
    probes: tuple[ProbeRow, ...]
    failures: tuple[Failure, ...]
    examples: tuple[Example, ...] = ()
    cohorts: tuple[Cohort, ...] = ()
    spreads: tuple[Spread, ...] = ()
    protocol: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, DetCurve] = field(default_factory=dict)
    sights: tuple[SightRow, ...] = ()
    harms: tuple[Harm, ...] = ()
    family: str = ""

    def rows(self) -> dict[str, dict[str, ProbeRow]]:
        """Return arm name -> probe_id -> row."""
        rows: dict[str, dict[str, ProbeRow]] = {}
        for row in self.probes:
            rows.setdefault(row.arm, {})[row.probe_id] = row
        return rows
