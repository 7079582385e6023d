"""The evaluation as a whole, on squares whose right answers are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Black, Breaker, Colours, Healer, KeyDetector, Squares, request

from restore_recog.errors import DataError, OutputError, PluginError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.results import ArmReport, EvaluationReport, ProbeRow

MISS = 13
"""Rank of a miss among twelve subjects."""


def covered(**options: object) -> Squares:
    return Squares(12, 6, occluded=3, **options)  # type: ignore[arg-type]


def few() -> Squares:
    """Return a third of the probes of :func:`covered`, where no figure is asked for."""
    return Squares(6, 4, occluded=2)


def arm(report: EvaluationReport, name: str) -> ArmReport:
    return next(one for one in report.arms if one.name == name)


def rows(report: EvaluationReport, name: str) -> dict[str, ProbeRow]:
    return {row.probe_id: row for row in report.probes if row.arm == name}


def value(report: EvaluationReport, name: str, figure: str) -> float:
    return float(arm(report, name).figures[figure]["value"])


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return evaluate(request(covered(), Healer(), Breaker()))


def test_a_perfect_restorer_helps_and_says_so(report: EvaluationReport) -> None:
    assert value(report, "clean", "rank1") == 1.0
    assert value(report, "occluded", "rank1") == pytest.approx(0.5, abs=0.2)
    assert value(report, "restored:healer", "rank1") == 1.0
    assert value(report, "restored:healer", "recovered") == 1.0
    assert value(report, "restored:healer", "dice") == 1.0
    assert (
        "helps 'colours'" in report.verdicts[0].sentence
        and "0 harmed" in report.verdicts[0].sentence
    )


def test_a_bad_restorer_does_not(report: EvaluationReport) -> None:
    gain = arm(report, "restored:breaker").figures["rank1_gain"]
    assert gain["value"] < 0 and gain["against"] == "occluded"
    assert not report.verdicts[1].sentence.startswith("Restoring with 'breaker' first helps")
    assert value(report, "restored:breaker", "psnr_mask") < value(report, "fill", "psnr_mask")


def test_every_arm_has_all_probes(report: EvaluationReport) -> None:
    assert {len(rows(report, one.name)) for one in report.arms} == {36}
    assert all(one.figures["rank1"]["n"] == 36 for one in report.arms)
    assert all(len(scores) == len(report.trials) for scores in report.scores.values())


def test_gains_are_paired_differences_of_the_rows(report: EvaluationReport) -> None:
    before, after = rows(report, "occluded"), rows(report, "restored:breaker")
    gain = arm(report, "restored:breaker").figures["rank1_gain"]
    rescued = sum(after[i].rank == 1 and before[i].rank > 1 for i in before)
    harmed = sum(after[i].rank > 1 and before[i].rank == 1 for i in before)
    assert (gain["rescued"], gain["harmed"]) == (rescued, harmed)
    assert gain["value"] == pytest.approx((rescued - harmed) / 36)
    cosine = np.mean([after[i].cosine - before[i].cosine for i in before])
    assert value(report, "restored:breaker", "cosine_gain") == pytest.approx(cosine)


def test_no_probe_or_twin_of_a_probe_is_in_the_gallery() -> None:
    data = Squares(8, 5)
    result = evaluate(request(data, arms=("clean", "occluded")))
    probes, references = (
        {r.probe_id for r in result.probes},
        {t.reference_id for t in result.trials},
    )
    assert len(probes) == 16 and not probes & references
    assert not any("very pixels" in note for note in result.notes)
    assert len(data.asked) == len(set(data.asked)) + 12  # once, and the examples once more
    assert "synthetic coverings" in result.labels


def test_lost_probes_and_references_stay_in_the_denominators() -> None:
    broken = ["00/m0", "01/m0", "02/c3", "02/c4", "02/c5"]
    result = evaluate(request(covered(broken=broken), Healer()))
    for name in ("occluded", "restored:healer"):
        part = rows(result, name)
        assert len(part) == 36 and arm(result, name).figures["rank1"]["n"] == 36
        lost = ["00/m0", "01/m0", "02/m0", "02/m1", "02/m2"]
        assert [part[i].rank for i in lost] == [MISS] * 5
        assert arm(result, name).misses == 5
    assert value(result, "restored:healer", "rank1") == pytest.approx(31 / 36)
    assert np.isneginf(result.scores["occluded"]).any()
    failed = {f.image_id for f in result.failures if f.stage == "read"}
    assert failed == set(broken)
    assert result.setup["images"]["probes_failed"] == 2


def test_a_probe_that_cannot_be_restored_is_used_as_it_came(report: EvaluationReport) -> None:
    result = evaluate(request(covered(), Breaker(fail_below=0.5)))
    part, before = rows(result, "restored:breaker"), rows(result, "occluded")
    fallen = {i for i, row in part.items() if row.fallback}
    assert 0 < len(fallen) < 36
    assert arm(result, "restored:breaker").fallbacks == len(fallen)
    assert {f.image_id for f in result.failures if f.stage == "restore"} == fallen
    for i, row in part.items():
        same = before[i] if i in fallen else rows(report, "restored:breaker")[i]
        assert (row.rank, row.cosine) == pytest.approx((same.rank, same.cosine))


def test_a_recogniser_without_an_answer_is_a_miss() -> None:
    result = evaluate(request(covered(), Black(), Healer()))
    black = arm(result, "restored:black")
    assert value(result, "restored:black", "rank1") == 0.0 and black.misses == 36
    assert "cosine" not in black.figures
    assert black.figures["fnmr@fmr=0.01"]["value"] == 1.0
    assert sum(f.stage == "embed" for f in result.failures) == 108  # restored, oracle, bare


def test_batch_size_changes_nothing() -> None:
    one = evaluate(request(few(), batch_size=1))
    many = evaluate(request(few(), batch_size=50))
    for name in one.scores:
        np.testing.assert_allclose(one.scores[name], many.scores[name], atol=1e-6)
    assert [row.rank for row in one.probes] == [row.rank for row in many.probes]


def test_the_seed_decides_everything() -> None:
    data = {"arms": ("clean", "occluded")}
    a, b = (evaluate(request(Squares(8, 5), seed=3, **data)) for _ in range(2))
    c = evaluate(request(Squares(8, 5), seed=4, **data))
    assert str(a.probes) == str(b.probes)  # NaN equals NaN as text
    assert a.trials == b.trials and a.setup["faces_sha256"] == b.setup["faces_sha256"]
    assert a.trials != c.trials and a.setup["faces_sha256"] != c.setup["faces_sha256"]


def test_segmenter_choices() -> None:
    own = evaluate(request(few()))
    true = evaluate(request(few(), segmenter="true"))
    other = evaluate(request(few(), segmenter=KeyDetector()))
    ranks = [[row.rank for row in rows(r, "restored:healer").values()] for r in (own, true, other)]
    assert ranks[0] == ranks[1] == ranks[2]
    assert "restored-oracle-mask:healer" not in {a.name for a in true.arms}
    assert "restored-clean:healer" not in {a.name for a in true.arms}
    assert any(n.startswith("The arm 'restored-clean' is left out: ") for n in true.notes)
    assert other.setup["detectors"] == {"healer": "key"}


def test_several_segmenters_in_one_run() -> None:
    both = evaluate(request(few(), segmenter=["true+2", KeyDetector(), "true"]))
    restored = [one.name for one in both.arms if one.arm == "restored"]
    assert restored == ["restored:healer+true+2", "restored:healer+key", "restored:healer+true"]
    oracles = [one.restorer for one in both.arms if one.arm == "restored-oracle-mask"]
    assert oracles == ["healer+true+2"]  # the true mask is one, whatever finds the others
    bare = [one.restorer for one in both.arms if one.arm == "restored-clean"]
    assert bare == ["healer+key"]  # a true mask of a bare face is empty
    for choice, name in ((KeyDetector(), "key"), ("true", "true"), ("true+2", "true+2")):
        alone = evaluate(request(few(), segmenter=choice))
        mine = arm(both, f"restored:healer+{name}").figures
        theirs = arm(alone, "restored:healer").figures
        assert {k: f.value for k, f in mine.items()} == pytest.approx(
            {k: f.value for k, f in theirs.items()}, nan_ok=True
        )
    assert both.setup["segmenter"] == ["true+2", "key", "true"]
    assert both.setup["each_segmenter"]["healer+key"] == ["healer", "key"]


def test_two_data_sets_keep_their_people_apart() -> None:
    base = request(Squares(4, 4), arms=("clean", "occluded"))
    result = evaluate(dataclasses.replace(base, datasets=[Squares(4, 4), Squares(5, 4)]))
    subjects = {row.subject for row in result.probes}
    assert len(subjects) == 9 and {s.split("/")[0] for s in subjects} == {"squares", "squares-2"}


def test_the_training_split_is_never_used() -> None:
    with pytest.raises(DataError, match="training split"):
        evaluate(request(Squares(split="train")))


def test_restorers_of_another_size_are_served() -> None:
    healer, small = Healer(), Breaker()
    small.image_size = (32, 32)
    result = evaluate(request(few(), healer, small))
    assert result.setup["crop_size"] == 64
    assert any("resized" in note for note in result.notes)


def test_two_restorers_of_one_name_have_rows_of_their_own() -> None:
    result = evaluate(request(few(), Healer(), Healer(), arms=("occluded", "restored")))
    assert [a.name for a in result.arms] == ["occluded", "restored:healer", "restored:healer-2"]


def test_optional_arms() -> None:
    result = evaluate(request(few(), arms=("upper-half", "eyes", "restored-clean", "clean")))
    assert {a.name for a in result.arms} == {
        "clean",
        "occluded",
        "upper-half",
        "eyes",
        "restored-clean:healer",
    }
    # The detector finds nothing on a clean face, so the restorer leaves it alone.
    assert value(result, "restored-clean:healer", "rank1_gain") == 0.0
    assert arm(result, "restored-clean:healer").figures["rank1_gain"]["against"] == "clean"


def test_an_existing_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    data = covered()
    with pytest.raises(OutputError, match="--output"):
        evaluate(request(data, output=tmp_path))
    assert not data.asked


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"arms": ("restored", "blurred")}, PluginError),
        ({"coverings": "balaclava-of-lead"}, DataError),
        ({"limit": 0}, DataError),
        ({"batch_size": 0}, DataError),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    options: dict[str, object], error: type[Exception]
) -> None:
    data = Squares()
    with pytest.raises(error):
        evaluate(request(data, **options))
    assert not data.asked


def test_nothing_readable_says_why() -> None:
    samples = [sample.image_id for sample in covered().samples()]
    with pytest.raises(DataError, match="None of the 36 references .* 'read': The image is dam"):
        evaluate(request(covered(broken=samples)))


def test_the_recogniser_gets_its_own_alignment() -> None:
    class Mirror(Colours):
        """Declares a template twice as large: it sees only the middle of the crop."""

        template = 2 * (np.array([[0.35, 0.37], [0.65, 0.37], [0.5, 0.55], [0.367, 0.7],
                                  [0.633, 0.7]]) - 0.5) + 0.5  # fmt: skip
        seen: list[np.ndarray] = []

        def embed(self, images):  # type: ignore[no-untyped-def]
            self.seen.append(images.numpy())
            return super().embed(images)

    base = request(few(), arms=("occluded",))
    evaluate(dataclasses.replace(base, recognizer=Mirror()))
    image = Mirror.seen[-1][0]
    # The covering's key colour fills the lower part of the middle from its half on.
    assert np.allclose(image[:, 18:, 2:30].mean((1, 2)), (1, 0, 1), atol=0.01)
    assert image[1, :14].mean() > 0.1
