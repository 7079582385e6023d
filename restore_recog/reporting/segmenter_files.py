"""A study of segmenters as text, JSON, CSV and images, and its folder.

=====================  ================================================================
``segmenters.html``    everything below on one page
``segmenters.json``    every figure with its interval and n, and what was asked for
``segmenters.csv``     one row per segmenter and restorer
``maps.csv``           one row per probe and segmenter
``failures.csv``       one row for everything that failed
``figures/cost.png``   Dice against what the errors cost
``figures/worst.png``  the worst masks
=====================  ================================================================
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restore_recog.evaluation.figure import Figures, facts_of
from restore_recog.evaluation.results import Example
from restore_recog.evaluation.segmenters.figures import MASK_SCORES, Standing, Study, Worst
from restore_recog.reporting.columns import Column
from restore_recog.reporting.pages.elements import arms_table, photograph, render
from restore_recog.reporting.plots_panels import cost_figure
from restore_recog.reporting.report_figures import Plot, drawn
from restore_recog.reporting.strips import labelled
from restore_recog.reporting.tables import csv_values, figures_table
from restore_recog.system.atomic import json_text, plain, whole_folder
from restore_recog.system.text import csv_text
from restore_recog.types import Failure

FORMAT = 1
"""Raised by any change of a field's meaning in ``segmenters.json``."""

WIDTH = 760
"""Of a strip on the page, in pixels."""

MASKS = (
    Column("Pixel accuracy, %", "pixel_accuracy", 100, 2, brief="accuracy %"),
    Column("Dice", "dice", 1, 3, brief="Dice", interval=True),
    Column("IoU", "iou", 1, 3, brief="IoU"),
    Column("Precision", "precision", 1, 3, brief="precision"),
    Column("Recall", "recall", 1, 3, brief="recall"),
    Column("Boundary error, pixels", "boundary", 1, 2, brief="boundary px"),
    Column("Empty masks, %", "empty", 100, 1, brief="empty %"),
    Column("Marked on bare faces, % of the crop", "false_area", 100, 2, brief="bare %"),
    Column("Bare faces with a mark, %", "false_alarm", 100, 1),
)
"""The figures of masks."""


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
    "lost: with the true mask less with this one, on the same probes; brackets: 95 % intervals "
    "from resampling people. bare %: share of the crop marked on faces that nothing covers; "
    "empty %: masks in which nothing was found, which count with Dice 0. true-2, true+2: the true "
    "mask narrowed and widened by 2 pixels of the crop; average: one fixed mask for every face."
)

HIT, MISSED, EXTRA = (200, 200, 200), (213, 94, 0), (0, 114, 178)
"""Colours of a mask's differences: grey where both are, orange missed, blue too much."""


def text(study: Study) -> str:
    """Return the tables of a study, ready to print."""
    parts = [
        "\n".join(study.labels),
        figures_table("segmenter", MASKS, [(s.segmenter, s.masks) for s in study.standings]),
    ]
    parts += [
        f"restored with {name}:\n{figures_table('segmenter', COSTS, cost_rows(study, name))}"
        for name in study.standings[0].restorers
    ]
    parts.append("\n".join(agreements(study)))
    parts += ["\n".join(warnings(study)), LEGEND]
    return "\n\n".join(part for part in parts if part)


def cost_rows(study: Study, restorer: str) -> list[tuple[str, Figures]]:
    """Return the figures of one restorer: the occluded probes first, then every segmenter."""
    restored = [(one.segmenter, one.restorers[restorer]) for one in study.standings]
    return [("(occluded)", study.floor), *restored]


def agreements(study: Study) -> list[str]:
    """Return a sentence for every two segmenters."""
    return [
        f"'{a}' and '{b}' agree with a mean Dice of {figure['value']:.3f} (n = {figure['n']})."
        for (a, b), figure in study.agreement.items()
    ]


def warnings(study: Study) -> list[str]:
    """Return the notes, and how many images failed."""
    count = len({failure.image_id for failure in study.failures})
    failed = [f"{count} images failed somewhere; see failures.csv."] if count else []
    return [*study.notes, *failed]


def write(study: Study, folder: Path) -> None:
    """Write the results folder, whole or not at all.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    with whole_folder(folder) as staging:
        strips = [strip(one) for one in study.worst]
        figure = cost_figure(study)
        image = None if figure is None else drawn(figure)
        (staging / "segmenters.json").write_text(json_text(as_json(study)), encoding="utf-8")
        (staging / "segmenters.csv").write_text(csv_text(_csv(study)), encoding="utf-8")
        (staging / "maps.csv").write_text(csv_text(_masks_csv(study)), encoding="utf-8")
        names = [one.name for one in fields(Failure)]
        failures = csv_text([names, *map(astuple, study.failures)])
        (staging / "failures.csv").write_text(failures, encoding="utf-8")
        (staging / "figures").mkdir()
        for name, content in (("cost", _png(image)), ("worst", _sheet(study, strips))):
            if content:
                (staging / "figures" / f"{name}.png").write_bytes(content)
        (staging / "segmenters.html").write_text(page(study, image, strips), encoding="utf-8")


def as_json(study: Study) -> dict[str, Any]:
    """Return what ``segmenters.json`` holds, in strict JSON values."""
    return plain(
        {
            "format": FORMAT,
            "labels": study.labels,
            "notes": study.notes,
            "true_masks": study.true_masks,
            "occluded": facts_of(study.floor),
            "segmenters": [
                {
                    "segmenter": one.segmenter,
                    "reference": one.reference,
                    "masks": facts_of(one.masks),
                    "restorers": {name: facts_of(f) for name, f in one.restorers.items()},
                }
                for one in study.standings
            ],
            "agreement": [
                {"between": list(pair), "dice": figure.facts()}
                for pair, figure in study.agreement.items()
            ],
            "failures": len(study.failures),
            "setup": study.setup,
        }
    )


def page(study: Study, plot: Plot | None, strips: Sequence[Example]) -> str:
    """Return the HTML page of a study.

    Args:
        study: What was measured.
        plot: Dice against cost, where it was drawn.
        strips: Of the worst masks.
    """
    return render(
        "segmenters.html.j2",
        labels=study.labels,
        masks=arms_table(MASKS, [(s.segmenter, s.masks) for s in study.standings], "Segmenter"),
        legend=LEGEND,
        plot=plot,
        costs=[
            (name, arms_table(COSTS, cost_rows(study, name), "Mask"))
            for name in study.standings[0].restorers
        ],
        agreements=agreements(study),
        strips=[photograph(s, s.caption, s.caption, width=WIDTH, scale=2) for s in strips],
        warnings=warnings(study),
        setup=study.setup,
    )


def strip(worst: Worst) -> Example:
    """Return [occluded | found | true | difference] of one mask."""
    masks = [
        np.repeat(one[:, :, None] * np.uint8(255), 3, 2) for one in (worst.predicted, worst.true)
    ]
    tiles = [worst.occluded, *masks, difference(worst.predicted, worst.true)]
    titles = ("occluded", f"found, Dice {worst.dice:.3f}", "true", "orange missed, blue extra")
    caption = f"{worst.segmenter}: {worst.probe_id}"
    return Example(worst.probe_id, caption, titles, np.concatenate(tiles, axis=1))


def difference(predicted: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (S, S, 3) uint8: grey where both masks are, orange missed, blue too much."""
    image = np.full((*true.shape, 3), 255, np.uint8)
    image[(predicted > 0) & (true > 0)] = HIT
    image[(predicted == 0) & (true > 0)] = MISSED
    image[(predicted > 0) & (true == 0)] = EXTRA
    return image


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


def _png(image: Plot | None) -> bytes:
    return b"" if image is None else image.png


def _csv(study: Study) -> Iterator[list[Any]]:
    columns = (*MASKS, *COSTS)
    parts = ("", " (low)", " (high)", " (n)")
    head = [f"{c.title}{part}" for c in columns for part in parts]
    yield ["Segmenter", "Reference point", "Restorer", *head]
    for one in study.standings:
        for name, figures in one.restorers.items():
            both = {**one.masks, **figures}
            cells = [x for c in columns for x in csv_values(c, both)[:4]]
            yield [one.segmenter, "yes" if one.reference else "no", name, *cells]


def _masks_csv(study: Study) -> Iterator[list[Any]]:
    yield ["segmenter", "probe_id", "subject", *MASK_SCORES]
    for one in study.standings:
        yield from _probes(one, study)


def _probes(one: Standing, study: Study) -> Iterator[list[Any]]:
    """Yield the mask of every probe; what is not known is empty."""
    for (image_id, subject), score in zip(study.probes, one.scores, strict=True):
        values = [None] * len(MASK_SCORES) if score is None else astuple(score)
        shown = ["" if v is None or not np.isfinite(v) else f"{v:.6g}" for v in values]
        yield [one.segmenter, image_id, subject, *shown]
