"""The results folder: round trip, all or nothing, never over another; and its page."""

from __future__ import annotations

import csv
import dataclasses
import errno
import html
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_fakes import PROBES, sample_report

from restore_recog.errors import DataError, OutputError
from restore_recog.evaluation.figure import read_figures
from restore_recog.evaluation.results import EvaluationReport, Example
from restore_recog.reporting import csv_files, strips
from restore_recog.reporting import folder as record
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.folder import write as write_report
from restore_recog.reporting.pages.report import page
from restore_recog.system.atomic import check_output, sealed


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    return sample_report()


@pytest.fixture(scope="module")
def folder(sample_run: Path) -> Path:
    return sample_run


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def same(a: object, b: object) -> bool:
    """Return whether two values are equal all the way down, NaN to NaN, list to tuple."""
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
        )
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    if isinstance(a, (list, tuple)):
        return isinstance(b, (list, tuple)) and len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a + b))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_reading_gives_back_the_very_report(report: EvaluationReport, folder: Path) -> None:
    again = read_report(folder)
    for name in (f.name for f in dataclasses.fields(EvaluationReport)):
        assert same(getattr(report, name), getattr(again, name)), name
    assert same(again, report) and not same(again, sample_report(seed=1))


def test_a_report_of_little_comes_back_too(tmp_path: Path) -> None:
    """No pairs, no probes, no twins, no cohorts: only what could be measured."""
    whole = sample_report()
    nothing = {"trials": (), "probes": (), "failures": (), "examples": (), "cohorts": ()}
    little = dataclasses.replace(
        whole, **nothing, curves={}, spreads=(), protocol={}, timing={}, setup={}, notes=(),
        arms=tuple(dataclasses.replace(arm, figures={}, cmc=(), misses=0, fallbacks=0)
                   for arm in whole.arms),
        scores={name: np.array([]) for name in whole.scores},
    )  # fmt: skip
    write_report(little, tmp_path / "little")
    assert same(read_report(tmp_path / "little"), little)
    assert "Nothing failed." in (tmp_path / "little" / "report.html").read_text()
    assert sorted(path.name for path in (tmp_path / "little" / "figures").iterdir()) == ["examples"]


def test_the_folder_holds_the_record(report: EvaluationReport, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "cohorts.csv", "det.csv", "failures.csv", "figures", "flips.csv", "probes.csv", "protocol",
        "report.html", "report.json", "scores.csv", "table.csv", "table.tex",
    ]  # fmt: skip
    drawn = {path.name for path in (folder / "figures").iterdir()} - {"examples"}
    assert drawn == {
        "det.png",
        "det-pairs.png",
        "cmc.png",
        "histograms.png",
        "cohorts.png",
        "quality.png",
        "sheet.png",
    }
    assert all((folder / "figures" / name).stat().st_size > 1000 for name in drawn)
    assert len(rows(folder / "scores.csv")) == len(report.arms) * len(report.trials)
    assert len(rows(folder / "table.csv")) == len(report.arms)
    assert list(folder.parent.iterdir()) == [folder]  # nothing half-written is left


def test_json_is_strict_and_holds_every_figure(report: EvaluationReport, folder: Path) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    data = json.loads((folder / "report.json").read_text(), parse_constant=refuse)
    assert data["format"] == record.FORMAT == 4
    for arm, entry in zip(report.arms, data["arms"], strict=True):
        assert set(entry["figures"]) == set(arm.figures)
    assert data["setup"]["seed"] == 0 and data["protocol"] == sorted(report.protocol)


def test_failures_are_counted_by_image_person_and_entry(folder: Path) -> None:
    """One image failed in two arms: three entries, two images, one person."""
    stages = json.loads((folder / "report.json").read_text())["failures_by_stage"]
    assert stages == {
        "read": {"images": 1, "subjects": 1, "events": 1},
        "restore": {"images": 2, "subjects": 1, "events": 3},
    }


def test_flips_name_every_probe_of_every_restored_arm(
    report: EvaluationReport, folder: Path
) -> None:
    ranks = {(row.arm, row.probe_id): row.rank for row in report.probes}
    written = rows(folder / "flips.csv")
    arms = [arm for arm in report.arms if arm.restorer]
    assert len(written) == len(arms) * len(PROBES)
    for row in written:
        against = "clean" if row["arm"].startswith("restored-clean") else "occluded"
        before, after = ranks[against, row["probe_id"]], ranks[row["arm"], row["probe_id"]]
        assert (int(row["before"]), int(row["after"])) == (before, after)
        word = {(0, 1): "rescued", (1, 0): "harmed", (1, 1): "both right", (0, 0): "both wrong"}
        assert row["outcome"] == word[before == 1, after == 1]


def test_cohorts_keep_the_suppressed_ones(report: EvaluationReport, folder: Path) -> None:
    written = rows(folder / "cohorts.csv")
    helmet = [row for row in written if row["value"] == "helmet"]
    assert [(row["arm"], row["n"], row["flag"]) for row in helmet] == [
        ("", "3", csv_files.SUPPRESSED)
    ]
    flagged = next(row for row in written if row["figure"] == "fmr_frozen@fmr=0.001")
    assert (flagged["result"], flagged["flag"]) == ("0.0", "under 30 errors")
    assert len(written) - 1 == sum(len(f) for c in report.cohorts for f in c.arms.values())


def test_protocol_files_keep_every_byte(report: EvaluationReport, folder: Path) -> None:
    content = (folder / "protocol" / "for_enrolling.csv").read_bytes()
    assert content == report.protocol["for_enrolling.csv"].encode() and b"\r\n" in content
    assert (folder / "protocol" / "eval" / "for_probing.csv").is_file()


@pytest.mark.parametrize("name", ["../x.csv", "/x.csv", "a/../../x.csv", ""])
def test_protocol_files_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a valid name for a file"):
        write_report(sample_report(protocol={name: "x"}), tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_touched(report: EvaluationReport, tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("mine")
    with pytest.raises(OutputError, match=re.escape(f"--output {tmp_path}-2")):
        write_report(report, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


def test_a_full_disk_leaves_nothing(
    report: EvaluationReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(csv_files, "write_csv", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_report(report, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="not a folder"):
        check_output(tmp_path / "file" / "results")


@pytest.mark.parametrize("content", [None, "{", "{}", "[]", '{"format": 1}', '{"format": 2}'])
def test_other_folders_are_no_reports(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(DataError):
        read_report(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"), [('"n": ', '"n": 1'), ('"sha256": "', '"sha256": "0')]
)
def test_a_report_that_was_changed_is_refused(
    folder: Path, tmp_path: Path, before: str, after: str
) -> None:
    shutil.copytree(folder, tmp_path / "results")
    path = tmp_path / "results" / "report.json"
    text = path.read_text()
    head, last, tail = text.rpartition(before)
    path.write_text(head + after + tail)
    assert last and path.read_text() != text
    with pytest.raises(DataError, match=r"report.json' is not as it was written: its checksum"):
        read_report(tmp_path / "results")
    for name, value in {"setup": None, "arms": [5], "timing": [5]}.items():
        path.write_text(json.dumps(sealed(json.loads(text) | {name: value})))
        with pytest.raises(DataError, match="cannot be read as a results folder"):
            read_report(tmp_path / "results")
    path.write_text(json.dumps(json.loads(text)))  # laid out in another way, the same facts
    assert read_report(tmp_path / "results").arms


def test_scores_that_are_cut_off_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "results")
    path = tmp_path / "results" / "scores.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(DataError, match="lacks scores of the arm 'restored-clean:alpha'"):
        read_report(tmp_path / "results")


def test_strips_carry_their_labels_and_lose_them_again(
    folder: Path, report: EvaluationReport
) -> None:
    from restore_recog import images

    strip = report.examples[0].strip
    side, tiles = strip.shape[0], len(report.examples[0].titles)
    stored = images.read(folder / "figures" / "examples" / "00.png")
    assert stored.shape == (side + strips.title_height(side), tiles * side, 3)
    np.testing.assert_array_equal(stored[-side:], strip)
    ink = (stored[:-side].reshape(-1, tiles, side, 3) < 128).sum(axis=(0, 2, 3))
    assert (ink > 0).all()  # every tile has a title
    assert ink[-1] > 2 * ink[0]  # the restored one says more than its name
    np.testing.assert_array_equal(strips.bare(stored, report.examples[0].titles), strip)
    with pytest.raises(ValueError, match="a strip of 5 tiles"):
        strips.bare(stored, ("a", "b", "c", "d", "e"))


@pytest.mark.parametrize("side", [16, 64, 128, 512])
def test_strips_of_any_size(side: int) -> None:
    strip = np.zeros((side, 2 * side, 3), np.uint8)
    titles = ("occluded", "restored-oracle-mask:a_rather_long_name")
    stored = strips.labelled(Example("p", "", titles, strip))
    np.testing.assert_array_equal(strips.bare(stored, titles), strip)


def test_the_page_stands_alone_and_says_what_it_must(report: EvaluationReport, text: str) -> None:
    for part in (*map(str, report.verdicts), *report.labels):
        assert part.replace("'", "&#39;") in text
    assert "&lt;alpha&gt;" in text and "<alpha>" not in text
    assert "Odd &lt;notes&gt; &amp; signs are escaped." in text
    assert not re.search(r'src="(?!data:)|href="(?!#)|<script|@import|url\(', text)
    assert text.count("<img ") == 6 + len(report.examples) + 2  # two beside an answer
    for anchor in re.findall(r'href="#(\w+)"', text):
        assert f'id="{anchor}"' in text


def test_the_page_shows_flags_flips_groups_and_costs(text: str) -> None:
    for words in (
        "no errors: upper limit 3/n",
        "the mask&#39;s cost may be 0",
        "too few impostors",
        "covering: helmet (2 people, n = 3)",
        "restored:alpha: a guess, not evidence",
        "Threshold for FMR 1 %: 0.4800, fixed on clean",
        "rank correlation of the two gains is ρ = +0.31 (95 % interval +0.10 to +0.50; n = 120)",
        '<sup title="too few impostors">',
        "restored:alpha accepts strangers",
        "Peak memory: process 812 MiB.",
        "restored:beta: 3 probes used unrestored because the restorer failed",
        "for_enrolling.csv",
    ):
        assert words in text, words
    assert re.search(r"restored:alpha, rescued: the first 12 of \d+", text)


def test_every_badge_is_the_answer_of_the_verdict_beside_it(report: EvaluationReport) -> None:
    """The page only shows verdicts: an interval above 0 does not make one that helps."""
    sentence = "It cannot be told from these probes (sign-flip test: p = 0.5)."
    verdicts = (
        dataclasses.replace(report.verdicts[0], answer="cannot tell", sentence=sentence),
        report.verdicts[1],
        dataclasses.replace(report.verdicts[0], answer="helps the image", sentence="<b>."),
    )
    shown = page(dataclasses.replace(report, verdicts=verdicts), {})
    badges = re.findall(r'<p class="verdict (\w+)"><b>(.*?)</b>(.*?)</p>', shown)
    assert [(look, answer, html.unescape(text)) for look, answer, text in badges] == [
        ("cannot", "cannot tell", sentence),
        ("hurts", "hurts", report.verdicts[1].sentence),
        ("helps", "helps the image", "<b>."),
    ]


def test_the_page_counts_n_once_where_it_is_shared(text: str) -> None:
    assert "Rank-1, %<small>n = 120</small>" in text


def test_a_failed_arm_can_be_shown(report: EvaluationReport) -> None:
    """Every comparison of every arm failed: no histogram, but a page all the same."""
    dead = {name: np.full(len(report.trials), -np.inf) for name in report.scores}
    shown = page(dataclasses.replace(report, scores=dead, examples=()))
    assert shown.count("<img ") == 5


def test_pairs_are_counted_where_nobody_is_searched(report: EvaluationReport) -> None:
    counts = {"rescued": 41, "harmed": 32, "both_right": 23, "both_wrong": 14}
    figures = {
        "accuracy_gain": {"value": 0.01, **counts},
        "accuracy_gain_over_fill": {"value": 0.01, "rescued": 999},
        "fnmr_frozen_change@fmr=0.01": {"value": 0.01, "rescued": 5, "harmed": 6},
    }
    arms = (dataclasses.replace(report.arms[2], figures=read_figures(figures)),)
    shown = page(dataclasses.replace(report, arms=arms, probes=(), verdicts=()), {})
    text = re.sub(r"</?t[dhr][^>]*>", " ", shown)
    assert re.search(r"restored:alpha +Gain in accuracy, points +41 +32 +23 +14", text)
    assert re.search(r"Change of FNMR at the 1 % threshold, points +5 +6 +– +–", text)
    assert " 999 " not in text
