"""Trials of an open set, against the definitions written out one comparison at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scoring_fakes import board_of, findings, near, people, run

from restore_recog.api import OpenSetTrial, Plan
from restore_recog.errors import DataError
from restore_recog.evaluation import plan_files
from restore_recog.evaluation.scores import open_trials
from restore_recog.protocols.blufr import Blufr
from restore_recog.protocols.csv_files import CsvFiles
from restore_recog.types import FaceSample

PEOPLE, SHOTS = 60, 3
IDS = [f"{who:03d}/{shot}" for who in range(PEOPLE) for shot in range(SHOTS)]
SAMPLES = [FaceSample(image_id, image_id[:3]) for image_id in IDS]
ARMS = ("clean", "occluded", "restored:x", "fill")


def planted(limit: int | None = None) -> tuple[Plan, dict[str, np.ndarray], np.ndarray]:
    """Return (plan, templates of the probes by arm, templates of the references)."""
    plan = Blufr().plan(SAMPLES, limit=limit)
    centres = people(PEOPLE, 16)

    def images(ids: tuple[str, ...], noise: float) -> np.ndarray:
        return near(centres[[int(i[:3]) for i in ids]], noise, round(10 * noise))

    bare = dict(zip(IDS, images(tuple(IDS), 0.8), strict=True))
    arms = {
        name: images(plan.probes, noise)
        for name, noise in zip(ARMS[1:], (1.6, 1.1, 1.4), strict=True)
    }
    arms = {"clean": np.stack([bare[i] for i in plan.probes]), **arms}
    arms["restored:x"][::7] = np.nan  # failures
    return plan, arms, np.stack([bare[i] for i in plan.references])


def score(probe: np.ndarray, reference: np.ndarray) -> float:
    value = np.float32(probe @ reference)
    return -np.inf if np.isnan(value) else float(value)


def best_rate(right: list[float], wrong: list[float], target: float) -> float:
    """Return the best share of *right* at or above a threshold that lets in at most a share.

    It is reached at one of *right*, or where none is let in.
    """
    shares = [
        np.mean(np.array(right) >= cut)
        for cut in {*right, 2.0} - {-np.inf}
        if np.mean(np.array(wrong) >= cut) <= target
    ]
    return float(max(shares))


def slow(
    plan: Plan, trial: OpenSetTrial, probes: np.ndarray, references: np.ndarray, target: float
) -> tuple[float, float]:
    """Return (detection and identification rate, verification rate) at a target, by definition."""
    row = {image_id: probes[i] for i, image_id in enumerate(plan.probes)}
    column = {image_id: references[i] for i, image_id in enumerate(plan.references)}
    own, strangers = [], []
    for probe in trial.probes:
        scores = {i[:3]: score(row[probe], column[i]) for i in trial.gallery}
        if probe[:3] not in scores:
            strangers.append(max(scores.values()))
            continue
        mine = scores.pop(probe[:3])
        own.append(mine if mine > max(scores.values()) else -np.inf)
    same, different = [], []
    for probe in {*trial.probes, *trial.gallery} & row.keys():
        for reference in {*trial.probes, *trial.gallery} & column.keys():
            if probe != reference:
                pairs = same if probe[:3] == reference[:3] else different
                pairs.append(score(row[probe], column[reference]))
    return best_rate(own, strangers, target), best_rate(same, different, target)


@pytest.mark.parametrize("limit", [None, 70])
def test_rates_are_those_of_the_definitions(limit: int | None) -> None:
    plan, arms, references = planted(limit)
    plan = replace(plan, open_set=plan.open_set[:2])
    results = findings(plan, arms, references)
    for name in ("clean", "restored:x"):
        probes, figures = arms[name], results.arm(name, run()).figures
        exact = {
            far: [slow(plan, trial, probes, references, far) for trial in plan.open_set]
            for far in open_trials.FARS
        }
        for kind, far, which in (("dir", 0.01, 0), ("dir", 0.001, 0), ("vr", 0.001, 1)):
            rates = [both[which] for both in exact[far]]
            figure = figures[f"{kind}@far={far:g}"]
            assert figure["by_trial"] == pytest.approx(rates)
            assert figure.value == pytest.approx(np.mean(rates))
            assert figure["sd"] == pytest.approx(np.std(rates, ddof=1))
            fused = figures[f"{kind}_less_sd@far={far:g}"].value
            assert fused == pytest.approx(np.mean(rates) - np.std(rates, ddof=1))
            assert 0 <= figure.low <= figure.value <= figure.high <= 1


def test_bare_probes_give_blufr_s_own_rate_of_pairs_taken_once() -> None:
    plan, arms, references = planted()
    trial = plan.open_set[0]
    test = sorted({*trial.gallery, *trial.probes})
    bare = dict(zip(plan.references, references, strict=True))
    same, different = [], []
    for i, first in enumerate(test):
        for second in test[:i]:
            pairs = same if first[:3] == second[:3] else different
            pairs.append(score(bare[first], bare[second]))
    figure = findings(plan, arms, references).arm("clean", run()).figures["vr@far=0.001"]
    assert figure["by_trial"][0] == pytest.approx(best_rate(same, different, 0.001))
    assert figure["n_impostor"] > 2 * len(different)  # both ways round, in every trial


def test_gains_are_paired_over_all_searches() -> None:
    plan, arms, references = planted()
    results = findings(plan, arms, references)
    figures = results.arm("restored:x", run()).figures
    found = {
        name: np.concatenate([trial.found[0.01].right for trial in results.trials[name]])
        for name in ARMS
    }
    gain = figures["dir_gain@far=0.01"]
    mine, theirs = found["restored:x"], found["occluded"]
    assert gain.value == pytest.approx(mine.mean() - theirs.mean())
    assert gain["rescued"] == (mine & ~theirs).sum() and gain["harmed"] == (theirs & ~mine).sum()
    assert gain["against"] == "occluded" and 0 <= gain["p_sign_flip"] <= 1
    over = figures["dir_gain_over_fill@far=0.01"]
    assert over.value == pytest.approx(mine.mean() - found["fill"].mean())
    assert over["against"] == "fill" and "vr_gain@far=0.001" in figures


def test_failed_templates_are_misses_in_every_denominator() -> None:
    plan, arms, references = planted()
    whole = findings(plan, arms, references).trials["occluded"]
    arms["occluded"] = np.full_like(arms["occluded"], np.nan)
    for before, after in zip(
        whole, findings(plan, arms, references).trials["occluded"], strict=True
    ):
        assert before.accepted is not None and after.accepted is not None
        for mine, theirs in (
            *((after.found[far], before.found[far]) for far in open_trials.FARS),
            (after.accepted, before.accepted),
        ):
            assert mine.right.size == theirs.right.size and not mine.right.any()
            assert mine.n_impostor == theirs.n_impostor


def test_too_few_strangers_are_flagged_and_a_trial_without_any_is_left_out() -> None:
    plan, arms, references = planted()
    figures = findings(plan, arms, references).arm("clean", run()).figures
    assert figures["dir@far=0.001"].flag == "too few impostors"
    enrolled = {image_id[:3] for image_id in plan.open_set[0].gallery}
    mates = tuple(i for i in plan.open_set[0].probes if i[:3] in enrolled)
    alone = OpenSetTrial(plan.open_set[0].gallery, mates)
    some = replace(plan, open_set=(alone, *plan.open_set[1:]))
    assert len(findings(some, arms, references).trials["clean"]) == len(plan.open_set) - 1
    none = replace(plan, open_set=(alone,))
    figures = findings(none, arms, references).arm("restored:x", run()).figures
    assert not [name for name in figures if name.startswith(("dir", "vr"))]
    one = replace(plan, open_set=plan.open_set[:1])
    figures = findings(one, arms, references).arm("clean", run()).figures
    assert "dir@far=0.01" in figures and "dir_less_sd@far=0.01" not in figures


def test_a_trial_needs_images_of_its_plan() -> None:
    plan, *_ = planted()
    for trial, message in (
        (OpenSetTrial(("x",), plan.probes[:1]), "gallery image 'x' of the protocol's trial 2"),
        (OpenSetTrial(plan.references[:1], ("y",)), "probe image 'y' of the protocol's trial 2"),
    ):
        with pytest.raises(DataError, match=message):
            board_of(replace(plan, open_set=(plan.open_set[0], trial)))


def test_a_written_plan_keeps_its_trials(tmp_path: Path) -> None:
    plan, *_ = planted()
    for name, text in plan_files.render(plan, {s.image_id: s for s in SAMPLES}).items():
        (tmp_path / name).write_text(text)
    assert plan_files.parse(tmp_path).plan == plan
    part = CsvFiles(str(tmp_path)).plan(SAMPLES, limit=5)
    assert part.open_set[0].gallery == plan.open_set[0].gallery
    assert {i for trial in part.open_set for i in trial.probes} <= set(plan.probes[:5])
    assert "trials.csv" not in plan_files.render(
        replace(plan, open_set=()), {s.image_id: s for s in SAMPLES}
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,gallery,000/0", "line 2: 'trial' is '0'; trials count from 1"),
        ("one,gallery,000/0", "line 2: 'trial' is 'one'"),
        ("1,stranger,000/0", "line 2: 'role' is 'stranger'; it must be gallery or probe"),
        ("1,probe,nobody", "line 2: the probe 'nobody' is not among the plan's images"),
    ],
)
def test_faulty_rows_of_trials_are_refused(row: str, message: str, tmp_path: Path) -> None:
    plan, *_ = planted()
    for name, text in plan_files.render(plan, {s.image_id: s for s in SAMPLES}).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "trials.csv").write_text(f"trial,role,template_id\n{row}\n")
    with pytest.raises(DataError, match=message):
        plan_files.parse(tmp_path)
