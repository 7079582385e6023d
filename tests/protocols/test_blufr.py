"""BLUFR: drawn trials, the published lists in both forms, missing images, faulty lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from restore_recog.api import OpenSetTrial, Plan
from restore_recog.errors import DataError
from restore_recog.protocols.blufr import ENROLLED, OFTEN_SEEN, PEOPLE, TESTED, TRIALS, Blufr
from restore_recog.protocols.blufr_lists import GALLERY, PROBES, ListedTrial, read
from restore_recog.types import FaceSample

# BLUFR, blufr_lfw_config_info.txt: 4,249 people tested, 1,000 of them enrolled by one image each.
LFW_OFTEN = 1680  # people with two images or more


def lfw(people: int = 40, often: int = 25, images: int = 4) -> list[FaceSample]:
    """Return people of LFW, the first of whom have several images."""
    return [
        FaceSample(f"P{i:04d}_X/P{i:04d}_X_{number:04d}.jpg", f"P{i:04d}_X")
        for i in range(people)
        for number in range(1, (images if i < often else 1) + 1)
    ]


def subject(image_id: str) -> str:
    return image_id.split("/")[0]


def check_division(trial: OpenSetTrial) -> None:
    """Assert that a trial is one: one image of whoever is enrolled, mates and strangers."""
    enrolled = [subject(i) for i in trial.gallery]
    assert len(set(enrolled)) == len(enrolled)
    assert not set(trial.gallery) & set(trial.probes)
    assert {subject(i) in enrolled for i in trial.probes} == {True, False}


def test_drawn_trials_have_the_published_shares() -> None:
    plan = Blufr().plan(lfw(PEOPLE, LFW_OFTEN, 3))
    assert len(plan.open_set) == TRIALS
    for trial in plan.open_set:
        check_division(trial)
        people = {subject(i) for i in (*trial.gallery, *trial.probes)}
        assert len(people) == TESTED
        often = {subject(i) for i in (*trial.gallery, *trial.probes) if i[:5] < f"P{LFW_OFTEN:04d}"}
        assert len(trial.gallery) == min(ENROLLED, round(len(often) * ENROLLED / OFTEN_SEEN))
    assert 900 < np.mean([len(trial.gallery) for trial in plan.open_set]) <= ENROLLED
    assert len({trial.gallery for trial in plan.open_set}) == TRIALS


def test_every_tested_image_is_on_both_sides_and_covered_as_a_probe() -> None:
    plan = Blufr().plan(lfw())
    tested = {i for trial in plan.open_set for i in (*trial.gallery, *trial.probes)}
    assert set(plan.probes) == set(plan.references) == tested
    assert plan.synthetic and not plan.identification and not plan.cosine_references
    enrolled = {i for trial in plan.open_set for i in trial.gallery}
    assert {pair.reference_id for pair in plan.pairs} == enrolled
    assert all(pair.reference_id != pair.probe_id for pair in plan.pairs)
    genuine = [pair for pair in plan.pairs if pair.genuine]
    assert len(genuine) == 3 * len(enrolled)  # with every other image of the person


def test_the_seed_decides() -> None:
    assert Blufr().plan(lfw(), seed=1) != Blufr().plan(lfw(), seed=2)


@pytest.mark.parametrize("limit", [2, 3, 10, 1000])
def test_a_limit_takes_mates_and_strangers_and_leaves_the_galleries(limit: int) -> None:
    whole, part = Blufr().plan(lfw()), Blufr().plan(lfw(), limit=limit)
    assert len(part.probes) == min(limit, len(whole.probes))
    assert set(part.probes) <= set(Blufr().plan(lfw(), limit=limit + 1).probes)
    assert part.references == whole.references
    for mine, theirs in zip(part.open_set, whole.open_set, strict=True):
        assert mine.gallery == theirs.gallery
        assert mine.probes == tuple(i for i in theirs.probes if i in part.probes)
    check_division(part.open_set[0])


def test_occluded_images_take_no_part() -> None:
    occluded = [FaceSample(f"m{i}.jpg", "P0001_X", condition="mask") for i in range(3)]
    plan = Blufr().plan([*lfw(), *occluded])
    assert "3 occluded images take no part." in plan.notes
    assert plan.open_set == Blufr().plan(lfw()).open_set


@pytest.mark.parametrize(("people", "often"), [(1, 1), (30, 0), (2, 2)])
def test_too_few_people_are_refused(people: int, often: int) -> None:
    with pytest.raises(DataError, match="the protocol|too few"):
        Blufr().plan(lfw(people, often))


LISTED = (
    (["P0000_X_0001", "P0001_X_0002"], ["P0000_X_0002", "P0001_X_0001", "P0030_X_0001"]),
    (["P0002_X_0001"], ["P0002_X_0003", "P0031_X_0001"]),
)


def cells(*values: object) -> np.ndarray:
    """Return a cell array."""
    array = np.empty((len(values), 1), dtype=object)
    array[:, 0] = values
    return array


def matlab(file: Path, **changes: object) -> Path:
    """Write the lists as BLUFR's .mat file has them."""
    names = [f"{s.image_id.split('/')[1]}" for s in lfw()]
    number = {name.removesuffix(".jpg"): i for i, name in enumerate(names, 1)}
    galleries, probes = (
        cells(*(np.array([[number[name]] for name in sides[side]], float) for sides in LISTED))
        for side in (0, 1)
    )
    facts = {"imageList": cells(*names), "galIndex": galleries, "probIndex": probes, **changes}
    savemat(file, {name: value for name, value in facts.items() if value is not None})
    return file


def text(folder: Path) -> Path:
    """Write them as the text lists have them."""
    for side, name in enumerate((GALLERY, PROBES)):
        lines = [str(len(LISTED))]
        for sides in LISTED:
            lines += [str(len(sides[side])), *(f"{7}, {image}.jpg" for image in sides[side])]
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("form", ["matlab", "text"])
def test_the_published_lists_are_read_in_both_forms(form: str, tmp_path: Path) -> None:
    place = text(tmp_path) if form == "text" else matlab(tmp_path / "blufr_lfw_config.mat")
    assert read(place) == [ListedTrial(*map(tuple, sides)) for sides in LISTED]
    plan = Blufr(str(place)).plan(lfw())
    assert [tuple(len(side) for side in (t.gallery, t.probes)) for t in plan.open_set] == [
        (2, 3),
        (1, 2),
    ]
    assert plan.open_set[1].gallery == ("P0002_X/P0002_X_0001.jpg",)
    assert not any("Warning" in note for note in plan.notes)
    genuine = {(pair.reference_id[-6:-4], pair.probe_id) for pair in plan.pairs if pair.genuine}
    assert genuine == {
        ("01", "P0000_X/P0000_X_0002.jpg"),
        ("02", "P0001_X/P0001_X_0001.jpg"),
        ("01", "P0002_X/P0002_X_0003.jpg"),
    }


def test_missing_images_are_counted_and_make_nobody_a_stranger(tmp_path: Path) -> None:
    place = text(tmp_path)
    kept = [s for s in lfw() if s.image_id != "P0001_X/P0001_X_0002.jpg"]
    plan: Plan = Blufr(str(place)).plan(kept)
    first = plan.open_set[0]
    assert first.gallery == ("P0000_X/P0000_X_0001.jpg",)
    assert [subject(i) for i in first.probes] == ["P0000_X", "P0030_X"]
    assert any(
        note.startswith("Warning: 1 of the 8 images on BLUFR's lists") for note in plan.notes
    )
    fewer = [s for s in kept if s.subject != "P0031_X"]
    voided = Blufr(str(place)).plan(fewer)
    assert len(voided.open_set) == 1
    assert "Warning: 1 of the 2 trials are void." in voided.notes
    with pytest.raises(DataError, match="None of the 2 trials of .* is this LFW"):
        Blufr(str(place)).plan([FaceSample("a_0001.jpg", "a")])


def test_two_copies_of_an_image_are_refused(tmp_path: Path) -> None:
    twice = [*lfw(), FaceSample("copy/P0000_X_0001.jpg", "P0000_X")]
    with pytest.raises(DataError, match="both have the name 'P0000_X_0001'"):
        Blufr(str(text(tmp_path))).plan(twice)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (GALLERY, "", "at its end: a number should stand here"),
        (GALLERY, "1\n1\n", "at its end: '' is not 'number, name of an image'"),
        (GALLERY, "1\n1\nP0000_X_0001.jpg\n", "line 3: .* is not 'number, name"),
        (GALLERY, "1\n1\n1, P0000_X_0001.jpg\n", "1 galleries and 2 sets of probes"),
        (GALLERY, "1\n1\n1, P0000_X_0001.jpg\n2, P0001_X_0001.jpg\n", "line 4: more lines"),
        (PROBES, "2\n1\n1, P0000_X_0001.jpg\n1\n1, P0002_X_0003.jpg\n", "trial 1: .*listed once"),
        (PROBES, "ten\n", "line 1: a number should stand here"),
    ],
)
def test_faulty_text_lists_are_refused_by_line(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    (text(tmp_path) / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"galIndex": None}, "has no variable galIndex"),
        ({"imageList": np.ones((3, 1))}, "imageList is no cell array"),
        ({"imageList": cells(1.0, 2.0)}, "imageList is no list of file names"),
        ({"probIndex": cells(1.0, 1.0)}, "trial 1: .*listed once"),
        ({"galIndex": cells(0.0, 1.0)}, "no whole number from 1 to 115"),
        ({"galIndex": cells(116.0, 1.0)}, "no whole number from 1 to 115"),
        ({"galIndex": cells(1.5, 1.0)}, "no whole number from 1 to 115"),
        ({"galIndex": cells("x", "y")}, "no whole number from 1 to 115"),
    ],
)
def test_faulty_matlab_files_are_refused(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    if "probIndex" in changes:
        changes = {**changes, "galIndex": changes["probIndex"]}
    with pytest.raises(DataError, match=message):
        read(matlab(tmp_path / "x.mat", **changes))


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no .*--protocol blufr draws"):
        read(tmp_path / "gone.mat")
    (tmp_path / "x.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(DataError, match="is no MATLAB file of version 5 to 7"):
        read(tmp_path / "x.mat")
    content = matlab(tmp_path / "y.mat").read_bytes()
    (tmp_path / "y.mat").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"y\.mat"):
        read(tmp_path / "y.mat")
