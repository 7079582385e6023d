"""``bench restore`` and ``bench train`` at sizes that take seconds; no test reads a clock."""

from __future__ import annotations

import importlib
import json

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from benchmarks import machine_rate, targets, timing, train_cases
from benchmarks.flops import count
from benchmarks.machine_rate import completed
from benchmarks.measure import BenchError, Measurement
from benchmarks.speed_text import restore_text
from benchmarks.timing import Setting, outcome, spread, timed
from benchmarks.unet import PlainUNet, cost, widths_for
from restore_recog.api import Restorer
from restore_recog.cli import main

SETTINGS = ["--preset", "tiny"]


class Halver(Restorer):
    """A restorer of one's own, with nothing to train."""

    name = "halver"

    def restore(self, batch):
        return batch.images / 2


def run(*args: str):
    return CliRunner().invoke(main, ["bench", *args])


@pytest.fixture
def here(monkeypatch):
    """Run every case in this process, its options and result by way of JSON."""

    def measure(case, options, repeats):
        module, _, name = case.partition(":")
        work = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(options)))
        return Measurement((1.0,), 2.0, json.loads(json.dumps(work())))

    monkeypatch.setattr(machine_rate, "measure", measure)
    monkeypatch.setattr(train_cases, "PROFILED", 1)


def test_flops_of_a_convolution_and_a_product():
    layer = nn.Conv2d(3, 5, 3, padding=1)
    image = torch.rand(2, 3, 8, 6)
    assert count(lambda: layer(image)) == 2 * 2 * (3 * 5 * 9) * (8 * 6)
    assert count(lambda: torch.rand(4, 7) @ torch.rand(7, 3)) == 2 * 4 * 7 * 3
    linear = nn.Linear(7, 3)
    forward = 2 * 4 * 7 * 3
    assert count(lambda: linear(torch.rand(4, 7)).sum().backward()) == 2 * forward
    with torch.inference_mode():
        assert count(lambda: layer(image)) == 2 * 2 * (3 * 5 * 9) * (8 * 6)


def test_flops_of_the_unet_by_hand():
    full, half = 8 * 8, 4 * 4
    pairs = [(4, 2, full), (2, 2, full), (2, 6, half), (6, 6, half), (8, 2, full), (2, 2, full)]
    by_hand = sum(2 * 9 * a * b * places for a, b, places in pairs) + 2 * 2 * 3 * full
    assert cost((2, 6), 8) == by_hand
    net = PlainUNet((2, 6))
    images, masks = torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    assert net(images, masks).shape == (1, 3, 8, 8)
    assert count(lambda: net(images, masks)) == by_hand
    assert cost((2, 6), 8, training=True) == count(lambda: net(images, masks).sum().backward())
    deep = PlainUNet((8, 16, 24))
    assert cost((8, 16, 24), 8) == count(lambda: deep(images, masks))


@pytest.mark.parametrize("target", [3e8, 4e9, 1.6e11])
@pytest.mark.parametrize("training", [False, True])
def test_the_unet_is_as_wide_as_its_flops_allow(target, training):
    widths = widths_for(target, 128, training=training)
    assert widths is not None and len(widths) == 5
    assert abs(cost(widths, 128, training=training) / target - 1) <= 0.05
    if target > 1e9:
        assert all(width % 8 == 0 for width in widths)


def test_no_unet_is_that_small_and_odd_sizes_are_halved_less():
    assert widths_for(1000.0, 128) is None
    widths = widths_for(5e7, 36)
    assert widths is not None and len(widths) == 3


def test_spread_of_known_times():
    figures = spread([0.1, 0.2, 0.3, 0.4], 2)
    assert figures["images_per_s"] == pytest.approx(8.0)
    assert figures["ms_median"] == pytest.approx(125.0)
    assert figures["ms_p95"] == pytest.approx(200.0)
    assert figures["batches"] == 4


def test_as_many_batches_as_asked_for():
    calls = []
    seconds = timed(lambda: calls.append(1), Setting(8, 1, seconds=0.0, least=3))
    assert len(seconds) == 3 and len(calls) == timing.WARM_UP + 1 + 3


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "out of memory; use"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory; use"),
        (torch._dynamo.exc.TorchDynamoException("no\nway"), "torch.compile failed: no"),
    ],
)
def test_what_keeps_a_case_from_running_is_its_row(error, said):
    def fail():
        raise error

    row = completed({"case": "restorer"} | outcome(fail), {}, 1e9)
    assert said in row["reason"] and row["images_per_s"] is None and row["matmul_share"] is None


def test_another_error_fails_the_case():
    def fail():
        raise RuntimeError("shapes differ\nat great length")

    with pytest.raises(BenchError, match="RuntimeError: shapes differ$"):
        outcome(fail)


def test_a_case_whose_process_dies_is_a_row_with_the_reason(monkeypatch):
    def die(*_):
        raise BenchError("The case failed (killed).")

    monkeypatch.setattr(machine_rate, "measure", die)
    result = run("restore", "--quick", "--batch", "1", "--no-baselines", *SETTINGS)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("The case failed (killed).") == 2


def test_ratios_are_of_one_run():
    row = completed({"images_per_s": 10.0, "flops_image": 3e9}, {"images_per_s": 40.0}, 6e10)
    assert row["flops_per_s"] == pytest.approx(3e10)
    assert row["matmul_share"] == pytest.approx(0.5)
    assert row["restorer_times_faster"] == pytest.approx(4.0)


def test_restore_writes_every_figure(here, tmp_path):
    file = tmp_path / "bench.json"
    result = run("restore", "--quick", "--batch", "2", *SETTINGS, "--output", str(file))
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_text())
    assert [row["case"] for row in report["rows"]] == ["restorer", "naive attention loop", "U-Net"]
    for row in report["rows"]:
        assert row["reason"] is None and row["batches"] == 2 and row["peak_mib"] == 2.0
        assert row["images_per_s"] > 0 and row["ms_p95"] >= row["ms_median"] > 0
        assert row["matmul_share"] > 0 and row["restorer_times_faster"] > 0
    ours, naive, unet = (row["flops_image"] for row in report["rows"])
    assert naive > ours and abs(unet / ours - 1) <= 0.05
    parts = {part["part"]: part["share"] for part in report["rows"][0]["parts"]}
    assert 0 < parts["nets.refine.attention"] < parts["nets.refine"] < parts["nets"] <= 1.5
    (check,) = report["checks"]
    assert check["equal"] is True and check["largest"] < 0.1
    assert {"images", "nets.refine", "nets.refine.attention"} <= set(check["compared"])
    assert {"torch", "threads", "load_1min", "load_1min_after"} <= set(report["machine"])
    assert report["matmul"][0]["flops_per_s"] > 0
    assert [target["met"] for target in report["targets"]] == [None] * 4
    assert restore_text(report) == result.stdout.rstrip("\n")
    assert "equal: fmodr tiny and its naive attention loop" in result.stdout
    assert "2 for every multiply-add" in result.stdout


def test_a_baseline_that_differs_is_said_and_exits_with_1(here, monkeypatch):
    from benchmarks import restore_cases

    unlike = {"largest": 0.5, "beyond": 0.3, "compared": ["images"], "worst": "images"}
    unlike |= {"equal": False}
    monkeypatch.setattr(restore_cases, "agree", lambda *a, **k: lambda: unlike)
    result = run("restore", "--quick", "--batch", "1", *SETTINGS)
    assert result.exit_code == 1 and "DIFFERENT: fmodr" in result.stdout


def test_restorers_without_networks_are_timed_without_flops(here):
    names = ["telea", f"{__name__}:Halver"]
    chosen = [word for name in names for word in ("-r", name)]
    result = run("restore", "--quick", "--batch", "1", "--size", "16", *chosen)
    assert result.exit_code == 0, result.output
    assert "U-Net" not in result.stdout and "telea 16" in result.stdout
    assert f"{__name__}:Halver 16" in result.stdout


def test_targets_are_judged_where_they_apply():
    shared = {"restorer": "fmodr", "case": "restorer", "reason": None}
    small = shared | {"preset": "compact", "size": 128, "images_per_s": 12.0, "batch": 1}
    goals = targets.restore_targets([small], "cpu")
    assert [target["met"] for target in goals] == [None, None, None, True]
    parts = [{"part": "nets.refine", "ms": 8.0}, {"part": "nets.refine.attention", "ms": 3.0}]
    large = shared | {"preset": "paper", "size": 256, "images_per_s": 800.0, "batch": 16}
    large |= {"parts": parts, "reserved_mib": 9000.0}
    goals = targets.restore_targets([large, small], "cuda:0")
    assert [target["met"] for target in goals] == [True, False, False, None]
    assert goals[0]["measured"] == pytest.approx(800 * 0.063)
    assert targets.train_targets([{"matmul_share": 0.5}], "cpu")[0]["met"] is None
    assert targets.train_targets([{"matmul_share": 0.5}], "cuda:0")[0]["met"] is True


def test_train_times_a_phase_and_names_its_operators(here, tmp_path):
    file = tmp_path / "bench.json"
    wanted = ["--phase", "C1", "--phase", "R3", "--batch", "2", "--limit", "4", "--workers", "0"]
    data = ["--data", "phantom:4x2"]
    result = run("train", "--quick", *wanted, *data, *SETTINGS, "--output", str(file))
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_text())
    assert [row["case"] for row in report["rows"]] == ["step", "U-Net", "0 workers"] * 2
    assert [row["phase"] for row in report["rows"]] == ["C1"] * 3 + ["R3"] * 3
    for step, unet, fed in zip(*(report["rows"][i::3] for i in range(3)), strict=True):
        assert abs(unet["flops_image"] / step["flops_image"] - 1) <= 0.05
        assert 0 < fed["waiting"] < 1 and fed["flops_image"] is None
        shares = [row["share"] for row in step["operators"]]
        assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1
        assert any("convolution" in row["operator"] for row in step["operators"])
    assert "% of the time waiting for data" in result.stdout
    assert "time by operator" in result.stdout


def test_a_recogniser_is_timed(here):
    small = ["--set", "images=64", "--set", "identities_per_batch=2", "--set", "image_size=32"]
    wanted = ["--batch", "4", "--limit", "8", "--data", "phantom:4x2", "--workers", "0"]
    result = run("train", "--quick", "--recognizer", "timm:regnetx_002", *small, *wanted)
    assert result.exit_code == 0, result.output
    assert "timm:regnetx_002 triplet at 32" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restore", "-r", "nosuch"], "No restorer named 'nosuch'"),
        (["restore", "--preset", "huge"], "no preset 'huge'"),
        (["restore", "--size", "100"], "need a multiple of"),
        (["restore", "-r", "ganmasker", "--size", "100"], "must be a multiple of 32"),
        (["restore", "--device", "tpu"], "'tpu' is no device"),
        (["train", "--restorer", "telea"], "nothing to train"),
        (["train", "--phase", "Z9"], "There is no phase 'Z9'"),
        (["train", "--batch", "64", "--limit", "4", "--data", "phantom:2x2"], "fewer than one"),
    ],
)
def test_bad_input_is_one_sentence(words, said):
    result = run(*words, "--quick")
    assert result.exit_code == 1, result.output
    assert said in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["restore", "train"])
def test_an_existing_file_is_refused(name, tmp_path):
    file = tmp_path / "bench.json"
    file.write_text("mine")
    result = run(name, "--quick", "--output", str(file))
    assert result.exit_code == 1 and "never overwritten" in result.stderr
    assert file.read_text() == "mine"
