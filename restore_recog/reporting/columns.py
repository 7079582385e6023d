"""The columns of every table: one definition for the terminal, the page, CSV and LaTeX.

A figure that must not be quoted bare carries a flag; every rendering prints it beside the
value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.figure import Figure, FigureName, Figures
from restore_recog.evaluation.results import ArmReport
from restore_recog.labels import KINDS

NOTHING = "–"
"""Stands where a figure was not measured."""

UP, DOWN = "↑", "↓"
"""Stand behind the title of a figure that is better when it is higher, or lower."""

NO_COST = "the mask's cost may be 0"
FEW_IMPOSTORS = "too few impostors"


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure as text.

    Attributes:
        value: The number in the column's unit, or :data:`NOTHING`.
        low, high: Ends of the 95 % interval; empty where there is none.
        n: What it rests on; empty where unknown.
        flag: Why the value must not be quoted bare; empty where it may.
    """

    value: str = NOTHING
    low: str = ""
    high: str = ""
    n: str = ""
    flag: str = ""

    @property
    def measured(self) -> bool:
        """Return whether there is a value."""
        return self.value != NOTHING


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        title: Its head, units included.
        figure: Which figure it shows.
        factor: On the value, e.g. 100 for per cent.
        digits: After the point.
        signed: Write a plus; for differences.
        brief: Its head in the terminal and in LaTeX; empty where it is left out there.
        interval: Whether the terminal shows the interval too.
        better: Which way is better, where the heads of tables say so: an arrow.
    """

    title: str
    figure: str
    factor: float = 1.0
    digits: int = 1
    signed: bool = False
    brief: str = ""
    interval: bool = False
    better: str = ""

    @property
    def head(self) -> str:
        """Return the title with its arrow, for pages."""
        return f"{self.title} {self.better}".rstrip()

    @property
    def brief_head(self) -> str:
        """Return the brief title with its arrow, for the terminal and LaTeX."""
        return f"{self.brief} {self.better}".rstrip()

    def number(self, value: Any) -> str:
        """Return a value in the column's unit, empty where it is no finite number."""
        if not known(value):
            return ""
        rounded = round(value * self.factor, self.digits) or 0.0  # never -0.000
        return f"{rounded:{'+' if self.signed else ''}.{self.digits}f}"

    def cell(self, figures: Figures) -> Cell:
        """Return the column's figure as text."""
        figure = figures.get(self.figure)
        if figure is None:
            return Cell()
        low, high = self.number(figure.low), self.number(figure.high)
        return Cell(
            value=self.number(figure.value) or NOTHING,
            low=low if low and high else "",
            high=high if low and high else "",
            n="" if figure.n is None else str(figure.n),
            flag=flag(figure),
        )


def flag(figure: Figure) -> str:
    """Return why a figure must not be quoted bare, or nothing."""
    if figure.flag:
        return figure.flag
    if figure.details.get("straddles_zero"):
        return NO_COST
    return FEW_IMPOSTORS if figure.details.get("supported") is False else ""


def known(value: Any) -> TypeGuard[float]:
    """Return whether a value is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def p_text(value: Any) -> str:
    """Return a p-value for tables, or what stands where there was no test."""
    if not known(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


RECOGNITION = (
    Column("Rank-1, %", "rank1", 100, brief="rank-1 %", interval=True),
    Column("Rank-5, %", "rank5", 100),
    Column("Gain in rank-1, points", "rank1_gain", 100, 1, True, "gain", True),
    Column("Gain in rank-1 over fill, points", "rank1_gain_over_fill", 100, 1, True),
    Column("Gain in rank-1 over restored, points", "rank1_gain_over_restored", 100, 1, True),
    Column("Recovered, %", "recovered", 100, 0),
    Column("Genuine cosine", "cosine", 1, 3, brief="cosine"),
    Column("Gain in cosine", "cosine_gain", 1, 3, True),
    Column("Impostor cosine", "impostor_cosine", 1, 3),
    Column("Shift of impostors", "impostor_shift", 1, 3, True),
    Column("Margin to the best impostor", "margin", 1, 3, True),
    Column("Gain in margin", "margin_gain", 1, 3, True),
)
OPEN_SET = (
    Column("DIR at FAR 1 %, %", "dir@far=0.01", 100, brief="DIR %", interval=True),
    Column("DIR at FAR 1 %, mean - sd, %", "dir_less_sd@far=0.01", 100),
    Column("Gain in DIR at FAR 1 %, points", "dir_gain@far=0.01", 100, 1, True, "DIR gain", True),
    Column("Gain in DIR at FAR 1 % over fill, points", "dir_gain_over_fill@far=0.01", 100, 1, True),
    Column("DIR at FAR 0.1 %, %", "dir@far=0.001", 100),
    Column("DIR at FAR 0.1 %, mean - sd, %", "dir_less_sd@far=0.001", 100),
    Column("VR at FAR 0.1 %, %", "vr@far=0.001", 100, brief="VR %"),
    Column("VR at FAR 0.1 %, mean - sd, %", "vr_less_sd@far=0.001", 100),
    Column("Gain in VR at FAR 0.1 %, points", "vr_gain@far=0.001", 100, 1, True),
)

VERIFICATION = (
    Column("Accuracy, %", "accuracy", 100, 2, brief="accuracy %", interval=True),
    Column("Gain in accuracy, points", "accuracy_gain", 100, 2, True, "accuracy gain", True),
    Column("Gain in accuracy over fill, points", "accuracy_gain_over_fill", 100, 2, True),
    Column("Gain in accuracy over restored, points", "accuracy_gain_over_restored", 100, 2, True),
    Column("EER, %", "eer", 100, brief="EER %"),
    Column("FNMR at FMR 1 %, %", "fnmr@fmr=0.01", 100, brief="FNMR %"),
    Column("FNMR at FMR 0.1 %, %", "fnmr@fmr=0.001", 100),
    Column("FNMR at FMR 0, %", "zero_fmr", 100),
    Column("FNIR at FPIR 1 %, %", "fnir@fpir=0.01", 100),
    *OPEN_SET,
    Column("d′", "d_prime", 1, 2),
    Column("Overlap", "overlap", 1, 3),
)

FIXED = " at the {:g} % threshold"
"""How the titles of columns name a threshold that was fixed before covering, by its FMR."""


def _fixed(target: float, digits: int, *, brief: bool = False) -> tuple[Column, ...]:
    """Return the columns of one threshold that was fixed before covering."""
    at = FIXED.format(100 * target)
    fmr, fnmr = ("fixed FMR %", "fixed FNMR %") if brief else ("", "")

    over_fill, over_restored = (
        FigureName(f"fnmr_frozen_over_{arm}", target) for arm in ("fill", "restored")
    )
    fmr_change, fnmr_change = (FigureName(f"{k}_frozen_change", target) for k in ("fmr", "fnmr"))
    return (
        Column(f"FMR{at}, %", FigureName("fmr_frozen", target), 100, digits, brief=fmr),
        Column(f"Change of FMR{at}, points", fmr_change, 100, digits, True),
        Column(f"FNMR{at}, %", FigureName("fnmr_frozen", target), 100, brief=fnmr),
        Column(f"Change of FNMR{at}, points", fnmr_change, 100, 1, True),
        Column(f"FNMR over fill{at}, points", over_fill, 100, 1, True),
        Column(f"FNMR over restored{at}, points", over_restored, 100, 1, True),
    )


TRANSFER_AT = {
    0.01: _fixed(0.01, 3),
    0.001: _fixed(0.001, 3, brief=True),
    0.0001: _fixed(0.0001, 4),
}
"""FMR of a threshold that was fixed before covering -> the columns of that threshold."""

TRANSFER = tuple(column for columns in TRANSFER_AT.values() for column in columns)
ACQUISITION = (
    Column("Failure to enrol, %", "fte", 100, 2),
    Column("Failure to acquire, %", "fta", 100, 2),
    Column("GFRR at FMR 1 % of the pairs, %", "gfrr@fmr=0.01", 100, 2),
    Column("GFAR at FMR 1 % of the pairs, %", "gfar@fmr=0.01", 100, 2),
    Column("GFRR at FMR 0.1 % of the pairs, %", "gfrr@fmr=0.001", 100, 2),
    Column("GFAR at FMR 0.1 % of the pairs, %", "gfar@fmr=0.001", 100, 2),
)
CLASSES = tuple(
    column
    for kind in KINDS
    for column in (
        Column(f"{kind.capitalize()} told, %", kind, 100, brief=f"{kind} %", interval=True),
        Column(f"Gain in {kind} told, points", f"{kind}_gain", 100, 1, True, f"{kind} gain", True),
        Column(f"Gain over fill, points ({kind})", f"{kind}_gain_over_fill", 100, 1, True),
        Column(f"Gain over restored, points ({kind})", f"{kind}_gain_over_restored", 100, 1, True),
        Column(f"{kind.capitalize()} predicted by the restorer, %", f"{kind}_predicted", 100),
        Column(f"Restored by the wrong {kind}, %", f"{kind}_wrong", 100, better=DOWN),
        Column(f"Calibration error ({kind}), points", f"{kind}_ece", 100, better=DOWN),
        Column(f"Brier score ({kind})", f"{kind}_brier", 1, 3, better=DOWN),
    )
)
"""What a classifier told."""

LIKENESS = (
    Column("PSNR, dB", "psnr", 1, 2, better=UP),
    Column("PSNR in the mask, dB", "psnr_mask", 1, 2, brief="PSNR dB", better=UP),
    Column("Gain in PSNR in the mask, dB", "psnr_mask_gain", 1, 2, True, better=UP),
    Column("SSIM", "ssim", 1, 3, better=UP),
    Column("SSIM in the mask", "ssim_mask", 1, 3, brief="SSIM", better=UP),
    Column("L1, %", "l1", 100, 2, better=DOWN),
    Column("L1 in the mask, %", "l1_mask", 100, 2, better=DOWN),
    Column("L2", "l2", 1, 4, better=DOWN),
    Column("L2 in the mask", "l2_mask", 1, 4, better=DOWN),
    Column("Sharpness in the mask (truth = 1)", "sharpness", 1, 2),
    Column("FID", "fid", 1, 2, brief="FID", better=DOWN),
    Column("Fréchet distance of templates", "frechet_embedding", 1, 4, better=DOWN),
    Column(
        "Fréchet distance of the classifier's features", "frechet_classifier", 1, 3, better=DOWN
    ),
    Column("Fréchet distance of VGG-19's features", "frechet_vgg", 1, 2, better=DOWN),
    Column("Perceptual loss (VGG-19)", "perceptual", 1, 3, better=DOWN),
    Column("LPIPS", "lpips", 1, 4, brief="LPIPS", better=DOWN),
    Column("NIQE", "niqe", 1, 2, brief="NIQE", better=DOWN),
    Column("BRISQUE", "brisque", 1, 2, brief="BRISQUE", better=DOWN),
    Column("Mask Dice", "dice", 1, 3, brief="Dice", better=UP),
    Column("Mask IoU", "iou", 1, 3, better=UP),
    Column("PSNR gain against cosine gain, ρ", "quality_vs_recognition", 1, 2, True),
)
SSIM_GAIN = Column("Gain in SSIM in the mask", "ssim_mask_gain", 1, 3, True)
MOVED = Column("Template moved, genuine–impostor distances", "moved", 1, 2)
"""How far a wrong decision moves a template."""

ALL = (*CLASSES, *RECOGNITION, *VERIFICATION, *TRANSFER, *ACQUISITION, *LIKENESS)
BRIEF = tuple(column for column in ALL if column.brief)
_LEGEND = {
    "rank1_gain": "gain: in rank-1 against 'occluded' on the same probes, in points",
    "accuracy": "accuracy: mean of the folds, its interval from their spread",
    "fnmr@fmr=0.01": "FNMR: at 1 % FMR, each arm at its own threshold",
    "dir@far=0.01": "DIR: found at rank 1 at 1 % FAR, mean of the trials",
    "vr@far=0.001": "VR: pairs accepted at 0.1 % FAR, mean of the trials",
    "fmr_frozen@fmr=0.001": "fixed: at the threshold that gives 0.1 % FMR on bare faces",
    "psnr_mask": "PSNR and SSIM: inside the covering; arrows: which way is better",
    "fid": "FID: to the unoccluded images of the same probes",
    "dice": "Dice: of the mask that was used",
}

_BY_FIGURE = {column.figure: column for column in (*ALL, MOVED, SSIM_GAIN)}


def column_of(figure: str) -> Column:
    """Return the column that shows a figure; one in plain units where it has none."""
    return _BY_FIGURE.get(figure) or Column(figure, figure, 1, 3)


def used(columns: Iterable[Column], arms: Sequence[ArmReport]) -> list[Column]:
    """Return the columns that at least one arm has a figure for, in order."""
    return [c for c in columns if any(c.figure in arm.figures for arm in arms)]


def legend(columns: Iterable[Column]) -> str:
    """Return what the brief heads of columns mean, one line each."""
    lines = [_LEGEND[column.figure] for column in columns if column.figure in _LEGEND]
    return "\n".join([*lines, "Brackets: 95 % intervals over people"])


def answering(arms: Iterable[ArmReport]) -> list[ArmReport]:
    """Return the arms that a verdict rests on: what a restorer makes of the probes as they came."""
    return [arm for arm in arms if ARMS[arm.arm].answers]


def floor_of(arms: Iterable[ArmReport]) -> ArmReport | None:
    """Return the arm of the probes as they came, which is held against no other."""
    return next((arm for arm in arms if not ARMS[arm.arm].base), None)


def floor_and_answers(arms: Sequence[ArmReport]) -> list[ArmReport]:
    """Return the arms that show what restoring changes: the floor, and those that answer."""
    floor = floor_of(arms)
    return ([] if floor is None else [floor]) + answering(arms)
