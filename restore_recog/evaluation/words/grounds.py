"""What a verdict is based on: rates that say whether a recogniser does better, and their tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.fixed_threshold import TOO_FEW
from restore_recog.evaluation.figures.pairs import UNBALANCED
from restore_recog.evaluation.results import ArmReport, EvaluationReport, Test
from restore_recog.labels import KINDS

ALPHA = 0.05
"""A direction is named only where the corrected p-value is lower."""

CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Ground:
    """One rate that a verdict is based on.

    Attributes:
        rate, gain: Figures of the arm: the rate, and its difference against the occluded probes.
        over: What the kind of a difference against another arm begins with.
        words: What the rate is called.
        sign: 1 where a higher rate is better, -1 for error rates.
    """

    rate: FigureName
    gain: FigureName
    over: str
    words: str
    sign: int = 1

    def against(self, arm: str) -> FigureName:
        """Return the figure that holds an arm against another than the occluded one."""
        return FigureName(f"{self.over}_{arm}").at(self.rate)


def _rate(kind: str, words: str) -> Ground:
    return Ground(FigureName(kind), FigureName(f"{kind}_gain"), f"{kind}_gain_over", words)


def _fixed(target: float) -> Ground:
    rate, gain = FigureName("fnmr_frozen", target), FigureName("fnmr_frozen_change", target)
    words = f"the FNMR at the threshold for an FMR of {target:g} on bare faces"
    return Ground(rate, gain, "fnmr_frozen_over", words, sign=-1)


def _found(far: float) -> Ground:
    rate, gain = FigureName("dir", far, "far"), FigureName("dir_gain", far, "far")
    words = f"the detection and identification rate at a FAR of {far:g}"
    return Ground(rate, gain, "dir_gain_over", words)


SUCCESSES = (
    *(_rate(kind, f"the share of faces whose {kind} it tells") for kind in KINDS),
    _rate("rank1", "rank-1"),
    _rate("accuracy", "the accuracy on pairs"),
    _found(0.01),
)
REFUSALS = (_fixed(0.001), _fixed(0.01))


def grounds(arm: ArmReport) -> list[Ground]:
    """Return what a verdict on an arm rests on: of either kind the first with sound figures."""
    offered = [[g for g in kind if _sound(arm, g)] for kind in (SUCCESSES, REFUSALS)]
    return [kind[0] for kind in offered if kind]


def _sound(arm: ArmReport, ground: Ground) -> bool:
    """Return whether an arm has a rate that supports a verdict."""
    if not {ground.rate, ground.gain} <= arm.figures.keys():
        return False
    rate = arm.figures[ground.rate]
    uneven = ground.rate == "accuracy" and rate.get("chance", 0.0) > UNBALANCED
    return rate.flag != TOO_FEW and not uneven


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests behind the sentences on one recogniser, with what correction made of their p.

    Attributes:
        corrected: (name of the arm, name of the figure) -> corrected p.
        groups: (name of the arm, group) -> corrected p of a difference in that group.
    """

    corrected: Mapping[tuple[str, str], float] = field(default_factory=dict)
    groups: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def direction(self, arm: ArmReport, name: str, sign: int = 1) -> int:
        """Return 1 where a difference is for the better, -1 for the worse, 0 where none can tell.

        Args:
            arm: The one that differs.
            name: The figure of its difference.
            sign: 1 where higher is better, -1 for error rates.
        """
        if not self.corrected.get((arm.name, name), math.nan) < ALPHA:
            return 0
        value = sign * arm.figures[name].value
        return (value > 0) - (value < 0)

    def words(self, arm: ArmReport, name: str) -> str:
        """Return the interval and the p-values of a difference in points."""
        return f"{interval_text(arm.figures[name])}; {self.p_words(arm, name)}"

    def p_words(self, arm: ArmReport, name: str) -> str:
        """Return both p-values of a difference."""
        p = arm.figures[name].get("p_sign_flip", math.nan)
        return p_words(p, self.corrected.get((arm.name, name), math.nan))

    def of(self, arm: ArmReport) -> list[Test]:
        """Return the tests of one arm, for the record."""
        return [
            Test(arm.name, name, arm.figures[name]["p_sign_flip"], corrected)
            for (owner, name), corrected in self.corrected.items()
            if owner == arm.name
        ]


def told(report: EvaluationReport) -> frozenset[tuple[str, str, str]]:
    """Return (arm, figure, group) of every difference whose direction a report may name."""
    tests = [test for verdict in report.verdicts for test in verdict.tests]
    return frozenset((t.arm, t.figure, t.group) for t in tests if t.p_corrected < ALPHA)


def p_words(p: float, corrected: float) -> str:
    """Return a p-value of the sign-flip test, and what correction made of it."""
    if math.isnan(p):
        return "not tested"
    return f"sign-flip test: p = {p:.2g}, corrected {corrected:.2g}"


def points(figure: Figure) -> str:
    """Return a difference in points, with its sign."""
    return f"{100 * figure.value:+.1f} points"


def interval_text(figure: Figure, scale: float = 100) -> str:
    """Return the interval of a difference in words, times *scale* (100 for points)."""
    if math.isnan(figure.low):
        return "no interval: one subject only"
    return f"95 % interval {scale * figure.low:+.1f} to {scale * figure.high:+.1f}"
