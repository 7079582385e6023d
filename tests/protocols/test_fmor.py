"""The FMOR plan: counts, no leaks, seeds."""

from __future__ import annotations

import random

import pytest
from plan_checks import check_sound

from restore_recog.errors import DataError
from restore_recog.protocols.fmor import Fmor
from restore_recog.types import FaceSample


def clean_only(subjects: int, images: int, **attributes: str) -> list[FaceSample]:
    return [
        FaceSample(f"s{s:04d}/{i}", f"s{s:04d}", attributes=attributes)
        for s in range(subjects)
        for i in range(images)
    ]


def masked(subjects: int, clean: int, occluded: int, **attributes: str) -> list[FaceSample]:
    samples = []
    for s in range(subjects):
        name = f"s{s:04d}"
        samples += [FaceSample(f"{name}/B{i}", name, attributes=attributes) for i in range(clean)]
        samples += [
            FaceSample(f"{name}/A{i}", name, condition="mask", attributes=attributes)
            for i in range(occluded)
        ]
    return samples


def test_counts_of_the_paper() -> None:
    samples = masked(1100, 5, 5)
    plan = Fmor().plan(samples)
    assert len(plan.probes) == 2000
    assert len(plan.references) == 5500
    assert len(plan.training) == 3500
    assert len(plan.pairs) == 3000
    assert sum(pair.genuine for pair in plan.pairs) == 1500
    assert len(plan.cosine_references) == 1100
    assert not plan.synthetic
    check_sound(plan, samples)


def test_fewer_images_are_split_in_proportion() -> None:
    samples = masked(22, 2, 5)
    plan = Fmor().plan(samples)
    assert len(plan.probes) == 40  # 110 * 2000 / 5500
    assert len(plan.pairs) == 60
    check_sound(plan, samples)


def test_a_fixed_test_split_is_used_whole() -> None:
    samples = masked(22, 2, 5, split="test")
    assert len(Fmor().plan(samples).probes) == 110


def test_clean_data_is_split_without_leaks() -> None:
    samples = [*clean_only(30, 5, split="test"), FaceSample("lone/0", "lone")]
    plan = Fmor().plan(samples, seed=3)
    assert plan.synthetic
    assert len(plan.references) == 30 * 3 + 1
    assert len(plan.probes) == 30 * 2
    assert "lone/0" in plan.references
    assert any("1 subjects have one image" in note for note in plan.notes)
    check_sound(plan, samples)


def test_twins_of_probes_stay_out_of_the_gallery() -> None:
    samples = []
    for s in range(4):
        name = f"s{s}"
        samples += [FaceSample(f"{name}/c{i}", name) for i in range(3)]
        samples.append(FaceSample(f"{name}/m", name, condition="mask", clean_id=f"{name}/c0"))
    plan = Fmor().plan(samples)
    assert not any(reference.endswith("c0") for reference in plan.references)
    assert any("stay out of the gallery" in note for note in plan.notes)
    check_sound(plan, samples)


def test_a_subject_of_twins_only_is_split() -> None:
    samples = []
    for s in range(4):
        for i in range(4):
            samples.append(FaceSample(f"s{s}/c{i}", f"s{s}"))
            samples.append(FaceSample(f"s{s}/m{i}", f"s{s}", condition="m", clean_id=f"s{s}/c{i}"))
    plan = Fmor().plan(samples)
    twins = {sample.image_id: sample.clean_id for sample in samples}
    assert len(plan.references) == 8
    assert not {twins[probe] for probe in plan.probes} & set(plan.references)
    check_sound(plan, samples)


def test_marked_twins_are_never_enrolled_nor_trained_on() -> None:
    samples = masked(6, 2, 3)
    for s in range(6):
        name = f"s{s:04d}"
        twin = FaceSample(f"{name}/A9-twin", name, attributes={"twin": "yes"})
        samples += [twin, FaceSample(f"{name}/A9", name, None, "mask", twin.image_id)]
    samples.append(FaceSample("only/t", "only", attributes={"twin": "yes"}))
    plan = Fmor().plan(samples)
    assert not any(image_id.endswith(("-twin", "/t")) for image_id in plan.references)
    tested = {f"{probe}-twin" for probe in plan.probes}
    assert tested & {sample.image_id for sample in samples} and not tested & set(plan.training)
    check_sound(plan, samples)


def test_probes_without_a_reference_are_counted() -> None:
    samples = [*masked(5, 2, 2), FaceSample("x/A", "x", condition="scarf")]
    plan = Fmor().plan(samples)
    assert "x/A" not in plan.probes
    assert any(note.startswith("1 occluded images are left out") for note in plan.notes)


def test_seed_decides_and_order_does_not() -> None:
    samples = masked(40, 3, 5)
    shuffled = samples.copy()
    random.Random(1).shuffle(shuffled)
    plan = Fmor().plan(samples, seed=5)
    assert plan == Fmor().plan(shuffled, seed=5)
    other = Fmor().plan(samples, seed=6)
    assert other.probes != plan.probes and other.pairs != plan.pairs
    assert other.cosine_references != plan.cosine_references


def test_limit_takes_a_part_and_keeps_the_gallery() -> None:
    samples = clean_only(20, 4, split="test")
    whole, part = Fmor().plan(samples), Fmor().plan(samples, limit=7)
    assert len(part.probes) == 7 and set(part.probes) < set(whole.probes)
    assert part.references == whole.references
    assert any("Limited to 7" in note for note in part.notes)


def test_what_the_limit_drops_is_not_left_for_training() -> None:
    for samples in (masked(22, 2, 5), clean_only(20, 4, split="test"), clean_only(20, 4)):
        assert Fmor().plan(samples, limit=3).training == Fmor().plan(samples).training
    assert not Fmor().plan(clean_only(20, 4, split="test"), limit=3).training


@pytest.mark.parametrize(
    "samples",
    [
        clean_only(5, 1),
        clean_only(1, 6),
        [FaceSample("a/1", "a", condition="mask"), FaceSample("b/1", "b")],
    ],
)
def test_unusable_data_is_refused(samples: list[FaceSample]) -> None:
    with pytest.raises(DataError):
        Fmor().plan(samples)
