"""Own images: roles, conditions, the first image; strangers; contradictions."""

from __future__ import annotations

import pytest
from plan_checks import check_choices, check_sound

from restore_recog.errors import DataError
from restore_recog.protocols.gallery_probe import GalleryProbe
from restore_recog.types import FaceSample


def image(
    image_id: str, role: str | None = None, *, condition: str = "clean", twin: str | None = None
) -> FaceSample:
    """Return an image ``subject/name``."""
    labels = {} if role is None else {"role": role}
    return FaceSample(image_id, image_id.split("/")[0], None, condition, twin, labels)


MARKED = [
    image("ann/1", "gallery"),
    image("ann/2", "gallery"),
    image("ann/3", "probe"),
    image("bob/1", "gallery"),
    image("bob/2", "probe"),
    image("cy/1", "probe"),
    image("x1/1", "unknown"),
]


def test_roles_decide() -> None:
    plan = GalleryProbe().plan(MARKED)
    assert plan.references == ("ann/1", "ann/2", "bob/1")
    assert plan.probes == ("ann/3", "bob/2", "cy/1", "x1/1")
    assert sum(pair.genuine for pair in plan.pairs) == 3 and len(plan.pairs) == 6
    assert plan.cosine_references.keys() == {"ann", "bob"}
    assert plan.synthetic and plan.identification and not plan.training
    assert any(
        note.startswith("2 probes of 2 people who are not in the gal") for note in plan.notes
    )
    check_sound(plan, MARKED, closed=False)


def test_clean_probes_can_be_taken_as_found() -> None:
    plan = GalleryProbe("as-found").plan(MARKED)
    assert not plan.synthetic and plan.probes == GalleryProbe().plan(MARKED).probes
    assert any(note.startswith("4 of the probes are not known to be occl") for note in plan.notes)


def test_one_occluded_probe_is_enough_for_no_coverings() -> None:
    plan = GalleryProbe().plan([*MARKED, image("bob/3", "probe", condition="mask")])
    assert not plan.synthetic and len(plan.probes) == 5
    assert any(note.startswith("4 of the probes are not known to be occl") for note in plan.notes)


def test_an_occluded_reference_is_no_cosine_image() -> None:
    samples = [*MARKED, image("dee/1", "gallery", condition="mask"), image("dee/2", "probe")]
    plan = GalleryProbe().plan(samples)
    assert "dee/1" in plan.references and "dee" not in plan.cosine_references


def test_images_without_a_role_among_marked_ones_are_counted() -> None:
    samples = [*MARKED, image("ann/4"), image("ann/5", "probe", condition="mask", twin="ann/4")]
    plan = GalleryProbe().plan(samples)
    assert "ann/4" not in {*plan.references, *plan.probes, *plan.training}
    assert any(note.startswith("1 images have no role") for note in plan.notes)


def test_without_roles_the_condition_decides_and_strangers_stay() -> None:
    samples = [
        image("ann/1"),
        image("ann/2", condition="mask"),
        image("bob/1"),
        image("bob/2", condition="scarf", twin="bob/1"),
        image("bob/3"),
        image("cy/1", condition="mask"),
    ]
    plan = GalleryProbe().plan(samples)
    assert plan.references == ("ann/1", "bob/3")
    assert plan.probes == ("ann/2", "bob/2", "cy/1") and not plan.synthetic
    check_sound(plan, samples, closed=False)


def test_without_anything_the_first_image_is_the_reference() -> None:
    samples = [image(f"{who}/{i}") for who in ("ann", "bob", "cy") for i in (3, 1, 2)]
    samples.append(image("solo/7"))
    plan = GalleryProbe().plan(samples)
    assert plan.references == ("ann/1", "bob/1", "cy/1", "solo/7")
    assert len(plan.probes) == 6 and plan.synthetic
    check_sound(plan, samples)


def test_order_seed_and_limit() -> None:
    check_choices(GalleryProbe(), [image(f"p{p:02d}/{i}") for p in range(15) for i in range(4)])
    whole = GalleryProbe().plan(MARKED)
    part = GalleryProbe().plan(MARKED, limit=2)
    assert len(part.probes) == 2 and set(part.probes) < set(whole.probes)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([*MARKED, image("bob/9", "Probe")], "'bob/9' has the role 'Probe'"),
        ([*MARKED, image("bob/9", "unknown")], "its person 'bob' is in the gallery"),
        (
            [*MARKED, image("bob/9", "probe", condition="mask", twin="bob/1")],
            "'bob/9' is the covered version of 'bob/1'",
        ),
        ([image("ann/1", "gallery"), image("bob/1", "probe")], "No probe shows a person"),
        ([image("ann/1"), image("bob/1")], "No probe shows a person"),
        ([image("ann/1", "probe")], "No probe shows a person"),
        ([image("ann/1"), image("ann/2")], "All images show one person"),
        ([], "No probe shows a person"),
    ],
)
def test_contradictions_are_refused(samples: list[FaceSample], message: str) -> None:
    with pytest.raises(DataError) as caught:
        GalleryProbe().plan(samples)
    assert message in str(caught.value)


def test_another_argument_is_refused() -> None:
    with pytest.raises(DataError, match="'as-found'"):
        GalleryProbe("first")
