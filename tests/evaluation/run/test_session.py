"""One pass over the images: what it keeps, which arms it supports, what failures do."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from evaluation_fakes import (
    Breaker,
    Colours,
    Healer,
    KeyDetector,
    PairList,
    Squares,
    request,
    square,
)
from torch import Tensor

from restore_recog.errors import DataError, ImageError
from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.faces import FoundProbe, ProbeFace, Studio, digest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.probes import ArmRun
from restore_recog.evaluation.run.session import Session
from restore_recog.system import provenance
from restore_recog.types import FaceImage, FaceSample

FAILS_SOME = float(np.mean(sorted(square(subject, 0)[0].mean() / 255 for subject in range(4))[1:3]))
"""Two of four subjects' images are darker at the top than this."""


def covered(**options: object) -> Squares:
    return Squares(4, 4, occluded=2, **options)  # type: ignore[arg-type]


def ran(wanted: EvalRequest) -> tuple[Session, dict[str, ArmRun], Ledger]:
    ledger = Ledger()
    session = Session(wanted, ledger)
    return session, session.run(), ledger


class NoMask(Squares):
    """Does not tell the true mask of the images called so."""

    def __init__(self, *unknown: str) -> None:
        super().__init__(4, 4, occluded=2)
        self.unknown = unknown

    def read(self, samples: Sequence[FaceSample]) -> list:  # type: ignore[type-arg]
        images = super().read(samples)
        return [
            FaceImage(p.pixels, p.landmarks) if s.image_id in self.unknown else p  # type: ignore[union-attr]
            for s, p in zip(samples, images, strict=True)
        ]


class Listed(PairList):
    """Pairs of two occluded images, of an occluded and a clean one, and of two clean ones."""

    name = "listed"
    pairs = (
        ("00/m0", "00/m1"),
        ("01/m0", "00/m0"),
        ("02/c0", "02/m1"),
        ("03/c0", "02/c0"),
    )


def listed(dataset: Squares, **options: object) -> EvalRequest:
    return EvalRequest([dataset], Listed(), (Healer(),), Colours(), **options)  # type: ignore[arg-type]


def template(pixels: np.ndarray) -> np.ndarray:
    """Return what the recogniser makes of a crop, computed apart from the session."""
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    small = torch.nn.functional.interpolate(
        image, size=(32, 32), mode="bilinear", align_corners=False, antialias=True
    )
    row = Colours().embed(small)[0].double().numpy()
    return row / np.linalg.norm(row)


def test_no_more_faces_than_one_block_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    crops: list[weakref.ref[np.ndarray]] = []

    class Watching(Colours):
        alive: list[int] = []

        def embed(self, images: Tensor) -> Tensor:
            self.alive.append(sum(crop() is not None for crop in crops))
            return super().embed(images)

    def watched(*arguments: object) -> dict[str, ProbeFace]:
        faces = probes(*arguments)  # type: ignore[arg-type]
        crops.extend(weakref.ref(face.crop.pixels) for face in faces.values())
        return faces

    probes = Studio.probes
    monkeypatch.setattr(Studio, "probes", watched)
    wanted = EvalRequest([Squares(6, 4, occluded=3)], request(covered()).protocol, (Healer(),),
                         Watching(), batch_size=3, arms=("occluded", "restored"))  # fmt: skip
    ran(wanted)
    assert len(crops) == 18 and max(Watching.alive) == 3


def test_what_is_kept_of_probes_and_references() -> None:
    data = covered(broken=["00/m0", "01/c2"])
    session, runs, ledger = ran(request(data, batch_size=3))
    assert set(session.found_probes) == set(session.plan.probes) - {"00/m0"}
    assert set(session.gallery) == set(session.design.columns) - {"01/c2"}
    assert {f.stage for f in ledger.failures} == {"read"}
    row = session.plan.probes.index("00/m0")
    for spec in session.specs:
        assert np.isnan(runs[spec.name].templates[row]).all()
        assert np.isnan(session.references(spec)[session.design.columns.index("01/c2")]).all()
    kinds = {probe.covering for probe in session.found_probes.values()}
    assert kinds == {"mask"}
    face = session.faces(["02/m1"])["02/m1"]
    assert face.clean is not None
    assert session.found_probes["02/m1"].digest == digest(face.crop.pixels)
    assert session.found_probes["02/m1"].clean_digest == digest(face.clean)


def test_faces_are_made_anew_as_they_were() -> None:
    session, _, ledger = ran(request(Squares(4, 4), arms=("occluded",)))
    before = len(ledger.failures), {stage: len(laps) for stage, laps in ledger.laps.items()}
    probe = session.plan.probes[0]
    face = session.faces([probe])[probe]
    assert FoundProbe.of(face) == session.found_probes[probe]
    after = len(ledger.failures), {stage: len(laps) for stage, laps in ledger.laps.items()}
    assert before == after


def test_missing_counterparts_are_noticed_before_any_image_is_read() -> None:
    class NoCounterparts(Squares):
        def _sample(self, subject: int, shot: str, twin: str | None = None) -> FaceSample:
            sample = super()._sample(subject, shot, twin)
            return FaceSample(sample.image_id, sample.subject, condition=sample.condition)

    data = NoCounterparts(4, 4, occluded=2)
    with pytest.raises(DataError, match="arm 'clean' cannot be measured: .*counterparts"):
        Session(request(data, arms=("clean", "occluded")), Ledger())
    assert not data.asked
    session, runs, _ = ran(request(data))
    assert "clean" not in runs and "restored:healer" in runs
    assert any("'clean' is left out" in note for note in session.notes)


def test_an_arm_may_be_asked_for_besides_the_usual_ones() -> None:
    usual = {spec.name for spec in Session(request(Squares(4, 4)), Ledger()).specs}
    more = {spec.name for spec in Session(request(Squares(4, 4), arms=("+eyes",)), Ledger()).specs}
    assert more == usual | {"eyes"}
    with pytest.raises(DataError, match="'restored-oracle-gender' cannot be measured"):
        Session(request(Squares(4, 4), arms=("+restored-oracle-gender",)), Ledger())


def test_an_arm_asked_for_stops_at_the_first_probe_that_lacks_what_it_needs() -> None:
    data = NoMask("01/m0")
    wanted = request(data, arms=("occluded", "restored-oracle-mask"), batch_size=1)
    with pytest.raises(DataError, match=r"true masks .* \('01/m0' is the first\)"):
        ran(wanted)
    assert "01/m0" in data.asked and "01/m1" not in data.asked


def test_a_default_arm_is_left_out_with_a_note_and_without_a_trace() -> None:
    data = NoMask("03/m1")
    session, runs, _ = ran(request(data, batch_size=2))
    assert [spec.name for spec in session.specs] == [
        "clean", "occluded", "restored:healer", "fused:healer", "fill", "restored-clean:healer",
    ]  # fmt: skip
    assert list(runs) == [spec.name for spec in session.specs]
    note = "The arm 'restored-oracle-mask' is left out: the true masks of some probes are unknown."
    assert note in session.notes
    assert session.fill_mask.startswith("true (where it is known")


@pytest.mark.parametrize("masks", ["own", "true"])
def test_fill_takes_the_true_mask_where_there_is_one(masks: str) -> None:
    data = NoMask("00/m0", "00/m1", "01/m0", "01/m1", "02/m0", "02/m1", "03/m0", "03/m1")
    if masks == "true":
        with pytest.raises(DataError, match="--segmenter true needs data with masks"):
            ran(request(data, segmenter="true", arms=("occluded", "restored")))
        return
    session, runs, _ = ran(request(data))
    assert session.fill_mask == "predicted"
    face = session.faces(["00/m0"])["00/m0"]
    image, mask = session.tile(ArmSpec(ARMS["fill"]), face)
    assert mask is not None and mask[40, 30] == 1 and mask[10, 30] == 0
    assert (image[10] == face.crop.pixels[10]).all() and (image[40, 30] != (255, 0, 255)).any()
    row = runs["fill"].templates[session.plan.probes.index("00/m0")]
    np.testing.assert_allclose(row, template(image), atol=1e-6)


def test_failures_of_a_restorer_fall_back_or_fail_to_acquire() -> None:
    kept, fallen = {}, {}
    for policy in ("input", "fta"):
        wanted = request(covered(), Breaker(fail_below=FAILS_SOME), restorer_failure=policy,
                         arms=("occluded", "restored"))  # fmt: skip
        session, runs, ledger = ran(wanted)
        failed = {f.image_id for f in ledger.failures if f.stage == "restore"}
        kept[policy], fallen[policy] = runs, failed
        rows = [session.plan.probes.index(image_id) for image_id in sorted(failed)]
    assert fallen["input"] == fallen["fta"] and 0 < len(rows) < 8
    name = "restored:breaker"
    as_it_came = kept["input"]["occluded"].templates
    np.testing.assert_array_equal(kept["input"][name].templates[rows], as_it_came[rows])
    assert sum(kept["input"][name].fallbacks.values()) == len(rows)
    assert np.isnan(kept["fta"][name].templates[rows]).all()
    assert sum(kept["fta"][name].fallbacks.values()) == 0
    others = [i for i in range(8) if i not in rows]
    np.testing.assert_array_equal(
        kept["fta"][name].templates[others], kept["input"][name].templates[others]
    )
    assert not np.isnan(kept["fta"]["occluded"].templates).any()


def test_a_segmenter_that_fails_counts_as_the_restorers_failure() -> None:
    class Blind(KeyDetector):
        def segment(self, images: Tensor) -> Tensor:
            if len(images) > 1 or images[0, 0].mean() < 0.68:
                raise ImageError("I see nothing.")
            return super().segment(images)

    _, runs, ledger = ran(request(covered(), segmenter=Blind(), restorer_failure="fta",
                                  arms=("occluded", "restored", "fill")))  # fmt: skip
    failed = [f for f in ledger.failures if f.stage == "segment"]
    assert failed and len(failed) == len(set(failed))
    lost = np.isnan(runs["restored:healer"].templates).any(axis=1).sum()
    assert lost == len({f.image_id for f in failed})
    assert not np.isnan(runs["fill"].templates).any()


def test_occluded_references_go_through_the_arms_and_clean_ones_do_not() -> None:
    data = covered()
    session, runs, _ = ran(listed(data, batch_size=2))
    assert session.design.columns == ("00/m0", "01/m0", "02/c0", "03/c0")
    assert set(session.gallery) == set(session.design.columns)
    assert set(session.found_probes) == {"00/m0", "00/m1", "02/c0", "02/m1"}
    restored = session.references(ArmSpec(ARMS["restored"], "healer"))
    occluded = session.references(ArmSpec(ARMS["occluded"]))
    clean = session.references(ArmSpec(ARMS["clean"])) if "clean" in runs else None
    assert clean is None  # the probe 02/c0 has no counterpart
    for row, image_id in enumerate(("00/m0", "01/m0")):
        face = session.faces([image_id])[image_id]
        healed, _ = session.tile(ArmSpec(ARMS["restored"], "healer"), face)
        np.testing.assert_allclose(restored[row], template(healed), atol=1e-6)
        np.testing.assert_allclose(occluded[row], template(face.crop.pixels), atol=1e-6)
    for row, subject in ((2, 2), (3, 3)):
        np.testing.assert_allclose(occluded[row], template(square(subject, 0)), atol=1e-6)
        np.testing.assert_array_equal(occluded[row], restored[row])
    # An image that is probe and reference is read and restored once.
    assert data.asked.count("00/m0") == 1 + 1  # and once more for its tile
    np.testing.assert_array_equal(
        restored[0], runs["restored:healer"].templates[session.plan.probes.index("00/m0")]
    )


def test_a_gallery_without_a_clean_face_says_whose_mean_it_fills_with() -> None:
    class Masked(Listed):
        pairs = (("00/m0", "00/m1"), ("01/m0", "00/m1"))

    wanted = EvalRequest([covered()], Masked(), (Healer(),), Colours())
    session, runs, _ = ran(wanted)
    assert any("first 2 occluded ones" in note for note in session.notes)
    assert runs["fill"].templates.shape[0] == 1
    upper = EvalRequest([covered()], Masked(), (), Colours(), arms=("upper-half",))
    session, runs, _ = ran(upper)
    face = session.faces(["00/m0"])["00/m0"]
    image, _ = session.tile(ArmSpec(ARMS["upper-half"]), face)
    np.testing.assert_allclose(
        session.references(ArmSpec(ARMS["upper-half"]))[0], template(image), atol=1e-6
    )


def test_a_counterpart_that_cannot_be_read_is_one_failure() -> None:
    # m0 of every subject is in another block than the other user of its counterpart would be.
    class Shared(Squares):
        def _sample(self, subject: int, shot: str, twin: str | None = None) -> FaceSample:
            return super()._sample(subject, shot, None if twin is None else f"{subject:02d}/c0")

    session, runs, ledger = ran(request(Shared(4, 4, occluded=2, broken=["01/c0"]), batch_size=1))
    assert [f.image_id for f in ledger.failures if f.stage == "read"] == ["01/c0"]
    assert "clean" not in runs


def test_costs_leave_the_warm_up_out() -> None:
    ledger = Ledger()
    ledger.laps = {
        "embed": [(4, 100.0), (4, 0.4), (4, 0.4), (1, 0.9)],
        "read": [(2, 1.0), (2, 3.0)],
    }
    cost = ledger.timing()
    assert cost["embed"]["images"] == 13
    assert cost["embed"]["ms_per_image"] == pytest.approx(1000 * 1.7 / 9)
    assert cost["embed"]["ms_median"] == pytest.approx(100)
    assert 100 < cost["embed"]["ms_p95"] <= 900
    assert cost["embed"]["images_per_s"] == pytest.approx(9 / 1.7)
    assert cost["read"]["ms_per_image"] == pytest.approx(1000)  # two laps: both count
    ledger.other_laps = [{"embed": [(4, 50.0), (4, 0.8), (4, 0.8)]}]
    assert ledger.timing()["embed"]["images"] == 25
    assert ledger.timing()["embed"]["ms_per_image"] == pytest.approx(1000 * 3.3 / 17)


def test_every_stage_has_its_cost() -> None:
    _, _, ledger = ran(request(Squares(4, 4), Healer(), Breaker()))
    assert list(ledger.timing()) == [
        "read", "align", "embed", "cover", "measure", "segment", "restore:healer",
        "restore:breaker",
    ]  # fmt: skip
    _, _, ledger = ran(request(covered(), arms=("occluded", "restored")))
    assert ledger.timing()["restore"]["images"] == 8


def test_a_ledger_collects_and_pauses() -> None:
    ledger, sample = Ledger(), FaceSample("a", "b")
    ledger.fail("read", sample, "before")
    with ledger.collect() as failures, ledger.timed("read"):
        ledger.fail("read", sample, "inside")
    with ledger.paused(), ledger.timed("embed"):
        ledger.fail("embed", sample, "unheard")
    with pytest.raises(ImageError), ledger.collect():
        raise ImageError("It goes on as before.")
    ledger.fail("read", sample, "after")
    assert [f.reason for f in ledger.failures] == ["before", "after"]
    assert [f.reason for f in failures] == ["inside"] and list(ledger.laps) == ["read"]


def test_peak_memory_is_measured() -> None:
    assert 10 < provenance.peak_memory()["host"] < 1e6
