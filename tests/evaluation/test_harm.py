"""What an evaluation says of wrong decisions, of a restorer whose decisions are known."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Breaker, Colours
from gender_fakes import FEMALE, MALE, UNSURE, Decider, People

from restore_recog.evaluation.arms import DEFAULT_ARMS
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import EvaluationReport, Harm
from restore_recog.protocols.fmor import Fmor
from restore_recog.reporting import folder
from restore_recog.reporting.pages.report import page

DECISIONS = (FEMALE, MALE, MALE, MALE, UNSURE, FEMALE, FEMALE, MALE)
"""Right for 0, 1, 3, 6 and 7, wrong for 2 and 5, unsure of 4."""

ASKED_FOR = ("clean", "occluded", "restored")
ARMS = (*DEFAULT_ARMS, "restored-oracle-gender", "restored-wrong-gender")


def asked(*restorers: object, **options: object) -> EvalRequest:
    people = People(8, 4, occluded=2)
    both = restorers or (Decider(decisions=(*DECISIONS, *[FEMALE] * 12)), Decider("pooled"))
    chosen = {"arms": ARMS, "min_subjects": 1, "cohorts": ("gender",), **options}
    return EvalRequest([people], Fmor(), both, Colours(), **chosen)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return evaluate(asked())


@pytest.fixture(scope="module")
def few() -> EvaluationReport:
    """Return the report that measures groups of three people and more only."""
    return evaluate(asked(min_subjects=3))


def of(report: EvaluationReport, contrast: str, value: str = "everybody") -> Harm:
    (one,) = (h for h in report.harms if (h.contrast, h.value) == (contrast, value))
    return one


def test_every_contrast_for_everybody_and_by_group(report: EvaluationReport) -> None:
    groups = {(h.contrast, h.column, h.value) for h in report.harms}
    assert groups == {
        *((c, "", "everybody") for c in ("wrong", "decided", "pooled")),
        *((c, "gender", g) for c in ("wrong", "decided", "pooled") for g in ("female", "male")),
        *(("decided", "decision", d) for d in ("right", "wrong", "unsure")),
    }
    assert {h.restorer for h in report.harms} == {"decider"}  # the pooled one decides nothing
    assert of(report, "pooled").arm == "restored:decider:pooled"
    assert {h.against for h in report.harms} == {"restored-oracle-gender:decider"}


def test_the_wrong_generator_harms(report: EvaluationReport) -> None:
    wrong = of(report, "wrong").figures
    assert wrong["psnr_mask_gain"].value < -10 and wrong["psnr_mask_gain"]["p_corrected"] < 0.1
    assert wrong["cosine_gain"].value < 0 and wrong["rank1_gain"].value <= 0
    assert wrong["moved"].value > 0.05


def test_a_right_decision_changes_nothing(report: EvaluationReport) -> None:
    right = of(report, "decided", "right").figures
    for name in ("rank1_gain", "cosine_gain", "psnr_mask_gain", "moved"):
        assert right[name].value == pytest.approx(0, abs=1e-6)
    bad = of(report, "decided", "wrong")
    assert bad.n_subjects == 2 and bad.figures["psnr_mask_gain"].value < -10
    everybody = of(report, "decided").figures["psnr_mask_gain"].value
    assert bad.figures["psnr_mask_gain"].value < everybody < 0


def test_moved_is_in_units_of_genuine_less_impostor(report: EvaluationReport) -> None:
    """Worked out again from what the report says of the arms."""
    clean = next(arm for arm in report.arms if arm.name == "clean").figures
    unit = clean["cosine"].value - clean["impostor_cosine"].value
    moved = of(report, "wrong").figures["moved"].value * unit
    assert 0 < moved < 2  # a difference of cosines again


def test_tests_are_corrected_over_groups_and_contrasts(report: EvaluationReport) -> None:
    tested = [f for h in report.harms for n, f in h.figures.items() if n == "cosine_gain"]
    raw = np.array([f["p_sign_flip"] for f in tested])
    assert all(f["p_corrected"] >= f["p_sign_flip"] for f in tested)
    assert tested[int(raw.argmin())]["p_corrected"] == pytest.approx(min(1, raw.min() * raw.size))


def test_small_groups_are_counted_not_measured(few: EvaluationReport) -> None:
    bad = of(few, "decided", "wrong")
    assert bad.n_subjects == 2 and not bad.figures


def test_nothing_without_the_arms() -> None:
    assert {"restored-oracle-gender", "restored-wrong-gender"}.isdisjoint(DEFAULT_ARMS)
    assert evaluate(asked(arms=ASKED_FOR)).harms == ()
    assert evaluate(asked(Breaker(), arms=ASKED_FOR)).harms == ()


def test_the_folder_holds_and_shows_it(
    report: EvaluationReport, few: EvaluationReport, tmp_path: Path, undrawn: None
) -> None:
    folder.write(report, tmp_path / "out")
    again = folder.read(tmp_path / "out")
    assert [h.facts() for h in again.harms] == [h.facts() for h in report.harms]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "harm.csv").read_text())))
    moved = [r for r in rows if (r["contrast"], r["figure"], r["column"]) == ("wrong", "moved", "")]
    assert float(moved[0]["result"]) == pytest.approx(of(report, "wrong").figures["moved"].value)
    text = page(report, {})
    assert "Told the wrong gender: what every mistake would do (decider)" in text
    assert "decided wrong" in text and "Template moved" in text
    small = page(few, {})
    assert "Too few people to be measured: decided unsure (n = 2)" in small
