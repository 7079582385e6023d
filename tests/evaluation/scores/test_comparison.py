"""A recogniser's own comparison: who is asked, about what, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import Breaker, Colours, Squares, request
from scoring_fakes import (
    Planted,
    board_of,
    findings,
    near,
    pairs_only,
    people,
    run,
    simple_plan,
    unit,
)

from restore_recog.api import Compare
from restore_recog.errors import PluginError
from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.scores.comparison import comparison, cosines
from restore_recog.evaluation.scores.cosine_table import pair_scores
from restore_recog.evaluation.scores.search import count_accepted, search


def city_block(references: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """Return a likeness that orders the references of a probe in another way than the cosine."""
    return 1 / (1 + np.abs(references[:, None] - probes[None]).sum(axis=2))


class City(Planted):
    """Compares by the sum of absolute differences, and remembers whom it has enrolled."""

    def __init__(self) -> None:
        super().__init__()
        self.galleries: list[np.ndarray] = []
        self.people: list[np.ndarray] = []

    def compare(self, references: np.ndarray, probes: np.ndarray) -> np.ndarray:
        return city_block(references, probes)

    def enrol(self, gallery: np.ndarray, subjects: np.ndarray) -> Compare:
        self.galleries.append(gallery)
        self.people.append(subjects)
        return super().enrol(gallery, subjects)


class Written(Planted):
    """Compares by the cosine, but in a function of its own."""

    def compare(self, references: np.ndarray, probes: np.ndarray) -> np.ndarray:
        return np.einsum("rd,pd->rp", references, probes)


def planted(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    centres = people(n, 16)
    references, probes = (near(centres.repeat(2, 0), 1.0, seed) for seed in (1, 2))
    references[3] = np.nan
    probes[[0, 9]] = np.nan
    return probes, references


@pytest.mark.parametrize("block", [3, 7, 2048])
def test_a_search_takes_the_scores_of_the_comparison(block: int) -> None:
    probes, references = planted()
    owners = np.repeat([f"{s:03d}" for s in range(12)], 2)
    result = search(probes, references, owners, owners, compare=city_block, block=block)
    table = city_block(references, probes).astype(np.float32)  # (R, P)
    table[np.isnan(table)] = -np.inf
    same = owners[:, None] == owners
    own = np.where(same, table, -np.inf).max(axis=0)
    rivals = np.where(same, -np.inf, table)
    ahead = sum((rivals[owners == name].max(axis=0) >= own).astype(int) for name in set(owners))
    missed = np.isneginf(own)
    np.testing.assert_array_equal(result.ranks.pessimistic, np.where(missed, 13, 1 + ahead))
    np.testing.assert_array_equal(result.own, own.astype(float))
    cut = float(np.sort(rivals[np.isfinite(rivals)])[-20])
    counted = count_accepted(
        probes, references, owners, owners, {0.1: cut}, compare=city_block, block=block
    )
    assert counted.accepted[0.1].sum() == 20
    # The two ways of comparing differ, or nothing was tested.
    plain = search(probes, references, owners, owners)
    assert (plain.ranks.pessimistic != result.ranks.pessimistic).any()


def test_chosen_pairs_score_as_in_the_search() -> None:
    probes, references = planted()
    drawn = np.random.default_rng(0)
    rows, columns = drawn.integers(0, 24, (2, 3000))
    scores = pair_scores(probes, rows, references, columns, compare=city_block)
    table = city_block(references, probes).astype(np.float32).astype(float)
    wanted = table[columns, rows]
    np.testing.assert_array_equal(scores, np.where(np.isnan(wanted), -np.inf, wanted))
    assert np.isneginf(scores).any()


def test_the_figures_of_a_written_cosine_are_those_of_the_cosine() -> None:
    plan = simple_plan(12)
    probes, references = planted()
    arms = {"clean": probes, "occluded": near(np.nan_to_num(probes), 1.0, 3)}
    arms["occluded"][5] = np.nan
    both = [findings(plan, arms, references, recognizer=one) for one in (None, Written())]
    plain, own = (one.arm("occluded", run()).figures for one in both)
    assert set(plain) - set(own) == {"margin"}  # a cosine less a score that may be none
    for name, figure in own.items():
        assert figure["value"] == pytest.approx(plain[name]["value"], abs=1e-6, nan_ok=True), name
    assert both[0].calibration == both[1].calibration


def test_cosines_stay_cosines_and_everything_else_is_the_recognisers() -> None:
    plan, probes, references = pairs_only()
    arms = {"clean": probes, "occluded": probes}
    plain, own = (
        findings(plan, arms, references, recognizer=one).measured["occluded"].scores
        for one in (None, City())
    )
    np.testing.assert_array_equal(own.cosine, plain.cosine)
    np.testing.assert_array_equal(own.trial_cosines, plain.trials)
    rows, columns = board_of(plan).pair_rows.T
    pairs = city_block(references, probes)[columns, rows]
    np.testing.assert_allclose(own.trials, pairs, rtol=1e-6)
    assert plain.by_cosine and not own.by_cosine


def test_every_arm_enrols_its_gallery_once_and_never_a_probe() -> None:
    city, plan = City(), simple_plan(12)
    probes, references = planted()
    findings(plan, {"clean": probes, "occluded": probes}, references, recognizer=city)
    assert len(city.galleries) == 2
    for gallery, who in zip(city.galleries, city.people, strict=True):
        np.testing.assert_array_equal(gallery, np.delete(references, 3, axis=0))
        assert list(who) == [f"{s:03d}" for s in np.delete(np.repeat(np.arange(12), 2), 3)]
    city = City()
    findings(plan, {"clean": probes, "occluded": probes}, references, enrolment="mean",
             recognizer=city)  # fmt: skip
    assert [len(gallery) for gallery in city.galleries] == [12, 12]


def test_with_pairs_only_what_is_a_probe_is_not_learned_from() -> None:
    city = City()
    plan, probes, references = pairs_only()
    both = replace(plan, probes=(*plan.probes, plan.references[0]))
    design = board_of(both)
    gallery, owners = design.enrolled(references)
    np.testing.assert_array_equal(gallery, references[1:])
    assert list(owners) == list(design.column_subjects[1:])
    assert city.galleries == []


def test_fused_scores_ask_about_each_of_the_two() -> None:
    first, second = (unit(np.random.default_rng(s).normal(size=(4, 8))) for s in (0, 1))
    third, fourth = (unit(np.random.default_rng(s).normal(size=(5, 8))) for s in (2, 3))
    join = ARMS["fused-scores"].join
    references, probes = join([first, second]), join([third, fourth])
    names = np.array(list("abcd"))
    mean = (city_block(first, third) + city_block(second, fourth)) / 2
    city = City()
    compare = comparison(city, references, names, parts=2)
    np.testing.assert_allclose(compare(references, probes), mean, atol=1e-12)
    np.testing.assert_allclose(city.galleries, [first, second], atol=1e-12)
    assert comparison(Planted(), references, names, parts=2) is cosines
    report = evaluate(
        replace(
            request(Squares(8, 4, occluded=2), Breaker(), arms=("restored", "fused-scores")),
            recognizer=CityColours(),
        )
    )
    parts = (report.scores["occluded"] + report.scores["restored:breaker"]) / 2
    np.testing.assert_allclose(report.scores["fused-scores:breaker"], parts, atol=2e-7)


class CityColours(Colours):
    """Compares coarse colours by the sum of absolute differences."""

    def compare(self, references: np.ndarray, probes: np.ndarray) -> np.ndarray:
        return city_block(references, probes)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda r, p: city_block(r, p).T, "expected"),
        (lambda r, p: city_block(r, p)[0], "expected"),
        (lambda r, p: -np.ones((len(r), len(p))) * 1.5, r"not a number in \[-1, 1\]"),
        (lambda r, p: np.full((len(r), len(p)), np.nan), r"1 / \(1 \+ d\)"),
    ],
)
def test_a_wrong_answer_is_the_plugins_fault(
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray], message: str
) -> None:
    class Wrong(Colours):
        def compare(self, references: np.ndarray, probes: np.ndarray) -> np.ndarray:
            return answer(references, probes)

    wanted = replace(request(Squares(8, 4, occluded=1)), recognizer=Wrong())
    with pytest.raises(PluginError, match=message) as caught:
        evaluate(wanted)
    assert "'colours'" in str(caught.value)
