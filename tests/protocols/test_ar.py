"""The AR plan: the paper's proportions, variants, twins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from plan_checks import check_choices, check_sound

from restore_recog.errors import DataError
from restore_recog.protocols.ar import Ar
from restore_recog.types import FaceSample

# FMODR, section 5.1: 1,200 scarf images, 900 to train and 300 to test, 150 + 150 pairs.
PAPER = {"probes": 300, "training": 900, "genuine": 150, "impostor": 150}
SHOTS = 13
LIGHTS = {5: "left", 6: "right", 7: "both", 9: "left", 10: "right", 12: "left", 13: "right"}


def ar(people: int, *, twins: bool = False, sessions: Sequence[int] = (1, 2)) -> list[FaceSample]:
    """Return the database's 26 shots of so many people, as its loader labels them."""
    samples = []
    for person in range(people):
        for session in sessions:
            for shot in range(1, SHOTS + 1):
                name = f"m-{person:03d}"
                image_id = f"{name}-{(session - 1) * SHOTS + shot:02d}.bmp"
                worn = "clean" if shot < 8 else "sunglasses" if shot < 11 else "scarf"
                labels = {"session": str(session), "light": LIGHTS.get(shot, "none")}
                twin = f"{image_id}-twin" if twins and worn != "clean" else None
                samples.append(FaceSample(image_id, name, None, worn, twin, labels))
                if twin:
                    samples.append(FaceSample(twin, name, attributes=labels | {"twin": "yes"}))
    return samples


def test_the_cropped_copy_has_the_papers_counts_with_both_kinds() -> None:
    samples = ar(100)
    plan = Ar("all").plan(samples)
    assert len(plan.probes) == PAPER["probes"]
    assert len(plan.training) == PAPER["training"]
    assert sum(pair.genuine for pair in plan.pairs) == PAPER["genuine"]
    assert sum(not pair.genuine for pair in plan.pairs) == PAPER["impostor"]
    assert len(plan.references) == 100 * 14 and len(plan.cosine_references) == 100
    check_sound(plan, samples)


@pytest.mark.parametrize(("people", "probes"), [(100, 150), (126, 189), (136, 204)])
def test_a_quarter_of_the_scarf_images_is_tested(people: int, probes: int) -> None:
    samples = ar(people)
    plan = Ar().plan(samples)
    assert len(plan.probes) == probes == round(people * 6 / 4)
    assert abs(len(plan.pairs) - probes) <= 1
    assert len(plan.references) == people * 14
    conditions = {sample.image_id: sample.condition for sample in samples}
    assert {conditions[probe] for probe in plan.probes} == {"scarf"}
    assert not plan.synthetic and plan.identification
    check_sound(plan, samples)


def test_more_scarves_than_the_paper_has_give_no_more_probes() -> None:
    assert len(Ar("all").plan(ar(136)).probes) == 300


@pytest.mark.parametrize(
    ("argument", "references", "probes"),
    [
        ("scarf,whole", 14, 6),
        ("sunglasses,whole", 14, 6),
        ("all,whole", 14, 12),
        ("illumination,whole", 8, 4),
        ("session,whole", 7, 3),
        ("whole,sunglasses,session,illumination", 4, 2),
    ],
)
@pytest.mark.parametrize("twins", [False, True])
def test_variants_choose_what_they_say(
    argument: str, references: int, probes: int, twins: bool
) -> None:
    samples = ar(5, twins=twins)
    plan = Ar(argument).plan(samples)
    assert (len(plan.references), len(plan.probes)) == (5 * references, 5 * probes)
    known = {sample.image_id: sample for sample in samples}
    if "session" in argument:
        assert {known[i].attributes["session"] for i in plan.references} == {"1"}
        assert {known[i].attributes["session"] for i in plan.probes} == {"2"}
    if "illumination" in argument:
        assert {known[i].attributes["light"] for i in plan.references} == {"none"}
        assert "none" not in {known[i].attributes["light"] for i in plan.probes}
    assert not any(known[i].attributes.get("twin") for i in plan.references)
    check_sound(plan, samples)


@pytest.mark.parametrize("argument", [None, "all,session"])
def test_order_seed_and_limit(argument: str | None) -> None:
    check_choices(Ar(argument), ar(12, twins=True))
    assert Ar().plan(ar(12), seed=1).probes != Ar().plan(ar(12), seed=2).probes


def test_missing_shots_are_tolerated_and_people_without_reference_counted() -> None:
    samples = [s for s in ar(6) if not s.image_id.startswith("m-000") or s.condition == "scarf"]
    plan = Ar("whole").plan(samples[::2] + samples[1::2])
    assert any(note.startswith("6 occluded images are left out") for note in plan.notes)
    check_sound(plan, samples)
    one_session = Ar("session,whole").plan([*ar(4), *_renamed(ar(1, sessions=[2]), "w-001")])
    assert len(one_session.probes) == 4 * 3
    assert any(note.startswith("3 occluded images are left out") for note in one_session.notes)


def test_clean_twins_without_the_mark_stay_out_as_well() -> None:
    samples = [
        FaceSample(s.image_id, s.subject, None, s.condition, s.clean_id) for s in ar(4, twins=True)
    ]
    plan = Ar("whole").plan(samples)
    assert len(plan.references) == 4 * (14 + 6)  # The twins of sunglasses are no probes' twins.
    check_sound(plan, samples)


@pytest.mark.parametrize("argument", ["hat", "scarf,sunglasses", "session,session", "scarf,", ","])
def test_unknown_variants_are_refused(argument: str) -> None:
    with pytest.raises(DataError, match="after the colon"):
        Ar(argument)


@pytest.mark.parametrize(
    "samples",
    [
        [],
        ar(1),
        [FaceSample("a/1", "a"), FaceSample("b/1", "b")],
        [s for s in ar(3) if s.condition == "sunglasses"],
    ],
)
def test_unusable_data_is_refused(samples: list[FaceSample]) -> None:
    with pytest.raises(DataError, match="phantom:ar"):
        Ar().plan(samples)


def test_a_variant_without_its_label_is_refused() -> None:
    samples = [FaceSample("a/1", "a"), *ar(2)]
    with pytest.raises(DataError, match="^1 of .* no attribute 'light', the first is 'a/1'"):
        Ar("illumination").plan(samples)


def _renamed(samples: Sequence[FaceSample], subject: str) -> list[FaceSample]:
    return [
        FaceSample(subject + s.image_id, subject, None, s.condition, None, s.attributes)
        for s in samples
    ]
