"""The largest gap between groups, labels permuted: by hand, exact, and its level."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from restore_recog.metrics.permutation import largest_gap_test


def gap_test(values, labels, people, **options):
    """Return p of one figure with one value a probe."""
    values = np.asarray(values, dtype=float)[:, None]
    return largest_gap_test(values, np.ones_like(values), labels, people, seed=0, **options)[0]


def test_random_deals_approach_the_exact_p():
    values, labels = np.array([5, 4, 3.5, 1, 0, 2, 3]), np.array(list("aaabbcc"))

    def gap(order):
        means = [values[order == name].mean() for name in "abc"]
        return max(means) - min(means)

    deals = [np.array(d) for d in itertools.permutations(labels)]
    exact = np.mean([gap(d) >= gap(labels) - 1e-9 for d in deals])
    p = gap_test(values, labels, range(7), permutations=4000)
    assert p == pytest.approx(exact, abs=0.02) and 0.0 < exact < 0.5


def test_images_of_one_person_are_no_evidence():
    people = np.repeat(np.arange(8), 10)
    values = np.where(people < 1, 1.0, 0.0)  # one person alone is in the first group
    labels = np.where(people < 1, "first", "second")
    assert gap_test(values, labels, people) == pytest.approx(1 / 8, abs=0.05)


def test_labels_within_people_are_shuffled_there():
    people = np.repeat(np.arange(20), 2)
    labels = np.tile(["left", "right"], 20)
    assert gap_test(np.tile([1.0, 0.0], 20), labels, people) < 0.005  # in everybody alike
    level = np.repeat(np.arange(20.0), 2)
    assert gap_test(level, labels, people) == 1.0  # people differ, their two poses do not


def test_people_with_as_many_probes_swap_labels():
    """Each has one label but for one person: their levels are compared all the same."""
    people = np.repeat(np.arange(20), 2)
    labels = np.where(people < 10, "a", "b")
    labels[0] = "b"
    assert gap_test(np.where(people < 10, 1.0, 0.0), labels, people) < 0.005


def test_figures_are_tested_each_on_its_own_values():
    people = labels = np.array([0, 1, 2, 3, 4, 5])
    groups = np.array(list("aaabbb"))
    totals = np.array([[1, 1], [1, 0], [1, 3], [0, 0], [0, 0], [0, 0.0]])
    counts = np.array([[1, 1], [1, 1], [1, 1], [1, 0], [1, 0], [1, 0.0]])
    clear, lone = largest_gap_test(totals, counts, groups, people, seed=0)
    assert clear == pytest.approx(0.1, abs=0.03) and np.isnan(lone)  # 2 of 20 ways to halve six
    assert np.isnan(gap_test([1, 2], ["a", "a"], [0, 1])) and labels.size == 6


def test_the_deals_are_the_same_every_time():
    rng = np.random.default_rng(3)
    values, people = rng.normal(size=60), np.repeat(np.arange(20), 3)
    for labels in (rng.integers(0, 4, 60), (people % 4)):
        assert gap_test(values, labels, people) == gap_test(values, labels, people)


@pytest.mark.parametrize("groups", [2, 5, 12, 19])
@pytest.mark.parametrize("within", [False, True], ids=["people", "images"])
def test_groups_that_are_alike_differ_in_one_run_of_twenty(groups, within):
    rng = np.random.default_rng(groups)
    people = np.repeat(np.arange(60), 2)
    ps = []
    for _ in range(200):
        values = rng.normal(0, 1, 60)[people] + rng.normal(0, 1, 120)
        labels = rng.integers(0, groups, 120 if within else 60)
        ps.append(gap_test(values, labels if within else labels[people], people, permutations=99))
    assert np.mean(np.array(ps) <= 0.05) < 0.09  # 0.05 and two and a half standard errors


@pytest.mark.parametrize(
    ("totals", "labels", "people", "options", "words"),
    [
        ([1.0], ["a"], [0], {}, "Each probe needs"),
        ([[1.0]], ["a", "b"], [0, 1], {}, "Each probe needs"),
        ([[1.0]], ["a"], [0, 1], {}, "one person"),
        ([[np.nan]], ["a"], [0], {}, "finite"),
        ([[1.0]], ["a"], [0], {"permutations": 0}, "one permutation"),
    ],
)
def test_nonsense_is_refused(totals, labels, people, options, words):
    with pytest.raises(ValueError, match=words):
        largest_gap_test(totals, np.ones_like(totals), labels, people, seed=0, **options)
