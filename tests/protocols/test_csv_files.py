"""Plans as CSV files: exact round trip, clear errors, checked against the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.plan_files import parse, render
from restore_recog.protocols.csv_files import CsvFiles
from restore_recog.types import FaceSample, Trial

SAMPLES = [
    FaceSample('ann/a "quoted", name.png', "ann", attributes={"gender": "f", "path": "left"}),
    FaceSample("ann/2.png", "ann", condition="scarf", attributes={"session": "2"}),
    FaceSample("bob/1.png", "bob, jr"),
    FaceSample("bob/2.png", "bob, jr", condition="mask"),
    FaceSample("ünï/1.png", "ünï"),
    FaceSample("ünï/2.png", "ünï", condition="mask"),
]
KNOWN = {sample.image_id: sample for sample in SAMPLES}
PLAN = Plan(
    references=('ann/a "quoted", name.png', "bob/1.png"),
    probes=("bob/2.png", "ann/2.png", "ünï/2.png"),
    pairs=(
        Trial("bob/1.png", "ann/2.png", False),
        Trial("bob/1.png", "bob/2.png", True),
    ),
    cosine_references={"bob, jr": "bob/1.png", "ann": 'ann/a "quoted", name.png'},
    synthetic=False,
    training=("ünï/1.png",),
    notes=("First line\nsecond line.", 'With "quotes", commas and ü.'),
    folds=(1, 2),
    missing_pairs=((0, "no such image"), (2, "'x', \"y\"")),
)


def write(folder: Path, plan: Plan = PLAN, changed: Mapping[str, str] | None = None) -> Path:
    for name, text in (render(plan, KNOWN) | dict(changed or {})).items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, folds=(), missing_pairs=(), training=(), notes=()),
        replace(PLAN, pairs=(), folds=(), cosine_references={}, synthetic=True),
        replace(PLAN, identification=False, references=PLAN.references + ("bob/2.png",)),
        replace(PLAN, label="expression"),
    ],
)
def test_round_trip_is_exact(plan: Plan, tmp_path: Path) -> None:
    read = parse(write(tmp_path, plan)).plan
    assert read == plan
    assert list(read.cosine_references) == list(plan.cosine_references)
    assert render(read, KNOWN) == render(plan, KNOWN)


def test_the_files_have_bobs_columns_and_all_labels() -> None:
    lines = render(PLAN, KNOWN)["for_enrolling.csv"].split("\n")
    assert lines == [
        "path,subject_id,template_id,condition,gender,label.path",
        '"ann/a ""quoted"", name.png",ann,"ann/a ""quoted"", name.png",clean,f,left',
        'bob/1.png,"bob, jr",bob/1.png,clean,,',
        "",
    ]


def test_a_list_by_hand_needs_three_small_files(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"format": 1, "synthetic": false}')
    (tmp_path / "for_enrolling.csv").write_text(
        'path,subject_id,template_id\nbob/1.png,"bob, jr",T1\n', encoding="utf-8-sig"
    )
    (tmp_path / "for_probing.csv").write_text(
        'Subject_ID,path,template_id,m\r\nann,ann/2.png,P1,x\r\n"bob, jr",bob/2.png,P2,y\r\n'
    )
    (tmp_path / "for_matching.csv").write_text(
        "reference_template_id,probe_template_id\nT1,P1\nT1,P2\n"
    )
    plan = CsvFiles(str(tmp_path)).plan(SAMPLES)
    assert plan.references == ("bob/1.png",) and plan.probes == ("ann/2.png", "bob/2.png")
    assert plan.pairs == PLAN.pairs and plan.folds == ()
    assert plan.identification and not plan.synthetic and not plan.cosine_references


def test_the_protocol_repeats_the_plan_whatever_the_order_and_seed(tmp_path: Path) -> None:
    write(tmp_path)
    plan = CsvFiles(str(tmp_path)).plan(SAMPLES[::-1], seed=9)
    assert replace(plan, notes=PLAN.notes) == PLAN
    assert plan.notes[:2] == PLAN.notes and len(plan.notes) == 3
    again = tmp_path / "again" / "protocol"
    again.mkdir(parents=True)
    assert CsvFiles(str(write(again, plan).parent)).plan(SAMPLES) == plan


def test_a_limit_takes_the_first_probes_with_their_pairs_and_folds(tmp_path: Path) -> None:
    plan = CsvFiles(str(write(tmp_path))).plan(SAMPLES, limit=1)
    assert plan.probes == ("bob/2.png",)
    assert plan.pairs == (Trial("bob/1.png", "bob/2.png", True),) and plan.folds == (2,)
    assert plan.references == PLAN.references
    assert any("first 1 of 3" in note for note in plan.notes)


def test_images_that_the_data_lacks_are_refused_and_counted(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match=r"^2 of 5 listed .*'ann/2.png' \(.*probing.csv, line 3\)"):
        CsvFiles(str(tmp_path)).plan(
            [s for s in SAMPLES if s.image_id not in ("ann/2.png", "bob/1.png")]
        )
    plan = CsvFiles(str(tmp_path)).plan([s for s in SAMPLES if s.image_id != "ünï/1.png"])
    assert not plan.training and any(note.startswith("1 images that") for note in plan.notes)


@pytest.mark.parametrize(
    "changed",
    [FaceSample("bob/1.png", "eve"), FaceSample("bob/1.png", "bob, jr", condition="mask")],
)
def test_data_that_says_something_else_is_refused(changed: FaceSample, tmp_path: Path) -> None:
    write(tmp_path)
    other = [changed if s.image_id == "bob/1.png" else s for s in SAMPLES]
    with pytest.raises(DataError, match="for_enrolling.csv, line 3: the .* of 'bob/1.png'"):
        CsvFiles(str(tmp_path)).plan(other)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("plan.json", "{", "plan.json cannot be read as JSON"),
        ("plan.json", "[" * 100_000, "plan.json cannot be read as JSON: it is nested too deep"),
        ("plan.json", '{"format": 7, "synthetic": true}', '"format" must be 1'),
        ("plan.json", '{"format": 1}', '"synthetic" and "identification"'),
        ("plan.json", '{"format": 1, "synthetic": true, "notes": "x"}', '"notes" must be'),
        ("for_probing.csv", "path\nx\n", "for_probing.csv, line 1: the header lacks subject_id"),
        ("for_probing.csv", "path,subject_id\nx\n", "line 2: 1 values where the header names 2"),
        ("for_probing.csv", "path,subject_id\nx,\n", "line 2: 'subject_id' is empty"),
        ("for_probing.csv", "path,subject_id\nx,a\nx,a\n", "line 3: the image 'x' is already in"),
        (
            "for_enrolling.csv",
            "path,subject_id,template_id\nx,a,T\ny,a,T\n",
            "line 3: the template 'T' is already in line 2",
        ),
        (
            "for_matching.csv",
            "reference_template_id,probe_template_id\nz,bob/2.png\n",
            "line 2: the reference_template_id 'z' is not in for_enrolling.csv",
        ),
        (
            "for_matching.csv",
            "reference_template_id,probe_template_id,genuine\nbob/1.png,bob/2.png,maybe\n",
            "line 2: 'genuine' is 'maybe'",
        ),
        (
            "for_matching.csv",
            "reference_template_id,probe_template_id,fold\nbob/1.png,bob/2.png,-1\n",
            "line 2: 'fold' is '-1'",
        ),
        (
            "for_matching.csv",
            "reference_template_id,probe_template_id,fold\n"
            "bob/1.png,bob/2.png,\nbob/1.png,ann/2.png,1\n",
            "line 3: some pairs have a fold",
        ),
        (
            "cosine.csv",
            "path,subject_id\nx,a\ny,a\n",
            "line 3: the subject 'a' already has an image",
        ),
        ("missing_pairs.csv", "fold,reason\n1,\n", "line 2: 'reason' is empty"),
    ],
)
def test_faulty_files_are_named(name: str, text: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, changed={name: text})
    with pytest.raises(DataError) as caught:
        parse(tmp_path)
    assert message in str(caught.value)


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (write(tmp_path) / "for_probing.csv").write_bytes(b"path,subject_id\n\xff\xfe,a\n")
    with pytest.raises(DataError, match="for_probing.csv cannot be read as text in UTF-8: line 2"):
        parse(tmp_path)


@pytest.mark.parametrize("argument", [None, ""])
def test_no_folder_is_an_error(argument: str | None) -> None:
    with pytest.raises(DataError, match="--protocol csv:FOLDER"):
        CsvFiles(argument).plan(SAMPLES)


@pytest.mark.parametrize("name", ["plan.json", "for_enrolling.csv", "for_probing.csv"])
def test_a_missing_file_is_an_error(name: str, tmp_path: Path) -> None:
    (write(tmp_path) / name).unlink()
    with pytest.raises(DataError, match=name):
        CsvFiles(str(tmp_path)).plan(SAMPLES)
