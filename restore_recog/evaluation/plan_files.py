"""A plan as CSV files and back, so that others can repeat a run or write a plan by hand.

The shape is that of bob.bio's CSV protocols: one file per role, one row per image, free
metadata columns after the fixed ones. ``plan.json`` holds what is not a list.

Deviation: bob defines no file for pairs with folds, cosine images, missing pairs or trials of an
open set; those files are this project's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.evaluation import plan_trials
from restore_recog.labels import KINDS
from restore_recog.names import brief, written
from restore_recog.system.text import csv_rows, csv_text, read_json, whole
from restore_recog.types import FaceSample, Trial

FORMAT = 1
PLAN = "plan.json"
ENROLLING, PROBING, TRAINING = "for_enrolling.csv", "for_probing.csv", "for_training.csv"
COSINE = "cosine.csv"
MATCHING, MISSING = "for_matching.csv", "missing_pairs.csv"

IMAGE_COLUMNS = ("path", "subject_id", "template_id", "condition")
PAIR_COLUMNS = ("reference_template_id", "probe_template_id", "genuine", "fold")
MISSING_COLUMNS = ("fold", "reason")
_ROLES = (ENROLLING, PROBING, COSINE, TRAINING)
_TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a file with images.

    Attributes:
        template_id: What the pairs call it; the path where the file has no such column.
        condition: ``clean`` or what occludes the face; None where the file does not say.
        place: File and line, for messages.
    """

    path: str
    subject_id: str
    template_id: str
    condition: str | None
    place: str


@dataclass(frozen=True, slots=True)
class WrittenPlan:
    """A plan as read, with what its files say about each image.

    Attributes:
        listed: All rows of the references, probes and cosine images, in that order.
    """

    plan: Plan
    listed: tuple[Listed, ...]


def render(plan: Plan, samples: Mapping[str, FaceSample]) -> dict[str, str]:
    """Return file name -> text.

    Args:
        plan: What to write.
        samples: image_id -> sample, at least of every image in the plan.
    """
    folds = plan.folds or ("",) * len(plan.pairs)
    pairs = (
        (pair.reference_id, pair.probe_id, int(pair.genuine), fold)
        for pair, fold in zip(plan.pairs, folds, strict=True)
    )
    facts = {
        "format": FORMAT,
        "synthetic": plan.synthetic,
        "identification": plan.identification,
        **({"label": plan.label} if plan.label else {}),
        "notes": list(plan.notes),
    }
    return {
        PLAN: json.dumps(facts, indent=2, ensure_ascii=False) + "\n",
        ENROLLING: _images(plan.references, samples),
        PROBING: _images(plan.probes, samples),
        COSINE: _images(list(plan.cosine_references.values()), samples),
        TRAINING: _images(plan.training, samples),
        MATCHING: csv_text([PAIR_COLUMNS, *pairs]),
        MISSING: csv_text([MISSING_COLUMNS, *plan.missing_pairs]),
        **({plan_trials.TRIALS: plan_trials.render(plan.open_set)} if plan.open_set else {}),
    }


def parse(folder: Path) -> WrittenPlan:
    """Read a plan back.

    Args:
        folder: With :data:`PLAN`, :data:`ENROLLING` and :data:`PROBING`; the other files may
            be missing, which means that they are empty.

    Raises:
        DataError: A file is missing or faulty; the message names file and line.
    """
    facts = _facts(folder / PLAN)
    listed = {name: _listed(folder / name, name in (ENROLLING, PROBING)) for name in _ROLES}
    pairs, folds = _pairs(folder / MATCHING, listed[ENROLLING], listed[PROBING])
    known = [{row.template_id: row.path for row in listed[name]} for name in (ENROLLING, PROBING)]
    plan = Plan(
        references=tuple(row.path for row in listed[ENROLLING]),
        probes=tuple(row.path for row in listed[PROBING]),
        pairs=pairs,
        cosine_references=_by_subject(listed[COSINE]),
        training=tuple(row.path for row in listed[TRAINING]),
        folds=folds,
        missing_pairs=_missing(folder / MISSING),
        open_set=plan_trials.parse(folder / plan_trials.TRIALS, *known),
        **facts,
    )
    return WrittenPlan(plan, (*listed[ENROLLING], *listed[PROBING], *listed[COSINE]))


def _images(ids: Sequence[str], samples: Mapping[str, FaceSample]) -> str:
    """Return the file of one role: the fixed columns and every attribute that occurs."""
    listed = [samples[image_id] for image_id in ids]
    labels = sorted({label for sample in listed for label in sample.attributes})
    # A label with the name of a fixed column must not look like one.
    header = [f"label.{name}" if name in IMAGE_COLUMNS else name for name in labels]
    rows = (
        (
            *(sample.image_id, sample.subject, sample.image_id, sample.condition),
            *(sample.attributes.get(label, "") for label in labels),
        )
        for sample in listed
    )
    return csv_text([(*IMAGE_COLUMNS, *header), *rows])


def _facts(file: Path) -> dict[str, Any]:
    """Return the fields of the plan that ``plan.json`` holds."""
    if not os.path.exists(file):
        raise DataError(
            f"There is no {file}; a folder of protocol files has {PLAN}, {ENROLLING} and {PROBING}."
        )
    facts = read_json(file)
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise DataError(
            f'{file}: "format" must be {FORMAT}; the file is faulty or of another version.'
        )
    synthetic, identification = facts.get("synthetic"), facts.get("identification", True)
    notes = facts.get("notes", [])
    if not isinstance(synthetic, bool) or not isinstance(identification, bool):
        raise DataError(f'{file}: "synthetic" and "identification" must be true or false.')
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise DataError(f'{file}: "notes" must be a list of sentences.')
    label = facts.get("label", "")
    if label not in ("", *KINDS):
        raise DataError(f'{file}: "label" must be one of {", ".join(KINDS)}, or be left out.')
    known = {"synthetic": synthetic, "identification": identification, "label": label}
    return {**known, "notes": tuple(notes)}


def _listed(file: Path, required: bool) -> list[Listed]:
    images: list[Listed] = []
    lines: dict[tuple[str, str], int] = {}
    for line, row in _rows(file, ("path", "subject_id"), required=required):
        path, template = row["path"], row.get("template_id") or row["path"]
        place, condition = f"{file}, line {line}", row.get("condition") or None
        for key in (("image", path), ("template", template)):
            if key in lines:
                raise DataError(
                    f"{place}: the {key[0]} '{key[1]}' is already in line {lines[key]}; a file "
                    "lists every image once, as a template of its own."
                )
            lines[key] = line
        images.append(Listed(path, row["subject_id"], template, condition, place))
    return images


def _pairs(
    file: Path, references: Sequence[Listed], probes: Sequence[Listed]
) -> tuple[tuple[Trial, ...], tuple[int, ...]]:
    """Return the trials and their folds; without a label the subjects decide what is genuine."""
    sides = [{row.template_id: row for row in rows} for rows in (references, probes)]
    trials: list[Trial] = []
    folds: list[int] = []
    for line, row in _rows(file, PAIR_COLUMNS[:2], required=False):
        place = f"{file}, line {line}"
        ends = []
        for side, column, name in zip(sides, PAIR_COLUMNS, (ENROLLING, PROBING), strict=False):
            if row[column] not in side:
                raise DataError(f"{place}: the {column} '{row[column]}' is not in {name}.")
            ends.append(side[row[column]])
        genuine = ends[0].subject_id == ends[1].subject_id
        if label := row.get("genuine"):
            genuine = _truth(label, place)
        trials.append(Trial(ends[0].path, ends[1].path, genuine))
        if fold := row.get("fold"):
            folds.append(_whole(fold, place))
        if folds and len(folds) < len(trials):
            raise DataError(
                f"{place}: some pairs have a fold and some have none; fill all or none."
            )
    return tuple(trials), tuple(folds)


def _by_subject(rows: Sequence[Listed]) -> dict[str, str]:
    images: dict[str, str] = {}
    for row in rows:
        if row.subject_id in images:
            raise DataError(
                f"{row.place}: the subject '{row.subject_id}' already has an image for the cosine "
                "similarity; each subject can have one."
            )
        images[row.subject_id] = row.path
    return images


def _missing(file: Path) -> tuple[tuple[int, str], ...]:
    return tuple(
        (_whole(row["fold"] or "0", f"{file}, line {line}"), row["reason"])
        for line, row in _rows(file, MISSING_COLUMNS, required=False, filled=("reason",))
    )


def _rows(
    file: Path,
    columns: Sequence[str],
    *,
    required: bool,
    filled: Sequence[str] | None = None,
) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield (line, row) of a CSV file.

    Args:
        file: Yields nothing if it does not exist, unless it is *required*.
        columns: Must be in the header.
        required: Whether the file must exist.
        filled: Columns that must not be empty; None for all of *columns*.
    """
    if not required and not os.path.exists(file):
        return
    for line, values in csv_rows(file, columns):
        row = {name: written(value) for name, value in values.items()}
        if empty := [column for column in filled or columns if not row[column]]:
            raise DataError(f"{file}, line {line}: '{empty[0]}' is empty.")
        yield line, row


def _truth(text: str, place: str) -> bool:
    if text.lower() not in _TRUTH:
        raise DataError(f"{place}: 'genuine' is '{text}'; it must be 1 or 0.")
    return _TRUTH[text.lower()]


def _whole(text: str, place: str) -> int:
    number = whole(text)
    if number is None:
        raise DataError(f"{place}: 'fold' is '{brief(text)}'; it must be a whole number.")
    return number
