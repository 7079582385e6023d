"""Our figures beside a paper's, and an honest word on each.

Nothing here calls a run a reproduction by itself: a cell is *reproduced* only where the
paper's number lies within our 95 % interval (its rounding allowed for) and nothing that is
known of data, size and weights makes the two different things.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.published.origin import MeasuredRun
from restore_recog.published.presets import Preset
from restore_recog.published.row_recognizers import wanting
from restore_recog.published.tables import METRICS, Metric, PaperRow, PaperTable, Printed
from restore_recog.reporting.columns import floor_and_answers

REPRODUCED = "reproduced within the interval"
NOT_COMPARABLE = "not comparable"
NOT_HERE = "not here"
NOT_MEASURED = "not measured"
UNMEASURED = " is not measured: "
"""Stands in the notes of a report that say why a figure is missing."""
NOT_PRINTED = "the paper prints no number"


@dataclass(frozen=True, slots=True)
class Ours:
    """One figure of ours in the paper's unit; no interval is NaN."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    flag: str = ""


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """One number of the paper, ours, and what to make of the two.

    Attributes:
        metric: Key of :data:`~.tables.METRICS`.
        verdict: One of this module's words, or ``lower``/``higher`` than the paper.
    """

    metric: str
    paper: Printed | None
    ours: Ours | None
    verdict: str


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row of the table.

    Attributes:
        published: False for rows of ours that the paper does not have.
        obstacles: Why ours cannot reproduce this row, whatever the figures are.
    """

    label: str
    cells: tuple[ComparedCell, ...]
    published: bool = True
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableComparison:
    """A whole table, ours beside the paper's.

    Attributes:
        obstacles: Why the whole run cannot reproduce the table.
        cautions: What differs but does not forbid the comparison.
        weights: One sentence per restorer.
        gains: What restoring gains, ours beside the paper's difference of two rows.
    """

    table: PaperTable
    rows: tuple[ComparedRow, ...]
    obstacles: tuple[str, ...]
    cautions: tuple[str, ...]
    weights: tuple[str, ...]
    gains: tuple[ComparedRow, ...] = field(default=())

    def reasons(self) -> tuple[str, ...]:
        """Return everything that keeps the figures from being a reproduction, each once."""
        everything = (*self.rows, *self.gains)
        mine = (reason for row in everything if row.published for reason in row.obstacles)
        return tuple(dict.fromkeys((*self.obstacles, *mine)))

    def verdict(self) -> str:
        """Return one sentence for the whole table."""
        everything = (*self.rows, *self.gains)
        words = [c.verdict for row in everything for c in row.cells if c.paper and c.ours]
        compared = [word for word in words if word != NOT_COMPARABLE]
        parts = [f"{compared.count(word)} {word}" for word in sorted(set(compared))]
        if self.reasons():
            parts.append(f"not a reproduction, because {'; '.join(self.reasons())}")
        if not parts:
            parts = ["no figure of the paper's has one of ours beside it"]
        return f"{self.table.name}: {'; '.join(parts)}."


def compare(
    table: PaperTable,
    preset: Preset,
    report: EvaluationReport,
    run: MeasuredRun,
    others: Mapping[str, EvaluationReport] | None = None,
) -> TableComparison:
    """Set a report's figures beside a table; *others* are those of rows' own recognisers."""
    return _Comparer(table, preset, report, run, others or {}).comparison()


def _ours(arm: ArmReport, key: str, ending: str = "") -> Ours | None:
    """Return an arm's figure in the paper's unit, or None where it was not measured.

    Args:
        arm: Of the report.
        key: Of :data:`~.tables.METRICS`.
        ending: Behind the figure's name, ``_gain`` for its paired difference.
    """
    metric = METRICS[key]
    figure = arm.figures.get(f"{metric.figure}{ending}")
    if figure is None:
        return None
    if not math.isfinite(figure.value):
        return None
    value, low, high = (metric.factor * end for end in (figure.value, figure.low, figure.high))
    return Ours(value, low, high, figure.n, figure.flag)


def assess(
    metric: Metric, paper: Printed | None, ours: Ours | None, *, comparable: bool, halves: int = 1
) -> str:
    """Return the word on one cell.

    Args:
        metric: Says whether higher or lower is better.
        paper: As printed.
        ours: In the paper's unit.
        comparable: Whether nothing forbids the comparison.
        halves: How many rounded numbers the paper's is made of.
    """
    if ours is None:
        return NOT_MEASURED
    if paper is None:
        return NOT_PRINTED
    if not comparable:
        return NOT_COMPARABLE
    room = paper.rounding * halves * (1 + 1e-9)
    low = ours.value if math.isnan(ours.low) else ours.low
    high = ours.value if math.isnan(ours.high) else ours.high
    if low - room <= paper.number <= high + room:
        return REPRODUCED
    way = "higher" if ours.value > paper.number else "lower"
    return f"{way} than the paper ({'better' if way == metric.better else 'worse'})"


@dataclass(frozen=True, slots=True)
class _Comparer:
    """A paper's table and a finished run."""

    table: PaperTable
    preset: Preset
    report: EvaluationReport
    run: MeasuredRun
    others: Mapping[str, EvaluationReport]

    def comparison(self) -> TableComparison:
        """Return the table with ours beside the paper's."""
        rows = self.table.rows
        taken = {row.restorer for row in rows} | {row.arm for row in rows}
        extra = [
            self._extra(arm)
            for arm in floor_and_answers(self.report.arms)
            if (arm.restorer or arm.arm) not in taken
        ]
        return TableComparison(
            table=self.table,
            rows=(*map(self._row, rows), *extra),
            obstacles=self._obstacles(),
            cautions=tuple(self._cautions()),
            weights=tuple(origin.sentence() for origin in self.run.origins.values()),
            gains=tuple(self._gains()),
        )

    def _row(self, row: PaperRow) -> ComparedRow:
        arm = self._arm(row)
        if arm is None:
            cells = [ComparedCell(key, value, None, NOT_HERE) for key, value in row.values.items()]
            return ComparedRow(row.label, tuple(cells))
        obstacles = self._weights_obstacles(arm)
        cells = [
            self._cell(key, value, _ours(arm, key), obstacles) for key, value in row.values.items()
        ]
        return ComparedRow(row.label, tuple(cells), True, obstacles)

    def _cell(
        self,
        key: str,
        paper: Printed | None,
        ours: Ours | None,
        obstacles: tuple[str, ...],
        *,
        halves: int = 1,
    ) -> ComparedCell:
        comparable = not (obstacles or self._obstacles())
        word = assess(METRICS[key], paper, ours, comparable=comparable, halves=halves)
        return ComparedCell(key, paper, ours, word)

    def _arm(self, row: PaperRow) -> ArmReport | None:
        """Return the arm that belongs in a row: of that restorer, with weights of that kind."""
        report = self.report if row.recognizer is None else self.others.get(row.recognizer)
        for arm in report.arms if report else ():
            if row.arm is not None and arm.name == row.arm:
                return arm
            if row.restorer is None or not ARMS[arm.arm].answers or arm.restorer is None:
                continue
            origin = self.run.origins.get(arm.restorer)
            options = {} if origin is None else origin.options
            named = arm.restorer.partition("-")[0] == row.restorer
            if named and all(options.get(key) == value for key, value in row.options.items()):
                return arm
        return None

    def _extra(self, arm: ArmReport) -> ComparedRow:
        """Return a row of ours that the paper does not have."""
        label = "covered, nothing done" if arm.restorer is None else arm.restorer
        cells = [self._cell(key, None, _ours(arm, key), ()) for key in self.table.metrics]
        return ComparedRow(label, tuple(cells), False)

    def _gains(self) -> Iterator[ComparedRow]:
        """Yield what restoring gains: the difference of two rows that rest on one recogniser."""
        gain = self.table.gain
        if gain is None:
            return
        rows = {row.label: row for row in self.table.rows}
        after = rows[gain.after]
        first, second = rows[gain.before].values[gain.metric], after.values[gain.metric]
        arm = self._arm(after)
        if first is None or second is None or arm is None:
            return
        digits = max(first.digits, second.digits)
        paper = Printed(f"{second.number - first.number:+.{digits}f}")
        obstacles = self._weights_obstacles(arm)
        cell = self._cell(gain.metric, paper, _ours(arm, gain.metric, "_gain"), obstacles, halves=2)
        yield ComparedRow(f"gain: {gain.after} over {gain.before}", (cell,), True, obstacles)

    def _weights_obstacles(self, arm: ArmReport) -> tuple[str, ...]:
        origin = self.run.origins.get(arm.restorer or "")
        return () if origin is None else origin.obstacles(self.preset.data)

    def _obstacles(self) -> tuple[str, ...]:
        """Return why the whole run cannot reproduce the table."""
        setup, preset, reasons = self.report.setup, self.preset, []
        if self.run.rendered:
            reasons.append("these are rendered phantom faces, a rehearsal of the machinery")
        elif not set(self.run.data) <= {preset.data}:
            reasons.append(f"measured on {' and '.join(self.run.data)}, the paper on {preset.data}")
        if setup.get("crop_size") != preset.size:
            reasons.append(
                f"crops of {setup.get('crop_size')} pixels, the paper's have {preset.size}"
            )
        if (segmenter := setup.get("segmenter", "own")) != "own":
            reasons.append(f"the masks are those of '{segmenter}', the paper finds its own")
        if any(METRICS[key].recognition for key in self.table.metrics):
            reasons.append(f"the recogniser '{self.run.recognizer}' is not the paper's")
        if self.others:
            reasons.append("the paper does not tell the settings of its other recognisers")
        return tuple(reasons)

    def _cautions(self) -> Iterator[str]:
        """Yield what differs but does not forbid the comparison."""
        setup, preset = self.report.setup, self.preset
        yield from (wanting(role) for role in self.table.recognizers if role not in self.others)
        count = setup.get("images", {}).get("probes")
        if count is not None and count != preset.images:
            fid = " (FID depends on how many)" if "fid" in self.table.metrics else ""
            yield f"{count:,} test images, the paper has {preset.images:,}{fid}"
        own_crops = setup.get("crop_template") is None
        if own_crops and preset.template is not None:
            yield (
                "this project's own crops, in which the face is larger than in the paper's; "
                "whole-image figures are worse for it"
            )
        if any(origin.file is not None for origin in self.run.origins.values()):
            yield f"the paper trained on {preset.trained_on}"
            if not own_crops:
                yield (
                    "trainings of this project see larger faces than the paper's crops show; "
                    "--crop own measures the weights there"
                )
        heads = tuple(f"{METRICS[key].label}{UNMEASURED}" for key in self.table.metrics)
        yield from (n.rstrip(".") for n in self.report.notes if n.startswith(heads))
