"""Which images the protocol for expressions takes, and what it says of the others."""

from __future__ import annotations

import pytest

from restore_recog.errors import DataError
from restore_recog.protocols.expression import Expression
from restore_recog.types import FaceSample


def faces(*moods: str) -> list[FaceSample]:
    return [
        FaceSample(f"f{i}", f"s{i}", attributes={"expression": mood} if mood else {})
        for i, mood in enumerate(moods)
    ]


def test_every_labelled_image_is_covered_and_held_against_itself() -> None:
    plan = Expression().plan(faces("happiness", "", "contempt", "happiness", "fear"))
    assert plan.probes == plan.references == ("f0", "f3", "f4")
    assert plan.synthetic and plan.label == "expression" and not plan.identification
    text = " ".join(plan.notes)
    assert "Expressions: 1 fear, 2 happiness." in text
    assert "No probe shows surprise, disgust, sadness, anger, neutral" in text
    assert "2 images without a known expression take no part." in text


def test_an_occluded_image_brings_its_counterpart_along() -> None:
    samples = [
        FaceSample("bare", "s"),
        FaceSample("mask", "s", None, "mask", "bare", {"expression": "anger"}),
    ]
    plan = Expression().plan(samples)
    assert plan.probes == ("mask",) and plan.references == ("bare",) and not plan.synthetic


def test_a_limit_takes_a_part_of_all() -> None:
    moods = ["happiness", "neutral", "fear"] * 10
    every, few = (Expression().plan(faces(*moods), seed=4, limit=n) for n in (None, 7))
    assert len(few.probes) == 7 and set(few.probes) < set(every.probes)


def test_data_without_labels_is_refused() -> None:
    with pytest.raises(DataError, match="None of the 2 images has a label 'expression'"):
        Expression().plan(faces("", "contempt"))
    with pytest.raises(DataError, match="'expression' takes no argument, got 'x'"):
        Expression("x")
