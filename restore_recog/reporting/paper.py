"""What of a report goes into a paper: figures to scale, the numbers in them, and what to cite."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restore_recog.evaluation.results import EvaluationReport
from restore_recog.reporting import calibration, csv_files, report_figures
from restore_recog.system.atomic import whole_folder
from restore_recog.system.text import write_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "svg")

REFERENCES = "references.bib"

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]
"""Heads and rows."""

_STYLE: Any = {"pdf.fonttype": 42, "svg.hashsalt": "restore-recog"}
"""Letters stay letters that journals accept, and equal reports give equal files."""

_NO_DATE = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}


def write(report: EvaluationReport, folder: Path, form: str, *, replace: bool = False) -> int:
    """Write every figure with its numbers beside it, and what was used as BibTeX.

    Args:
        report: Of one recogniser.
        folder: Gets ``NAME.pdf`` (or ``svg``) and ``NAME.csv`` of each figure, and
            :data:`REFERENCES`; whole or not at all.
        form: One of :data:`FORMATS`.
        replace: Whether a folder that exists is replaced.

    Returns:
        How many figures there are.

    Raises:
        OutputError: The folder exists, or the disk is full or not writable.
    """
    figures = report_figures.of(report)
    with whole_folder(folder, replace=replace) as staging:
        for name, figure in figures.items():
            (staging / f"{name}.{form}").write_bytes(vector(figure, form))
            write_csv(staging / f"{name}.csv", *numbers(report, name))
        (staging / REFERENCES).write_text(bibtex(report), encoding="utf-8")
    return len(figures)


def vector(figure: Figure, form: str) -> bytes:
    """Return a figure as a file of lines and letters; equal figures give equal bytes.

    Args:
        figure: Of :func:`restore_recog.reporting.report_figures.of`.
        form: One of :data:`FORMATS`.
    """
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(_STYLE):
        figure.savefig(buffer, format=form, metadata=_NO_DATE[form])
    return buffer.getvalue()


def numbers(report: EvaluationReport, name: str) -> Table:
    """Return what one of a report's figures shows, as heads and rows.

    Raises:
        KeyError: There is no such figure.
    """
    return _NUMBERS[name](report)


def _curves(report: EvaluationReport) -> Table:
    return csv_files.CURVES, csv_files.curve_rows(report.curves)


def _pair_curves(report: EvaluationReport) -> Table:
    return csv_files.CURVES, csv_files.curve_rows(report_figures.pair_curves(report))


def _cmc(report: EvaluationReport) -> Table:
    rows = ((a.name, rank, rate) for a in report.arms for rank, rate in enumerate(a.cmc or (), 1))
    return ("arm", "rank", "identified"), rows


def _scores(report: EvaluationReport) -> Table:
    genuine = [int(trial.genuine) for trial in report.trials]
    rows = (
        (arm, mark, score)
        for arm, scores in report.scores.items()
        for mark, score in zip(genuine, scores.tolist(), strict=True)
        if np.isfinite(score)
    )
    return ("arm", "genuine", "score"), rows


def _cohorts(report: EvaluationReport) -> Table:
    shown = report_figures.gain_of_groups(report)
    place = csv_files.COHORTS.index("figure")
    rows = csv_files.cohort_rows(report.cohorts)
    return csv_files.COHORTS, (row for row in rows if row[place] == shown)


def _quality(report: EvaluationReport) -> Table:
    rows = (
        (arm, *map(float, pair))
        for arm, (x, y) in report_figures.quality_changes(report).items()
        for pair in zip(x, y, strict=True)
    )
    return ("arm", "psnr_mask_gain", "cosine_gain"), rows


def _confusion(report: EvaluationReport) -> Table:
    counts = Counter((row.arm, row.true, row.told) for row in report.sights)
    return ("arm", "true", "told", "n"), ((*place, n) for place, n in sorted(counts.items()))


def _map(report: EvaluationReport) -> Table:
    rows = ((r.arm, r.probe_id, r.true, r.x, r.y) for r in report.sights if np.isfinite(r.x))
    return ("arm", "probe_id", "true", "x", "y"), rows


def _calibration(report: EvaluationReport) -> Table:
    return calibration.COLUMNS, calibration.rows(calibration.curves(report))


_NUMBERS = {
    "det": _curves,
    "det-pairs": _pair_curves,
    "cmc": _cmc,
    "histograms": _scores,
    "cohorts": _cohorts,
    "quality": _quality,
    "confusion": _confusion,
    "tsne": _map,
    "calibration": _calibration,
}


def bibtex(report: EvaluationReport) -> str:
    """Return the BibTeX entries of this tool and of what a report names.

    A plug-in whose reference is not known here is named in a comment, so that it is not forgotten.
    """
    setup, known = report.setup, _entries()
    used = [
        *(("restorer", one.get("name")) for one in setup.get("restorers", {}).values()),
        ("recognizer", setup.get("recognizer", {}).get("name")),
        ("protocol", setup.get("protocol", {}).get("name")),
        *(("dataset", one.get("name")) for one in setup.get("data", ())),
    ]
    keys = ["tool", *dict.fromkeys(f"{kind}-{name}" for kind, name in used if name)]
    parts: list[str] = []
    for key in keys:
        kind, _, name = key.partition("-")
        unknown = f"% No reference is known for the {kind} '{name}'; cite it as its authors ask.\n"
        parts += known.get(key, [unknown])
    # A data set and the protocol on it may have one paper.
    return "\n".join(dict.fromkeys(parts))


def _entries() -> dict[str, list[str]]:
    """Return plug-in (``kind-name``) -> its entries; none for one that needs none."""
    text = resources.files("restore_recog.published").joinpath(REFERENCES).read_text("utf-8")
    entries = {}
    for part in text.split("\n% for: ")[1:]:
        names, _, rest = part.partition("\n")
        own = [f"@{one.strip()}\n" for one in re.split(r"^@", rest, flags=re.M)[1:]]
        entries.update(dict.fromkeys(names.split(), own))
    return entries
