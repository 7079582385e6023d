"""The trials of a plan as a CSV file and back: one row an image of a trial."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from restore_recog.api import OpenSetTrial
from restore_recog.errors import DataError
from restore_recog.names import brief, written
from restore_recog.system.text import csv_rows, csv_text, whole

TRIALS = "trials.csv"
COLUMNS = ("trial", "role", "template_id")
GALLERY, PROBE = "gallery", "probe"


def render(trials: Sequence[OpenSetTrial]) -> str:
    """Return the text of the file."""
    rows = (
        (number, role, image_id)
        for number, trial in enumerate(trials, 1)
        for role, ids in ((GALLERY, trial.gallery), (PROBE, trial.probes))
        for image_id in ids
    )
    return csv_text([COLUMNS, *rows])


def parse(
    file: Path, references: Mapping[str, str], probes: Mapping[str, str]
) -> tuple[OpenSetTrial, ...]:
    """Read the trials back; none where there is no such file.

    Args:
        file: The file.
        references, probes: template_id -> image_id of the plan's.

    Raises:
        DataError: A row is faulty; the message names file and line.
    """
    if not os.path.exists(file):
        return ()
    trials: dict[int, dict[str, list[str]]] = {}
    sides = {GALLERY: references, PROBE: probes}
    for number, role, template, place in _rows(file):
        if template not in sides[role]:
            raise DataError(f"{place}: the {role} '{template}' is not among the plan's images.")
        trial = trials.setdefault(number, {GALLERY: [], PROBE: []})
        trial[role].append(sides[role][template])
    return tuple(
        OpenSetTrial(tuple(trials[number][GALLERY]), tuple(trials[number][PROBE]))
        for number in sorted(trials)
    )


def _rows(file: Path) -> Iterator[tuple[int, str, str, str]]:
    """Yield (trial, role, template_id, file and line)."""
    for line, row in csv_rows(file, COLUMNS):
        place = f"{file}, line {line}"
        number, role = whole(row["trial"]), row["role"].strip()
        if not number:
            raise DataError(f"{place}: 'trial' is '{brief(row['trial'])}'; trials count from 1.")
        if role not in (GALLERY, PROBE):
            raise DataError(f"{place}: 'role' is '{brief(role)}'; it must be {GALLERY} or {PROBE}.")
        yield number, role, written(row["template_id"]), place
