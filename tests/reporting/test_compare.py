"""Runs side by side: what is paired, what is refused, and that the numbers are right."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_fakes import PROBES, SHIFTS, SUBJECTS, sample_report

from restore_recog.errors import DataError, OutputError
from restore_recog.evaluation.results import ArmReport, EvaluationReport, ProbeRow
from restore_recog.evaluation.words.judging import Case, judge
from restore_recog.reporting import comparison_files, comparison_text
from restore_recog.reporting.compare import compare, load
from restore_recog.reporting.comparison_files import page
from restore_recog.reporting.pairing import Difference, Run, pair

NAN = math.nan


@pytest.fixture(scope="module")
def before() -> EvaluationReport:
    return sample_report()


@pytest.fixture(scope="module")
def after() -> EvaluationReport:
    return sample_report(shifts=SHIFTS | {"restored:alpha": 0.40, "restored:beta": 0.60})


def changed(report: EvaluationReport, **setup: object) -> EvaluationReport:
    return dataclasses.replace(report, setup={**report.setup, **setup})


def tiny(ranks: dict[str, list[int]], restorer: str = "alpha", people: int = 0) -> EvaluationReport:
    """Return a run of a few probes with given ranks; one person a probe, or so many people."""
    arms, probes = [], []
    for name, row in ranks.items():
        full = f"{name}:{restorer}" if name.startswith("restored") else name
        arms.append(ArmReport(full, name, restorer if ":" in full else None, {}))
        for i, rank in enumerate(row):
            subject = f"s{i % people if people else i}"
            probes.append(ProbeRow(full, f"p{i}", subject, "", rank, NAN, False))
    return sample_report(arms=tuple(arms), probes=tuple(probes), trials=(), scores={})


def find(pairing: object, arm: str, figure: str) -> Difference:
    (difference,) = [d for d in pairing.differences if (d.second, d.figure) == (arm, figure)]  # type: ignore[attr-defined]
    return difference


def test_paired_differences_are_those_of_the_probes(
    before: EvaluationReport, after: EvaluationReport
) -> None:
    pairing = pair(Run("one", before), Run("two", after))
    assert pairing.refusal is None
    one, two = (
        {r.probe_id: r for r in report.probes if r.arm == "restored:beta"}
        for report in (before, after)
    )
    hit = np.array([(one[p].rank == 1, two[p].rank == 1) for p in PROBES]).T
    rank1 = find(pairing, "restored:beta", "rank1").result
    assert rank1["value"] == pytest.approx(hit[1].mean() - hit[0].mean())
    assert (rank1["rescued"], rank1["harmed"]) == (
        (hit[1] & ~hit[0]).sum(),
        (hit[0] & ~hit[1]).sum(),
    )
    assert rank1["n"] == 120 and rank1["n_subjects"] == len(set(SUBJECTS)) == 24
    assert rank1["low"] < rank1["value"] < rank1["high"] and rank1["seed"] == 0
    cosine = find(pairing, "restored:beta", "cosine").result
    known = [p for p in PROBES if math.isfinite(one[p].cosine)]
    assert cosine["n"] == len(known) == 119
    assert cosine["value"] == pytest.approx(np.mean([two[p].cosine - one[p].cosine for p in known]))


def test_answers_follow_interval_and_test(
    before: EvaluationReport, after: EvaluationReport
) -> None:
    (pairing,) = compare([Run("one", before), Run("two", after)]).pairings
    assert find(pairing, "restored:beta", "rank1").answer == "better"
    assert find(pairing, "restored:alpha", "rank1").answer == "worse"
    assert find(pairing, "occluded", "rank1").answer == "the same"


def test_differences_are_corrected_over_the_whole_comparison() -> None:
    """Six of six people rescued is p = 2 / 64: enough alone, not as one of two."""
    one, two, six = (
        tiny({"occluded": [2] * 6, "restored": row}) for row in ([2] * 6, [1] * 6, [1] * 6)
    )
    (alone,) = compare([Run("a", one), Run("b", two)]).pairings
    difference = find(alone, "restored:alpha", "rank1")
    assert difference.p_corrected == difference.result["p_sign_flip"] == 2 / 64
    assert difference.answer == "better"
    comparison = compare([Run("a", one), Run("b", two), Run("c", six)])
    for pairing in comparison.pairings:
        difference = find(pairing, "restored:alpha", "rank1")
        assert (difference.p_corrected, difference.answer) == (4 / 64, "cannot tell")
        assert math.isnan(find(pairing, "occluded", "rank1").p_corrected)  # nothing to test
    assert comparison.family.startswith("The paired differences are 2 tests, corrected together")
    assert comparison.family in comparison_text.text(comparison)
    assert "p = 0.031, corrected 0.062" in comparison_text.text(comparison)
    data = comparison_files.as_json(comparison)
    assert data["family"] == comparison.family and data["format"] == 2
    assert [d["p_corrected"] for d in data["pairings"][1]["differences"]] == [None, 4 / 64]
    assert "corrected together" in page(comparison) and ">0.062</td>" in page(comparison)


def test_verdicts_are_corrected_over_all_runs(before: EvaluationReport) -> None:
    """p = 0.0123 of a gain is enough in one run of two restorers, not in three of them."""
    (alone,) = judge([Case.of(before)]).verdicts
    assert [verdict.answer for verdict in alone] == ["helps", "hurts"]
    assert [verdict.tests[0].p_corrected for verdict in alone] == pytest.approx([0.0246] * 2)
    comparison = compare([Run(name, before) for name in "abc"])
    for verdicts in comparison.judgement.verdicts:
        assert [verdict.answer for verdict in verdicts] == ["cannot tell"] * 2
        assert verdicts[0].tests[0].p_corrected == pytest.approx(6 * 0.0123)
    text = comparison_text.text(comparison)
    assert "a: cannot tell. Whether restoring with 'alpha' first helps 'tiny'" in text
    assert "6 tests behind 6 verdicts" in text and "6 tests behind 6 verdicts" in page(comparison)


def test_four_rescued_people_are_not_enough() -> None:
    """The interval of 4 in 24 lies above 0, but chance does that in 1 of 8."""
    one = tiny({"occluded": [2] * 24, "restored": [2] * 24})
    two = tiny({"occluded": [2] * 24, "restored": [1] * 4 + [2] * 20})
    (pairing,) = compare([Run("a", one), Run("b", two)]).pairings
    difference = find(pairing, "restored:alpha", "rank1")
    assert difference.result["low"] > 0
    assert difference.result["p_sign_flip"] == pytest.approx(2 / 16, abs=0.01)
    assert difference.result["p_mcnemar"] == pytest.approx(2 / 16)
    assert difference.answer == "cannot tell"


def test_as_many_rescued_as_harmed_is_not_the_same() -> None:
    one, two = tiny({"restored": [1, 2, 1, 2]}), tiny({"restored": [2, 1, 2, 1]})
    difference = find(pair(Run("a", one), Run("b", two)), "restored:alpha", "rank1")
    assert (difference.result["value"], difference.answer) == (0, "cannot tell")


def test_mcnemar_only_where_everybody_has_one_probe() -> None:
    one, two = tiny({"restored": [2] * 8}, people=4), tiny({"restored": [1] * 8}, people=4)
    result = find(pair(Run("a", one), Run("b", two)), "restored:alpha", "rank1").result
    assert "p_mcnemar" not in result and result["n_subjects"] == 4


def test_strangers_and_failed_probes(before: EvaluationReport) -> None:
    """A search without a right answer is no probe of rank 1; a failed one is a miss."""
    one, two = tiny({"restored": [0, 2, 999]}), tiny({"restored": [0, 1, 1]})
    result = find(pair(Run("a", one), Run("b", two)), "restored:alpha", "rank1").result
    assert (result["n"], result["rescued"], result["value"]) == (2, 2, 1.0)


def test_other_restorers_answer_each_other() -> None:
    ranks = {"occluded": [2, 2], "restored": [1, 2]}
    pairing = pair(Run("a", tiny(ranks, "telea")), Run("b", tiny(ranks, "fmodr")))
    assert [(d.first, d.second) for d in pairing.differences] == [
        ("occluded", "occluded"),
        ("restored:telea", "restored:fmodr"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protocol": {"name": "fmor", "version": 2}}, "fmor version 1, 'b' fmor version 2"),
        ({"protocol": {"name": "csv", "argument": "x", "version": 1}}, "csv:x version 1"),
        ({"data_sha256": "ff" * 32}, "their data differ"),
    ],
)
def test_other_protocols_and_data_are_not_paired(
    before: EvaluationReport, change: dict[str, object], words: str
) -> None:
    pairing = pair(Run("a", before), Run("b", changed(before, **change)))
    assert pairing.differences == () and pairing.refusal is not None
    assert pairing.refusal.startswith("'b' cannot be paired with 'a': ")
    assert words in pairing.refusal and pairing.refusal.endswith(".")


def test_other_probes_and_galleries_are_not_paired(before: EvaluationReport) -> None:
    fewer = dataclasses.replace(before, probes=before.probes[1:])
    ids = {row.probe_id for row in fewer.probes}
    fewer = dataclasses.replace(
        fewer, probes=tuple(r for r in fewer.probes if r.probe_id in ids - {PROBES[5]})
    )
    other = dataclasses.replace(
        before, protocol={**before.protocol, "for_enrolling.csv": "path\nq\n"}
    )
    none = dataclasses.replace(before, protocol={})
    for report, words in ((fewer, "probes differ"), (other, "for_enrolling"), (none, "galleries")):
        refusal = pair(Run("a", before), Run("b", report)).refusal
        assert refusal is not None and words in refusal
    noted = dataclasses.replace(before, protocol={**before.protocol, "plan.json": "{}"})
    assert pair(Run("a", before), Run("b", noted)).refusal is None


def test_cosines_of_two_recognisers_are_not_compared(before: EvaluationReport) -> None:
    pairing = pair(Run("a", before), Run("b", changed(before, recognizer={"name": "other"})))
    assert {d.figure for d in pairing.differences} == {"rank1"}
    assert any("recognisers differ" in note for note in pairing.notes)


def test_other_coverings_are_told(before: EvaluationReport) -> None:
    assert pair(Run("a", before), Run("b", before)).notes == ()
    (note,) = pair(Run("a", before), Run("b", changed(before, seed=1))).notes
    assert "Different synthetic coverings were drawn" in note


def test_settings_that_differ_are_listed(before: EvaluationReport) -> None:
    other = changed(before, seed=1, command="another", commit="1" * 40)
    settings = compare([Run("a", before), Run("b", other)]).settings
    assert settings == {"seed": ("0", "1"), "commit": ("0" * 40, "1" * 40)}


def test_curves_of_other_protocols_are_not_drawn_over_each_other(before: EvaluationReport) -> None:
    other = changed(before, protocol={"name": "fmor", "version": 2})
    comparison = compare([Run("a", before), Run("b", before), Run("c", other)])
    assert comparison.overlay_refusal is not None
    assert comparison_text.images(comparison) == {}
    assert "not drawn over each other" in comparison_text.text(comparison)
    assert "<img" not in page(comparison)
    assert [p.refusal is None for p in comparison.pairings] == [True, False]


def test_equal_curves_are_drawn_once(before: EvaluationReport, after: EvaluationReport) -> None:
    comparison = compare([Run("a", before), Run("b", after)])
    curves = comparison_text._cmc_curves(comparison)
    assert list(curves) == [
        "clean, all runs", "occluded, all runs", "restored:alpha, a", "restored:beta, a",
        "restored:alpha, b", "restored:beta, b",
    ]  # fmt: skip
    assert list(comparison_text._det_curves(comparison)) == list(curves)


def test_arms_that_runs_have_in_common_are_shown_once(
    before: EvaluationReport, after: EvaluationReport
) -> None:
    """Also where only some of the runs have them in common."""
    comparison = compare([Run("a", before), Run("b", after), Run("c", before)])
    arms = comparison_text.side_by_side(comparison)
    names = [arm.name for arm in arms]
    assert names[:6] == [
        "clean, all runs", "occluded, all runs", "restored:alpha, a + c", "restored:alpha, b",
        "restored:beta, a + c", "restored:beta, b",
    ]  # fmt: skip
    assert arms[2].figures == before.arms[2].figures and arms[3].figures != arms[2].figures
    text = page(comparison)
    assert text.count(">clean, all runs</th>") == 3 and "clean, a" not in text.replace(names[0], "")


def test_runs_are_called_by_what_tells_them_apart(
    sample_run: Path, before: EvaluationReport, tmp_path: Path
) -> None:
    for place in ("x/run", "y/run"):
        shutil.copytree(sample_run, tmp_path / place)
    runs = load([tmp_path / "x" / "run", tmp_path / "y" / "run"])
    assert [run.name for run in runs] == ["x/run", "y/run"]
    assert [run.name for run in load([tmp_path / "x" / "run"])] == ["run"]
    with pytest.raises(DataError, match="given twice"):
        load([tmp_path / "x" / "run", tmp_path / "x" / ".." / "x" / "run"])
    with pytest.raises(DataError, match="at least two"):
        compare(runs[:1])


def test_the_folder(before: EvaluationReport, after: EvaluationReport, tmp_path: Path) -> None:
    comparison = compare([Run("first <1>", before), Run("second", after)])
    folder = tmp_path / "deep" / "comparison"
    comparison_files.write(comparison, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "compare.html", "compare.json", "figures", "table.csv", "table.tex",
    ]  # fmt: skip
    data = json.loads((folder / "compare.json").read_text())
    assert [run["name"] for run in data["runs"]] == ["first <1>", "second"]
    answers = {(d["second"], d["figure"]): d["answer"] for d in data["pairings"][0]["differences"]}
    assert answers["restored:beta", "rank1"] == "better"
    text = (folder / "compare.html").read_text()
    assert "first &lt;1&gt;" in text and "first <1>" not in text
    assert not re.search(r'src="(?!data:)|href="(?!#)|<script', text)
    assert text.count("<img ") == 2
    assert "Identical on every probe: clean, occluded" in text
    with pytest.raises(OutputError, match="exists"):
        comparison_files.write(comparison, folder)


def test_text_says_it_all(before: EvaluationReport, after: EvaluationReport) -> None:
    text = comparison_text.text(compare([Run("a", before), Run("b", after)]))
    lines = text.splitlines()
    order = [line.split("  ")[0] for line in lines[2:16]]
    assert order[:3] == ["clean, all runs", "occluded, all runs", "restored:alpha, a"]
    assert "'b' minus 'a', on the same probes:" in lines
    assert re.search(r"restored:beta: rank-1 \+\d+\.\d points \(95 % interval .*\): better", text)
    assert any(line.startswith("  identical on every probe: clean, occluded") for line in lines)
    assert lines[-1].startswith("Corrected together by Holm's method: 4 tests behind 4 verdicts.")
