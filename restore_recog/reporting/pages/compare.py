"""The page that sets several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from restore_recog.reporting.columns import (
    LIKENESS,
    NOTHING,
    RECOGNITION,
    TRANSFER,
    VERIFICATION,
    Cell,
    Column,
)
from restore_recog.reporting.compare import Comparison, Difference, Pairing
from restore_recog.reporting.comparison_text import COLUMNS, images, sentence, side_by_side, split
from restore_recog.reporting.comparison_text import arms as names
from restore_recog.reporting.pages.elements import (
    arms_table,
    bullets,
    document,
    drawing,
    paragraph,
    sections,
    table,
)
from restore_recog.reporting.report_figures import Plot


def page(comparison: Comparison, drawn: Mapping[str, Plot] | None = None) -> str:
    """Return the HTML page of a comparison; *drawn* are its figures where there are some."""
    curves = images(comparison) if drawn is None else drawn
    rows = [(arm.name, arm.figures) for arm in side_by_side(comparison)]

    def figures(columns: Sequence[Column]) -> str:
        return arms_table(columns, rows, "Arm and run")

    parts = [
        ("Paired differences", "".join(map(_pairing, comparison.pairings))),
        ("Recognition", figures(RECOGNITION) + drawing(curves.get("cmc"), "CMC, all runs")),
        ("Verification", figures(VERIFICATION) + _det(comparison, curves)),
        ("Threshold carried over", figures(TRANSFER)),
        ("Likeness to the unoccluded twin", figures(LIKENESS)),
        ("What differs between the runs", _settings(comparison)),
        ("What each run found", _verdicts(comparison)),
    ]
    body = ["<h1>Runs side by side</h1>", bullets(run.name for run in comparison.runs)]
    return document("restore-recog: comparison", [*body, sections(parts)])


def _det(comparison: Comparison, curves: Mapping[str, Plot]) -> str:
    if comparison.overlay_refusal:
        return paragraph(comparison.overlay_refusal)
    return drawing(curves.get("det"), "Detection error trade-off, all runs")


def _pairing(pairing: Pairing) -> str:
    if pairing.refusal:
        return paragraph(pairing.refusal)
    told, same = split(pairing)
    rows: list[list[str | Cell]] = []
    for difference in told:
        result, column = difference.result, COLUMNS[difference.figure]
        flips = [str(result.get(name, NOTHING)) for name in ("rescued", "harmed")]
        cell = column.cell({difference.figure: result})
        p = f"{result['p_sign_flip']:.2g}"
        rows.append([names(difference), column.title, cell, p, *flips, difference.answer])
    head = ["Arm", "Figure", "Difference", "p, flipping people", "Rescued", "Harmed", "Answer"]
    parts = [paragraph(f"'{pairing.second}' less '{pairing.first}', on the same probes.")]
    parts += [_spoken(d) for d in told if d.figure == "rank1" and d.second.startswith("restored:")]
    parts += [table(head, rows)] if rows else []
    parts += [paragraph(f"The same to the last probe: {', '.join(same)}.")] if same else []
    parts.append(bullets(pairing.notes) if pairing.notes else "")
    return "".join(parts)


def _spoken(difference: Difference) -> str:
    look = {"better": "helps", "worse": "hurts"}.get(difference.answer, "")
    return (
        f'<p class="verdict {look}"><b>{escape(difference.answer)}</b>'
        f"{escape(sentence(difference))}.</p>"
    )


def _settings(comparison: Comparison) -> str:
    names = [run.name for run in comparison.runs]
    rows = [
        [name, *(_short(value) for value in values)] for name, values in comparison.settings.items()
    ]
    if not rows:
        return paragraph("Nothing but the time and the command line.")
    return table(["Setting", *names], rows)


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:18]}…{value[-18:]}"


def _verdicts(comparison: Comparison) -> str:
    return bullets(
        f"{run.name}: {verdict}" for run in comparison.runs for verdict in run.report.verdicts
    )
