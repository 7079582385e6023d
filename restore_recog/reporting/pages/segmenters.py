"""The page of a segmenter study."""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.evaluation.results import Example
from restore_recog.evaluation.segmenters.results import Study
from restore_recog.reporting.pages.elements import arms_table, photograph, render
from restore_recog.reporting.report_figures import Plot
from restore_recog.reporting.segmenter_text import (
    COSTS,
    LEGEND,
    MASKS,
    agreements,
    cost_rows,
    warnings,
)

WIDTH = 760
"""Of a strip on the page, in pixels."""


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
