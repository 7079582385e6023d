"""``eval`` with several protocols or all restorers, and ``leaderboard`` of finished runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from restore_recog import registry
from restore_recog.cli import eval_board, main
from restore_recog.reporting import several
from restore_recog.restoring import cost as costs
from restore_recog.restoring.cost import Cost
from restore_recog.system.atomic import is_sealed

PROTOCOLS = ("fmor", "gallery-probe")
BASE = ("-d", "phantom:4x3", "--limit", 4, "--device", "cpu")


def call(*args: object) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    """Measure no costs: each takes a process that loads PyTorch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "cost", lambda *_: Cost(12.5, 300.0, 32))
        yield


@pytest.fixture(scope="module")
def finished(
    tiny_recognizer: str, undrawn: None, cheap: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("board") / "out"
    two = ("--recognizer", tiny_recognizer, "--recognizer", tiny_recognizer)
    masks = ("--segmenter", "true", "--segmenter", "true+2")
    result = call(
        "eval", "-r", "telea", "-p", ",".join(PROTOCOLS), *BASE, *two, *masks, "-o", folder
    )
    assert result.exit_code == 0, result.output
    return result, folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "leaderboard.csv").read_text())))


def test_a_row_for_everything_that_was_asked(finished: tuple[Result, Path]) -> None:
    result, folder = finished
    rows = rows_of(folder)
    said = {(r["Protocol"], r["Recogniser"], r["Restorer"], r["Segmenter"]) for r in rows}
    assert said == {
        (protocol, recognizer, "telea", segmenter)
        for protocol in PROTOCOLS
        for recognizer in ("tiny", "tiny-2")
        for segmenter in ("true", "true+2")
    }
    assert len(rows) == 8 and {r["ms an image"] for r in rows} == {"12.5"}
    assert f"The whole leaderboard: {folder / 'leaderboard.html'}" in result.stdout
    facts = json.loads((folder / "leaderboard.json").read_text())
    assert is_sealed(facts) and facts["family"] in result.stdout
    assert "8 verdicts" in facts["family"]  # one family over both protocols


def test_the_rows_say_what_the_reports_say(finished: tuple[Result, Path]) -> None:
    _, folder = finished
    for row in json.loads((folder / "leaderboard.json").read_text())["rows"]:
        assert (folder / row["page"]).is_file()
        report = several.read(folder / row["protocol"])[row["recognizer"]]
        name = f"restored:{row['restorer']}+{row['segmenter']}"
        (arm,) = (one for one in report.arms if one.name == name)
        assert row["figures"][row["gain"]]["value"] == arm.figures[row["gain"]].value
        (alone,) = (v for v in report.verdicts if v.arm == name)
        raw = {t.figure: t.p for t in alone.tests}
        assert row["verdict"]["arm"] == name
        assert all(t["p"] == raw[t["figure"]] for t in row["verdict"]["tests"] if not t["group"])
        assert all(t["p_corrected"] >= t["p"] - 1e-12 for t in row["verdict"]["tests"])


def test_the_page_sorts_by_numbers(finished: tuple[Result, Path]) -> None:
    page = (finished[1] / "leaderboard.html").read_text()
    assert page.count("<tr>") == 9 and 'id="board"' in page and "<script>" in page
    gains = [row["Gain"] for row in rows_of(finished[1])]
    assert all(f'data-key="{gain}"' in page for gain in gains)
    assert 'href="gallery-probe/recognizers/tiny-2/report.html"' in page
    assert "http" not in page  # nothing is loaded from elsewhere


def test_a_finished_leaderboard_is_shown_again(
    finished: tuple[Result, Path], tiny_recognizer: str
) -> None:
    result, folder = finished
    before = (folder / "fmor" / "report.json").stat().st_mtime_ns
    two = ("--recognizer", tiny_recognizer, "--recognizer", tiny_recognizer)
    masks = ("--segmenter", "true", "--segmenter", "true+2")
    asked = ("eval", "-r", "telea", "-p", PROTOCOLS[0], "-p", PROTOCOLS[1], *BASE, *two, *masks)
    again = call(*asked, "-o", folder, "--resume")
    assert again.exit_code == 0 and again.stdout == result.stdout
    assert (folder / "fmor" / "report.json").stat().st_mtime_ns == before
    refused = call(*asked, "-o", folder)
    assert refused.exit_code == 1 and "exists" in refused.output
    folder.parent.joinpath("mine").mkdir()
    spared = call(*asked, "-o", folder.parent / "mine", "--overwrite")
    assert spared.exit_code == 1 and "no folder of a leaderboard" in spared.output


def test_of_finished_runs(finished: tuple[Result, Path], tmp_path: Path) -> None:
    _, folder = finished
    one = several.place(folder / "fmor", "tiny")
    result = call("leaderboard", folder / "gallery-probe", one, "-o", tmp_path / "board")
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path / "board")
    assert len(rows) == 6 and {row["ms an image"] for row in rows} == {""}
    assert "gallery-probe" in result.stdout
    nowhere = call("leaderboard", tmp_path)
    assert nowhere.exit_code == 1 and "cannot be read as a results folder" in nowhere.output


def test_all_restorers_are_those_with_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.restorers, "names", lambda: ["ecgan", "none", "telea"])
    monkeypatch.setattr("restore_recog.weights.SHIPPED", Path("nowhere"))
    every, chosen, left_out = eval_board.restorers({"restorers": ["all", "none"], "weights": ()})
    assert every and chosen == ("telea", "none")  # the control only where it is asked for
    assert len(left_out) == 1 and left_out[0].startswith("The restorer 'ecgan' is left out: ")
    assert eval_board.restorers({"restorers": ["telea"]}) == (False, ("telea",), [])


def test_commas_join_protocols_but_not_paths() -> None:
    assert eval_board.protocols(["ar:scarf,lfw", "fmor", "lfw"]) == ["ar:scarf", "lfw", "fmor"]
    assert eval_board.protocols(["csv:/data/a,b"]) == ["csv:/data/a,b"]
    unknown = call("eval", "-p", "fmor,lwf", "-r", "telea", "-d", "phantom:6x4")
    assert (
        unknown.exit_code == 1 and "No protocol named 'lwf'. Did you mean 'lfw'?" in unknown.output
    )


def test_one_protocol_asked_several_times_is_told_apart_by_its_arguments(tmp_path: Path) -> None:
    specs = ["ar", "ar:sunglasses", "csv:some/folder", "csv:other", "ocfr:C_O1"]
    asked = eval_board.Asked({"data": ["phantom"], "no_cache": True}, (), specs, ())
    parts = eval_board._shared_out(asked, tmp_path)
    assert [part["output"].name for part in parts] == [
        "ar", "ar-sunglasses", "csv", "csv-other", "ocfr"
    ]  # fmt: skip


def test_each_protocol_has_its_own_data(tmp_path: Path) -> None:
    (tmp_path / "ar").mkdir()
    data = ("-d", f"ar:{tmp_path / 'ar'}", "--no-cache", "-o", tmp_path / "out")
    lacking = call("eval", "-r", "telea", "-p", "ar,fmor", *data)
    assert lacking.exit_code == 2
    assert "no --data for the protocol 'fmor': name fmor:PATH" in lacking.output
