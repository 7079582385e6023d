"""The page shows the stored verdict, its answer as the badge and its sentence, and no other."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from evaluation_fakes import Breaker, Healer, Squares, request

from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.reporting.folder import read, write
from restore_recog.reporting.tables import report_text
from restore_recog.restorers.telea import Telea

pytestmark = pytest.mark.usefixtures("undrawn")

BADGE = re.compile(r'<p class="verdict (\w+)">\s*<b>([^<]*)</b>\s*(.*?)\s*</p>', re.DOTALL)


@pytest.fixture(scope="module")
def doubtful() -> EvaluationReport:
    """Two probes of two people, both rescued: few enough that chance does it in half of cases."""
    return evaluate(request(Squares(8, 4, occluded=2), Telea(), limit=2))


def badges(report: EvaluationReport, folder: Path) -> list[tuple[str, str, str]]:
    """Return (class, answer, sentence) of every badge on the page of a report's folder."""
    write(report, folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    return [(kind, html.unescape(answer), html.unescape(said))
            for kind, answer, said in BADGE.findall(page)]  # fmt: skip


def test_two_of_two_rescued_do_not_help(doubtful: EvaluationReport, tmp_path: Path) -> None:
    (arm,) = (arm for arm in doubtful.arms if arm.name == "restored:telea")
    gain = arm.figures["rank1_gain"]
    assert gain["n"] == 2 and gain["value"] == 1.0 and gain["p_sign_flip"] == pytest.approx(0.5)
    assert gain["low"] < 0  # a percentile interval would have no width
    (verdict,) = doubtful.verdicts
    assert verdict.answer == "cannot tell"
    assert "sign-flip test: p = 0.5, corrected 0.8" in verdict.sentence
    assert badges(doubtful, tmp_path / "run") == [("cannot", verdict.answer, verdict.sentence)]
    (test, *_) = verdict.tests
    assert (test.figure, test.p, test.p_corrected) == ("rank1_gain", 0.5, pytest.approx(0.8))
    (stored,) = json.loads((tmp_path / "run" / "report.json").read_text())["verdicts"]
    assert (stored["answer"], stored["sentence"]) == (verdict.answer, verdict.sentence)
    assert read(tmp_path / "run").verdicts == doubtful.verdicts
    assert stored["tests"][0] == {
        "arm": "restored:telea", "figure": "rank1_gain", "p": 0.5, "p_corrected": test.p_corrected,
        "group": "",
    }  # fmt: skip
    text = " ".join(report_text(doubtful).split())
    assert verdict.sentence in text and doubtful.family in text
    assert "test behind 1 verdict and 6 tests behind the remarks" in doubtful.family
    assert doubtful.family in html.unescape((tmp_path / "run" / "report.html").read_text())
    assert read(tmp_path / "run").family == doubtful.family


def test_every_restorer_has_its_own_badge(tmp_path: Path) -> None:
    arms = ("occluded", "restored", "fill")
    report = evaluate(request(Squares(24, 4, occluded=2), Healer(), Breaker(), arms=arms))
    answers = [(verdict.answer, verdict.sentence) for verdict in report.verdicts]
    assert answers[0][0] == "helps" and len(answers) == 2
    assert [badge[1:] for badge in badges(report, tmp_path / "run")] == answers
