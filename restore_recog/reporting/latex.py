"""Tables as LaTeX, from the columns of :mod:`restore_recog.reporting.columns`."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import DataRow, Line, TableFormat, tabulate

from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.figure import NO_FIGURE
from restore_recog.evaluation.results import ArmReport
from restore_recog.labels import KINDS
from restore_recog.reporting.columns import ALL, BRIEF, DOWN, UP, Cell, Column, used
from restore_recog.reporting.tables import Marks

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "′": "$'$",
    "ρ": r"$\rho$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}

_ROW = DataRow("", " & ", r" \\")
BOOKTABS = TableFormat(  # its own formats for LaTeX escape the cells, which hold commands here
    lineabove=Line(r"\toprule", "", "", ""),
    linebelowheader=Line(r"\midrule", "", "", ""),
    linebetweenrows=None,
    linebelow=Line(r"\bottomrule", "", "", ""),
    headerrow=_ROW,
    datarow=_ROW,
    padding=0,
    with_header_hide=None,
)

_LESS = ("eer", "fnmr", "fmr", "zero_fmr", "fnir", "overlap", "fte", "fta", "gfrr", "gfar")
_MORE = ("rank", "accuracy", "recovered", "cosine", "margin", "d_prime", "dir", *KINDS)


def better_way(column: Column) -> str:
    """Return :data:`UP` or :data:`DOWN`, whichever is better; nothing where neither is."""
    if column.better:
        return column.better
    ways = [way for way, names in ((DOWN, _LESS), (UP, _MORE)) if column.figure.startswith(names)]
    return ways[0] if ways else ""


def chosen(names: Sequence[str], arms: Sequence[ArmReport]) -> list[Column]:
    """Return the columns of these names, in this order.

    Args:
        names: Figures such as ``rank1_gain``, or heads of the table in the terminal.
        arms: Which have them.

    Raises:
        ValueError: A name is none of a figure that any arm has.
    """
    there = used(ALL, arms)
    by_name = {key.lower(): one for one in there for key in (one.brief, one.figure) if key}
    for name in names:
        if name.lower() not in by_name:
            known_ones = ", ".join(str(one.figure) for one in there)
            raise ValueError(f"There is no column '{name}'; this report has {known_ones}.")
    return [by_name[name.lower()] for name in names]


def arms_latex(
    arms: Sequence[ArmReport], caption: str, columns: Sequence[Column] = (), label: str = ""
) -> str:
    """Return a table of arms as LaTeX, ready to paste, and no wider than the text.

    The best value of a column is bold, among the arms that see the covered face.

    Args:
        arms: The rows.
        caption: What the table rests on.
        columns: Which figures; by default the brief ones that an arm has.
        label: To refer to it by; ``tab:restoring`` by default.
    """
    columns, marks = columns or used(BRIEF, arms), Marks()
    head = ["Arm", *(escape_latex(_title(column)) for column in columns)]
    best = {column.figure: _best(arms, column) for column in columns}
    rows = [
        [
            escape_latex(arm.name),
            *(_latex(c.cell(arm.figures), marks, arm.name in best[c.figure]) for c in columns),
        ]
        for arm in arms
    ]
    align = ["left", *["right"] * len(columns)]
    lines = [
        r"% Needs \usepackage{booktabs,adjustbox}. Brackets: 95 % intervals over people.",
        r"% Bold: the best of the arms that see the covered face.",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label or 'tab:restoring'}}}",
        r"\begin{adjustbox}{max width=\textwidth}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        tabulate(rows, head, tablefmt=BOOKTABS, colalign=align, disable_numparse=True),
        r"\end{tabular}",
        r"\end{adjustbox}",
        *(
            rf"\par\footnotesize\textsuperscript{{{letter}}} {escape_latex(flag)}."
            for letter, flag in marks.lines()
        ),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _best(arms: Sequence[ArmReport], column: Column) -> set[str]:
    """Return the names of the arms with a column's best value, as it is printed; none of one."""
    shown = {
        arm.name: column.number(arm.figures.get(column.figure, NO_FIGURE).value)
        for arm in arms
        if ARMS[arm.arm].covered
    }
    values = {name: float(text) for name, text in shown.items() if text}
    way = better_way(column)
    if not way or len(values) < 2:
        return set()
    top = (max if way == UP else min)(values.values())
    return {name for name, value in values.items() if value == top}


def _title(column: Column) -> str:
    head = column.brief_head or column.head
    return head[:1].upper() + head[1:]


def _latex(cell: Cell, marks: Marks, bold: bool) -> str:
    mark, value = marks.of(cell.flag), _minus(escape_latex(cell.value))
    text = rf"\textbf{{{value}}}" if bold else value
    text += rf"\textsuperscript{{{mark}}}" if mark else ""
    return text + (
        rf" {{\scriptsize [{_minus(cell.low)}, {_minus(cell.high)}]}}" if cell.low else ""
    )


def _minus(text: str) -> str:
    """Return a number with the minus sign that LaTeX sets as one."""
    return "$-$" + text[1:] if text[:1] == "-" and text[1:2].isdigit() else text


def escape_latex(text: str) -> str:
    """Return text with every character that LaTeX would act on made harmless."""
    return "".join(_LATEX.get(character, character) for character in text)
