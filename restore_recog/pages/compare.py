"""The page that sets several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping

from restore_recog.comparison_record import COLUMNS, pictures, sentence, side_by_side
from restore_recog.compare import Comparison, Pairing
from restore_recog.drawings import Picture
from restore_recog.pages.elements import (
    arms_table,
    bullets,
    document,
    drawing,
    paragraph,
    sections,
    table,
)
from restore_recog.report import ArmReport
from restore_recog.tables import LIKENESS, RECOGNITION, TRANSFER, VERIFICATION, Cell


def page(comparison: Comparison, drawn: Mapping[str, Picture] | None = None) -> str:
    """Return the HTML page of a comparison; *drawn* are its figures where there are some."""
    curves = pictures(comparison) if drawn is None else drawn
    arms = side_by_side(comparison)
    parts = [
        ("Paired differences", "".join(map(_pairing, comparison.pairings))),
        ("Recognition", _arms(arms, RECOGNITION) + drawing(curves.get("cmc"), "CMC, all runs")),
        ("Verification", _arms(arms, VERIFICATION) + _det(comparison, curves)),
        ("Threshold carried over", _arms(arms, TRANSFER)),
        ("Likeness to the unoccluded twin", _arms(arms, LIKENESS)),
        ("What differs between the runs", _settings(comparison)),
        ("What each run found", _verdicts(comparison)),
    ]
    body = ["<h1>Runs side by side</h1>", bullets(run.name for run in comparison.runs)]
    return document("restore-recog: comparison", [*body, sections(parts)])


def _arms(arms: list[ArmReport], columns: tuple[object, ...]) -> str:
    return arms_table(columns, [(arm.name, arm.figures) for arm in arms], "Run and arm")  # type: ignore[arg-type]


def _det(comparison: Comparison, curves: Mapping[str, Picture]) -> str:
    if comparison.overlay_refusal:
        return paragraph(comparison.overlay_refusal)
    return drawing(curves.get("det"), "Detection error trade-off, all runs")


def _pairing(pairing: Pairing) -> str:
    if pairing.refusal:
        return paragraph(pairing.refusal)
    rows: list[list[str | Cell]] = []
    for difference in pairing.differences:
        result = difference.result
        same = difference.first == difference.second
        arms = difference.second if same else f"{difference.second} less {difference.first}"
        column = COLUMNS[difference.figure]
        flips = [str(result.get(name, "–")) for name in ("rescued", "harmed")]
        cell = column.cell({difference.figure: result})
        p = f"{result['p_sign_flip']:.2g}"
        rows.append([arms, column.title, cell, p, *flips, difference.answer])
    head = ["Arm", "Figure", "Difference", "p, flipping people", "Rescued", "Harmed", "Answer"]
    lead = paragraph(f"'{pairing.second}' less '{pairing.first}', on the same probes.")
    leading = [d for d in pairing.differences if "restored" in d.second and d.figure == "rank1"]
    spoken = "".join(f'<p class="verdict">{_escaped(sentence(d))}.</p>' for d in leading[:1])
    return lead + spoken + table(head, rows) + bullets(pairing.notes)


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


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
