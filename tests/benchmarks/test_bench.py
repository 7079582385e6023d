"""``restore-recog bench`` at sizes that take seconds."""

from __future__ import annotations

import importlib
import json
import time

import click
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import measure as measuring
from benchmarks import metrics as benching
from benchmarks.cli import command, count
from benchmarks.measure import BenchError, Measurement, measure
from restore_recog.cli import bench, main

CONTEXT = click.Context(command)
PARAMETER = click.Option(["--scores"])


def run(*args: str):
    return CliRunner().invoke(main, ["bench", *args])


def here(case, options, repeats):
    """Measure a case in this process, which has its libraries; memory is left to other tests."""
    module, _, name = case.partition(":")
    work = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(options)))
    begun = time.perf_counter()
    results = [json.loads(json.dumps(work())) for _ in range(repeats)]
    return Measurement((time.perf_counter() - begun,) * repeats, 1.0, results[-1])


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The outcome and the file of one quick run."""
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    words = ["metrics", "--quick", "--scores", "3e4", "--repeats", "1", "--output", str(file)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benching, "measure", here)
        result = run(*words)
    return result, file


def test_a_case_gives_the_same_in_a_process_of_its_own():
    case, options = "benchmarks.metrics_cases:rank_ours", {"probes": 40, "subjects": 30}
    options |= {"length": 8, "seed": 0}
    took = measure(case, options, 1)
    assert took.result == here(case, options, 1).result
    assert took.seconds[0] > 0 and took.peak_mib >= 0


def test_every_case_is_measured_and_agrees(quick):
    result, _ = quick
    assert result.exit_code == 0, result.output
    assert "DIFFERENT" not in result.stdout
    assert result.stdout.count(" MiB  ") == 15
    assert "DET curve of 20,000 impostor and 2,000 genuine scores" in result.stdout
    assert "Stream of 30,000 impostor scores" in result.stdout


def test_the_file_holds_all_that_was_measured(quick):
    _, file = quick
    report = json.loads(file.read_text())
    assert report["equal"] is True
    assert {"cores", "blas", "numpy", "sklearn", "processor"} <= set(report["machine"])
    assert [len(table["rows"]) for table in report["tables"]] == [3, 6, 4, 2]
    for table in report["tables"]:
        assert table["equal"] is True
        for row in table["rows"]:
            assert len(row["seconds"]) == 1 and row["seconds"][0] > 0
            assert row["peak_mib"] >= 0
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_an_existing_file_is_refused_before_anything_is_measured(quick):
    _, file = quick
    before = file.read_bytes()
    result = run("metrics", "--output", str(file))
    assert result.exit_code == 1
    assert "never overwritten" in result.stderr and "measuring" not in result.stderr
    assert file.read_bytes() == before


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    result = run("metrics", "--output", str(tmp_path / "no" / "bench.json"))
    assert result.exit_code == 1 and "not a folder" in result.stderr


def test_a_difference_is_said_and_exits_with_1(monkeypatch):
    def unlike(case, options, repeats):
        result = {
            "equal": False,
            "rank1": 0.5,
            "hits": "0f" if "ours" in case else "00",
            "exact": 0,
            "targets": 8,
        }
        result |= {"shared": 0, "left_out": 0, "worst_fnmr": 1.0, "width": 1e-5}
        result |= {"seconds_in_stream": 1.0, "exact_up_to_fmr": 0.1, "fmr_bound": 0.1, "points": 9}
        number = ":det_" in case or "figures_cases" in case
        return Measurement((1.0, 3.0, 2.0), 5.0, 7 if number else result)

    monkeypatch.setattr(benching, "measure", lambda *a: unlike(*a))
    curve = benching.Table("DET", [benching.Row("ours")], equal=False)
    monkeypatch.setattr(benching, "_det", lambda sizes, note: curve)
    result = run("metrics", "--quick")
    assert result.exit_code == 1
    assert result.stdout.count("DIFFERENT") == 3
    assert "696 of 700 probes found or missed by all alike" in result.stdout
    assert "2.000 s" in result.stdout


def test_a_dense_table_that_does_not_fit_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(benching, "available_bytes", lambda: 1000)
    monkeypatch.setattr(
        benching,
        "measure",
        lambda *a: Measurement((1.0,), 1.0, {"rank1": 0.5, "hits": "0f"}),
    )
    tables = list(benching._searches(benching.Sizes(), lambda text: None))
    assert [row.note for row in tables[1].rows][2] == (
        "left out: needs 2.2 GiB, which are not free"
    )
    assert tables[1].rows[2].median is None and tables[1].equal is True


@pytest.mark.parametrize(
    ("text", "number"), [("1e9", 10**9), ("20m", 20_000_000), ("1_000", 1000), ("2.5k", 2500)]
)
def test_counts_may_be_written_short(text, number):
    assert count(CONTEXT, PARAMETER, text) == number


@pytest.mark.parametrize("text", ["", "many", "0", "-3", "1.5", "inf", "nan"])
def test_what_is_not_a_count_is_refused(text):
    with pytest.raises(click.BadParameter):
        count(CONTEXT, PARAMETER, text)


HOLDING = """
import numpy as np

def prepare(mib):
    np.ones(3 * mib << 17)  # what preparing takes is not counted
    return lambda: int(np.ones(mib << 17).sum()) >> 17
"""


@pytest.mark.skipif(not measuring._RESET.exists(), reason="needs the peak memory of Linux")
def test_memory_is_that_of_the_case(tmp_path, monkeypatch):
    (tmp_path / "holding.py").write_text(HOLDING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    took = measure("holding:prepare", {"mib": 64}, 2)
    assert took.result == 64 and len(took.seconds) == 2
    assert 60 < took.peak_mib < 80


def test_a_case_that_fails_is_one_sentence():
    with pytest.raises(BenchError, match="no_such_case.*--quick"):
        measure("benchmarks.metrics_cases:no_such_case", {}, 1)


def test_the_machine_is_described():
    about = measuring.machine()
    assert about["cores"] >= 1 and about["numpy"] == np.__version__
    assert measuring.available_bytes() > 2**20


def test_without_a_checkout_the_command_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    result = CliRunner().invoke(bench._command(), ["restore", "--quick"])
    assert result.exit_code == 1
    assert "come with a checkout of the source" in result.stderr
