"""The results folder: round trip, all or nothing, never over another."""

from __future__ import annotations

import csv
import errno
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from evaluation_fakes import Breaker, Healer, Squares, request

from restore_recog import record
from restore_recog.errors import DataError, OutputError
from restore_recog.evaluate import evaluate
from restore_recog.outcome import verdict
from restore_recog.pages.report import page
from restore_recog.report import ArmReport, Report


@pytest.fixture(scope="module")
def report() -> Report:
    data = Squares(12, 6, occluded=3, broken=["00/m0"])
    return evaluate(request(data, Healer(), Breaker(), command="restore-recog eval <&>"))


def test_round_trip(report: Report, tmp_path: Path) -> None:
    report.save(tmp_path / "deep" / "results")
    again = Report.load(tmp_path / "deep" / "results")
    assert record.as_json(again) == record.as_json(report)
    assert str(again.probes) == str(report.probes)  # NaN equals NaN as text
    assert again.trials == report.trials and again.failures == report.failures
    for name, scores in report.scores.items():
        np.testing.assert_array_equal(again.scores[name], scores)
    for one, other in zip(report.examples, again.examples, strict=True):
        np.testing.assert_array_equal(one.strip, other.strip)


def test_folder_holds_the_record(report: Report, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    report.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "failures.csv",
        "figures",
        "probes.csv",
        "report.html",
        "report.json",
        "scores.csv",
    ]
    assert (folder / "figures" / "det.png").stat().st_size > 1000
    data = json.loads((folder / "report.json").read_text())
    assert data["failures_by_stage"] == {"read": 1}
    assert data["setup"]["seed"] == 0 and data["setup"]["protocol"]["name"] == "fmor"
    with (folder / "scores.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(report.arms) * len(report.trials)
    assert list(tmp_path.iterdir()) == [folder]  # nothing half-written is left


def test_an_existing_folder_is_never_touched(report: Report, tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("mine")
    with pytest.raises(OutputError, match=re.escape(f"--output {tmp_path}-2")):
        report.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


def test_a_full_disk_leaves_nothing(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(record, "_write_rows", full)
    with pytest.raises(OutputError, match="No space left on device"):
        report.save(tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="not a folder"):
        record.check_output(tmp_path / "file" / "results")


@pytest.mark.parametrize("content", [None, "{", "{}", '{"format": 0}'])
def test_other_folders_are_no_reports(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(DataError):
        Report.load(tmp_path)


def test_page_stands_alone_and_says_what_it_must(report: Report) -> None:
    text = page(report)
    for part in (*report.verdicts, *report.labels, *report.notes):
        assert part.replace("'", "&#x27;") in text
    assert "a restoration is a guess, not evidence" in text
    assert "&lt;&amp;&gt;" in text and "<&>" not in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count('class="strip"') == len(report.examples) == 12
    assert "rescued: rank" in text


def arm(low: float, high: float) -> ArmReport:
    gain = {"value": 0.1, "low": low, "high": high, "n": 9, "n_subjects": 3}
    figures = {"rank1": {"value": 0.5}, "rank1_gain": gain | {"rescued": 2, "harmed": 1}}
    return ArmReport("restored:x", "restored", "x", figures)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.02, 0.2, "Restoring with 'x' first helps 'r':"),
        (-0.2, -0.02, "Restoring with 'x' first hurts 'r':"),
        (-0.1, 0.2, "cannot be told"),
        (0.0, 0.2, "cannot be told"),
        (math.nan, math.nan, "no interval: one subject only"),
    ],
)
def test_verdict_follows_the_interval(low: float, high: float, words: str) -> None:
    floor = ArmReport("occluded", "occluded", None, {"rank1": {"value": 0.4}})
    assert words in verdict(arm(low, high), floor, "r", "")
