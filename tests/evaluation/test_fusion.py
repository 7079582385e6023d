"""The occluded and the restored face as one: templates, scores, figures and words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import Black, Breaker, Colours, Healer, PairList, Squares, request
from scoring_fakes import board_of, findings, simple_plan
from torch import Tensor

from restore_recog.errors import DataError
from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.probes import ArmRun
from restore_recog.evaluation.run.session import Session
from restore_recog.protocols.quality import Quality

BOTH = ("clean", "occluded", "restored", "fused", "fused-scores")
NAN = [math.nan] * 2


def ran(wanted: EvalRequest) -> tuple[Session, dict[str, ArmRun]]:
    session = Session(wanted, Ledger())
    return session, session.run()


def test_a_fused_template_is_the_mean_direction_of_two() -> None:
    occluded = np.array([[1.0, 0.0], [0.6, 0.8], [1.0, 0.0], NAN, [0.0, 1.0]])
    restored = np.array([[0.0, 1.0], [0.6, 0.8], [-1.0, 0.0], [1.0, 0.0], NAN])
    fused = ARMS["fused"].join([occluded, restored])
    half = math.sqrt(0.5)
    wanted = [[half, half], [0.6, 0.8], NAN, NAN, NAN]  # opposite ones have no mean direction
    np.testing.assert_allclose(fused, wanted, atol=1e-15)


def test_fused_scores_are_the_mean_of_two_scores() -> None:
    occluded = np.array([[1.0, 0.0], [0.6, 0.8], NAN])
    restored = np.array([[0.6, 0.8], [0.0, 1.0], [1.0, 0.0]])
    references = np.array([[0.8, 0.6], [-1.0, 0.0]])
    arm = ARMS["fused-scores"]
    probes, gallery = arm.join([occluded, restored]), arm.join([references, references])
    wanted = [[(0.8 + 0.96) / 2, (-1.0 - 0.6) / 2], [(0.96 + 0.6) / 2, (-0.6 + 0.0) / 2], NAN]
    np.testing.assert_allclose(probes @ gallery.T, wanted, atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(probes[:2], axis=1), 1.0, atol=1e-15)
    assert np.isnan(probes[2]).all()


def test_no_other_arm_joins_templates() -> None:
    with pytest.raises(NotImplementedError, match="'clean' has images"):
        ARMS["clean"].join([np.eye(2)])


class Counted(Colours):
    """Counts the images that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def embed(self, images: Tensor) -> Tensor:
        self.count += len(images)
        return super().embed(images)


def test_fusing_embeds_nothing_and_brings_its_parts_along() -> None:
    counts = {}
    for arms in (("restored",), ("fused", "fused-scores")):
        counter = Counted()
        wanted = replace(request(Squares(4, 4, occluded=2), arms=arms), recognizer=counter)
        session, runs = ran(wanted)
        counts[arms] = counter.count
    assert len(set(counts.values())) == 1
    assert list(runs) == ["occluded", "restored:healer", "fused:healer", "fused-scores:healer"]
    occluded, restored = runs["occluded"].templates, runs["restored:healer"].templates
    np.testing.assert_array_equal(
        runs["fused:healer"].templates, ARMS["fused"].join([occluded, restored])
    )
    whole = session.references(ArmSpec(ARMS["occluded"]))
    fused = session.references(ArmSpec(ARMS["fused"], "healer"))
    np.testing.assert_allclose(fused, whole, atol=1e-15)  # all of them are clean


def test_a_face_that_is_not_restored_is_no_fused_one_either() -> None:
    data = Squares(12, 6, occluded=3)
    lost = evaluate(request(data, Breaker(fail_below=0.5), arms=BOTH, restorer_failure="fta"))
    kept = evaluate(request(data, Breaker(fail_below=0.5), arms=BOTH))
    for name in ("fused:breaker", "fused-scores:breaker"):
        (few, alone), (mine, other) = (
            [arm_of(report, one) for one in (name, "restored:breaker")] for report in (lost, kept)
        )
        assert 0 < few.misses == alone.misses < 36 and few.fallbacks == 0
        assert mine.misses == 0 and mine.fallbacks == other.fallbacks == few.misses
    blind = evaluate(request(data, Black(), arms=BOTH))
    assert arm_of(blind, "fused:black").misses == 36


def arm_of(report: EvaluationReport, name: str) -> ArmReport:
    return next(arm for arm in report.arms if arm.name == name)


def test_a_search_by_fused_scores_takes_the_mean_of_both() -> None:
    report = evaluate(request(Squares(12, 6, occluded=3), Breaker(), arms=BOTH))
    mean = (report.scores["occluded"] + report.scores["restored:breaker"]) / 2
    np.testing.assert_allclose(report.scores["fused-scores:breaker"], mean, atol=2e-7)
    rows = report.rows()
    for image_id, row in rows["fused-scores:breaker"].items():
        parts = [rows[name][image_id].cosine for name in ("occluded", "restored:breaker")]
        assert row.cosine == pytest.approx(np.mean(parts))
    assert not any("fused" in title for one in report.examples for title in one.titles)
    assert "fused:breaker" in {row.arm for row in report.probes}


class Pairs(PairList):
    """Pairs with occluded references, in two folds."""

    name = "pairs"
    pairs = (
        ("00/m0", "00/m1"),
        ("01/m0", "00/m1"),
        ("02/c0", "02/m1"),
        ("03/m0", "02/m1"),
    )
    folds = (1, 1, 2, 2)


def test_occluded_references_of_pairs_are_fused_like_probes() -> None:
    data = Squares(4, 4, occluded=2)
    wanted = EvalRequest([data], Pairs(), (Breaker(),), Colours(), arms=BOTH[1:])
    session, runs = ran(wanted)
    report = evaluate(wanted)
    by_arm = {name: session.references(spec_of(session, name)) for name in runs}
    place = {image_id: i for i, image_id in enumerate(session.design.columns)}
    row = {image_id: i for i, image_id in enumerate(session.plan.probes)}
    for t, (reference, probe) in enumerate(Pairs.pairs):
        r, p = place[reference], row[probe]
        a, b = (by_arm[name][r] for name in ("occluded", "restored:breaker"))
        c, d = (runs[name].templates[p] for name in ("occluded", "restored:breaker"))
        cosine = (a + b) @ (c + d) / np.linalg.norm(a + b) / np.linalg.norm(c + d)
        assert report.scores["fused:breaker"][t] == pytest.approx(cosine, abs=1e-6)
        mean = (a @ c + b @ d) / 2
        assert report.scores["fused-scores:breaker"][t] == pytest.approx(mean, abs=1e-6)
    figures = arm_of(report, "fused:breaker").figures
    assert figures["accuracy_gain_over_restored"]["against"] == "restored:breaker"
    assert "'fused:breaker'" in report.verdicts[0].sentence


def spec_of(session: Session, name: str) -> ArmSpec:
    return next(spec for spec in session.specs if spec.name == name)


def test_a_question_about_images_has_no_fused_arm() -> None:
    data = Squares(4, 4, occluded=2)
    wanted = EvalRequest([data], Quality(), (Healer(),), Colours())
    session, runs = ran(wanted)
    assert "fused:healer" not in runs
    assert any("'fused' is left out: the protocol asks about images" in n for n in session.notes)
    with pytest.raises(DataError, match="'fused-scores' cannot be measured"):
        Session(replace(wanted, arms=("fused-scores",)), Ledger())


def test_the_gain_over_restoring_alone_is_paired() -> None:
    plan, truth = simple_plan(5, 1), np.eye(5)
    wrong = np.roll(truth, 1, axis=0)
    occluded, restored, fused = truth.copy(), truth.copy(), truth.copy()
    occluded[[0, 1]], restored[[2, 3, 4]], fused[3] = wrong[[0, 1]], wrong[[2, 3, 4]], wrong[3]
    arms = {"clean": truth, "occluded": occluded, "restored:x": restored, "fused:x": fused}
    own = [int(image_id[:3]) for image_id in board_of(plan).columns]
    scored = findings(plan, arms, truth[own])
    figures = scored.arm("fused:x", ArmRun(fused, {}, {}, {})).figures
    over, gain = figures["rank1_gain_over_restored"], figures["rank1_gain"]
    assert (over["rescued"], over["harmed"], over["both_right"]) == (2, 0, 2)
    assert over["value"] == pytest.approx(0.4) and over["against"] == "restored:x"
    assert (gain["rescued"], gain["harmed"]) == (2, 1) and gain["against"] == "occluded"
