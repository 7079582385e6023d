"""The page of a segmenter study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from restore_recog.evaluation.results import Example
from restore_recog.evaluation.segmenters.results import Study
from restore_recog.reporting.columns import Figures
from restore_recog.reporting.pages.elements import (
    arms_table,
    bullets,
    document,
    drawing,
    paragraph,
    photograph,
    sections,
)
from restore_recog.reporting.report_figures import Plot
from restore_recog.reporting.segmenter_text import COSTS, LEGEND, MASKS, agreements, warnings
from restore_recog.reporting.strips import labelled
from restore_recog.system.atomic import plain

WIDTH = 760
"""Of a strip on the page, in pixels."""


def page(study: Study, image: Plot | None, strips: Sequence[Example]) -> str:
    """Return the HTML page of a study.

    Args:
        study: What was found.
        image: Dice against cost, where it was drawn.
        strips: Of the worst masks.
    """
    labels = "".join(f'<span class="label">{escape(label)}</span>' for label in study.labels)
    masks = arms_table(MASKS, [(s.segmenter, s.masks) for s in study.standings], "Segmenter")
    setup = json.dumps(plain(study.setup), indent=1, ensure_ascii=False)
    parts = [
        ("Masks", masks + paragraph(LEGEND)),
        ("What errors cost", drawing(image, "Dice against cost") + _costs(study)),
        ("How far segmenters agree", bullets(agreements(study)) if study.agreement else ""),
        ("Worst masks", "".join(_photograph(one) for one in strips)),
        ("Notes", bullets(warnings(study))),
        ("Set-up", f"<pre>{escape(setup)}</pre>"),
    ]
    return document("restore-recog: segmenters", ["<h1>Segmenters</h1>", labels, sections(parts)])


def _costs(study: Study) -> str:
    """Return one table a restorer, the occluded probes in its first line."""
    tables = []
    for name in study.standings[0].restorers:
        rows: list[tuple[str, Figures]] = [("(occluded)", study.floor)]
        rows += [(one.segmenter, one.restorers[name]) for one in study.standings]
        tables.append(f"<h3>restored with {escape(name)}</h3>" + arms_table(COSTS, rows, "Mask"))
    return "".join(tables)


def _photograph(example: Example) -> str:
    return photograph(labelled(example, scale=2), example.caption, example.caption, WIDTH)
