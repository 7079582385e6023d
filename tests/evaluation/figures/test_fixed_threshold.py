"""Fixed thresholds: set on clean faces, used for every arm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scoring_fakes import (
    board_of,
    dense,
    findings,
    near,
    pairs_only,
    people,
    run,
    sample,
    simple_plan,
    unit,
)

from restore_recog.evaluation.figures.findings import Findings
from restore_recog.evaluation.figures.fixed_threshold import impostors
from restore_recog.evaluation.scores.cosine_table import averaged
from restore_recog.metrics.uncertainty import bootstrap_mean
from restore_recog.metrics.verification import fnmr_at_fmr

N, SHOTS = 14, 4
TARGET = "@fmr=0.01"


def planted(drift: float = 0.0, **options: object) -> tuple[Findings, dict[str, np.ndarray]]:
    """Return arms whose restorer pulls every face towards one and the same face."""
    plan, centres = simple_plan(N, SHOTS), people(N, 24)
    own = [int(i[:3]) for i in board_of(plan).columns]
    common = centres.mean(axis=0, keepdims=True)
    references = near(centres[own] + 0.3 * common, 0.8, 2)
    faces = np.repeat(centres, SHOTS, axis=0)
    arms = {
        "clean": near(faces, 0.8, 1),
        "occluded": near(faces, 2.0, 3),
        "restored:x": near(faces + drift * common, 1.2, 4),
    }
    return findings(plan, arms, references, **options), arms  # type: ignore[arg-type]


def tables(scored: Findings, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (genuine, impostor) scores of an arm from the dense table."""
    arm = scored.measured[name]
    table = dense(arm.probes, arm.references)
    own = scored.design.probe_subjects[:, None] == scored.design.column_subjects[None, :]
    return table[own], table[~own]


def test_the_threshold_comes_from_the_clean_impostors_alone() -> None:
    scored, _ = planted()
    genuine, impostor = tables(scored, "clean")
    assert scored.calibration is not None
    assert scored.calibration.on == "clean arm" and scored.calibration.n_impostor == impostor.size
    for target, threshold in scored.calibration.thresholds.items():
        assert threshold == fnmr_at_fmr(genuine, impostor, target).threshold
        assert scored.calibration.budgets[target] == int(target * impostor.size)


@pytest.mark.parametrize("name", ["clean", "occluded", "restored:x"])
def test_rates_at_the_frozen_threshold_are_those_of_all_comparisons(name: str) -> None:
    scored, _ = planted(drift=1.0)
    assert scored.calibration is not None
    genuine, impostor = tables(scored, name)
    figures = scored.arm(name, run()).figures
    for target, threshold in scored.calibration.thresholds.items():
        fmr, fnmr = figures[f"fmr_frozen@fmr={target:g}"], figures[f"fnmr_frozen@fmr={target:g}"]
        assert fmr["value"] == pytest.approx((impostor >= threshold).mean())
        assert fnmr["value"] == pytest.approx((genuine < threshold).mean())
        assert (fmr["n"], fnmr["n"]) == (impostor.size, genuine.size)
        assert fmr["threshold"] == fnmr["threshold"] == threshold
        assert fmr["calibrated_on"] == "clean arm"
        if name == "clean":
            assert fmr["value"] <= target


def test_intervals_draw_both_people_for_fmr_and_one_for_fnmr() -> None:
    scored, _ = planted(drift=1.0)
    assert scored.calibration is not None
    threshold = scored.calibration.thresholds[1e-2]
    arm, design = scored.measured["restored:x"], scored.design
    table = dense(arm.probes, arm.references)
    rows, columns = np.indices(table.shape).reshape(2, -1)
    a, b = design.probe_subjects[rows], design.column_subjects[columns]
    other, values = a != b, table.ravel() >= threshold
    figures = scored.arm("restored:x", run()).figures
    names, index = np.unique([a[other], b[other]], return_inverse=True)
    first, second = index.reshape(2, -1)
    draws = np.random.default_rng(0).multinomial(names.size, [1 / names.size] * names.size, 2000)
    weights = draws[:, first] * draws[:, second]
    wanted = np.quantile(weights @ values[other] / weights.sum(axis=1), [0.025, 0.975])
    fmr = figures[f"fmr_frozen{TARGET}"]
    assert (fmr["low"], fmr["high"]) == pytest.approx(tuple(wanted))
    one_way = bootstrap_mean(~values[~other], a[~other], seed=0)
    fnmr = figures[f"fnmr_frozen{TARGET}"]
    assert (fnmr["low"], fnmr["high"]) == pytest.approx((one_way.low, one_way.high))


def test_planted_drift_is_found_and_its_absence_too() -> None:
    drifting = planted(drift=2.5)[0].arm("restored:x", run()).figures
    change = drifting[f"fmr_frozen_change{TARGET}"]
    assert change["low"] > 0 and change["against"] == "occluded"
    assert change["value"] == pytest.approx((change["accepted"] - change["before"]) / change["n"])
    assert drifting["impostor_shift"]["low"] > 0
    scored, arms = planted()
    same = findings(
        scored.design.plan,
        arms | {"restored:x": arms["occluded"]},
        scored.measured["clean"].references,
    )
    still = same.arm("restored:x", run()).figures
    assert still[f"fmr_frozen_change{TARGET}"]["value"] == 0
    assert still[f"fmr_frozen_change{TARGET}"]["low"] == 0
    assert still[f"fnmr_frozen_change{TARGET}"]["rescued"] == 0


def test_a_paired_change_is_narrower_than_two_rates_apart() -> None:
    scored, arms = planted(drift=1.0)
    arms = arms | {"restored:x": unit(arms["occluded"] + 0.02 * arms["restored:x"])}
    near_by = findings(scored.design.plan, arms, scored.measured["clean"].references)
    figures = near_by.arm("restored:x", run()).figures
    change, rate = figures[f"fmr_frozen_change{TARGET}"], figures[f"fmr_frozen{TARGET}"]
    assert change["high"] - change["low"] < 0.5 * (rate["high"] - rate["low"])


def test_planted_flips_at_the_frozen_threshold() -> None:
    plan = simple_plan(6, 1, references=1)
    bare = np.eye(6)
    weak = bare.copy()
    weak[[0, 1, 2]] = np.roll(bare, 3, axis=0)[[0, 1, 2]]
    restored = bare.copy()
    restored[5] = np.roll(bare, 1, axis=0)[5]
    arms = {"clean": bare, "occluded": weak, "restored:x": restored}
    change = (
        findings(plan, arms, bare).arm("restored:x", run()).figures[f"fnmr_frozen_change{TARGET}"]
    )
    assert (change["rescued"], change["harmed"]) == (3, 1)
    assert change["value"] == pytest.approx((1 - 3) / 6)


def test_too_few_impostors_are_flagged_not_printed_bare() -> None:
    scored, _ = planted()  # 56 probes x 26 references of others = 1,456 comparisons
    figures = scored.arm("occluded", run()).figures
    for kind in ("fmr_frozen", "fnmr_frozen"):
        assert figures[f"{kind}@fmr=0.0001"]["flag"] == "too few impostors"
        assert figures[f"{kind}@fmr=0.001"].get("flag") != "too few impostors"
    assert figures["fmr_frozen@fmr=0.001"]["false_accept_budget"] == 1


def test_without_clean_twins_the_bare_references_fix_the_threshold() -> None:
    scored, arms = planted()
    del arms["clean"]
    references = scored.measured["occluded"].references
    masked = ["000/r0", "001/r1"]
    without = findings(
        scored.design.plan,
        arms,
        references,
        samples=[sample(image_id, condition="mask") for image_id in masked],
    )
    bare = np.array([image_id not in masked for image_id in scored.design.columns])
    own = scored.design.column_subjects[bare]
    table = dense(references[bare], references[bare])
    upper = np.triu(np.ones(table.shape, bool), 1) & (own[:, None] != own[None, :])
    wanted = fnmr_at_fmr([1.0], table[upper], 0.01)
    assert without.calibration is not None
    assert without.calibration.on == "unoccluded references"
    assert without.calibration.n_impostor == upper.sum()
    assert without.calibration.thresholds[1e-2] == wanted.threshold
    assert without.calibration.budgets[1e-2] == wanted.false_accept_budget


def test_averaged_references_fix_the_threshold_of_averaged_references() -> None:
    scored, arms = planted()
    del arms["clean"]
    references = scored.measured["occluded"].references
    mean = findings(scored.design.plan, arms, references, enrolment="mean")
    averages, names = averaged(references, scored.design.column_subjects)
    table = dense(references, averages)
    other = scored.design.column_subjects[:, None] != names[None, :]
    assert mean.calibration is not None
    assert mean.calibration.n_impostor == other.sum()
    assert mean.calibration.thresholds[1e-2] == fnmr_at_fmr([1.0], table[other], 0.01).threshold


def test_nothing_to_calibrate_on_leaves_the_figures_out() -> None:
    plan = simple_plan(3)
    probes = np.repeat(np.eye(3), 2, axis=0)
    covered = [sample(i, condition="scarf") for i in plan.references]
    scored = findings(plan, {"occluded": probes}, probes, samples=covered)
    assert scored.calibration is None
    figures = scored.arm("occluded", run()).figures
    assert not [name for name in figures if "frozen" in name]


def test_of_pairs_the_listed_genuine_ones_count_and_all_impostors() -> None:
    plan, probes, references = pairs_only()
    worse = near(probes, 1.0, 9)
    scored = findings(plan, {"clean": probes, "occluded": worse}, references, enrolment="mean")
    other = scored.design.probe_subjects[:, None] != scored.design.column_subjects[None, :]
    impostor = {name: dense(arm.probes, references)[other] for name, arm in scored.measured.items()}
    threshold = fnmr_at_fmr([1.0], impostor["clean"], 0.01).threshold
    assert scored.calibration is not None
    assert scored.calibration.thresholds[1e-2] == threshold
    figures = scored.arm("occluded", run()).figures
    fmr, fnmr = figures[f"fmr_frozen{TARGET}"], figures[f"fnmr_frozen{TARGET}"]
    genuine = scored.measured["occluded"].scores.trials[[t.genuine for t in plan.pairs]]
    assert fnmr["value"] == (genuine < threshold).mean() and fnmr["n"] == 20
    assert fmr["value"] == pytest.approx((impostor["occluded"] >= threshold).mean())
    assert fmr["n"] == other.sum() == 20 * 10 - 20 and fmr["calibrated_on"] == "clean arm"


@pytest.mark.parametrize("block", [1, 5, 300])
def test_the_block_size_changes_nothing(block: int) -> None:
    scored, _ = planted(drift=1.0)
    other = replace(scored, design=replace(scored.design, block=block))
    assert scored.calibration is not None
    for arm in scored.measured.values():
        one = impostors(scored.design, scored.calibration, arm)
        many = impostors(other.design, scored.calibration, arm)
        for target in one.accepted:
            assert (one.accepted[target] != many.accepted[target]).nnz == 0


def test_mean_enrolment_is_searched_by_one_template_a_subject() -> None:
    scored, _ = planted(enrolment="mean")
    assert scored.calibration is not None
    assert scored.calibration.n_impostor == N * SHOTS * (N - 1)
    figures = scored.arm("occluded", run()).figures
    assert figures[f"fnmr_frozen{TARGET}"]["n"] == N * SHOTS
    assert figures["fte"]["n"] == 2 * N  # still counted by image
