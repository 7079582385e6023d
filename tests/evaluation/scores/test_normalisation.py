"""Scores normalised with a cohort: by hand, in every figure, and in whole runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import Healer, Squares, request
from scoring_fakes import Planted, board_of, dense, findings, near, people, run, simple_plan, unit

from restore_recog.errors import DataError
from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.session import Session
from restore_recog.evaluation.scores.comparison import comparison, cosines
from restore_recog.evaluation.scores.normalisation import LEAST_SPREAD, LIMIT, ScoreNorm
from restore_recog.types import FaceSample

COHORT = unit(np.random.default_rng(9).normal(size=(30, 16)))


def by_hand(kind: str, references: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """Return normalised cosines, one by one as the definitions say."""
    table = np.empty((len(references), len(probes)))
    for i, reference in enumerate(references):
        for j, probe in enumerate(probes):
            score, sides = float(reference @ probe), []
            if kind in "zs":
                sides.append([float(reference @ one) for one in COHORT])
            if kind in "ts":
                sides.append([float(one @ probe) for one in COHORT])
            parts = [(score - np.mean(side)) / np.std(side, ddof=1) for side in sides]
            table[i, j] = np.mean(parts)
    return table


@pytest.mark.parametrize("kind", ["z", "t", "s"])
def test_each_kind_is_what_its_definition_says(kind: str) -> None:
    references, probes = people(5, 16, 1), people(7, 16, 2)
    scores = ScoreNorm(kind, COHORT).scores(cosines, references, probes)
    np.testing.assert_allclose(scores, by_hand(kind, references, probes), rtol=1e-9)
    assert np.abs(scores).max() > 1


def test_a_template_that_tells_nobody_apart_has_bounded_scores() -> None:
    same = np.tile([[1.0] + [0.0] * 15], (30, 1))
    references = np.eye(16)[:2]
    for kind in "zts":
        scores = ScoreNorm(kind, same).scores(cosines, references, -references)
        assert np.isfinite(scores).all() and np.abs(scores).max() <= LIMIT
    assert scores[0, 1] == -0.5 / LEAST_SPREAD  # 0 less 1 by the reference, 0 less 0 by the probe


def test_fused_scores_are_the_mean_of_normalised_ones() -> None:
    first, second = people(4, 16, 1), people(4, 16, 2)
    third, fourth = people(5, 16, 3), people(5, 16, 4)
    join, norm = ARMS["fused-scores"].join, ScoreNorm("s", COHORT)
    references = join([first, second])
    compare = comparison(Planted(), references, np.array(list("abcd")), parts=2, norm=norm)
    mean = (by_hand("s", first, third) + by_hand("s", second, fourth)) / 2
    np.testing.assert_allclose(compare(references, join([third, fourth])), mean, rtol=1e-9)


@pytest.mark.parametrize("kind", ["z", "t", "s"])
def test_searches_thresholds_and_rates_follow_and_cosines_stay(kind: str) -> None:
    plan, centres = simple_plan(12), people(12, 16)
    references, probes = (near(centres.repeat(2, 0), 1.0, seed) for seed in (1, 2))
    probes[5] = np.nan
    arms = {"clean": probes, "occluded": probes}
    plain, own = (
        findings(plan, arms, references, norm=norm) for norm in (None, ScoreNorm(kind, COHORT))
    )
    table = by_hand(kind, references, probes).astype(np.float32).astype(float)
    same = np.repeat(np.arange(12), 2)[:, None] == np.repeat(np.arange(12), 2)
    scores = own.measured["occluded"].scores
    known = np.arange(24) != 5
    best = np.where(same, table, -np.inf).max(axis=0)
    assert scores.search is not None and own.calibration is not None
    np.testing.assert_allclose(scores.search.own[known], best[known], rtol=1e-6)
    assert np.isneginf(scores.search.own[5])
    impostors = np.sort(table[:, known][~same[:, known]])
    budget = own.calibration.budgets[0.01]
    assert own.calibration.thresholds[0.01] == pytest.approx(impostors[-1 - budget], rel=1e-6)
    rejected = (table[:, known][same[:, known]] < own.calibration.thresholds[0.01]).sum() + 2
    figure = own.arm("occluded", run()).figures["fnmr_frozen@fmr=0.01"]
    assert figure["value"] == pytest.approx(rejected / same.sum())
    before = plain.measured["occluded"].scores
    np.testing.assert_array_equal(scores.cosine, before.cosine)
    np.testing.assert_array_equal(scores.impostor, before.impostor)
    assert np.isnan(scores.margin).all() and not np.isnan(before.margin).all()
    np.testing.assert_array_equal(before.search.own, np.where(same.T, dense(probes, references),
                                                              -np.inf).max(axis=1))  # fmt: skip


class Split(Squares):
    """Squares whose first people are for testing, the others for training."""

    def __init__(self, testing: int, training: int, **options: int) -> None:
        super().__init__(testing + training, **options)  # type: ignore[arg-type]
        self.testing = testing

    def samples(self) -> Sequence[FaceSample]:
        return [
            replace(
                one, attributes={"split": "test" if int(one.subject) < self.testing else "train"}
            )
            for one in super().samples()
        ]


ARMS_RUN = ("clean", "occluded")


def asked(norm: str | None, training: int = 11, **options: object) -> EvalRequest:
    data = Split(8, training, occluded=1)
    return replace(request(data, Healer(), arms=ARMS_RUN, **options), score_norm=norm)  # type: ignore[arg-type]


def test_a_run_draws_its_cohort_and_says_so() -> None:
    wanted = asked("s")
    data = wanted.datasets[0]
    assert isinstance(data, Split)
    plain = evaluate(replace(wanted, score_norm=None))
    assert all(int(one[:2]) < 8 for one in data.asked)
    report = evaluate(wanted)
    strangers = [one for one in data.asked if int(one[:2]) >= 8]
    assert sorted(one[:2] for one in strangers) == [f"{n:02d}" for n in range(8, 19)]
    assert all("/c" in one for one in strangers)
    assert plain.setup["score_norm"] is None and report.setup["score_norm"] == "s"
    assert plain.setup["score_norm_cohort"] is None
    facts = report.setup["score_norm_cohort"]
    assert (facts["people"], facts["failed"]) == (11, 0)
    assert max(report.scores["clean"]) > 1 >= max(plain.scores["clean"])
    assert [row.cosine for row in report.probes] == [row.cosine for row in plain.probes]
    assert any("s-norm" in note and "11 people" in note for note in report.notes)
    assert not any("norm" in note for note in plain.notes)
    clean = next(arm for arm in report.arms if arm.name == "clean")
    assert clean.figures["rank1"].value == 1.0


def test_parts_of_faces_are_normalised_with_such_parts_and_blocks_change_nothing() -> None:
    norms = []
    for size in (32, 3):
        session = Session(replace(asked("t", batch_size=size), arms=("eyes",)), Ledger())
        assert session.cohort is not None
        ids = list(session.cohort.samples)
        blocks = [ids[i : i + size] for i in range(0, len(ids), size)]
        session._take_cohort([session._enrol_block(part, session.cohort) for part in blocks])
        norms.append([session.norm(ArmSpec(ARMS[name])) for name in ("occluded", "eyes")])
    for whole, again in zip(*norms, strict=True):
        assert whole is not None and again is not None and whole.cohort.shape == (11, 48)
        np.testing.assert_allclose(whole.cohort, again.cohort, atol=1e-6)
    first, second = norms[0]
    assert first is not None and second is not None
    assert np.abs(first.cohort - second.cohort).max() > 0.01


@pytest.mark.parametrize(("training", "count"), [(0, 0), (9, 9)])
def test_without_enough_strangers_the_run_is_refused(training: int, count: int) -> None:
    with pytest.raises(DataError, match=rf"at least 10 people of the training .* has {count}\."):
        evaluate(asked("t", training))


def test_strangers_without_a_template_do_not_count() -> None:
    wanted = asked("t", 10)
    wanted.datasets[0].broken = {f"09/c{k}" for k in range(4)}  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"templates could be made of only 9\."):
        evaluate(wanted)


def test_pairs_are_normalised_too() -> None:
    plan, centres = simple_plan(6), people(6, 16)
    pairs = replace(plan, identification=False, cosine_references={})
    references, probes = (near(centres.repeat(2, 0), 1.0, seed) for seed in (1, 2))
    scores = findings(pairs, {"occluded": probes}, references, norm=ScoreNorm("t", COHORT))
    table = by_hand("t", references, probes)
    rows, columns = board_of(pairs).pair_rows.T
    np.testing.assert_allclose(
        scores.measured["occluded"].scores.trials, table[columns, rows], rtol=1e-6
    )
