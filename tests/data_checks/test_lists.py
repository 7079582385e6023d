"""What validate finds in the list of images, and with a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data_check_fakes import PEOPLE, Listed, one, sample, where

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.data_checks.lists import validate
from restore_recog.datasets.folder import Folder
from restore_recog.datasets.phantom import Phantom
from restore_recog.errors import DataError
from restore_recog.types import FaceSample, Trial


def test_counts_by_condition_and_split() -> None:
    data = Listed(
        sample("a1", "a", split="train"), sample("a2", "a", "scarf", split="train"),
        sample("b1", "b", split="test"), sample("c1", "c"),
    )  # fmt: skip
    (count,) = validate([data]).counts
    assert (count.data, count.images, count.people) == ("listed", 4, 3)
    assert count.conditions == {"clean": 3, "scarf": 1}
    assert count.splits == {"": 1, "test": 1, "train": 2}


def test_sound_data_has_no_warning() -> None:
    results = validate([Listed(*PEOPLE)])
    assert results.number("fatal") == results.number("warning") == 0
    assert {f.check for f in results.findings} == {"no-twin", "size"}


def test_mates_that_are_missing_in_either_direction() -> None:
    data = Listed(*PEOPLE, sample("c1", "c"), sample("c2", "c"), sample("d1", "d", "mask"))
    results = validate([data])
    no_mask, no_clean = one(results, "no-occluded-mate"), one(results, "no-clean-mate")
    assert where(no_mask) == ["c"] and no_mask.issues[0].detail == "2 clean"
    assert where(no_clean) == ["d"] and no_clean.severity == "warning"
    single = one(results, "one-image")
    assert where(single) == ["d"] and single.severity == "note"


def test_data_without_occluded_images_misses_no_mates() -> None:
    results = validate([Listed(sample("a1", "a"), sample("a2", "a"))])
    assert not [f for f in results.findings if "mate" in f.check]


def test_a_twin_is_no_mate() -> None:
    data = Listed(
        *PEOPLE,
        sample("c1", "c", "mask", clean_id="c1-twin"),
        sample("c1-twin", "c", twin="yes"),
    )
    assert where(one(validate([data]), "no-clean-mate")) == ["c"]


def test_people_and_images_that_are_told_apart_by_little_are_warned_of() -> None:
    data = Listed(
        *(sample("a/1.png", "Ann Lee"), sample("A/1.png", "ann_lee"), sample("c/1.png", "c")),
        *(sample("c/e.png", "c"), sample("c/e.png (2)", "c"), sample("c/1_1.png", "c")),
    )
    results = validate([data, Listed(sample("x/1.png", "ANN-LEE"), sample("y/1.png", "c"))])
    people = one(results, "alike-people")
    assert people.severity == "warning" and people.data == "listed and listed-2"
    (issue,) = people.issues
    assert issue.where == "listed/Ann Lee"
    assert issue.detail == "like listed/ann_lee, listed-2/ANN-LEE"
    assert where(one(results, "alike-images")) == ["a/1.png", "c/e.png"]


def test_people_in_two_splits_are_fatal() -> None:
    data = Listed(
        sample("a1", "a", split="train"), sample("a2", "a", split="test"),
        sample("a3", "a", split="test"), sample("b1", "b", split="test"), sample("b2", "b"),
    )  # fmt: skip
    finding = one(validate([data]), "two-splits")
    assert finding.severity == "fatal"
    assert [(i.where, i.detail) for i in finding.issues] == [("a", "2 test, 1 train")]


def test_names_that_are_given_twice_are_fatal() -> None:
    finding = one(validate([Listed(sample("a1", "a"), sample("a1", "a"))]), "name-twice")
    assert finding.severity == "fatal" and where(finding) == ["a1"]


def test_twins_that_are_lost_occluded_or_somebody_else() -> None:
    data = Listed(
        *PEOPLE,
        sample("x", "a", "mask", clean_id="nowhere"),
        sample("y", "a", "mask", clean_id="a2"),
        sample("z", "a", "mask", clean_id="b1"),
    )
    results = validate([data], quick=True)
    lost, covered, other = (one(results, f"twin-{k}") for k in ("missing", "occluded", "person"))
    assert where(lost) == ["x"] and "nowhere" in lost.issues[0].detail
    assert where(covered) == ["y"] and lost.severity == covered.severity == "warning"
    assert where(other) == ["z"] and other.severity == "fatal"
    assert where(one(results, "no-twin")) == ["a2", "b2"]


def test_quick_opens_nothing_but_finds_missing_and_empty_files(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "1.jpg").write_bytes(b"no image at all")
    (tmp_path / "ann" / "2.jpg").write_bytes(b"")
    quick, full = (validate([Folder(str(tmp_path))], quick=quick) for quick in (True, False))
    assert where(one(quick, "unreadable")) == ["ann/2.jpg"]
    assert where(one(full, "unreadable")) == ["ann/1.jpg", "ann/2.jpg"]


def test_an_empty_place_is_fatal_and_the_others_are_looked_at_all_the_same(tmp_path: Path) -> None:
    results = validate([Folder(str(tmp_path)), Listed(*PEOPLE)])
    assert one(results, "nothing-there").data == "folder"
    assert [count.data for count in results.counts] == ["listed"]


def test_notes_of_the_data_set_and_lines_of_its_pair_list(tmp_path: Path) -> None:
    data = Listed(*PEOPLE)
    data.notes = ["Three files were left out."]
    data.pair_list = tmp_path / "pairs.txt"
    data.pair_list.write_text("10\t300\na 1 2\n\nb 1 2\n")
    results = validate([data])
    assert one(results, "data-set").sentence == "Three files were left out."
    assert "pairs.txt has 3 lines" in one(results, "pair-list").sentence


class Paired(EvaluationProtocol):
    """Compares a2 with a1, and remembers what it was given."""

    name = "paired"

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        self.given = [sample.image_id for sample in samples]
        if len(samples) < 3:
            raise DataError("Too few images.")
        pairs = (Trial("a1", "a2", True), Trial("b1", "a2", False))
        return Plan(
            ("a1", "b1"), ("a2",), pairs, {}, False, notes=("Note.",), missing_pairs=((2, "gone"),)
        )


def test_a_protocol_is_tried_without_the_training_images(tmp_path: Path) -> None:
    data, protocol = Listed(*PEOPLE, sample("t", "t", split="train")), Paired()
    data.pair_list = tmp_path / "pairs.txt"
    data.pair_list.write_text("x")
    results = validate([data], protocol=protocol, quick=True)
    assert protocol.given == ["a1", "a2", "b1", "b2"] and protocol.pair_list == data.pair_list
    plan, note = [f.sentence for f in results.findings if f.check == "protocol"]
    assert "2 references, 1 probes, 2 pairs, 1 of them genuine" in plan and note == "Note."
    missing = one(results, "missing-pairs")
    assert missing.severity == "warning"
    assert [(i.where, i.detail) for i in missing.issues] == [("fold 2", "gone")]


def test_a_protocol_that_cannot_use_the_data_is_fatal() -> None:
    results = validate([Listed(*PEOPLE[:2])], protocol=Paired(), quick=True)
    finding = one(results, "protocol")
    assert (finding.severity, finding.sentence) == ("fatal", "Too few images.")


def test_findings_are_sorted_and_rows_name_every_issue() -> None:
    data = Listed(*(replace(s, attributes={"split": s.image_id}) for s in PEOPLE), sample("c", "c"))
    results = validate([data], quick=True)
    order = [finding.severity for finding in results.findings]
    assert order == sorted(order, key=["fatal", "warning", "note"].index)
    head, *rows = results.rows()
    assert len(rows) == sum(max(1, len(f.issues)) for f in results.findings)
    assert dict(zip(head, rows[0], strict=True)) == {
        "severity": "fatal", "check": "two-splits", "data": "listed",
        "finding": "2 people have images in two splits: a test on them proves nothing.",
        "where": "a", "detail": "1 a1, 1 a2",
    }  # fmt: skip


def test_progress_reaches_its_end() -> None:
    told: list[tuple[str, int, int]] = []
    validate([Listed(*PEOPLE), Listed(*PEOPLE)], progress=lambda *given: told.append(given))
    assert told[-1] == ("images", 8, 8)


def test_rendered_sets_are_sound() -> None:
    results = validate([Phantom("ar-2"), Phantom("fmor-2")])
    assert results.number("fatal") == results.number("warning") == 0
    assert sum(count.images for count in results.counts) == 2 * 38 + 2 * 15
