"""A study of landmarkers as text, JSON, CSV and images, and its folder.

=====================  =======================================================================
``landmarks.html``     everything below on one page
``landmarks.json``     every figure with its interval and n, and what was asked for
``landmarks.csv``      one row per landmarker, data set and condition (bare, covered)
``faces.csv``          one row per face and condition
``failures.csv``       one row for every image that could not be used
``figures/curve.png``  cumulative error curves
``figures/worst.png``  the faces with the largest errors
=====================  =======================================================================
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from restore_recog.evaluation.figure import Figures, facts_of
from restore_recog.evaluation.landmarks.errors import mean_known
from restore_recog.evaluation.landmarks.figures import LandmarkStudy, Standing
from restore_recog.evaluation.results import Example
from restore_recog.landmarks import REGIONS
from restore_recog.reporting.columns import Column
from restore_recog.reporting.pages.elements import arms_table, photograph, render
from restore_recog.reporting.plots_landmarks import curve_figure, strip
from restore_recog.reporting.report_figures import Plot, drawn
from restore_recog.reporting.strips import labelled
from restore_recog.reporting.tables import csv_values, figures_table
from restore_recog.system.atomic import json_text, plain, whole_folder
from restore_recog.system.text import csv_text
from restore_recog.types import Failure

FORMAT = 1
"""Raised by any change of a field's meaning in ``landmarks.json``."""

WIDTH = 760
"""Of a strip on the page, in pixels."""

COLUMNS = (
    Column("Mean error, %", "nme", 100, 2, brief="error %", interval=True),
    Column("Failures (error above 10 %), % of faces", "failure", 100, 1, brief="failed %"),
    Column("Area under the curve to 10 %", "auc", 1, 3, brief="AUC"),
    Column("None found, % of faces", "missed", 100, 1, brief="none %"),
    Column("Error covered / bare", "ratio", 1, 2, brief="ratio", interval=True),
    Column("Points under the covering, %", "nme_hidden", 100, 2, brief="hidden %"),
    Column("Their error covered / bare", "ratio_hidden", 1, 2, brief="ratio", interval=True),
    Column("Other points, %", "nme_shown", 100, 2, brief="other %"),
    Column("Five points, % of the eyes' distance", "five", 100, 2, brief="five %"),
    Column("Their error covered / bare", "ratio_five", 1, 2),
)
"""The figures of a condition."""

PARTS = tuple(
    Column(f"{name.capitalize()}, %", f"nme_{name}", 100, 2, brief=f"{name} %") for name in REGIONS
)
"""The mean errors of the parts of a face."""

LEGEND = (
    "error: mean distance of the points whose truth is known, in per cent of the distance between "
    "the outer eye corners; of data with five points only, of these five in per cent of the "
    "distance between the eyes. ratio: mean error of the covered faces over that of the same faces "
    "bare. hidden: the points that lie under the covering, on bare faces the same points. A face "
    "on which no landmarks are found is a failure and enters no mean. Brackets: 95 % intervals "
    "from resampling people."
)


def text(study: LandmarkStudy) -> str:
    """Return the tables of a study, ready to print."""
    rows = named(study)
    parts = [
        " ".join(labels(study)),
        figures_table("faces", COLUMNS, rows),
        figures_table("faces", PARTS, rows),
    ]
    parts += ["\n".join(warnings(study)), LEGEND]
    return "\n\n".join(part for part in parts if part)


def named(study: LandmarkStudy) -> list[tuple[str, Figures]]:
    """Return a row for every landmarker, data set and condition."""
    several = len({one.landmarker for one in study.standings}) > 1
    return [
        (f"{one.landmarker}, {_row(one, name)}" if several else _row(one, name), figures)
        for one in study.standings
        for name, figures in one.figures.items()
    ]


def _row(standing: Standing, condition: str) -> str:
    return f"{standing.data} ({standing.known} points), {condition}"


def labels(study: LandmarkStudy) -> list[str]:
    """Return what kind of faces the figures are of."""
    return [f"{one.data}: synthetic faces" for one in study.standings if one.rendered][:1]


def warnings(study: LandmarkStudy) -> list[str]:
    """Return the notes, how many images failed, and on how many faces nothing was found."""
    lines = list(study.notes)
    for one in study.standings:
        for condition, errors in one.errors.items():
            if count := int(errors.missed.sum()):
                lines.append(
                    f"{one.landmarker} found no landmarks on {count} of {len(errors.missed)} "
                    f"faces of {one.data}, {condition}."
                )
    count = len({failure.image_id for failure in study.failures})
    return [*lines, *([f"{count} images could not be used; see failures.csv."] if count else [])]


def write(study: LandmarkStudy, folder: Path) -> None:
    """Write the results folder, whole or not at all.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    with whole_folder(folder) as staging:
        strips = [strip(seen, one.landmarker) for one in study.standings for seen in one.worst]
        plot = drawn(curve_figure(study))
        (staging / "landmarks.json").write_text(json_text(as_json(study)), encoding="utf-8")
        (staging / "landmarks.csv").write_text(csv_text(_csv(study)), encoding="utf-8")
        (staging / "faces.csv").write_text(csv_text(_faces(study)), encoding="utf-8")
        head = [one.name for one in fields(Failure)]
        failures = csv_text([head, *map(astuple, study.failures)])
        (staging / "failures.csv").write_text(failures, encoding="utf-8")
        (staging / "figures").mkdir()
        (staging / "figures" / "curve.png").write_bytes(plot.png)
        if strips:
            (staging / "figures" / "worst.png").write_bytes(_sheet(strips))
        (staging / "landmarks.html").write_text(page(study, plot, strips), encoding="utf-8")


def as_json(study: LandmarkStudy) -> dict[str, Any]:
    """Return what ``landmarks.json`` holds, in strict JSON values."""
    return plain(
        {
            "format": FORMAT,
            "labels": labels(study),
            "notes": study.notes,
            "standings": [
                {
                    "landmarker": one.landmarker,
                    "data": one.data,
                    "rendered": one.rendered,
                    "points": one.known,
                    "figures": {name: facts_of(figures) for name, figures in one.figures.items()},
                }
                for one in study.standings
            ],
            "failures": len(study.failures),
            "setup": study.setup,
        }
    )


def page(study: LandmarkStudy, plot: Plot, strips: Sequence[Example]) -> str:
    """Return the HTML page of a study.

    Args:
        study: What was measured.
        plot: The cumulative error curves.
        strips: The faces with the largest errors.
    """
    rows = named(study)
    return render(
        "landmarks.html.j2",
        labels=labels(study),
        errors=arms_table(COLUMNS, rows, "Faces"),
        parts=arms_table(PARTS, rows, "Faces"),
        legend=LEGEND,
        plot=plot,
        strips=[photograph(one, one.caption, one.caption, width=WIDTH) for one in strips],
        warnings=warnings(study),
        setup=study.setup,
    )


def _sheet(strips: Sequence[Example]) -> bytes:
    """Return all strips as one PNG, one below the other."""
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([labelled(one) for one in strips])).save(buffer, format="PNG")
    return buffer.getvalue()


def _csv(study: LandmarkStudy) -> Iterator[list[Any]]:
    columns = (*COLUMNS, *PARTS)
    ends = ("", " (low)", " (high)", " (n)")
    head = [f"{column.figure}{end}" for column in columns for end in ends]
    yield ["landmarker", "data", "points", "condition", *head]
    for one in study.standings:
        for condition, figures in one.figures.items():
            cells = [cell for column in columns for cell in csv_values(column, figures)[:4]]
            yield [one.landmarker, one.data, one.known, condition, *cells]


def _faces(study: LandmarkStudy) -> Iterator[list[Any]]:
    """Yield the errors of every face as shares of 1; what is not known is empty."""
    yield [
        *("landmarker", "data", "image_id", "subject", "condition", "covering"),
        *("found", "error", "five", *REGIONS, "hidden"),
    ]
    for one in study.standings:
        for condition, errors in one.errors.items():
            parts = [mean_known(errors.points[:, list(rows)]) for rows in REGIONS.values()]
            under = mean_known(np.where(errors.hidden, errors.points, np.nan))
            values = np.stack([errors.each, errors.five, *parts, under], axis=1)
            for n, sample in enumerate(errors.samples):
                shown = ["" if not np.isfinite(v) else f"{v:.6g}" for v in values[n]]
                found = "no" if errors.missed[n] else "yes"
                who = [sample.image_id, sample.subject, condition, errors.coverings[n], found]
                yield [one.landmarker, one.data, *who, *shown]
