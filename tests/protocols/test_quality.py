"""The protocol quality: who is a probe, and against what it is held."""

from __future__ import annotations

import pytest

from restore_recog.errors import DataError
from restore_recog.evaluation.run.quality_models import asks_quality
from restore_recog.protocols.quality import Quality
from restore_recog.types import FaceSample


def clean(*names: str) -> list[FaceSample]:
    return [FaceSample(name, name[0]) for name in names]


def masked(name: str, twin: str | None = None) -> FaceSample:
    return FaceSample(name, name[0], condition="mask", clean_id=twin)


def test_occluded_images_with_a_twin_are_the_probes() -> None:
    samples = [*clean("a1", "b1", "b2"), masked("am", "a1"), masked("bm", "b1"), masked("cm")]
    plan = Quality().plan(samples)
    assert plan.probes == ("am", "bm") and plan.references == ("a1", "b1")
    assert [(p.reference_id, p.probe_id, p.genuine) for p in plan.pairs] == [
        ("a1", "am", True),
        ("b1", "bm", True),
    ]
    assert not plan.synthetic and not plan.identification and not plan.training
    assert any("1 occluded images have no clean counterpart" in note for note in plan.notes)


def test_without_twins_every_clean_image_is_covered() -> None:
    plan = Quality().plan([*clean("a1", "b1", "b2"), masked("cm", "gone")])
    assert plan.synthetic and plan.probes == plan.references == ("a1", "b1", "b2")
    assert all(pair.reference_id == pair.probe_id for pair in plan.pairs)


def test_a_limit_takes_a_part_of_those_without_one_whatever_the_order() -> None:
    samples = clean(*(f"{name}{i}" for name in "abcdef" for i in range(4)))
    every = set(Quality().plan(samples, seed=3).probes)
    previous: set[str] = set()
    for limit in (1, 5, 20):
        plan = Quality().plan(samples, seed=3, limit=limit)
        assert plan == Quality().plan(samples[::-1], seed=3, limit=limit)
        assert len(plan.probes) == limit and previous <= set(plan.probes) <= every
        previous = set(plan.probes)
    assert (
        Quality().plan(samples, seed=4, limit=5).probes
        != Quality().plan(samples, seed=3, limit=5).probes
    )


def test_one_image_is_enough() -> None:
    assert Quality().plan(clean("a1")).probes == ("a1",)


def test_data_without_unoccluded_images_is_refused_in_one_sentence() -> None:
    with pytest.raises(DataError, match="None of the 2 occluded images has") as error:
        Quality().plan([masked("am"), masked("bm", "gone")])
    assert str(error.value).count(". ") == 0


def test_an_argument_is_refused() -> None:
    with pytest.raises(DataError, match="takes no argument"):
        Quality("fast")


def test_the_plan_is_known_for_one_about_quality() -> None:
    samples = [*clean("a1", "b1"), masked("am", "a1")]
    known = {sample.image_id: sample for sample in samples}
    assert asks_quality(Quality().plan(samples), known)
    assert asks_quality(Quality().plan(samples[:2]), known)
