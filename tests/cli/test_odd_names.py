"""People and places with names of any kind, from the data to the report and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from restore_recog import registry
from restore_recog.cli import main
from restore_recog.reporting import folder as results_folder

PEOPLE = (
    "=cmd|' <C calc'!A0",
    os.fsdecode(b"caf\xe9"),
    "\x1b[31mred",
    "-2+3",
    "two\nlines",
    "e\u0301",
)


def call(*args: object):
    return CliRunner().invoke(main, [*map(str, args)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write rendered faces of people with odd names into a folder whose name is no UTF-8."""
    faces = registry.datasets.create(f"phantom:{len(PEOPLE)}x1")
    root = tmp_path_factory.mktemp("odd") / os.fsdecode(b"da\xe9ta")
    tested = [one for one in faces.samples() if one.attributes.get("split") == "test"]
    for person, image in zip(PEOPLE, faces.read(tested), strict=True):
        for number in range(3):
            place = root / person / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.pixels // (1 + number)).save(place)
    (root / PEOPLE[0] / "broken.png").write_bytes(b"")
    return root


def test_odd_names_reach_every_file_and_come_back(data, tmp_path, tiny_recognizer, undrawn):
    out, again = tmp_path / os.fsdecode(b"o\xff"), tmp_path / "again"
    common = ("eval", "-r", "none", "--recognizer", tiny_recognizer, "--faces", "aligned")
    common += ("--device", "cpu", "--arms", "occluded,restored", "-d", f"folder:{data}")
    first = call(*common, "-p", "gallery-probe", "-o", out)
    assert first.exit_code == 0, first.output
    second = call(*common, "-p", f"csv:{out}", "-o", again)
    assert second.exit_code == 0, second.output
    for name in ("scores.csv", "probes.csv", "flips.csv", "failures.csv"):
        text = (out / name).read_bytes()
        assert text == (again / name).read_bytes()
        for cell in text.decode().replace("\r\n", ",").split(","):
            assert not cell.startswith(("=", "@", "\t")) and "\x1b" not in cell
    report = results_folder.read(out)
    assert {row.subject for row in report.probes} == {
        *(PEOPLE[0], r"caf\xe9", r"\u001b[31mred", "-2+3", r"two\u000alines", "\u00e9")
    }
    assert report.setup["data"][0]["location"].endswith(r"da\xe9ta")
    assert [failure.image_id for failure in report.failures] == [f"{PEOPLE[0]}/broken.png"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert r"\xe9ta" in page and "\x1b" not in page


def test_validate_prints_and_writes_odd_names(data, tmp_path):
    result = call("validate", "-d", f"folder:{data}", "-o", tmp_path / "findings.csv")
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert "1 image cannot be read." in result.output and "\x1b" not in result.output
    assert "'=cmd|' <C calc'!A0/broken.png" in (tmp_path / "findings.csv").read_text()


def test_odd_names_are_packed_with_their_faces(data, tmp_path):
    file = tmp_path / "faces.pack"
    result = call("pack", "-d", f"folder:{data}", "--size", 32, "-o", file)
    assert result.exit_code == 0, result.output
    people = {one.subject for one in registry.datasets.create(f"packed:{file}").samples()}
    assert {r"0:caf\xe9", r"0:\u001b[31mred", "0:\u00e9", f"0:{PEOPLE[0]}"} <= people
