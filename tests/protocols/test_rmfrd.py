"""The plan for really masked faces: all of them, closed set, balanced pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from plan_checks import check_choices, check_sound

from restore_recog.datasets.rmfrd import RMFRD
from restore_recog.errors import DataError
from restore_recog.protocols.rmfrd import Rmfrd
from restore_recog.protocols.sampling import MOST_PAIRS
from restore_recog.types import FaceSample


def people(clean: dict[str, int], masked: dict[str, int]) -> list[FaceSample]:
    return [
        *(FaceSample(f"face/{who}/{i}", who) for who, n in clean.items() for i in range(n)),
        *(
            FaceSample(f"masked/{who}/{i}", who, condition="mask")
            for who, n in masked.items()
            for i in range(n)
        ),
    ]


def test_every_masked_image_with_a_mate_is_a_probe() -> None:
    samples = people({"a": 3, "b": 2, "lone": 4}, {"a": 2, "b": 5, "stranger": 3})
    plan = Rmfrd().plan(samples)
    assert len(plan.probes) == 7 and len(plan.references) == 9
    assert sorted(plan.training) == [f"masked/stranger/{i}" for i in range(3)]
    assert "3 occluded images are left out: their subjects have no unoccluded reference." in (
        plan.notes
    )
    assert "1 people of the gallery have no occluded image." in plan.notes
    assert not plan.synthetic and plan.identification
    check_sound(plan, samples)


def test_pairs_are_all_genuine_ones_and_as_many_impostors() -> None:
    plan = Rmfrd().plan(people({"a": 3, "b": 2}, {"a": 2, "b": 5}))
    assert sum(pair.genuine for pair in plan.pairs) == 3 * 2 + 2 * 5
    assert len(plan.pairs) == 2 * 16  # There are 2 * 2 + 5 * 3 = 19 impostor ones.


def test_pairs_have_a_cap() -> None:
    samples = people({"a": 60, "b": 60, "c": 60}, {"a": 60, "b": 60, "c": 60})
    plan = Rmfrd().plan(samples)
    assert sum(pair.genuine for pair in plan.pairs) == MOST_PAIRS
    assert len(plan.pairs) == 2 * MOST_PAIRS
    check_sound(plan, samples)


def test_order_seed_and_limit() -> None:
    names = [f"p{i:02d}" for i in range(12)]
    check_choices(Rmfrd(), people(dict.fromkeys(names, 4), dict.fromkeys(names, 3)))


@pytest.mark.parametrize(
    "samples",
    [
        [],
        people({"a": 3, "b": 3}, {}),
        people({"a": 3}, {"a": 2}),
        people({"a": 3, "b": 1}, {"c": 2}),
    ],
)
def test_unusable_data_is_refused(samples: list[FaceSample]) -> None:
    with pytest.raises(DataError, match="no synthetic coverings"):
        Rmfrd().plan(samples)


def test_real_photographs(data_root: Path) -> None:
    folder = data_root / "rmfrd"
    if not folder.is_dir():
        pytest.skip("no RMFRD there")
    samples = RMFRD(str(folder)).samples()
    plan = Rmfrd().plan(samples)
    clean = {s.subject for s in samples if s.condition == "clean"}
    masked = [s for s in samples if s.condition == "mask" and s.subject in clean]
    assert plan.probes == tuple(s.image_id for s in masked)
    check_sound(plan, samples)
