"""``restore-recog eval`` with several recognisers: one folder that holds all of them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from restore_recog import registry
from restore_recog.cli import main
from restore_recog.reporting import several
from restore_recog.reporting.folder import read as read_report

BASE = ("-r", "telea", "-d", "phantom:4x3", "--segmenter", "true", "--device", "cpu", "--limit", 4)


def call(*args: object) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


def run(*args: object) -> Result:
    return call("eval", *BASE, *args)


@pytest.fixture(scope="module")
def finished(
    tiny_recognizer: str, undrawn: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("several") / "out"
    result = run("--recognizer", tiny_recognizer, "--recognizer", tiny_recognizer, "-o", folder)
    assert result.exit_code == 0, result.output
    return result, folder


def test_one_table_a_recogniser_and_one_summary(finished: tuple[Result, Path]) -> None:
    result, folder = finished
    said = "Restoring with 'telea' first helps "
    assert "Recogniser: tiny\n" in result.stdout and "Recogniser: tiny-2\n" in result.stdout
    assert result.stdout.count("\noccluded ") == 4  # two tables, each in two parts
    (line,) = [line for line in result.stdout.splitlines() if "of 2 recognisers" in line]
    assert line.startswith(said) and "tiny (" in line and "tiny-2 (" in line
    assert f"The whole report: {folder / 'report.html'}" in result.stdout
    report = json.loads((folder / "report.json").read_text())
    assert report["summary"] == [line]
    alone = [json.loads((several.place(folder, n) / "report.json").read_text())
             for n in ("tiny", "tiny-2")]  # fmt: skip
    assert list(report["recognizers"].values()) == alone
    page = (folder / "report.html").read_text()
    assert page.count("<h2>") == 2 and "of 2 recognisers" in page
    assert 'href="recognizers/tiny-2/report.html"' in page and page.count(" by arm</caption>") == 2
    rows = list(csv.DictReader(io.StringIO((folder / "table.csv").read_text())))
    arms = [arm["name"] for arm in alone[0]["arms"]]
    assert [(r["Recogniser"], r["Arm"]) for r in rows] == [
        (name, arm) for name in ("tiny", "tiny-2") for arm in arms
    ]
    assert (folder / "table.tex").read_text().count(r"\begin{table}") == 2


def test_each_folder_is_that_of_a_run_alone(
    finished: tuple[Result, Path], tiny_recognizer: str, tmp_path: Path
) -> None:
    _, folder = finished
    assert run("--recognizer", tiny_recognizer, "-o", tmp_path / "alone").exit_code == 0
    for name in ("tiny", "tiny-2"):
        for file in ("scores.csv", "probes.csv", "det.csv", "cohorts.csv", "table.csv"):
            ours = (several.place(folder, name) / file).read_bytes()
            assert ours == (tmp_path / "alone" / file).read_bytes()
    assert read_report(several.place(folder, "tiny")).arms


def test_a_finished_folder_is_shown_again(
    finished: tuple[Result, Path], tiny_recognizer: str, tmp_path: Path
) -> None:
    result, folder = finished
    text = result.stdout[: result.stdout.rindex("\n\nThe whole report")]
    assert call("report", folder).stdout.rstrip("\n") == text
    for ending, file in ((".csv", "table.csv"), (".tex", "table.tex"), (".html", "report.html")):
        again = tmp_path / f"again{ending}"
        assert call("report", folder, "-o", again).exit_code == 0
        assert again.read_text() == (folder / file).read_text()
    one = call("report", several.place(folder, "tiny-2"))
    assert one.exit_code == 0 and "Recogniser:" not in one.stdout
    both = call("compare", folder, several.place(folder, "tiny"))
    assert both.exit_code == 1
    assert "holds the results of several recognisers; name the folder of one" in both.output
    two = ("--recognizer", tiny_recognizer, "--recognizer", tiny_recognizer)
    before = (folder / "report.json").stat().st_mtime_ns
    resumed = run(*two, "-o", folder, "--resume")
    assert resumed.exit_code == 0 and "finished before; nothing was done" in resumed.stdout
    assert (folder / "report.json").stat().st_mtime_ns == before
    for args, words in (
        ((*two, "--resume", "--seed", 3), "of another set-up (different: seed"),
        ((*two, *two[:2], "--resume"), "not those of the recognisers tiny, tiny-2, tiny-3"),
        ((*two[:2], "--resume"), "holds the results of several recognisers"),
        (two, "exists; go on with its run with --resume"),
    ):
        refused = run(*args, "-o", folder)
        assert refused.exit_code == 1 and words in refused.output


def test_overwrite_replaces_the_whole_folder(
    tiny_recognizer: str, tmp_path: Path, undrawn: None
) -> None:
    two = ("--recognizer", tiny_recognizer, "--recognizer", tiny_recognizer)
    asked = (*two, "-o", tmp_path / "out", "--arms", "occluded,restored", "--limit", 2)
    assert run(*asked).exit_code == 0
    result = run(*asked, "--overwrite", "--seed", 5)
    assert result.exit_code == 0, result.output
    assert read_report(several.place(tmp_path / "out", "tiny")).setup["seed"] == 5


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--recognizer-weights", "w.safetensors"], 2, "--recognizer-weights speaks of one"),
        (["--recognizer-input", "bgr"], 2, "--recognizer-input speaks of one recogniser, and 2"),
        (["--template", "own"], 2, "--template speaks of one recogniser"),
        (["--recognizer", "facnet"], 1, "Did you mean 'facenet'?"),
    ],
)
def test_what_several_recognisers_cannot_share(
    args: list[str], code: int, words: str, tiny_recognizer: str, tmp_path: Path
) -> None:
    two = ("--recognizer", tiny_recognizer, "--recognizer", tiny_recognizer)
    result = run(*two, *args, "-o", tmp_path / "out")
    assert result.exit_code == code and words in " ".join(result.output.split())


def test_recognisers_are_told_apart_by_what_they_are_of(tiny_recognizer: str) -> None:
    def one(argument: str | None) -> object:
        made = registry.recognizers.obtain(tiny_recognizer, device="cpu")
        made.argument = argument  # type: ignore[attr-defined]
        return made

    asked = [one(argument) for argument in ("/a b/net.onnx", None, "net.onnx", "ü ?")]
    assert several.titles(asked) == ["tiny-net.onnx", "tiny", "tiny-net.onnx-2", "tiny-ü-"]


def test_the_same_recogniser_with_other_weights_is_named_by_its_file(
    tiny_recognizer: str, tmp_path: Path
) -> None:
    file = tmp_path / "aware" / "best.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    made = [registry.recognizers.create(spec) for spec in (tiny_recognizer, f"tiny={file}")]
    assert made[1].weights == file
    assert several.titles(made) == ["tiny", "tiny-aware-best"]
    assert several.titles(made[1:]) == ["tiny"]
    missing = run("--recognizer", "tiny", "--recognizer", f"tiny={file}x", "-o", tmp_path / "out")
    assert missing.exit_code == 1
    assert f"There is no weights file {file}x, which 'tiny={file}x' names." in missing.output
    both = run("--recognizer", f"tiny={file}", "--recognizer-weights", file, "-o", tmp_path / "out")
    assert both.exit_code == 1 and "is given beside it; leave one of them out" in both.output
