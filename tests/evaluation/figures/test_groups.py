"""Figures by groups of probes whose answers are planted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scoring_fakes import board_of, dense, findings, near, pairs_only, people, sample, simple_plan

from restore_recog.errors import DataError
from restore_recog.evaluation.figures import group_labels
from restore_recog.evaluation.figures.findings import Findings
from restore_recog.evaluation.results import Cohort, Spread
from restore_recog.metrics.permutation import largest_gap_test
from restore_recog.metrics.uncertainty import bootstrap_mean, sign_flip_test
from restore_recog.types import FaceSample

N, SHOTS = 24, 4
WOMEN = 10


def samples() -> list[FaceSample]:
    """Return probes: the first people are women, poses change from shot to shot."""
    return [
        sample(
            image_id,
            gender="female" if int(image_id[:3]) < WOMEN else "male",
            pose=("frontal", "left")[int(image_id[-1]) % 2],
            split="test",
            number=image_id,
            constant="same",
        )
        for image_id in simple_plan(N, SHOTS).probes
    ]


def planted() -> Findings:
    """Return arms whose restorer helps the women greatly, and the men not at all."""
    plan, centres = simple_plan(N, SHOTS), people(N, 24)
    own = [int(i[:3]) for i in board_of(plan).columns]
    faces = np.repeat(centres, SHOTS, axis=0)
    women = np.repeat(np.arange(N) < WOMEN, SHOTS)[:, None]
    occluded = near(faces, 4.0, 3)
    restored = np.where(women, near(faces, 0.6, 4), occluded)
    arms = {"clean": near(faces, 0.6, 1), "occluded": occluded, "restored:x": restored}
    return findings(plan, arms, near(centres[own], 0.6, 2))


def by(values: list[str], name: str = "gender") -> dict[str, np.ndarray]:
    return {name: np.array(values)}


def genders() -> list[str]:
    return [one.attributes["gender"] for one in samples()]


@pytest.fixture(scope="module")
def cut() -> tuple[Findings, dict[str, Cohort], list[Spread]]:
    scored = planted()
    groups, spreads = scored.by_group(by(genders()), min_subjects=5)
    return scored, {cohort.value: cohort for cohort in groups}, list(spreads)


def test_planted_help_shows_where_it_was_planted(cut) -> None:  # type: ignore[no-untyped-def]
    _, groups, spreads = cut
    female, male = (groups[value].arms["restored:x"] for value in ("female", "male"))
    assert female["rank1_gain"]["low"] > 0.3 and female["cosine_gain"]["low"] > 0
    assert male["rank1_gain"]["value"] == 0 == male["cosine_gain"]["value"]
    assert (groups["female"].n, groups["female"].n_subjects) == (40, 10)
    assert (groups["male"].n, groups["male"].n_subjects) == (56, 14)
    gain = next(s for s in spreads if (s.arm, s.figure) == ("restored:x", "rank1_gain"))
    assert (gain.best, gain.worst) == ("female", "male") and math.isnan(gain.ratio)
    assert gain.difference["p_permutation"] < 0.002 and math.isnan(gain.difference.low)
    assert gain.difference["value"] == pytest.approx(female["rank1_gain"]["value"])


def test_cohort_figures_are_those_of_their_own_probes(cut) -> None:  # type: ignore[no-untyped-def]
    scored, groups, _ = cut
    scores = scored.measured["occluded"].scores
    mask = np.array(genders()) == "male"
    rank1 = groups["male"].arms["occluded"]["rank1"]
    wanted = bootstrap_mean(scores.hit()[mask], scored.design.people[mask], seed=0)
    assert rank1["value"] == pytest.approx(wanted.value)
    # All people are drawn here, so that cohorts share their draws; men alone there.
    assert rank1["low"] == pytest.approx(wanted.low, abs=0.05)
    assert rank1["high"] == pytest.approx(wanted.high, abs=0.05)
    gain = groups["female"].arms["restored:x"]["rank1_gain"]
    assert gain["rescued"] - gain["harmed"] == round(40 * gain["value"])
    base = scored.measured["restored:x"].scores.hit() - scores.hit()
    female = ~mask
    wanted_p = sign_flip_test(base[female], scored.design.people[female], seed=0)
    assert gain["p_sign_flip"] == wanted_p < 0.01


def test_all_cohorts_share_one_threshold(cut) -> None:  # type: ignore[no-untyped-def]
    scored, groups, spreads = cut
    threshold = scored.calibration.thresholds[1e-3]
    arm = scored.measured["occluded"]
    table = dense(arm.probes, arm.references)
    own = scored.design.probe_subjects[:, None] == scored.design.column_subjects[None, :]
    rates = []
    for value, cohort in groups.items():
        mask = (np.array(genders()) == value)[:, None]
        figures = cohort.arms["occluded"]
        fmr, fnmr = figures["fmr_frozen@fmr=0.001"], figures["fnmr_frozen@fmr=0.001"]
        assert fnmr["value"] == pytest.approx((table[own & mask] < threshold).mean())
        assert fmr["value"] == pytest.approx((table[~own & mask] >= threshold).mean())
        assert fmr["n"] == (~own & mask).sum()
        rates.append((fmr["value"], fnmr["value"]))
    (a, b), (c, d) = rates
    spread = next(s for s in spreads if (s.arm, s.figure[:11]) == ("occluded", "fnmr_frozen"))
    assert spread.other["fdr"] == pytest.approx(1 - 0.5 * abs(a - c) - 0.5 * abs(b - d))
    assert spread.ratio == pytest.approx(max(b, d) / min(b, d))
    assert (b < d) == (spread.best == next(iter(groups)))
    assert spread.difference["value"] == pytest.approx(-abs(b - d))


def test_few_people_are_named_and_counted_not_measured() -> None:
    values = ["rare" if i < 2 * SHOTS else gender for i, gender in enumerate(genders())]
    groups, spreads = planted().by_group(by(values), min_subjects=5)
    rare = next(cohort for cohort in groups if cohort.value == "rare")
    assert (rare.n, rare.n_subjects, rare.arms) == (8, 2, {})
    assert "rare" not in {end for s in spreads for end in (s.best, s.worst)}
    assert sum(cohort.n for cohort in groups) == N * SHOTS


def test_a_label_may_vary_within_a_person() -> None:
    scored = planted()
    poses = [one.attributes["pose"] for one in samples()]
    groups, spreads = scored.by_group(by(poses, "pose"), min_subjects=5)
    assert [(c.value, c.n, c.n_subjects) for c in groups] == [
        ("frontal", 48, 24),
        ("left", 48, 24),
    ]
    rank1 = next(s for s in spreads if (s.arm, s.figure) == ("occluded", "rank1"))
    # Poses alternate, so they are permuted within people.
    hits = scored.measured["occluded"].scores.hit()
    frontal, left = (hits[np.array(poses) == pose].mean() for pose in ("frontal", "left"))
    assert rank1.difference["value"] == pytest.approx(abs(frontal - left))
    wanted = largest_gap_test(
        hits[:, None], np.ones((len(hits), 1)), poses, scored.design.people, seed=0
    )
    assert rank1.difference["p_permutation"] == wanted[0] > 0.05


def test_probes_of_no_known_label_are_a_cohort_but_no_end_of_a_spread() -> None:
    some = [replace(one, attributes={}) if i < 40 else one for i, one in enumerate(samples())]
    labels = group_labels.labels(some, {}, ["gender", "pose"])
    groups, spreads = planted().by_group(labels, min_subjects=5)
    assert {(c.column, c.value, c.n) for c in groups if c.value == "unknown"} == {
        ("gender", "unknown", 40),
        ("pose", "unknown", 40),
    }
    assert not [s for s in spreads if s.column == "gender"]  # only men are left


def test_labels_taken_unasked() -> None:
    coverings = {one.image_id: ("scarf", "mask")[i % 2] for i, one in enumerate(samples())}
    assert sorted(group_labels.labels(samples(), coverings, None)) == ["covering", "gender", "pose"]
    as_found = [replace(one, condition=coverings[one.image_id]) for one in samples()]
    assert "condition" not in group_labels.labels(as_found, coverings, None)
    assert "condition" in group_labels.labels(as_found, coverings, ["condition"])
    twisted = [replace(one, condition=one.attributes["pose"]) for one in samples()]
    assert "condition" in group_labels.labels(twisted, coverings, None)
    assert list(group_labels.labels(samples(), coverings, ["constant", "split"])) == [
        "constant",
        "split",
    ]


def test_an_unknown_label_names_those_there_are() -> None:
    with pytest.raises(DataError, match="no label 'hair'.* constant, covering, .*gender"):
        group_labels.check(["gender", "hair"], samples())


def test_pairs_are_broken_down_by_their_probes() -> None:
    plan, probes, references = pairs_only()
    scored = findings(plan, {"occluded": near(probes, 2.0, 1), "restored:x": probes}, references)
    values = np.array(["even" if int(i[:3]) % 2 == 0 else "odd" for i in plan.probes])
    groups, _ = scored.by_group({"parity": values}, min_subjects=2)
    correct = scored.views["restored:x"].correct
    for cohort in groups:
        mine = np.array(
            [(int(t.probe_id[:3]) % 2 == 0) == (cohort.value == "even") for t in plan.pairs]
        )
        figures = cohort.arms["restored:x"]
        assert figures["accuracy"]["value"] == pytest.approx(correct[mine].mean())
        gain = correct[mine].mean() - scored.views["occluded"].correct[mine].mean()
        assert figures["accuracy_gain"]["value"] == pytest.approx(gain)
        assert "rank1" not in figures
