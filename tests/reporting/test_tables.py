"""One definition of the columns, and what each rendering makes of it."""

from __future__ import annotations

import csv
import io
import re

import pytest
from report_fakes import sample_report

from restore_recog.evaluation.figure import Figure, read_figures
from restore_recog.evaluation.results import ArmReport, ProbeRow
from restore_recog.reporting import csv_files
from restore_recog.reporting.columns import (
    ALL,
    BRIEF,
    FEW_IMPOSTORS,
    NO_COST,
    NOTHING,
    Cell,
    Column,
    column_of,
    flag,
    used,
)
from restore_recog.reporting.latex import arms_latex, chosen, escape_latex
from restore_recog.reporting.tables import (
    TERMINAL,
    Marks,
    arms_csv,
    arms_text,
    report_text,
    text_table,
)
from restore_recog.types import Failure

NAN = float("nan")


def arm(name: str = "occluded", **figures: dict[str, object]) -> ArmReport:
    return ArmReport(name, name.partition(":")[0], None, read_figures(figures))


@pytest.mark.parametrize(
    ("column", "figure", "cell"),
    [
        (Column("", "x", 100), {"value": 0.5, "low": 0.25, "high": 0.755, "n": 7},
         Cell("50.0", "25.0", "75.5", "7")),
        (Column("", "x", 100, 0, True), {"value": 0.5}, Cell("+50")),
        (Column("", "x", 1, 3, True), {"value": -0.0125, "low": NAN, "high": 1}, Cell("-0.013")),
        (Column("", "x"), {"value": NAN, "n": 0}, Cell(NOTHING, n="0")),
        (Column("", "x"), {"value": None}, Cell(NOTHING)),
        (Column("", "y"), {"value": 1}, Cell(NOTHING)),
        (Column("", "x"), {"value": 0, "flag": "few errors"}, Cell("0.0", flag="few errors")),
    ],
)  # fmt: skip
def test_cells(column: Column, figure: dict[str, object], cell: Cell) -> None:
    assert column.cell({"x": Figure.read("x", figure)}) == cell


def test_flags_come_from_what_limits_a_figure() -> None:
    def flagged(**facts: object) -> str:
        return flag(Figure.read("x", {"value": 1.0, **facts}))

    assert flagged() == "" == flagged(supported=True, straddles_zero=False)
    assert flagged(supported=False) == FEW_IMPOSTORS
    assert flagged(straddles_zero=True) == NO_COST
    assert flagged(supported=False, flag="said outright") == "said outright"


def test_titles_and_figures_are_told_apart() -> None:
    assert len({column.figure for column in ALL}) == len(ALL)
    assert len({column.title for column in ALL}) == len(ALL)
    assert len({column.brief for column in BRIEF}) == len(BRIEF)
    assert column_of("rank1").factor == 100
    assert column_of("something_new").title == "something_new"


def test_only_measured_columns_are_used() -> None:
    arms = [arm(rank1={"value": 1.0}), arm("clean", psnr={"value": 2.0})]
    assert [column.figure for column in used(ALL, arms)] == ["rank1", "psnr"]


def test_text_marks_flags_beside_the_value_and_spells_them_out() -> None:
    arms = [
        arm(eer={"value": 0.25, "flag": "under 30 errors"}, dice={"value": 0.5}),
        arm(
            "fill", eer={"value": 0.5, "flag": "under 30 errors"}, dice={"value": 1, "flag": "odd"}
        ),
    ]
    assert arms_text(arms).splitlines() == [
        "arm          EER %     Dice ↑",
        "--------  --------  ---------",
        "occluded  25.0 (a)      0.500",
        "fill      50.0 (a)  1.000 (b)",
        "(a) under 30 errors",
        "(b) odd",
        "Dice: of the mask that was used",
        "Brackets: 95 % intervals over people",
    ]


def test_text_shows_intervals_of_the_leading_figures() -> None:
    figure: dict[str, object] = {"value": 0.5, "low": 0.4, "high": 0.6}
    assert "50.0 [40.0, 60.0]" in arms_text([arm(rank1=figure)])
    assert text_table(["a", "b"], [["x", "1"]]) == "a  b\n-  -\nx  1"


def test_tables_that_are_too_wide_go_on_below() -> None:
    head, row = ["arm", "one", "two", "three"], ["occluded", "1.0", "2.0", "3.0"]
    assert text_table(head, [row], width=20).splitlines() == [
        "arm       one  two", "--------  ---  ---", "occluded  1.0  2.0", "",
        "arm       three", "--------  -----", "occluded    3.0",
    ]  # fmt: skip
    assert text_table(head, [row], width=2).count("occluded") == 3  # one column each at least
    assert max(map(len, arms_text(sample_report().arms).splitlines())) <= TERMINAL


def test_marks_never_run_out() -> None:
    marks = Marks()
    letters = [marks.of(f"flag {i}") for i in range(60)]
    assert letters[:2] == ["a", "b"] and letters[25:27] == ["z", "aa"] and letters[52] == "aaa"
    assert len(set(letters)) == 60 and marks.of("flag 26") == "aa" and marks.of("") == ""
    assert marks.lines()[26] == ("aa", "flag 26")


def test_csv_holds_every_figure_unrounded_with_interval_n_and_flag() -> None:
    figure = {"value": 1 / 3, "low": 0.25, "high": NAN, "n": 9, "flag": 'a "b", c'}
    text = arms_csv([arm(rank1=figure, zero_fmr={"value": 0.0}), arm('odd, "name"')])
    head, first, second = csv.reader(io.StringIO(text))
    assert head[:6] == [
        "Arm", "Rank-1, %", "Rank-1, % (low)", "Rank-1, % (high)", "Rank-1, % (n)",
        "Rank-1, % (flag)",
    ]  # fmt: skip
    assert first[:7] == ["occluded", "33.33333333", "25", "", "9", 'a "b", c', "0"]
    assert second == ['odd, "name"', *[""] * 10]


def test_latex_escapes_everything_that_acts() -> None:
    nasty = r"a_b & 100 % #1 $x$ {y} ~ ^ \input{z} – ρ"
    escaped = escape_latex(nasty)
    bare = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum)\{\}", "", escaped)
    bare = re.sub(r"\\[&%$#_{}]", "", bare).replace(r"$\rho$", "")
    assert not re.search(r"[&%$#_{}~^\\]", bare)
    assert r"\textbackslash{}input\{z\}" in escaped


def test_latex_table_is_whole() -> None:
    report = sample_report()
    text = arms_latex(report.arms, "50 % of a_b & c")
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()
    columns = len(used(BRIEF, report.arms)) + 1
    assert len(body) == len(report.arms)
    for line in body:
        assert line.endswith(r" \\") and len(re.findall(r"(?<!\\)&", line)) == columns - 1
    assert rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert r"\caption{50 \% of a\_b \& c}" in text
    assert r"$-$8.3 {\scriptsize [$-$19.2, +3.4]}" in text
    flagged = arms_latex([arm(eer={"value": 0.5, "flag": "under 30 %"})], "")
    assert r"50.0\textsuperscript{a}" in flagged
    assert r"\textsuperscript{a} under 30 \%." in flagged


def test_the_best_of_the_covered_faces_is_bold() -> None:
    report = sample_report()
    lines = arms_latex(report.arms, "", chosen(["rank1", "EER %"], report.arms)).splitlines()
    rows = {line.split(" &")[0].strip(): line.split("&")[1:] for line in lines if " &" in line}
    for column, figure, best in ((0, "rank1", max), (1, "eer", min)):
        values = {
            one.name: round(100 * one.figures[figure].value, 1)
            for one in report.arms
            if figure in one.figures and one.arm not in ("clean", "restored-clean")
        }
        bold = {name for name, cells in rows.items() if "textbf" in cells[column]}
        assert bold == {n for n, value in values.items() if value == best(values.values())}
    assert "textbf" not in "".join(rows["clean"])


def test_chosen_columns_keep_their_order_and_a_wrong_name_is_answered_with_all() -> None:
    arms = sample_report().arms
    assert [one.figure for one in chosen(["EER %", "rank1"], arms)] == ["eer", "rank1"]
    with pytest.raises(ValueError, match=r"no column 'speed'; this report has .*rank1, "):
        chosen(["speed"], arms)


def test_a_table_has_a_label_and_fits_the_text() -> None:
    text = arms_latex(sample_report().arms, "", label="tab:mine")
    assert r"\label{tab:mine}" in text and r"\begin{adjustbox}{max width=\textwidth}" in text


def test_the_terminal_shows_flips_losses_and_verdicts() -> None:
    report = sample_report()
    text = report_text(report)
    assert text.startswith("synthetic coverings\n") and text.endswith(report.verdicts[1].sentence)
    counts = csv_files.counted(csv_files.flips(report))["restored:alpha"]
    assert f"restored:alpha: {counts['rescued']} rescued, {counts['harmed']} harmed" in text
    assert "restored:beta: 3 probes used unrestored because the restorer failed" in text
    assert "at the stage 'restore': 2 images of 1 people, 3 times" in text


def test_flips_leave_out_probes_without_a_right_answer() -> None:
    def row(arm: str, probe: str, rank: int) -> ProbeRow:
        return ProbeRow(arm, probe, "s", "", rank, 0.5, False)

    report = sample_report()
    ranks = {"a": (2, 1), "b": (1, 9), "c": (1, 1), "d": (5, 3), "stranger": (0, 0)}
    rows = [row("occluded", name, before) for name, (before, _) in ranks.items()]
    rows += [row("restored:alpha", name, after) for name, (_, after) in ranks.items()]
    flips = csv_files.flips(sample_report(probes=tuple(rows), arms=report.arms[:3]))
    assert {flip.probe_id: flip.outcome for flip in flips} == {
        "a": "rescued", "b": "harmed", "c": "both right", "d": "both wrong",
    }  # fmt: skip


def test_losses_are_told_once_for_arms_that_lost_the_same() -> None:
    arms = [
        ArmReport("clean", "clean", None, {}, misses=2),
        ArmReport("occluded", "occluded", None, {}, misses=2),
        ArmReport("restored:x", "restored", "x", {}, misses=3, fallbacks=1),
        ArmReport("fill", "fill", None, {}),
    ]
    assert csv_files.losses(arms) == [
        "clean, occluded: 2 probes without a template: misses at every rank",
        "restored:x: 3 probes without a template: misses at every rank",
        "restored:x: 1 probes used unrestored because the restorer failed",
    ]
    assert csv_files.failures_by_stage([Failure("read", "i", "s", "why")] * 2) == {
        "read": {"images": 1, "subjects": 1, "events": 2}
    }


@pytest.mark.parametrize(("value", "text"), [(-1e-9, "0.000"), (-0.0006, "-0.001"), (0.5, "0.500")])
def test_what_rounds_to_zero_has_no_sign(value: float, text: str) -> None:
    assert Column("Cosine", "cosine", 1, 3).number(value) == text
    signed = Column("Gain", "cosine_gain", 1, 3, True)
    assert signed.number(value) == (text if value < -1e-6 else f"+{text}")
