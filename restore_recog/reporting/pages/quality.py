"""The sections of a report that asks how good pictures are, not who is recognised."""

from __future__ import annotations

from collections.abc import Mapping

from restore_recog.reporting.drawings import Picture
from restore_recog.reporting.pages.elements import arms_table, paragraph
from restore_recog.reporting.pages.groups import likeness
from restore_recog.reporting.report import Report
from restore_recog.reporting.sheet import CAPTION
from restore_recog.reporting.tables import column_of

IDENTITY = ("cosine", "cosine_gain")


def asked(report: Report) -> bool:
    """Return whether a report asks how near pictures come to their unoccluded versions."""
    return report.setup.get("asks") == "quality"


def pictures(report: Report, drawn: Mapping[str, Picture]) -> str:
    """Return the likeness of every arm, and what its figures are."""
    return likeness(report, drawn) + paragraph(
        "Every figure is the mean over the probes, with its 95 % interval from resampling people; "
        "arrows say which way is better. L1 is in per cent and L2 in squares of the range [0, 1]. "
        "FID and the Fréchet distance of templates are of all pictures of an arm together against "
        "the unoccluded ones, have no interval, and compare only with figures of as many pictures. "
        "NIQE and BRISQUE look at a picture alone and know of no face. PSNR of a picture that "
        "is the same as its twin is infinite, and such pictures are left out of its mean."
    )


def identity(report: Report) -> str:
    """Return how much of the identity the templates keep."""
    columns = [column_of(name) for name in IDENTITY]
    shown = arms_table(columns, [(arm.name, arm.figures) for arm in report.arms])
    return shown and shown + paragraph(
        "Cosine of the template to the one of the same unoccluded picture. It says how much of "
        "the identity is kept; how well people are told apart needs another protocol."
    )


def sheet_words(report: Report) -> str:
    """Return where the sheet of differences is, if there is one."""
    if not any("clean" in example.titles for example in report.examples):
        return ""
    return paragraph(f"The same rows with the difference are in figures/sheet.png. {CAPTION}")
