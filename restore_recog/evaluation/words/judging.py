"""All verdicts of one report, of several recognisers or of several runs, corrected together.

Whoever asks about ten restorers, or the same one ten times, is told of a difference by chance
alone far more often than in one case of twenty. So the tests behind everything that is said at
once are one family, corrected by Holm's method. A remark (the mean face, drift, fusion) weighs a
tenth of a test that a verdict rests on, so that remarks cost verdicts little; harm to groups is
a family of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from restore_recog.evaluation.arms import ARMS, Fill, Occluded
from restore_recog.evaluation.results import ArmReport, Cohort, EvaluationReport, Verdict
from restore_recog.evaluation.words import quality, remarks
from restore_recog.evaluation.words.grounds import ALPHA, Tests, grounds
from restore_recog.evaluation.words.verdict import verdict
from restore_recog.metrics.multiplicity import holm

REMARK = 0.1
"""Weight of a remark's test where a verdict's weighs 1."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: the restorers of one run by one recogniser.

    Attributes:
        recognizer: The name of the recogniser, or of the classifier where one is asked.
        where: What the probes were, to follow that name in a sentence.
        quality: Whether the images are judged, and not what a recogniser makes of them.
    """

    arms: Sequence[ArmReport]
    cohorts: Sequence[Cohort]
    recognizer: str
    where: str
    quality: bool

    @classmethod
    def of(cls, report: EvaluationReport) -> Case:
        """Return what a report measured."""
        setup = report.setup
        where = " on synthetic coverings" if setup.get("coverings") is not None else ""
        if any(data.get("rendered") for data in setup.get("data", ())):
            where = " on rendered phantom faces"
        name = setup.get("recognizer", {}).get("name", "the recogniser")
        name = setup.get("told_by", {}).get("name", name)
        return cls(report.arms, report.cohorts, name, where, setup.get("asks") == "quality")

    @property
    def answering(self) -> list[ArmReport]:
        """Return the arms that a verdict is made of."""
        return [arm for arm in self.arms if ARMS[arm.arm].answers]

    def fusing(self, alone: ArmReport) -> list[ArmReport]:
        """Return the arms that fuse what an arm restored."""
        return [a for a in self.arms if ARMS[a.arm].fuses and a.restorer == alone.restorer]

    def claims(self) -> Iterator[tuple[ArmReport, str, float]]:
        """Yield (arm, figure, weight) of every test that a sentence rests on."""
        for arm in self.answering:
            if self.quality:
                metric = quality.region(arm)
                yield arm, f"{metric}_gain", 1.0
                yield arm, f"{metric}_gain_over_{Fill.name}", REMARK
                continue
            bases = grounds(arm)
            yield from ((arm, base.gain, 1.0) for base in bases)
            yield from ((arm, figure.name, REMARK) for figure in remarks.drifts(arm))
            for base in bases[:1]:
                yield arm, base.against(Fill.name), REMARK
                for fused in self.fusing(arm):
                    yield fused, base.gain, REMARK
                    yield fused, base.against(arm.arm), REMARK

    def group_claims(self) -> Iterator[tuple[ArmReport, str, float]]:
        """Yield (arm, group, p) of every test of harm to a group."""
        for arm in [] if self.quality else self.answering:
            for base in grounds(arm)[:1]:
                for name, gain in remarks.group_gains(arm, base, self.cohorts).items():
                    yield arm, name, gain["p_sign_flip"]

    def verdicts(self, tests: Tests) -> tuple[Verdict, ...]:
        """Return one verdict per restorer."""
        floor = next(arm for arm in self.arms if arm.arm == Occluded.name)
        if self.quality:
            told = self.answering
            return tuple(quality.quality_verdict(a, floor, self.where, tests) for a in told)
        sides = floor, self.recognizer, self.where
        return tuple(
            verdict(arm, *sides, cohorts=self.cohorts, fused=self.fusing(arm), tests=tests)
            for arm in self.answering
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts on several cases.

    Attributes:
        verdicts: Of each case, one per restorer.
        family: Which tests were corrected together, in words; empty where there is none.
    """

    verdicts: tuple[tuple[Verdict, ...], ...]
    family: str


def judge(cases: Sequence[Case]) -> Judgement:
    """Return the verdicts on everything that is said at once."""
    claims = [
        ((i, arm.name, name), arm.figures[name]["p_sign_flip"], weight)
        for i, case in enumerate(cases)
        for arm, name, weight in case.claims()
        if name in arm.figures and "p_sign_flip" in arm.figures[name]
    ]
    groups = [
        ((i, arm.name, name), p)
        for i, case in enumerate(cases)
        for arm, name, p in case.group_claims()
    ]
    told = holm([p for _, p, _ in claims], [weight for *_, weight in claims])
    harmed = holm([p for _, p in groups])
    corrected = dict(zip([key for key, *_ in claims], told.tolist(), strict=True))
    by_group = dict(zip([key for key, _ in groups], harmed.tolist(), strict=True))
    tests = [Tests(_of(corrected, i), _of(by_group, i)) for i in range(len(cases))]
    verdicts = tuple(case.verdicts(mine) for case, mine in zip(cases, tests, strict=True))
    counts = [sum(weight == heavy for *_, weight in claims) for heavy in (1.0, REMARK)]
    return Judgement(verdicts, _family(counts, len(groups), cases))


def _of(known: Mapping[tuple[int, str, str], float], case: int) -> dict[tuple[str, str], float]:
    """Return the p-values of one case."""
    return {(arm, name): p for (i, arm, name), p in known.items() if i == case}


def _family(counts: Sequence[int], groups: int, cases: Sequence[Case]) -> str:
    """Return which tests are corrected together."""
    main, beside = counts
    if not main:
        return ""
    restorers = sum(len(case.answering) for case in cases)
    words = (
        f"Corrected together by Holm's method: {_counted(main, 'test')} behind "
        f"{_counted(restorers, 'verdict')}"
    )
    if beside:
        words += f" and {_counted(beside, 'test')} behind the remarks, at a tenth of the weight"
    words += f". A direction is named only where the corrected p is below {ALPHA:g}."
    if groups:
        words += f" Harm to groups is corrected on its own, over {_counted(groups, 'test')}."
    return words


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
