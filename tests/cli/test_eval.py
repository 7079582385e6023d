"""``restore-recog eval``: from the command line to the results folder."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from restore_recog.cli import main
from restore_recog.evaluation.cache import CACHE

DATA = "phantom:4x4"


def run(*args: object):
    return CliRunner().invoke(main, ["eval", *map(str, args), "--device", "cpu"])


@pytest.fixture
def quick(tiny_recognizer, tmp_path, monkeypatch, undrawn):
    """Return the options of an evaluation that takes a second, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return ["-r", "telea", "-d", DATA, "--recognizer", tiny_recognizer, "--segmenter", "true"]


@pytest.fixture(scope="module")
def finished(tiny_recognizer, undrawn, tmp_path_factory):
    """Run one evaluation into its default folder; return (result, folder, its report.json)."""
    here = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("eval"))
    try:
        result = run("-r", "telea", "-d", DATA, "--recognizer", "tiny", "--segmenter", "true")
        assert result.exit_code == 0, result.output
        (folder,) = Path("runs").resolve().glob("[!.]*")
    finally:
        os.chdir(here)
    return result, folder, json.loads((folder / "report.json").read_text())


def test_it_prints_the_table_and_names_the_report(finished):
    result, folder, report = finished
    lines = result.stdout.splitlines()
    assert "phantom faces" in lines[0]
    assert lines[-1] == f"The whole report: {Path('runs') / folder.name / 'report.html'}"
    assert result.stderr == ""
    names = [arm["name"] for arm in report["arms"]]
    assert names[:3] == ["clean", "occluded", "restored:telea"]
    for arm in report["arms"]:
        line = next(row for row in lines if row.startswith(arm["name"] + " "))
        assert f" {100 * arm['figures']['rank1']['value']:.1f} " in line


def test_the_folder_is_complete_and_tells_what_was_run(finished):
    _, folder, _ = finished
    assert re.fullmatch(r"\d{8}-\d{6}-telea-fmor-phantom", folder.name)
    for name in ("report.html", "report.json", "scores.csv", "probes.csv", "failures.csv"):
        assert (folder / name).is_file()


def test_options_reach_the_run(quick, tmp_path):
    result = run(
        *quick, "-r", "none", "-d", "phantom:3x4", "-o", "out", "--limit", 5, "--seed", 7,
        "--arms", "occluded, restored", "--coverings", "n95", "--colour", "white",
        "--batch-size", 4,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [arm["name"] for arm in report["arms"]] == [
        "occluded",
        "restored:telea",
        "restored:none",
    ]
    setup = report["setup"]
    assert (setup["seed"], setup["limit"], setup["batch_size"]) == (7, 5, 4)
    assert setup["images"]["probes"] == 5
    assert setup["images"]["in_data"] == 4 * 4 + 3 * 4
    assert setup["coverings"] == {"kind": "n95", "colour": "white"}
    assert setup["device"] == "cpu"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--restorer", "fmdor"], "No restorer named 'fmdor'. Did you mean 'fmodr'?"),
        (["--protocol", "fmr"], "No protocol named 'fmr'. Did you mean 'fmor'?"),
        (["--recognizer", "facnet"], "No recogniser named 'facnet'. Did you mean 'facenet'?"),
        (["--data", "phntom"], "No data set named 'phntom'. Did you mean 'phantom'?"),
        (["--segmenter", "fmdor"], "No segmenter named 'fmdor'. Did you mean 'fmodr'?"),
        (["--restorer", "no.such:Thing"], "'no.such:Thing' cannot be imported"),
        (["--data", "phantom:many"], "PEOPLExIMAGES"),
        (["--segmenter", "telea"], "has no segmenter"),
        (["--arms", "restord"], "no arm 'restord'"),
        (["--weights", "gone.safetensors"], "no weights file gone.safetensors"),
        (["--recognizer-weights", "gone.safetensors"], "no weights file gone.safetensors"),
        (["--coverings", "surgcal"], "surgcal"),
    ],
)
def test_bad_names_are_one_sentence(quick, args, said):
    result = run(*quick, *args, "-o", "out")
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stdout == ""
    assert not Path("out").exists()


def test_a_missing_data_folder_prints_the_tree(quick):
    for name in ("lfw", "rmfrd", "fmor", "folder"):
        result = run(*quick, "-d", f"{name}:no/such/place", "-o", "out")
        assert result.exit_code == 1
        assert "no/such/place" in result.stderr
        assert "PATH/" in result.stderr


def test_an_empty_data_folder_prints_the_tree(quick):
    Path("empty").mkdir()
    result = run(*quick[:2], *quick[4:], "-d", "lfw:empty", "-o", "out")
    assert result.exit_code == 1
    assert "<Name>_0001.jpg" in result.stderr


def test_an_existing_folder_is_refused_before_any_work(quick, monkeypatch):
    monkeypatch.setattr("restore_recog.evaluation.evaluate.evaluate", None)
    Path("out").mkdir()
    Path("out/precious.txt").write_text("mine")
    result = run(*quick, "-o", "out")
    assert result.exit_code == 1
    assert "'out' exists" in result.stderr
    assert Path("out/precious.txt").read_text() == "mine"


def test_a_full_disk_is_one_sentence(quick, monkeypatch):
    def full(self, *_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_text", full)
    result = run(*quick, "-o", "out", "--arms", "occluded,restored")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert [path.name for path in Path().iterdir()] == [CACHE], "nothing half-written stays"


def test_devices_that_do_not_exist(quick, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for device, said in (("cuda", "no CUDA device"), ("abacus", "'abacus' is no device")):
        result = CliRunner().invoke(main, ["eval", *quick, "-o", "out", "--device", device])
        assert result.exit_code == 1
        assert said in result.stderr


def test_weights_must_say_whose_they_are(quick):
    result = run(*quick, "-r", "none", "--weights", "a.safetensors", "-o", "out")
    assert result.exit_code == 2
    assert "telea, none" in result.stderr


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 4000])
def test_a_corrupt_weights_file(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    Path("bad.safetensors").write_bytes(content)
    for args in (
        ["-r", "fmodr", "--weights", "bad.safetensors"],
        ["-r", "none", "--recognizer-weights", "bad.safetensors"],
    ):
        result = run(*args, "-d", DATA, "-o", "out")
        assert result.exit_code == 1
        assert "bad.safetensors is not a readable safetensors file" in result.stderr


def test_weights_of_another_model(tmp_path, monkeypatch):
    import torch

    from restore_recog import weights

    monkeypatch.chdir(tmp_path)
    weights.save(Path("w.safetensors"), "sponge", {}, {"x": torch.zeros(2)})
    for args in (
        ["-r", "fmodr", "--weights", "w.safetensors"],
        ["-r", "none", "--recognizer-weights", "w.safetensors"],
    ):
        result = run(*args, "-d", DATA, "-o", "out")
        assert result.exit_code == 1
        assert "holds weights for 'sponge'" in result.stderr


def test_interrupted(quick, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("restore_recog.evaluation.evaluate.evaluate", stop)
    result = run(*quick, "-o", "out")
    assert result.exit_code == 130
    assert not Path("out").exists()
