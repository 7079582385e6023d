"""The rows of a leaderboard, out of the reports of finished runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from restore_recog.evaluation.arms import Clean
from restore_recog.evaluation.figure import FigureName
from restore_recog.evaluation.results import ArmReport, EvaluationReport, Verdict
from restore_recog.evaluation.words.grounds import ALPHA, Ground, grounds
from restore_recog.evaluation.words.judging import Case, judge
from restore_recog.evaluation.words.quality import region
from restore_recog.reporting.columns import floor_of
from restore_recog.restoring.cost import Cost
from restore_recog.segmenters.names import margin


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One finished report and where it stands.

    Attributes:
        protocol, recognizer: What they are called.
        page: Of the report, from the leaderboard's folder; empty where there is none to link.
        costs: Restorer, as it is called with one segmenter -> what it costs.
    """

    protocol: str
    recognizer: str
    report: EvaluationReport
    page: str = ""
    costs: Mapping[str, Cost] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One restorer with one segmenter, for one recogniser under one protocol.

    Attributes:
        segmenter: What found the coverings; empty where it reads no masks.
        arm: What was measured; its main rate is that of *base*.
        floor, bare: The arms of occluded and of bare faces, where there are such.
        base: What is asked first: rank-1, accuracy on pairs, a label; None of image quality.
        p_corrected: Of the gain in it, corrected with all tests of the leaderboard; NaN without.
        harmed: Groups of probes that it harms, by a corrected test.
        groups: How many groups were tested.
    """

    run: Run
    restorer: str
    segmenter: str
    arm: ArmReport
    floor: ArmReport | None
    bare: ArmReport | None
    base: Ground | None
    p_corrected: float
    harmed: Sequence[str]
    groups: int
    verdict: Verdict

    @property
    def cost(self) -> Cost | None:
        """Return what the restorer costs, where it was measured."""
        return self.run.costs.get(self.restorer)

    @property
    def gain(self) -> FigureName:
        """Return the figure of what is gained first of all."""
        return FigureName(f"{self.rate}_gain") if self.base is None else self.base.gain

    @property
    def rate(self) -> FigureName:
        """Return the figure that the gain is of."""
        return FigureName(region(self.arm) or "psnr") if self.base is None else self.base.rate

    @property
    def frozen(self) -> FigureName | None:
        """Return the change of FNMR at the strictest threshold that the data supports, if any."""
        bases = [base for base in grounds(self.arm) if base.rate.kind == "fnmr_frozen"]
        return bases[0].gain if bases else None


@dataclass(frozen=True, slots=True, eq=False)
class Leaderboard:
    """All rows, and what must be said beside them.

    Attributes:
        rows: Best gain first within each protocol and recogniser.
        family: Which tests were corrected together, in words.
        labels: What a reader must know first, of all runs.
        left_out: A sentence for each restorer that could not take part.
    """

    rows: Sequence[Row]
    family: str
    labels: Sequence[str]
    left_out: Sequence[str] = ()


def leaderboard(runs: Sequence[Run], left_out: Sequence[str] = ()) -> Leaderboard:
    """Return the rows of all runs; the tests behind all of them are corrected together.

    Args:
        runs: In the order of display.
        left_out: A sentence for each restorer that could not take part.
    """
    judgement = judge([Case.of(run.report) for run in runs])
    rows = [
        row
        for run, verdicts in zip(runs, judgement.verdicts, strict=True)
        for row in sorted(_rows(run, verdicts), key=_order)
    ]
    labels = dict.fromkeys(label for run in runs for label in run.report.labels)
    return Leaderboard(rows, judgement.family, list(labels), left_out)


def _rows(run: Run, verdicts: Sequence[Verdict]) -> Iterator[Row]:
    arms = {arm.name: arm for arm in run.report.arms}
    bare = next((arm for arm in run.report.arms if arm.arm == Clean.name), None)
    asks_quality = run.report.setup.get("asks") == "quality"
    for verdict in verdicts:
        arm = arms[verdict.arm]
        base = None if asks_quality else next(iter(grounds(arm)), None)
        restorer, segmenter = _names(run.report, arm)
        harmed, groups = _harmed(run.report, verdict, base)
        yield Row(
            run,
            restorer,
            segmenter,
            arm,
            floor_of(run.report.arms),
            bare,
            base,
            _p(verdict, base),
            harmed,
            groups,
            verdict,
        )


def _order(row: Row) -> float:
    """Return what is least for the row that stands first: what it gained, turned round."""
    figure = row.arm.figures.get(row.gain)
    value = -math.inf if figure is None or math.isnan(figure.value) else figure.value
    return -value * (1 if row.base is None else row.base.sign)


def _names(report: EvaluationReport, arm: ArmReport) -> tuple[str, str]:
    """Return what a restorer of a run is called by itself, and what found its masks."""
    name, setup = arm.restorer or "", report.setup
    if name in setup.get("each_segmenter", {}):
        alone, segmenter = setup["each_segmenter"][name]
        return str(alone), str(segmenter)
    used = (setup.get("detectors") or {}).get(name)
    return name, str(used or (setup.get("segmenter") if _reads_true(setup) else ""))


def _reads_true(setup: Mapping[str, Any]) -> bool:
    """Return whether the restorers of a run were given true masks."""
    chosen = setup.get("segmenter")
    return isinstance(chosen, str) and margin(chosen) is not None


def _p(verdict: Verdict, base: Ground | None) -> float:
    tests = [t for t in verdict.tests if t.arm == verdict.arm and not t.group]
    wanted = [t for t in tests if base is None or t.figure == base.gain]
    return wanted[0].p_corrected if wanted else math.nan


def _harmed(
    report: EvaluationReport, verdict: Verdict, base: Ground | None
) -> tuple[list[str], int]:
    """Return the groups that are harmed, and how many were tested."""
    if base is None:
        return [], 0
    gains = {group.title: group.arms.get(verdict.arm, {}) for group in report.cohorts}
    tested = [t for t in verdict.tests if t.group and t.arm == verdict.arm]
    harmed = [
        t.group
        for t in tested
        if t.p_corrected < ALPHA and base.sign * gains[t.group][base.gain].value < 0
    ]
    return harmed, len(tested)
