"""The protocol that repeats a plan written as CSV files, by another run or by hand.

The format is that of :mod:`restore_recog.evaluation.plan_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.plan_files import PLAN, WrittenPlan, parse
from restore_recog.types import FaceSample

INSIDE = "protocol"
"""Where a results folder has its protocol files."""

_SHOWN = 3
_NOTE = "Who is compared with whom was read from files, not drawn."


class CsvFiles(EvaluationProtocol):
    """A plan in CSV files, repeated: ``csv:FOLDER``, also the folder of a run's results.

    The files decide everything; the seed plays no part.
    """

    name = "csv"
    version = 1

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        """Return the written plan.

        Args:
            samples: Any order, any number beyond the listed ones.
            seed: Unused.
            limit: Take this many first probes of the file.

        Raises:
            DataError: No or a faulty folder, a listed image is not in the data, or the data
                has another subject or condition for it.
        """
        written = parse(self._folder())
        known = {sample.image_id: sample for sample in samples}
        _check(written, known)
        plan = written.plan
        notes = plan.notes if _NOTE in plan.notes else (*plan.notes, _NOTE)
        training = tuple(image_id for image_id in plan.training if image_id in known)
        if lost := len(plan.training) - len(training):
            notes += (f"{lost} images that the files leave for training are not in the data.",)
        return _limited(replace(plan, training=training, notes=notes), limit)

    def _folder(self) -> Path:
        if not self.argument:
            raise DataError(
                "The protocol 'csv' needs a folder with protocol files: --protocol csv:FOLDER; "
                f"every results folder has one, called '{INSIDE}'."
            )
        folder = Path(self.argument).expanduser()
        inside = folder / INSIDE
        return inside if (inside / PLAN).is_file() else folder


def _check(written: WrittenPlan, known: Mapping[str, FaceSample]) -> None:
    """Raise DataError unless the data has all listed images, of the listed people."""
    rows = {row.path: row for row in reversed(written.listed)}
    absent = [row for path, row in sorted(rows.items()) if path not in known]
    if absent:
        names = ", ".join(f"'{row.path}' ({row.place})" for row in absent[:_SHOWN])
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        raise DataError(
            f"{len(absent)} of {len(rows)} listed images are not among the data's "
            f"images for testing: {names}{more}; give the data that the plan was made for."
        )
    for row in written.listed:
        sample = known[row.path]
        for what, written_as, actual in (
            ("subject", row.subject_id, sample.subject),
            ("condition", row.condition or sample.condition, sample.condition),
        ):
            if written_as != actual:
                raise DataError(
                    f"{row.place}: the {what} of '{row.path}' is '{written_as}', but '{actual}' in "
                    "the data; give the data that the plan was made for."
                )


def _limited(plan: Plan, limit: int | None) -> Plan:
    if limit is None or limit >= len(plan.probes):
        return plan
    kept = set(plan.probes[:limit])
    chosen = [i for i, pair in enumerate(plan.pairs) if pair.probe_id in kept]
    return replace(
        plan,
        probes=plan.probes[:limit],
        pairs=tuple(plan.pairs[i] for i in chosen),
        folds=tuple(plan.folds[i] for i in chosen) if plan.folds else (),
        open_set=tuple(
            replace(trial, probes=tuple(i for i in trial.probes if i in kept))
            for trial in plan.open_set
        ),
        notes=(*plan.notes, f"Limited to the first {limit} of {len(plan.probes)} probes."),
    )
