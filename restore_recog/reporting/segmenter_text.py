"""A study of segmenters as text."""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.evaluation.figure import Figures
from restore_recog.evaluation.segmenters.figures import Study
from restore_recog.reporting.columns import NOTHING, Column
from restore_recog.reporting.tables import TERMINAL, text_table

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


def text(study: Study) -> str:
    """Return the tables of a study, ready to print."""
    parts = [
        "\n".join(study.labels),
        _table(MASKS, [(s.segmenter, s.masks) for s in study.standings]),
    ]
    parts += [
        f"restored with {name}:\n{_table(COSTS, cost_rows(study, name))}"
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


def _table(columns: Sequence[Column], rows: Sequence[tuple[str, Figures]]) -> str:
    shown = [c for c in columns if c.brief and any(c.figure in figures for _, figures in rows)]
    return text_table(
        ["segmenter", *(column.brief for column in shown)],
        [[name, *(_text(column, figures) for column in shown)] for name, figures in rows],
        width=TERMINAL,
    )


def _text(column: Column, figures: Figures) -> str:
    cell = column.cell(figures)
    if not (column.interval and cell.low) or cell.value == NOTHING:
        return cell.value
    return f"{cell.value} [{cell.low}, {cell.high}]"
