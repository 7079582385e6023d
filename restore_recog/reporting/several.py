"""The results folder of several recognisers: all side by side, and a whole folder of each.

=====================  ======================================================================
``report.html``        how many recognisers each restorer helps, then one table a recogniser
``report.json``        the same sentences, and everything that report.json holds of each
``table.csv``/``tex``  the arms of all recognisers with their intervals
``recognizers/NAME/``  the results folder of one recogniser, as if it had been alone
=====================  ======================================================================
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from restore_recog.errors import DataError
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.evaluation.words.instead import instead
from restore_recog.evaluation.words.several import summary
from restore_recog.names import numbered
from restore_recog.reporting import folder as results_folder
from restore_recog.reporting.columns import RECOGNITION, TRANSFER, VERIFICATION
from restore_recog.reporting.latex import arms_latex
from restore_recog.reporting.pages.elements import arms_table, render
from restore_recog.reporting.tables import arms_csv, report_text
from restore_recog.system.atomic import json_text, sealed, whole_folder
from restore_recog.system.text import read_json

if TYPE_CHECKING:
    from restore_recog.api import Recognizer

Reports = Mapping[str, EvaluationReport]
"""Recogniser -> its report."""


def titles(recognizers: Sequence[Recognizer]) -> list[str]:
    """Return what each recogniser is called in tables and as a folder; no two are alike."""
    from restore_recog.weights import SHIPPED  # here: showing a report must not import torch

    known, kinds = [], Counter(one.name for one in recognizers)
    for one in recognizers:
        argument = getattr(one, "argument", None)
        parts = [one.name, *([PurePath(str(argument)).name] if argument else [])]
        file = one.weights if kinds[one.name] > 1 and not argument else None
        if file is not None and file.parent != SHIPPED:
            parts += file.with_suffix("").parts[-2:]  # every run's file is called "best"
        # Short enough for the name of a folder, in any file system and alphabet.
        known.append(re.sub(r"[^\w.+-]+", "-", "-".join(parts))[-60:].lstrip("-."))
    return numbered(known)


def place(folder: Path, name: str) -> Path:
    """Return the folder of one recogniser in that of several."""
    return folder / results_folder.RECOGNIZERS / name


def write(reports: Reports, folder: Path, *, replace: bool = False) -> None:
    """Write the folder beside its place and move it there in one step.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    facts = {
        "format": results_folder.FORMAT,
        "summary": _sentences(reports),
        "family": " ".join(_family(reports)),
        results_folder.RECOGNIZERS: {
            name: results_folder.as_json(one) for name, one in reports.items()
        },
    }
    with whole_folder(folder, replace=replace) as staging:
        for name, report in reports.items():
            results_folder.write(report, place(staging, name))
        (staging / "report.json").write_text(json_text(sealed(facts)), encoding="utf-8")
        for file, content in (
            ("table.csv", table_csv(reports)),
            ("table.tex", table_latex(reports)),
            ("report.html", page(reports)),
        ):
            (staging / file).write_text(content, encoding="utf-8")


def read(folder: Path) -> dict[str, EvaluationReport]:
    """Read the reports in a folder of several recognisers; none where it is no such folder.

    Raises:
        DataError: One of them cannot be read.
    """
    try:
        held = read_json(folder / "report.json")
        names = list(held.get(results_folder.RECOGNIZERS, ()))
    except (DataError, AttributeError, TypeError):  # then it is not for several either
        return {}
    return {name: results_folder.read(place(folder, name)) for name in names}


def text(reports: Reports) -> str:
    """Return the table of every recogniser and how many are helped, ready to print."""
    alone = {name: replace(one, family="") for name, one in reports.items()}
    parts = [f"Recogniser: {name}\n\n{report_text(one)}" for name, one in alone.items()]
    last = "\n".join([*_sentences(reports), *_family(reports)])
    return "\n\n".join([*parts, last])


def _sentences(reports: Reports) -> list[str]:
    """Return how many recognisers each restorer helps, and what one would do instead."""
    return [*summary(reports), *instead(reports)]


def _family(reports: Reports) -> list[str]:
    """Return which tests were corrected together: the same of all recognisers."""
    return list(dict.fromkeys(one.family for one in reports.values() if one.family))


def table_csv(reports: Reports) -> str:
    """Return every figure of every arm as CSV, the recogniser in the first column."""
    return arms_csv(
        [arm for report in reports.values() for arm in report.arms],
        [name for name, report in reports.items() for _ in report.arms],
    )


def table_latex(reports: Reports) -> str:
    """Return one table a recogniser as LaTeX."""
    return "\n".join(
        arms_latex(one.arms, results_folder.caption(one), label=f"tab:restoring-{number}")
        for number, one in enumerate(reports.values(), 1)
    )


def page(reports: Reports) -> str:
    """Return the page that holds all recognisers side by side."""
    columns = (*RECOGNITION, *VERIFICATION, *TRANSFER)
    tables = {
        name: arms_table(columns, [(arm.name, arm.figures) for arm in report.arms])
        for name, report in reports.items()
    }
    labels = dict.fromkeys(label for report in reports.values() for label in report.labels)
    return render(
        "several.html.j2",
        reports=reports,
        tables=tables,
        labels=list(labels),
        summary=_sentences(reports),
        family=" ".join(_family(reports)),
        folder=results_folder.RECOGNIZERS,
    )
