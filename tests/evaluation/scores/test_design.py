"""From templates to scores and figures, against dense tables and planted answers."""

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
    simple_plan,
    unit,
)

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.figures.pairs import flipped_together, pair_draws
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.scores.cosine_table import averaged, cosine_table, genuine_comparisons
from restore_recog.metrics.identification import identification_ranks, subject_scores
from restore_recog.metrics.resampling import percentile_limits
from restore_recog.metrics.separation import cosine_summary
from restore_recog.metrics.uncertainty import bootstrap_mean, mcnemar_exact, sign_flip_test
from restore_recog.types import Trial

RNG = np.random.default_rng(5)


def planted(n: int = 12, shots: int = 3, noise: float = 1.2, length: int = 16):  # type: ignore[no-untyped-def]
    """Return (plan, probes, references) of people that are sometimes mistaken."""
    plan, centres = simple_plan(n, shots), people(n, length)
    design = board_of(plan)
    own = [int(i[:3]) for i in design.columns]
    probes = near(np.repeat(centres, shots, axis=0), noise, 1)
    return plan, probes, near(centres[own], noise, 2)


def test_ranks_are_those_of_the_dense_table() -> None:
    plan, probes, references = planted()
    probes[4] = np.nan
    references[[0, 1, 7]] = np.nan  # both of the first person, one of another
    design = board_of(plan)
    scores = design.score(probes, references)
    table = dense(probes, references)
    wanted = identification_ranks(table, design.probe_subjects, design.column_subjects)
    assert scores.rank().tolist() == wanted.pessimistic.tolist()
    best, names = subject_scores(table, design.column_subjects)
    other = np.where(names[None, :] == design.probe_subjects[:, None], -np.inf, best).max(axis=1)
    np.testing.assert_array_equal(scores.best_impostor, np.where(np.isinf(other), np.nan, other))
    assert scores.failed.tolist() == [i == 4 for i in range(36)]


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_the_block_size_changes_nothing(block: int) -> None:
    plan, probes, references = planted()
    design = board_of(plan)
    one, many = (
        design.score(probes, references),
        replace(design, block=block).score(probes, references),
    )
    for name in ("cosine", "impostor", "trials", "best_impostor"):
        np.testing.assert_allclose(getattr(one, name), getattr(many, name), atol=1e-7)
    assert one.rank().tolist() == many.rank().tolist()


def test_strangers_have_no_rank_and_make_open_set_searches() -> None:
    plan, probes, references = planted(n=20, shots=4)
    inside = [i for i in plan.references if int(i[:3]) < 15]
    chosen = {s: i for s, i in plan.cosine_references.items() if int(s) < 15}
    pairs = tuple(t for t in plan.pairs if int(t.reference_id[:3]) < 15)
    open_plan = replace(plan, references=tuple(inside), cosine_references=chosen, pairs=pairs)
    scored = findings(open_plan, {"occluded": probes}, references[: len(inside)])
    scores = scored.measured["occluded"].scores
    assert scores.mated.tolist() == [i < 60 for i in range(80)]
    assert (scores.rank()[60:] == 0).all() and (scores.rank()[:60] > 0).all()
    assert np.isnan(scores.hit()[60:]).all() and np.isnan(scores.cosine[60:]).all()
    figures = scored.arm("occluded", run()).figures
    assert figures["rank1"]["n"] == 60 and figures["rank1"]["non_mated"] == 20
    point = figures["fnir@fpir=0.01"]
    # FPIR of 1 % of 20 searches allows none: the threshold is above every stranger.
    table = dense(probes, references[: len(inside)])
    own = subject_scores(table, board_of(open_plan).column_subjects)[0]
    best = own[np.arange(60), np.repeat(np.arange(15), 4)]
    highest = table[60:].max()
    missed = (best <= highest) | (best < own[:60].max(axis=1))
    assert point["value"] == pytest.approx(missed.mean())
    assert point["n_non_mated"] == 20 and point["flag"] == "too few impostors"


def test_a_search_without_anybody_to_find_is_refused() -> None:
    plan = simple_plan(4)
    lost = replace(plan, references=("x/r0", "y/r0"), cosine_references={}, pairs=())
    with pytest.raises(DataError, match="None of the 8 probes"):
        board_of(lost)


def test_a_image_must_not_be_searched_in_itself_but_may_stand_in_two_pairs() -> None:
    plan = simple_plan(4)
    both = replace(plan, references=(*plan.references, plan.probes[0]))
    with pytest.raises(DataError, match="must not be searched in itself"):
        board_of(both)
    assert board_of(replace(both, identification=False)).columns


def test_pairs_of_unknown_images_and_empty_lists_are_refused() -> None:
    plan = simple_plan(4)
    with pytest.raises(DataError, match="'000/zz', which is no reference"):
        board_of(replace(plan, pairs=(Trial("000/zz", "000/p0", True),), cosine_references={}))
    with pytest.raises(DataError, match="nothing to measure"):
        board_of(replace(plan, pairs=(), identification=False))
    assert board_of(replace(plan, pairs=())).pair_rows.shape == (0, 2)


def test_the_cosine_table_is_that_of_all_entries_at_once() -> None:
    probes, images = unit(RNG.normal(size=(30, 4))), unit(RNG.normal(size=(8, 4)))
    probes[3], images[5] = np.nan, np.nan
    probes[6:9] = probes[6]  # ties
    owners = np.array([f"{i % 10}" for i in range(30)])  # people 8 and 9 have no image
    names = np.array([f"{i}" for i in range(8)])
    whole = probes @ images.T
    own = owners[:, None] == names[None, :]
    wanted = cosine_summary(
        np.nan_to_num(whole[own], nan=-np.inf), np.nan_to_num(whole[~own], nan=-np.inf)
    )
    for cells in (1, 50, 10_000):
        table = cosine_table(probes, owners, images, names, cells=cells)
        for name in ("genuine_mean", "genuine_sd", "impostor_mean", "impostor_sd", "d_prime"):
            assert getattr(table.summary, name) == pytest.approx(getattr(wanted, name))
        assert table.summary.overlap == pytest.approx(wanted.overlap)
        for name in ("n_genuine", "n_impostor", "failed_genuine", "failed_impostor"):
            assert getattr(table.summary, name) == getattr(wanted, name)
        others = [row[~mine & ~np.isnan(row)] for row, mine in zip(whole, own, strict=True)]
        means = [row.mean() if row.size else np.nan for row in others]
        np.testing.assert_allclose(table.others, means)
    assert np.isnan(table.own[[3, 5, 8]]).all() and np.isnan(table.own[5])


def test_every_genuine_comparison_is_made_once() -> None:
    probes, references = unit(RNG.normal(size=(7, 3))), unit(RNG.normal(size=(9, 3)))
    references[2] = np.nan
    a = np.array(list("abcabcz"))
    b = np.array(list("bacbacbaq"))
    genuine = genuine_comparisons(probes, references, a, b)
    table = dense(probes, references)
    wanted = sorted((i, table[i, j]) for i in range(7) for j in range(9) if a[i] == b[j])
    assert sorted(zip(genuine.probe.tolist(), genuine.scores.tolist(), strict=True)) == wanted


def test_mean_enrolment_averages_what_there_is() -> None:
    references = unit(np.array([[1.0, 0.2], [1.0, -0.2], [0.0, 1.0], [np.nan] * 2, [np.nan] * 2]))
    templates, names = averaged(references, np.array(["a", "a", "b", "b", "c"]))
    assert names.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(templates[:2], [[1, 0], [0, 1]], atol=1e-12)
    assert np.isnan(templates[2]).all()


def test_mean_enrolment_finds_whom_single_references_hide() -> None:
    # Person 0's references lie on either side of him; person 1 has one close to the probe.
    plan = Plan(("0/r0", "0/r1", "1/r0"), ("0/p0", "1/p0"), (), {}, False)
    references = unit(np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 0.0, 0.8]]))
    probes = unit(np.array([[1.0, 0.0, 0.0], [0.9, 0.0, 1.0]]))
    largest = findings(plan, {"occluded": probes}, references)
    mean = findings(plan, {"occluded": probes}, references, enrolment="mean")
    assert largest.measured["occluded"].scores.rank().tolist() == [2, 1]
    assert mean.measured["occluded"].scores.rank().tolist() == [1, 1]
    with pytest.raises(DataError, match="'max', 'mean' or 'quality'"):
        findings(plan, {"occluded": probes}, references, enrolment="median")


def test_enrolment_by_quality_weights_the_mean() -> None:
    references = unit(np.array([[1.0, 0.0], [0.0, 1.0], [np.nan] * 2, [0.0, 1.0]]))
    names, weights = np.array(list("aaab")), np.array([3.0, 1.0, np.nan, 1e-6])
    templates, who = averaged(references, names, weights)
    assert who.tolist() == ["a", "b"]
    np.testing.assert_allclose(templates, [unit(np.array([[3.0, 1.0]]))[0], [0, 1]], atol=1e-12)
    plan = simple_plan(6)
    centres = people(6, 12)
    board, shown = (near(centres.repeat(2, 0), 1.0, seed) for seed in (1, 2))
    arms = {"clean": shown, "occluded": shown}
    given = np.arange(1.0, 13.0)
    weighted = findings(plan, arms, board, enrolment="quality", weights=given)
    averages, _ = averaged(board, weighted.design.column_subjects, given)
    search = weighted.measured["occluded"].scores.search
    assert search is not None and weighted.calibration is not None
    own = np.einsum("ij,ij->i", shown, averages.repeat(2, 0))
    np.testing.assert_allclose(search.own, own, atol=1e-6)
    mean = findings(plan, arms, board, enrolment="mean", weights=given).measured["occluded"]
    assert mean.scores.search is not None and (mean.scores.search.own != search.own).any()
    table = dense(shown, averages)
    impostors = np.sort(table[np.repeat(np.arange(6), 2)[:, None] != np.arange(6)])
    assert weighted.calibration.thresholds[0.01] == pytest.approx(impostors[-1], abs=1e-6)


def test_failures_change_no_denominator() -> None:
    plan, probes, references = planted()
    lost = probes.copy()
    lost[[0, 1, 2, 10]] = np.nan
    scored = findings(plan, {"clean": probes, "occluded": probes, "restored:x": lost}, references)
    whole, part = (scored.arm(name, run()).figures for name in ("occluded", "restored:x"))
    counted = [name for name in whole if not name.startswith(("cosine", "impostor", "margin"))]
    assert {name for name in counted if whole[name]["n"] != part[name]["n"]} == set()
    assert part["fta"]["failed"] == 4 and part["fta"]["failed_subjects"] == 1
    assert part["fta"]["value"] == pytest.approx(4 / 36) and whole["fta"]["value"] == 0
    assert part["cosine"]["left_out"] == 4 and part["cosine"]["n"] == 32
    before = scored.measured["occluded"].scores.hit()
    before[[0, 1, 2, 10]] = 0
    assert part["rank1"]["value"] == pytest.approx(before.mean())
    frozen = "fnmr_frozen@fmr=0.01"
    assert part[frozen]["value"] > whole[frozen]["value"]
    assert part[frozen]["fnmr_completed"] < part[frozen]["value"]
    assert part["fmr_frozen@fmr=0.01"]["value"] <= whole["fmr_frozen@fmr=0.01"]["value"]


def test_failed_enrolments_are_counted_by_image() -> None:
    plan, probes, references = planted()
    references[[0, 1, 2]] = np.nan  # 000/r0, 000/r1, 001/r0
    figures = findings(plan, {"occluded": probes}, references).arm("occluded", run()).figures
    assert figures["fte"]["failed"] == 3 and figures["fte"]["n"] == 24
    assert figures["fte"]["failed_subjects"] == 1 and figures["fte"]["n_subjects"] == 12
    assert figures["fta"]["value"] == 0
    assert figures["fta"]["flag"].startswith("no errors: upper limit 3/n")


def flipped(single: bool) -> tuple[Plan, dict[str, np.ndarray], np.ndarray]:
    """Return five people of one or two probes; the restorer rescues two and harms one."""
    n, shots = 5, 1 if single else 2
    plan, centres = simple_plan(n, shots), np.eye(n)
    own = [int(i[:3]) for i in board_of(plan).columns]
    good = np.repeat(centres, shots, axis=0)
    wrong = np.roll(good, shots, axis=0)  # everybody looks like the next one
    occluded, restored = good.copy(), good.copy()
    occluded[[0, 1]], restored[2] = wrong[[0, 1]], wrong[2]
    arms = {"clean": good, "occluded": occluded, "restored:x": restored, "fill": occluded}
    return plan, arms, centres[own]


@pytest.mark.parametrize("single", [True, False])
def test_planted_flips(single: bool) -> None:
    plan, arms, references = flipped(single)
    figures = findings(plan, arms, references).arm("restored:x", run()).figures
    gain, n = figures["rank1_gain"], len(plan.probes)
    table = [gain[name] for name in ("rescued", "harmed", "both_right", "both_wrong")]
    assert table == [2, 1, n - 3, 0] and gain["against"] == "occluded"
    assert gain["value"] == pytest.approx(1 / n)
    assert ("p_mcnemar" in gain) == single
    if single:
        assert gain["p_mcnemar"] == mcnemar_exact(2, 1)
    over = figures["rank1_gain_over_fill"]
    assert over["value"] == gain["value"] and over["against"] == "fill"
    assert figures["recovered"]["value"] == pytest.approx(0.5)


def test_quality_goes_with_recognition_where_it_was_planted_so() -> None:
    plan, probes, references = planted()
    centres = np.repeat(people(12, 16), 3, axis=0)
    strength = RNG.permutation(36) / 36
    restored = unit(probes + strength[:, None] * centres)
    before, after = (
        [ImageQuality(psnr_mask=10.0)] * 36,
        [ImageQuality(psnr_mask=10 + s) for s in strength],
    )
    after[7] = ImageQuality()
    scored = findings(
        plan,
        {"occluded": probes, "restored:x": restored},
        references,
        qualities={"occluded": before, "restored:x": after},
    )
    figure = scored.arm("restored:x", run()).figures["quality_vs_recognition"]
    assert figure["value"] > 0.5 and figure["low"] > 0
    assert figure["n"] == 35 and figure["left_out"] == 1


def test_pairs_in_folds() -> None:
    plan, probes, references = pairs_only(missing=10)
    broken = probes.copy()
    broken[:5] = np.nan
    scored = findings(plan, {"occluded": broken, "restored:x": probes}, references)
    figures = scored.arm("restored:x", run()).figures
    assert "rank1" not in figures and "fnir@fpir=0.01" not in figures
    accuracy = figures["accuracy"]
    correct = scored.views["restored:x"].correct
    folds = np.array(plan.folds)
    means = [correct[folds == fold].mean() for fold in range(1, 5)]
    assert accuracy["value"] == pytest.approx(np.mean(means))
    assert accuracy["se"] == pytest.approx(np.std(means, ddof=1) / 2)
    worst = [correct[folds == 1].sum() / 20, *means[1:]]
    assert accuracy["value_missing_wrong"] == pytest.approx(np.mean(worst))
    assert accuracy["missing_pairs"] == 10 and accuracy["flag"] == "10 pairs are missing"
    cut = replace(scored, limited=True).arm("restored:x", run()).figures["accuracy"]
    assert "value_missing_wrong" not in cut and cut["missing_pairs"] == 10
    gain = figures["accuracy_gain"]
    assert gain["value"] == pytest.approx(correct.mean() - scored.views["occluded"].correct.mean())
    assert gain["rescued"] - gain["harmed"] == round(40 * gain["value"]) and gain["n"] == 40
    table = cosine_summary(
        *(
            scored.measured["restored:x"].scores.trials[[t.genuine == kind for t in plan.pairs]]
            for kind in (True, False)
        )
    )
    assert figures["d_prime"]["value"] == pytest.approx(table.d_prime)
    # Without cosine images a probe's cosine is the mean of its genuine pairs.
    scores = scored.measured["restored:x"].scores
    trial = next(i for i, t in enumerate(plan.pairs) if t.probe_id == plan.probes[1])
    assert scores.cosine[1] == scores.trials[trial]
    assert figures["cosine_gain"]["left_out"] == 5


def test_an_uneven_list_is_flagged_with_what_one_answer_would_give() -> None:
    plan, probes, references = pairs_only()
    few = [i for i, t in enumerate(plan.pairs) if t.genuine or i < 22]
    pairs, folds = tuple(plan.pairs[i] for i in few), tuple(plan.folds[i] for i in few)
    uneven = replace(plan, pairs=pairs, folds=folds, missing_pairs=((1, "x"),))
    figures = findings(uneven, {"occluded": probes}, references).arm("occluded", run()).figures
    assert figures["accuracy"]["chance"] == pytest.approx(20 / 22)
    assert figures["accuracy"]["flag"] == "always 'same' gives 90.9 %"


def test_genuine_pairs_alone_are_drawn_like_single_values() -> None:
    values, owners = RNG.normal(size=60), RNG.integers(0, 9, 60).astype(str)
    wanted = bootstrap_mean(values, owners, seed=3)
    draws = pair_draws(values, np.stack([owners, owners], axis=1), 3)
    assert percentile_limits(draws, 0.95) == pytest.approx((wanted.low, wanted.high))


def test_impostor_pairs_are_drawn_by_both_people() -> None:
    # One person spoils all his pairs: drawing one side only would understate that.
    people_of = np.array([(a, b) for a in range(8) for b in range(8) if a != b]).astype(str)
    values = (people_of == "0").any(axis=1).astype(float)
    low, high = percentile_limits(pair_draws(values, people_of, 0), 0.95)
    one_way = bootstrap_mean(values, people_of[:, 1], seed=0)
    assert low < one_way.value < high
    assert high - low > one_way.high - one_way.low


def test_pairs_change_together_with_the_person_whose_image_changes() -> None:
    plan, probes, references = pairs_only()
    other = probes[:, ::-1]
    scored = findings(plan, {"occluded": probes, "restored:x": other}, references)
    arms = scored.measured
    units = flipped_together(scored.design, arms["restored:x"], arms["occluded"])
    owners = np.array([t.probe_id[:3] for t in plan.pairs])
    assert (units[:, None] == units).tolist() == (owners[:, None] == owners).tolist()
    # One reference that passes through the arm ties its person to all whom it is compared with.
    moved = replace(arms["restored:x"], references=references + (np.arange(10) == 3)[:, None])
    tied = flipped_together(scored.design, moved, arms["occluded"])
    (image,) = {t.reference_id for t in plan.pairs if t.reference_id[:3] == "003"}
    circle = {owner for t, owner in zip(plan.pairs, owners, strict=True) if t.reference_id == image}
    assert len(circle) == 3 and len(set(units)) - len(set(tied)) == 2
    assert len({unit for unit, owner in zip(tied, owners, strict=True) if owner in circle}) == 1


def test_the_gain_on_pairs_has_a_sign_flip_test_over_people() -> None:
    plan, probes, references = pairs_only()
    worse = near(probes, 9.0, 2)
    scored = findings(plan, {"occluded": worse, "restored:x": probes}, references)
    gain = scored.arm("restored:x", run()).figures["accuracy_gain"]
    flips = np.array(scored.views["restored:x"].correct, float) - scored.views["occluded"].correct
    owners = [t.probe_id[:3] for t in plan.pairs]
    assert gain["p_sign_flip"] == sign_flip_test(flips, owners, seed=0) < 0.05
    assert gain.low > 0 and gain.n_subjects == 10
