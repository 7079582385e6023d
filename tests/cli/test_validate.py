"""``restore-recog validate``: exit codes, what is printed, the CSV file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from restore_recog import images
from restore_recog.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, arguments)])


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Return a folder with nine people: two images each, and eight people with a third."""
    rng = np.random.default_rng(0)
    for person in range(9):
        for number in range(3 if person else 2):
            pixels = rng.integers(256, size=(60, 60, 3), dtype=np.uint8)
            images.write(tmp_path / f"data/clean/p{person}/{number}.png", pixels)
        images.write(tmp_path / f"data/occluded/p{person}/0.png", 255 - pixels)
    return tmp_path / "data"


def test_sound_data_exits_with_0_and_prints_counts(people: Path) -> None:
    result = run("--data", f"folder:{people}")
    assert result.exit_code == 0, result.output
    head, _, row = result.output.splitlines()[:3]
    assert head.split() == ["data", "images", "people", "clean", "occluded"]
    assert row.split() == ["folder", "35", "9", "26", "9"]
    assert "Found: no fatal findings, no warnings." in result.output


def test_warnings_exit_with_0_and_under_strict_with_1(people: Path) -> None:
    (people / "clean/p3/1.png").write_bytes((people / "clean/p3/0.png").read_bytes())
    assert run("-d", f"folder:{people}").exit_code == 0
    result = run("-d", f"folder:{people}", "--strict")
    assert result.exit_code == 1 and "1 warning." in result.output
    assert "clean/p3/0.png: the same as clean/p3/1.png" in result.output
    assert run("-d", f"folder:{people}", "--strict", "--quick").exit_code == 0


def test_fatal_findings_exit_with_1_and_name_five_examples(people: Path, tmp_path: Path) -> None:
    for person in range(2, 9):
        (people / f"clean/p{person}/2.png").write_bytes(b"torn")
    (people / "clean/p1/0.png").write_bytes((people / "clean/p0/0.png").read_bytes())
    file = tmp_path / "all.csv"
    result = run("-d", f"folder:{people}", "--output", file)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert any(line.split(None, 2)[0] == "fatal" for line in lines if line)
    assert "7 images cannot be read." in result.output and "and 2 more" in result.output
    assert "under several people" in result.output and "2 fatal findings" in result.output
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    torn = [row["where"] for row in rows if row["check"] == "unreadable"]
    assert torn == [f"clean/p{person}/2.png" for person in range(2, 9)]
    assert {row["severity"] for row in rows} == {"fatal", "note"}


def test_an_output_that_exists_is_refused(people: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("mine")
    result = run("-d", f"folder:{people}", "-o", file)
    assert result.exit_code == 1 and "exists" in result.output and file.read_text() == "mine"


def test_an_empty_folder_exits_with_1_and_prints_the_layout(tmp_path: Path) -> None:
    result = run("-d", f"folder:{tmp_path}")
    assert result.exit_code == 1 and "<person>/*.jpg" in result.output


def test_unknown_names_are_explained(people: Path) -> None:
    assert "No data set named 'nowhere'" in run("-d", "nowhere").output
    assert "No protocol named" in run("-d", f"folder:{people}", "-p", "nowhere").output
    assert run().exit_code == 2


def test_a_protocol_is_tried(people: Path) -> None:
    result = run("-d", f"folder:{people}", "--protocol", "fmor", "--quick")
    assert result.exit_code == 0, result.output
    assert "protocol fmor: The protocol makes a plan: 26 references" in result.output
