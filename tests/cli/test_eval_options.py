"""``restore-recog eval``: policies, cohorts, cache, going on and replacing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from restore_recog.cli import main
from restore_recog.errors import DataError, OutputError
from restore_recog.evaluation.cache import CACHE
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.resuming import check_replaceable
from restore_recog.system.atomic import whole_folder

BASE = ("-r", "telea", "-d", "phantom:3x4", "--segmenter", "true", "--arms", "occluded,restored")


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["eval", *BASE, *map(str, args), "--device", "cpu"])


@pytest.fixture(scope="module")
def finished(tiny_recognizer: str, undrawn: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one finished run; its cache lies beside it."""
    folder = tmp_path_factory.mktemp("finished")
    result = run("--recognizer", tiny_recognizer, "-o", folder / "out", "--limit", 4)
    assert result.exit_code == 0, result.output
    return folder / "out"


@pytest.fixture
def seen(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[EvalRequest]]:
    """Collect the requests of runs that end at once, in an empty folder."""
    requests: list[EvalRequest] = []
    report = read_report(finished)

    def write(_: EvaluationReport, folder: Path, *, replace: bool = False) -> None:
        with whole_folder(folder, replace=replace) as staging:
            # What writing it again would give, plots and all.
            shutil.copytree(finished, staging, dirs_exist_ok=True)

    def evaluate(request: EvalRequest, progress: object = None) -> EvaluationReport:
        requests.append(request)
        return report

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("restore_recog.evaluation.evaluate.evaluate", evaluate)
    monkeypatch.setattr("restore_recog.reporting.folder.write", write)
    yield requests


def test_options_reach_the_request(seen: list[EvalRequest]) -> None:
    result = run(
        "--recognizer", "tiny", "--cohort", "gender", "--cohort", "covering", "--min-subjects", 3,
        "--enrolment", "mean", "--on-restorer-failure", "fta", "-o", "out", "--cache", "kept",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (request,) = seen
    assert request.cohorts == ("gender", "covering") and request.min_subjects == 3
    assert (request.enrolment, request.restorer_failure) == ("mean", "fta")
    assert request.cache == Path("kept") and request.output == Path("out")


def test_a_gender_each_makes_four_restorers(seen: list[EvalRequest]) -> None:
    result = run("-r", "gender_fakes:Decider", "--gender", "each", "--unsure", 0.2,
                 "--recognizer", "tiny", "-o", "out")  # fmt: skip
    assert result.exit_code == 0, result.output
    words = ["predicted@0.2", "male", "female", "pooled"]
    assert [one.argument for one in seen[0].restorers] == [None, *words]  # 'telea' takes none


def test_defaults(seen: list[EvalRequest]) -> None:
    assert run("--recognizer", "tiny", "-o", "somewhere/out").exit_code == 0
    assert run("--recognizer", "tiny", "-o", "else", "--no-cache").exit_code == 0
    first, second = seen
    assert first.cohorts is None and first.min_subjects == 10
    assert (first.enrolment, first.restorer_failure) == ("max", "input")
    assert first.cache == Path("somewhere") / CACHE and second.cache is None
    assert CACHE in run("--help").stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--resume", "--overwrite", "-o", "out"], "--resume keeps"),
        (["--resume"], "needs --output"),
        (["--resume", "-o", "out", "--no-cache"], "--no-cache forbids"),
        (["--cache", "here", "--no-cache"], "--no-cache forbids"),
        (["--enrolment", "median"], "'max', 'mean'"),
        (["--min-subjects", "0"], "x>=1"),
        (["--gender", "diverse"], "'male', 'female', 'pooled', 'each'"),
        (["--gender", "male"], "None of the restorers telea can be told a gender"),
        (["--unsure", "0.5"], "0.5 is no band around 1/2"),
    ],
)
def test_contradictions_are_told_before_anything(args: list[str], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2 and said in result.stderr


def test_the_cache_lies_beside_the_results_and_is_used(
    finished: Path, tmp_path: Path, undrawn: None
) -> None:
    assert list((finished.parent / CACHE).rglob("*.gz"))
    again = run("--recognizer", "tiny", "-o", tmp_path / "again", "--limit", 4,
                "--cache", finished.parent / CACHE)  # fmt: skip
    assert again.exit_code == 0, again.output
    first, second = read_report(finished), read_report(tmp_path / "again")
    assert any("came from the cache" in note for note in second.notes)
    assert "embed" in first.timing and not {"embed", "restore"} & set(second.timing)
    for name in ("scores.csv", "probes.csv", "failures.csv"):
        assert (finished / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert not (tmp_path / CACHE).exists()


def test_resume_shows_a_finished_run_and_leaves_it(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restore_recog.evaluation.evaluate.evaluate", None)
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    result = run("--recognizer", "tiny", "-o", finished, "--limit", 4, "--resume")
    assert result.exit_code == 0, result.output
    assert "restored:telea" in result.stdout and "nothing was done" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


@pytest.mark.parametrize(
    ("args", "different"),
    [
        (["--limit", 5], "limit"),
        (["--limit", 4, "--seed", 1], "seed"),
        (["--limit", 4, "-r", "none"], "restorers"),
        (["--limit", 4, "--arms", "occluded"], "arms"),
        (["--limit", 4, "-d", "phantom:2x4"], "data, data_sha256"),
        (["--limit", 4, "--coverings", "n95"], "coverings"),
        (["--limit", 4, "--on-restorer-failure", "fta"], "restorer_failure"),
    ],
)
def test_resume_refuses_another_set_up(finished: Path, args: list[object], different: str) -> None:
    result = run("--recognizer", "tiny", "-o", finished, "--resume", *args)
    assert result.exit_code == 1
    assert f"another set-up (different: {different})" in result.stderr


def test_resume_starts_where_there_is_nothing_yet(seen: list[EvalRequest]) -> None:
    result = run("--recognizer", "tiny", "-o", "out", "--resume")
    assert result.exit_code == 0, result.output
    assert len(seen) == 1 and Path("out/report.json").is_file()
    Path("other").mkdir()
    result = run("--recognizer", "tiny", "-o", "other", "--resume")
    assert result.exit_code == 1 and "'other'" in result.stderr


def test_overwrite_replaces_the_results(seen: list[EvalRequest]) -> None:
    assert run("--recognizer", "tiny", "-o", "out").exit_code == 0
    Path("out/mark").write_text("old")
    result = run("--recognizer", "tiny", "-o", "out", "--overwrite")
    assert result.exit_code == 0, result.output
    assert Path("out/report.json").is_file() and not Path("out/mark").exists()
    assert [path.name for path in Path().iterdir()] == ["out"]


def test_a_run_that_fails_leaves_the_old_results(
    seen: list[EvalRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--recognizer", "tiny", "-o", "out").exit_code == 0
    Path("out/mark").write_text("old")

    def fails(*_: object, **__: object) -> None:
        raise DataError("It failed.")

    for target in (
        "restore_recog.evaluation.evaluate.evaluate",
        "restore_recog.reporting.folder.write",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, fails)
            result = run("--recognizer", "tiny", "-o", "out", "--overwrite")
        assert result.exit_code == 1 and "It failed." in result.stderr
        assert Path("out/mark").read_text() == "old"
        assert [path.name for path in Path().iterdir()] == ["out"]


def test_overwrite_touches_nothing_but_results(seen: list[EvalRequest]) -> None:
    Path("photos").mkdir()
    result = run("--recognizer", "tiny", "-o", "photos", "--overwrite")
    assert result.exit_code == 1 and "no results folder" in result.stderr
    assert not seen
    with pytest.raises(OutputError):
        check_replaceable(Path("photos"))


def test_only_the_first_process_prints_and_writes(
    seen: list[EvalRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    from restore_recog.system.processes import Processes

    class Second(Processes):
        def lead(self, work: Callable[[], object]) -> None:
            """Leave it to the first one, which is not there."""

    @contextmanager
    def second() -> Iterator[Processes]:
        yield Second(1, 2)

    monkeypatch.setattr("restore_recog.system.processes.processes", second)
    result = run("--recognizer", "tiny", "-o", "out")
    assert result.exit_code == 0 and result.stdout == "" and len(seen) == 1
    assert not Path("out").exists()


def test_harm_brings_the_pooled_sibling_and_the_arms() -> None:
    from gender_fakes import Decider

    from restore_recog import registry
    from restore_recog.cli.options import with_harm

    registry.restorers.add("decider", Decider)
    try:
        restorers, arms = with_harm(("decider:predicted@0.2", "telea"), "clean, restored")
        assert restorers == ("decider:predicted@0.2", "telea", "decider:pooled")
        assert arms == "clean,restored,restored-oracle-gender,restored-wrong-gender"
        file = "W.safetensors"
        (_, sibling), usual = with_harm((f"decider={file}",), None)
        assert sibling == f"decider:pooled={file}" and usual.split(",") == [
            "+restored", "+restored-oracle-gender", "+restored-wrong-gender",
        ]  # fmt: skip
        with pytest.raises(click.UsageError, match="none of telea does; leave it out, or name one"):
            with_harm(("telea",), None)
        with pytest.raises(click.UsageError):
            with_harm(("decider:male",), None)
    finally:
        registry.restorers.remove("decider")
