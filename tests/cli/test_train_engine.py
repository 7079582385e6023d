"""The training commands' options for average, precision, compiling and validation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from restore_recog import weights
from restore_recog.cli import main
from restore_recog.system import allocation
from restore_recog.training.validation import Best

FAKES = "training_fakes"


def train(output: Path, *more: str, model: str = "judged:JudgedSmoother") -> Result:
    arguments = [
        *("train-restorer", "--restorer", f"{FAKES}.{model}", "--output", str(output)),
        *("--data", f"{FAKES}.plugins:Booth", "--device", "cpu", "--workers", "0", *more),
    ]
    return CliRunner().invoke(main, arguments)


def record(output: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((output / "run.json").read_text())
    return loaded


def test_people_are_held_out_and_the_best_is_kept(tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = train(run, "--validation-share", "0.5", "--validate-every", "4")
    assert result.exit_code == 0, result.output
    assert "8 images of 2 people are held out to validate" in result.stderr
    assert result.stderr.count("validation: closeness") == 3
    best = Best.read(run / "best.safetensors")
    assert best is not None and record(run)["best"]["figures"] == best.figures
    weights.load(run / "best.safetensors", "judged")


@pytest.mark.parametrize(
    ("model", "share", "words"),
    [
        ("judged:JudgedSmoother", "0.05", "raise --validation-share"),
        ("plugins:Smoother", "0.5", "no validate(), so there will be no best"),
        ("judged:JudgedSmoother", "0", ""),
    ],
)
def test_without_a_best_says_why(tmp_path: Path, model: str, share: str, words: str) -> None:
    run = tmp_path / "run"
    result = train(run, "--validation-share", share, model=model)
    assert result.exit_code == 0, result.output
    assert words in result.stderr and words in record(run)["validation_note"]
    assert record(run)["best"] is None and record(run)["pictures"] == 16
    assert not (run / "best.safetensors").exists()


def test_average_in_float16(tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = train(run, "--ema", "0.9", "--precision", "fp16")
    assert result.exit_code == 0, result.output
    assert (record(run)["ema"], record(run)["precision"]) == (0.9, "fp16")
    refused = train(run, "--resume", "--precision", "fp16")
    assert refused.exit_code == 1 and "ema was 0.9" in refused.stderr


def test_compiling_falls_back_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compiler(_: Any) -> Any:
        def fast(*_: Any) -> Any:
            raise RuntimeError("no C++ compiler")

        return fast

    monkeypatch.setattr(torch, "compile", compiler)
    result = train(tmp_path / "run", "--compile")
    assert result.exit_code == 0, result.output
    assert "'net' could not be compiled and runs eagerly (no C++ compiler)" in result.stderr
    assert record(tmp_path / "run")["compiled"] == {"net": "eager"}


class TestAllocation:
    @pytest.fixture(autouse=True)
    def undecided(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
        """Return what a C library that only takes notes is told."""
        told: list[tuple[int, int]] = []

        class Library:
            def __init__(self, _: None) -> None:
                pass

            def mallopt(self, parameter: int, value: int) -> int:
                told.append((parameter, value))
                return 1

        for name in (*allocation.OWN_SETTINGS, "GLIBC_TUNABLES"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(allocation.ctypes, "CDLL", Library)
        monkeypatch.setattr(allocation.platform, "libc_ver", lambda: ("glibc", "2.36"))
        return told

    def test_glibc_is_told(self, undecided: list[tuple[int, int]]) -> None:
        assert allocation.keep_freed_blocks("cpu")
        assert undecided == [(-4, 0), (-1, 2**31 - 1)]

    @pytest.mark.parametrize(
        ("name", "value"),
        [("MALLOC_MMAP_THRESHOLD_", "1000000"), ("GLIBC_TUNABLES", "glibc.malloc.mmap_max=1")],
    )
    def test_the_users_own_settings_stay(
        self,
        undecided: list[tuple[int, int]],
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        value: str,
    ) -> None:
        monkeypatch.setenv(name, value)
        assert not allocation.keep_freed_blocks("cpu") and not undecided

    def test_nothing_on_a_gpu_or_another_system(
        self, undecided: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not allocation.keep_freed_blocks("cuda:0")
        monkeypatch.setattr(allocation.platform, "libc_ver", lambda: ("", ""))
        assert not allocation.keep_freed_blocks("cpu") and not undecided
