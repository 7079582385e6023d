"""A recogniser that guesses: its rows, its verdict and its report say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_fakes import Healer, Squares, request
from scoring_fakes import board_of, findings, near, pairs_only, people, run, simple_plan
from torch import Tensor

from restore_recog.api import Recognizer
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.figures.chance import NO_GAIN, label, marked
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.reporting.folder import write
from restore_recog.reporting.tables import report_text


class Guesser(Recognizer):
    """Answers with noise that depends on the image alone and says nothing of its person."""

    name = "guesser"
    image_size = (16, 16)

    def embed(self, images: Tensor) -> Tensor:
        seeds = (images.double().mean((1, 2, 3)) * 1e9).long() % 2**31
        rows = [np.random.default_rng(int(seed)).normal(size=16) for seed in seeds]
        return torch.nn.functional.normalize(torch.tensor(np.array(rows), dtype=torch.float32))


@pytest.fixture(scope="module")
def guessed() -> EvaluationReport:
    return evaluate(replace(request(Squares(20, 4, occluded=2), Healer()), recognizer=Guesser()))


def test_every_row_and_the_verdict_say_so(
    guessed: EvaluationReport, tmp_path: Path, undrawn: None
) -> None:
    for arm in guessed.arms:
        rank1 = arm.figures["rank1"]
        assert rank1.flag == "no better than chance (5 %): measures nothing"
        assert rank1["at_chance"] and rank1["chance"] == 1 / 20
        assert arm.name == "occluded" or arm.figures["rank1_gain"].flag == NO_GAIN
    (verdict,) = guessed.verdicts
    assert verdict.answer == "cannot tell" and "these probes measure nothing" in verdict.sentence
    first = "the recogniser does no better than chance here: nothing is measured"
    assert guessed.labels[0] == first
    text = report_text(guessed)
    assert text.startswith(first) and ") no better than chance (5 %)" in text and NO_GAIN in text
    write(guessed, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert first in page and "no better than chance (5 %)" in page and NO_GAIN in page
    assert "no better than chance (5 %)" in (tmp_path / "run" / "table.csv").read_text()
    assert "no better than chance" in (tmp_path / "run" / "table.tex").read_text()


def test_a_recogniser_that_knows_people_is_not_marked() -> None:
    report = evaluate(request(Squares(20, 4, occluded=2), Healer()))
    clean = next(arm for arm in report.arms if arm.name == "clean")
    assert not clean.figures["rank1"]["at_chance"] and label(report.arms) == ()
    assert report.setup["recognizer"]["name"] == "colours"


def test_one_arm_at_chance_is_marked_and_the_gain_is_not() -> None:
    plan, centres = simple_plan(20, 2), people(20, 24)
    own = [int(i[:3]) for i in board_of(plan).columns]
    faces = np.repeat(centres, 2, axis=0)
    arms = {"occluded": near(faces, 50.0, 1), "restored:x": near(faces, 0.5, 2)}
    scored = findings(plan, arms, near(centres[own], 0.5, 3))
    occluded, restored = marked([scored.arm(name, run()) for name in arms])
    assert occluded.figures["rank1"]["at_chance"] and not restored.figures["rank1"]["at_chance"]
    assert restored.figures["rank1_gain"].flag == "" and label([occluded, restored]) == ()


def test_accuracy_on_pairs_that_is_guessed_is_marked() -> None:
    plan, probes, references = pairs_only()
    noise = near(probes, 50.0, 1)
    scored = findings(plan, {"occluded": noise, "restored:x": noise[::-1]}, references)
    arms = marked([scored.arm(name, run()) for name in scored.measured])
    for arm in arms:
        assert arm.figures["accuracy"].flag == "no better than chance (50 %): measures nothing"
    assert arms[1].figures["accuracy_gain"].flag == NO_GAIN and label(arms) != ()
