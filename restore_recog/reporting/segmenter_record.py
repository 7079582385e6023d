"""A study of segmenters as text, JSON, CSV and pictures, and its folder.

=====================  ================================================================
``segmenters.html``    everything below on one page
``segmenters.json``    every figure with its interval and n, and what was asked for
``segmenters.csv``     one line a segmenter and restorer
``maps.csv``           one line a probe and segmenter
``failures.csv``       one line for everything that failed
``figures/cost.png``   Dice against what the errors cost
``figures/worst.png``  the worst maps
=====================  ================================================================
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restore_recog.evaluation.segmenter_figures import MAP_SCORES
from restore_recog.reporting.drawings import Picture, drawn
from restore_recog.reporting.output_folder import whole_folder
from restore_recog.reporting.record import plain
from restore_recog.reporting.report import Example
from restore_recog.reporting.segmenter_plot import cost_figure
from restore_recog.reporting.segmenter_report import Standing, Study, Worst
from restore_recog.reporting.strips import labelled
from restore_recog.reporting.table_formats import csv_text, text_table
from restore_recog.reporting.tables import NOTHING, Column, Figures
from restore_recog.types import Failure

FORMAT = 1
"""Raised by any change of a field's meaning in ``segmenters.json``."""

MAPS = (
    Column("Pixel accuracy, %", "pixel_accuracy", 100, 2, brief="accuracy %"),
    Column("Dice", "dice", 1, 3, brief="Dice", interval=True),
    Column("IoU", "iou", 1, 3, brief="IoU"),
    Column("Precision", "precision", 1, 3, brief="precision"),
    Column("Recall", "recall", 1, 3, brief="recall"),
    Column("Boundary error, pixels", "boundary", 1, 2, brief="boundary px"),
    Column("Empty maps, %", "empty", 100, 1, brief="empty %"),
    Column("Marked on bare faces, % of the crop", "false_area", 100, 2, brief="bare %"),
    Column("Bare faces with a mark, %", "false_alarm", 100, 1),
)
"""The figures of maps."""

COSTS = (
    Column("Rank-1, %", "rank1", 100, 1, brief="rank-1 %"),
    Column("Gain over occluded, points", "rank1_gain", 100, 1, True, "gain", True),
    Column("Rank-1 lost, points", "rank1_lost", 100, 1, True, "lost", True),
    Column("Genuine cosine", "cosine", 1, 3, brief="cosine"),
    Column("Cosine lost", "cosine_lost", 1, 3, True, "lost", True),
    Column("PSNR in the mask, dB", "psnr_mask", 1, 2, brief="PSNR dB"),
    Column("PSNR lost, dB", "psnr_lost", 1, 2, True, "lost", True),
)
"""The figures of what is restored with them."""

LEGEND = (
    "lost: with the true map less with this one, on the same probes; brackets: 95 % intervals from "
    "resampling people. bare %: share of the crop that is marked on faces that nothing covers; "
    "empty %: maps in which nothing was found, which count with Dice 0. true-2, true+2: the true "
    "map narrowed and widened by 2 pixels of the crop; average: one fixed map for every face."
)

HIT, MISSED, EXTRA = (200, 200, 200), (213, 94, 0), (0, 114, 178)
"""Colours of a map's differences: grey where both are, orange missed, blue too much."""


def text(study: Study) -> str:
    """Return the tables of a study, ready to print."""
    parts = [
        "\n".join(study.labels),
        _table(MAPS, [(s.segmenter, s.maps) for s in study.standings]),
    ]
    for name in study.standings[0].restorers:
        rows: list[tuple[str, Figures]] = [("(occluded)", study.floor)]
        rows += [(s.segmenter, s.restorers[name]) for s in study.standings]
        parts.append(f"restored with {name}:\n{_table(COSTS, rows)}")
    parts.append("\n".join(agreements(study)))
    parts += ["\n".join(warnings(study)), LEGEND]
    return "\n\n".join(part for part in parts if part)


def agreements(study: Study) -> list[str]:
    """Return a sentence for every two segmenters."""
    return [
        f"'{a}' and '{b}' agree with a mean Dice of {figure['value']:.3f} (n = {figure['n']})."
        for (a, b), figure in study.agreement.items()
    ]


def warnings(study: Study) -> list[str]:
    """Return the notes, and how many pictures failed."""
    count = len({failure.image_id for failure in study.failures})
    failed = [f"{count} pictures failed somewhere; see failures.csv."] if count else []
    return [*study.notes, *failed]


def _table(columns: Sequence[Column], rows: Sequence[tuple[str, Figures]]) -> str:
    shown = [c for c in columns if c.brief and any(c.figure in figures for _, figures in rows)]
    return text_table(
        ["segmenter", *(column.brief for column in shown)],
        [[name, *(_text(column, figures) for column in shown)] for name, figures in rows],
    )


def _text(column: Column, figures: Figures) -> str:
    cell = column.cell(figures)
    if not (column.interval and cell.low) or cell.value == NOTHING:
        return cell.value
    return f"{cell.value} [{cell.low}, {cell.high}]"


def write(study: Study, folder: Path) -> None:
    """Write the results folder, whole or not at all.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    from restore_recog.reporting.pages.segmenters import page

    with whole_folder(folder) as staging:
        strips = [strip(one) for one in study.worst]
        figure = cost_figure(study)
        picture = None if figure is None else drawn(figure)
        record = json.dumps(as_json(study), indent=1, ensure_ascii=False, allow_nan=False)
        (staging / "segmenters.json").write_text(record + "\n", encoding="utf-8")
        (staging / "segmenters.csv").write_text(csv_text(_csv(study)), encoding="utf-8")
        (staging / "maps.csv").write_text(csv_text(_maps_csv(study)), encoding="utf-8")
        names = [one.name for one in fields(Failure)]
        failures = csv_text([names, *map(astuple, study.failures)])
        (staging / "failures.csv").write_text(failures, encoding="utf-8")
        (staging / "figures").mkdir()
        for name, content in (("cost", _png(picture)), ("worst", _sheet(study, strips))):
            if content:
                (staging / "figures" / f"{name}.png").write_bytes(content)
        (staging / "segmenters.html").write_text(page(study, picture, strips), encoding="utf-8")


def as_json(study: Study) -> dict[str, Any]:
    """Return what ``segmenters.json`` holds, in strict JSON values."""
    strict: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "labels": study.labels,
            "notes": study.notes,
            "true_maps": study.true_maps,
            "occluded": study.floor,
            "segmenters": [
                {
                    "segmenter": one.segmenter,
                    "reference": one.reference,
                    "maps": one.maps,
                    "restorers": one.restorers,
                }
                for one in study.standings
            ],
            "agreement": [
                {"between": list(pair), "dice": figure} for pair, figure in study.agreement.items()
            ],
            "failures": len(study.failures),
            "setup": study.setup,
        }
    )
    return strict


def strip(worst: Worst) -> Example:
    """Return [occluded | found | true | difference] of one map."""
    maps = [np.repeat(one[:, :, None] * np.uint8(255), 3, 2) for one in (worst.found, worst.true)]
    tiles = [worst.occluded, *maps, difference(worst.found, worst.true)]
    titles = ("occluded", f"found, Dice {worst.dice:.3f}", "true", "orange missed, blue extra")
    caption = f"{worst.segmenter}: {worst.probe_id}"
    return Example(worst.probe_id, caption, titles, np.concatenate(tiles, axis=1))


def difference(found: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (S, S, 3) uint8: grey where both maps are, orange missed, blue too much."""
    picture = np.full((*true.shape, 3), 255, np.uint8)
    picture[(found > 0) & (true > 0)] = HIT
    picture[(found == 0) & (true > 0)] = MISSED
    picture[(found > 0) & (true == 0)] = EXTRA
    return picture


def _sheet(study: Study, strips: Sequence[Example]) -> bytes:
    """Return all strips as one PNG: a column a segmenter, the worst on top."""
    columns: dict[str, list[NDArray[np.uint8]]] = {}
    for worst, example in zip(study.worst, strips, strict=True):
        columns.setdefault(worst.segmenter, []).append(labelled(example, scale=2))
    if not columns:
        return b""
    height = max(len(rows) for rows in columns.values())
    blank = np.full_like(next(iter(columns.values()))[0], 255)
    stacks = [np.concatenate([*r, *[blank] * (height - len(r))]) for r in columns.values()]
    gap = np.full((len(stacks[0]), 24, 3), 255, np.uint8)
    parts = [part for stack in stacks for part in (stack, gap)][:-1]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(parts, axis=1)).save(buffer, format="PNG")
    return buffer.getvalue()


def _png(picture: Picture | None) -> bytes:
    return b"" if picture is None else picture.png


def _csv(study: Study) -> Iterator[list[Any]]:
    columns = (*MAPS, *COSTS)
    parts = ("", " (low)", " (high)", " (n)")
    head = [f"{c.title}{part}" for c in columns for part in parts]
    yield ["Segmenter", "Reference point", "Restorer", *head]
    for one in study.standings:
        for name, figures in one.restorers.items():
            both = {**one.maps, **figures}
            cells = [x for c in columns for x in _numbers(c, both)]
            yield [one.segmenter, "yes" if one.reference else "no", name, *cells]


def _numbers(column: Column, figures: Figures) -> list[Any]:
    figure = figures.get(column.figure, {})
    values = [figure.get(name) for name in ("value", "low", "high")]
    shown = [
        f"{value * column.factor:.10g}" if value is not None and np.isfinite(value) else ""
        for value in values
    ]
    return [*shown, figure.get("n", "")]


def _maps_csv(study: Study) -> Iterator[list[Any]]:
    yield ["segmenter", "probe_id", "subject", *MAP_SCORES]
    for one in study.standings:
        yield from _probes(one, study)


def _probes(one: Standing, study: Study) -> Iterator[list[Any]]:
    """Yield the map of every probe; what is not known is empty."""
    for (image_id, subject), score in zip(study.probes, one.scores, strict=True):
        values = [None] * len(MAP_SCORES) if score is None else astuple(score)
        shown = ["" if v is None or not np.isfinite(v) else f"{v:.6g}" for v in values]
        yield [one.segmenter, image_id, subject, *shown]
