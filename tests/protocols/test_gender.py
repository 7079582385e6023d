"""Which images the protocol for gender takes, and what it says of the others."""

from __future__ import annotations

import pytest

from restore_recog.errors import DataError
from restore_recog.protocols.gender import Gender
from restore_recog.types import FaceSample


def faces(*words: str) -> list[FaceSample]:
    return [
        FaceSample(f"f{i}", f"s{i}", attributes={"gender": word} if word else {})
        for i, word in enumerate(words)
    ]


def test_every_labelled_image_is_covered_and_held_against_itself() -> None:
    plan = Gender().plan(faces("male", "", "diverse", "female", "male", "diverse"))
    assert plan.probes == plan.references == ("f0", "f3", "f4")
    assert plan.synthetic and plan.label == "gender" and not plan.identification
    text = " ".join(plan.notes)
    assert "Genders: 1 female, 2 male." in text
    assert "3 images without a known gender take no part." in text
    assert "neither female nor male count as unknown: diverse (2)." in text


def test_a_gender_that_is_missing_is_said() -> None:
    assert "No probe is male: nothing is said of that." in Gender().plan(faces("female")).notes


def test_data_without_labels_is_refused() -> None:
    with pytest.raises(DataError, match="None of the 2 images has a label 'gender'.*utkface:PATH"):
        Gender().plan(faces("", "diverse"))
    with pytest.raises(DataError, match="'gender' takes no argument, got 'x'"):
        Gender("x")
