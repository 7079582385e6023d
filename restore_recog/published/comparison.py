"""Our figures beside a paper's, and an honest word on each.

Nothing here calls a run a reproduction by itself: a cell is *reproduced* only where the
paper's number lies within our 95 % interval (its rounding allowed for) and nothing that is
known of data, size and weights makes the two different things.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from restore_recog.evaluation.results import ArmReport, Report
from restore_recog.published.metrics import METRICS, Metric
from restore_recog.published.origin import Origin
from restore_recog.published.presets import Preset
from restore_recog.published.tables import Row, Table, Value

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
class Cell:
    """One number of the paper, ours, and what to make of the two.

    Attributes:
        metric: Key of :data:`~.metrics.METRICS`.
        verdict: One of this module's words, or ``lower``/``higher`` than the paper.
    """

    metric: str
    paper: Value | None
    ours: Ours | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        published: False for lines of ours that the paper does not have.
        obstacles: Why ours cannot reproduce this line, whatever the figures are.
    """

    label: str
    cells: tuple[Cell, ...]
    published: bool = True
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run besides its report.

    Attributes:
        data: Names of the data sets; *rendered* where any of them is.
        origins: Restorer's name in the report -> where its weights come from.
    """

    data: tuple[str, ...]
    rendered: bool
    origins: Mapping[str, Origin]
    recognizer: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole table, ours beside the paper's.

    Attributes:
        obstacles: Why the whole run cannot reproduce the table.
        cautions: What differs but does not forbid the comparison.
        weights: One sentence a restorer.
        gains: What restoring gains, ours beside the paper's difference of two lines.
    """

    table: Table
    lines: tuple[Line, ...]
    obstacles: tuple[str, ...]
    cautions: tuple[str, ...]
    weights: tuple[str, ...]
    gains: tuple[Line, ...] = field(default=())

    def reasons(self) -> tuple[str, ...]:
        """Return everything that keeps the figures from being a reproduction, each once."""
        everything = (*self.lines, *self.gains)
        mine = (reason for line in everything if line.published for reason in line.obstacles)
        return tuple(dict.fromkeys((*self.obstacles, *mine)))

    def verdict(self) -> str:
        """Return one sentence for the whole table."""
        everything = (*self.lines, *self.gains)
        words = [c.verdict for line in everything for c in line.cells if c.paper and c.ours]
        judged = [word for word in words if word != NOT_COMPARABLE]
        found = [f"{judged.count(word)} {word}" for word in sorted(set(judged))]
        if self.reasons():
            found.append(f"not a reproduction, because {'; '.join(self.reasons())}")
        if not found:
            found = ["no figure of the paper's has one of ours beside it"]
        return f"{self.table.name}: {'; '.join(found)}."


def compare(table: Table, preset: Preset, report: Report, run: Run) -> Comparison:
    """Set a report's figures beside a table."""
    obstacles = _obstacles(table, preset, report, run)
    lines = [_line(table, preset, row, report, run, bool(obstacles)) for row in table.rows]
    taken = {row.restorer for row in table.rows} | {row.arm for row in table.rows}
    for arm in report.arms:
        if arm.arm in ("occluded", "restored") and (arm.restorer or arm.arm) not in taken:
            lines.append(_extra(table, arm))
    return Comparison(
        table=table,
        lines=tuple(lines),
        obstacles=obstacles,
        cautions=_cautions(table, preset, report, run),
        weights=tuple(origin.sentence() for origin in run.origins.values()),
        gains=_gains(table, preset, report, run, bool(obstacles)),
    )


def ours_of(metric: Metric, figures: Mapping[str, Mapping[str, Any]], name: str) -> Ours | None:
    """Return a figure in the paper's unit, or None where it was not measured."""
    figure = figures.get(name)

    def scaled(key: str) -> float:
        value = None if figure is None else figure.get(key)
        return math.nan if value is None else float(value) * metric.factor

    if figure is None or not math.isfinite(scaled("value")):
        return None

    count = figure.get("n")
    return Ours(
        scaled("value"),
        scaled("low"),
        scaled("high"),
        None if count is None else int(count),
        str(figure.get("flag") or ""),
    )


def judge(
    metric: Metric, paper: Value | None, ours: Ours | None, *, comparable: bool, halves: int = 1
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


def _line(table: Table, preset: Preset, row: Row, report: Report, run: Run, hindered: bool) -> Line:
    arm = _arm(row, report, run.origins)
    if arm is None:
        cells = (Cell(key, value, None, NOT_HERE) for key, value in row.values.items())
        return Line(row.label, tuple(cells))
    obstacles = _weights_obstacles(arm.restorer, preset, run)
    cells_found = []
    for key, value in row.values.items():
        metric = METRICS[key]
        ours = None if metric.figure is None else ours_of(metric, arm.figures, metric.figure)
        word = judge(metric, value, ours, comparable=not (hindered or obstacles))
        cells_found.append(Cell(key, value, ours, word))
    return Line(row.label, tuple(cells_found), True, obstacles)


def _arm(row: Row, report: Report, origins: Mapping[str, Origin]) -> ArmReport | None:
    """Return the arm that belongs into a line: of that restorer, with weights of that kind."""
    for arm in report.arms:
        if row.arm is not None and arm.name == row.arm:
            return arm
        if row.restorer is None or arm.arm != "restored" or arm.restorer is None:
            continue
        known = origins.get(arm.restorer)
        options = {} if known is None else known.options
        named = arm.restorer.partition("-")[0] == row.restorer
        if named and all(options.get(key) == value for key, value in row.options.items()):
            return arm
    return None


def _extra(table: Table, arm: ArmReport) -> Line:
    """Return a line of ours that the paper does not have."""
    label = "covered, nothing done" if arm.restorer is None else arm.restorer
    cells = []
    for key in table.metrics:
        metric = METRICS[key]
        ours = None if metric.figure is None else ours_of(metric, arm.figures, metric.figure)
        cells.append(Cell(key, None, ours, NOT_MEASURED if ours is None else NOT_PRINTED))
    return Line(label, tuple(cells), False)


def _gains(
    table: Table, preset: Preset, report: Report, run: Run, hindered: bool
) -> tuple[Line, ...]:
    """Return what restoring gains: the difference of two lines that both rest on one recogniser."""
    if table.gain is None:
        return ()
    rows = {row.label: row for row in table.rows}
    key = table.gain.metric
    before, after = rows[table.gain.before], rows[table.gain.after]
    first, second = before.values[key], after.values[key]
    arm = _arm(after, report, run.origins)
    if first is None or second is None or arm is None:
        return ()
    digits = max(len(value.text.partition(".")[2]) for value in (first, second))
    paper = Value(f"{second.number - first.number:+.{digits}f}")
    metric = METRICS[key]
    ours = ours_of(metric, arm.figures, f"{metric.figure}_gain")
    obstacles = _weights_obstacles(arm.restorer, preset, run)
    word = judge(metric, paper, ours, comparable=not (hindered or obstacles), halves=2)
    label = f"gain: {after.label} over {before.label}"
    return (Line(label, (Cell(key, paper, ours, word),), True, obstacles),)


def _weights_obstacles(restorer: str | None, preset: Preset, run: Run) -> tuple[str, ...]:
    known = run.origins.get(restorer or "")
    return () if known is None else known.obstacles(preset.data[0])


def _obstacles(table: Table, preset: Preset, report: Report, run: Run) -> tuple[str, ...]:
    found = []
    if run.rendered:
        found.append("these are rendered phantom faces, a rehearsal of the machinery")
    elif not set(run.data) <= set(preset.data):
        found.append(f"measured on {' and '.join(run.data)}, the paper on {preset.data[0]}")
    if report.setup.get("crop_size") != preset.size:
        found.append(
            f"crops of {report.setup.get('crop_size')} pixels, the paper's have {preset.size}"
        )
    segmenter = report.setup.get("segmenter", "own")
    if segmenter != "own":
        found.append(f"the masks are those of '{segmenter}', the paper finds its own")
    if any(METRICS[key].recognition for key in table.metrics):
        found.append(f"the recogniser '{run.recognizer}' is not the paper's")
    return tuple(found)


def _cautions(table: Table, preset: Preset, report: Report, run: Run) -> tuple[str, ...]:
    found = []
    images = report.setup.get("images", {})
    count = images.get("probes")
    if count is not None and count != preset.images:
        found.append(
            f"{count:,} test images, the paper has {preset.images:,}"
            + (" (FID depends on how many)" if "fid" in table.metrics else "")
        )
    if report.setup.get("crop_template") is None and preset.template is not None:
        found.append(
            "this project's own crops, in which the face is larger than in the paper's; whole-"
            "image figures are worse for it"
        )
    if any(origin.file is not None for origin in run.origins.values()):
        found.append(f"the paper trained on {preset.trained_on}")
        if report.setup.get("crop_template") is not None:
            found.append(
                "trainings of this project see larger faces than the paper's crops show; --crop "
                "own measures the weights there"
            )
    heads = tuple(f"{METRICS[key].label}{UNMEASURED}" for key in table.metrics)
    found += [note.rstrip(".") for note in report.notes if note.startswith(heads)]
    return tuple(found)
