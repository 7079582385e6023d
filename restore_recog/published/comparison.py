"""Our figures beside a paper's: which arm belongs in which row, and what forbids comparing them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.arm import Restored
from restore_recog.evaluation.figure import Figure, Figures
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.published.compared import (
    NOT_HERE,
    UNMEASURED,
    ComparedCell,
    ComparedRow,
    Ours,
    TableComparison,
    assess,
    ours,
)
from restore_recog.published.origin import MeasuredRun
from restore_recog.published.presets import Preset
from restore_recog.published.row_recognizers import wanting
from restore_recog.published.tables import METRICS, Gain, PaperRow, PaperTable, Printed
from restore_recog.published.told import told_gain
from restore_recog.reporting.columns import floor_and_answers


def compare(
    table: PaperTable,
    preset: Preset,
    report: EvaluationReport,
    run: MeasuredRun,
    others: Mapping[str, EvaluationReport] | None = None,
) -> TableComparison:
    """Set a report's figures beside a table; *others* are those of rows' own recognisers."""
    return _Comparer(table, preset, report, run, others or {}).comparison()


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
        return TableComparison(
            table=self.table,
            rows=(*map(self._row, self.table.rows), *map(self._extra, self._others())),
            obstacles=self._obstacles(),
            cautions=tuple(self._cautions()),
            weights=tuple(origin.sentence() for origin in self.run.origins.values()),
            gains=tuple(row for gain in self.table.gains for row in self._gain(gain)),
        )

    def _row(self, row: PaperRow) -> ComparedRow:
        arm = self._arm(row)
        values = {key: row.values.get(key) for key in self.table.columns}
        if arm is None:
            cells = [ComparedCell(key, value, None, NOT_HERE) for key, value in values.items()]
            return ComparedRow(row.label, tuple(cells))
        obstacles, figures = self._weights_obstacles(arm), self._figures(row, arm)
        cells = [
            self._cell(key, value, ours(figures.get(METRICS[key].figure or ""), key), obstacles)
            for key, value in values.items()
        ]
        return ComparedRow(row.label, tuple(cells), True, obstacles)

    def _figures(self, row: PaperRow, arm: ArmReport) -> Figures:
        """Return the arm's figures, of the probes that the row is about."""
        if not row.group:
            return arm.figures
        groups = {group.title: group.arms for group in self.report.cohorts}
        return groups.get(row.group, {}).get(arm.name, {})

    def _cell(
        self,
        key: str,
        paper: Printed | None,
        mine: Ours | None,
        obstacles: tuple[str, ...],
        *,
        halves: int = 1,
    ) -> ComparedCell:
        comparable = not (obstacles or self._obstacles())
        word = assess(METRICS[key], paper, mine, comparable=comparable, halves=halves)
        return ComparedCell(key, paper, mine, word)

    def _arm(self, row: PaperRow) -> ArmReport | None:
        """Return the arm that belongs in a row: of that restorer, with weights of that kind."""
        report = self.report if row.recognizer is None else self.others.get(row.recognizer)
        return next((arm for arm in report.arms if self._fits(row, arm)), None) if report else None

    def _fits(self, row: PaperRow, arm: ArmReport) -> bool:
        if row.restorer is None or arm.restorer is None:
            return row.arm is not None and row.restorer == arm.restorer and arm.name == row.arm
        wanted = arm.arm == row.arm if row.arm else ARMS[arm.arm].answers
        origin = self.run.origins.get(arm.restorer)
        options: Mapping[str, Any] = {} if origin is None else origin.options
        named = re.sub(r"-\d+$", "", arm.restorer) == row.restorer  # the second of a name is -2
        return wanted and named and all(options.get(key) == v for key, v in row.options.items())

    def _others(self) -> list[ArmReport]:
        """Return the arms that have a row and the paper has not; whole where rows are groups."""
        rows, shown = self.table.rows, floor_and_answers(self.report.arms)
        if self.table.grouped:
            mine = [self._arm(row) for row in rows]
            return [arm for arm in self.report.arms if arm in (*mine, *shown)]
        taken = {(row.restorer, row.arm or Restored.name) for row in rows}
        return [arm for arm in shown if (arm.restorer, arm.arm) not in taken]

    def _extra(self, arm: ArmReport) -> ComparedRow:
        """Return a row of ours that the paper does not have."""
        label = "covered, nothing done" if arm.restorer is None else arm.restorer
        if self.table.grouped:
            label = f"{arm.name}, all groups"
        cells = [
            self._cell(key, None, ours(arm.figures.get(METRICS[key].figure or ""), key), ())
            for key in self.table.columns
        ]
        return ComparedRow(label, tuple(cells), False)

    def _gain(self, gain: Gain) -> Iterator[ComparedRow]:
        """Yield what restoring gains: the difference of two rows that rest on one network."""
        rows = {row.label: row for row in self.table.rows}
        before, after = rows[gain.before], rows[gain.after]
        first, second = before.values[gain.metric], after.values[gain.metric]
        arm, base = self._arm(after), self._arm(before)
        paper = Printed(gain.printed) if gain.printed else _difference(first, second)
        if paper is None or arm is None:
            return
        sides = [arm] if base is None else [arm, base]
        obstacles = tuple(dict.fromkeys(o for one in sides for o in self._weights_obstacles(one)))
        mine = ours(self._gained(gain, arm, base), gain.metric, difference=True)
        halves = 1 if gain.printed else 2
        cell = self._cell(gain.metric, paper, mine, obstacles, halves=halves)
        yield ComparedRow(f"gain: {gain.after} over {gain.before}", (cell,), True, obstacles)

    def _gained(self, gain: Gain, arm: ArmReport, base: ArmReport | None) -> Figure | None:
        """Return the paired difference: of classes told arm by arm, else what the report has."""
        metric = METRICS[gain.metric]
        if not metric.classification:
            return arm.figures.get(f"{metric.figure}_gain")
        return None if base is None else told_gain(self.report, arm.name, base.name)

    def _weights_obstacles(self, arm: ArmReport) -> tuple[str, ...]:
        origin = self.run.origins.get(arm.restorer or "")
        return () if origin is None else origin.obstacles(*self.preset.learnt_on)

    def _obstacles(self) -> tuple[str, ...]:
        """Return why the whole run cannot reproduce the table."""
        setup, preset, reasons = self.report.setup, self.preset, []
        if self.run.rendered:
            reasons.append(
                f"these are rendered phantom faces and no {preset.data}: a rehearsal of the "
                "machinery"
            )
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
        if any(METRICS[key].classification for key in self.table.metrics):
            told_by = setup.get("told_by", {}).get("name")
            reasons.append(f"the classifier '{told_by}' is not the paper's")
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
        metrics = (METRICS[key] for key in self.table.metrics)
        heads = tuple(f"{metric.noted or metric.label}{UNMEASURED}" for metric in metrics)
        yield from (n.rstrip(".") for n in self.report.notes if n.startswith(heads))


def _difference(first: Printed | None, second: Printed | None) -> Printed | None:
    """Return what the paper's second number has more than its first, with all its digits."""
    if first is None or second is None:
        return None
    digits = max(first.digits, second.digits)
    return Printed(f"{second.number - first.number:+.{digits}f}")
