"""Weights files: round trip, refusals, nothing half-written."""

from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from restore_recog import weights
from restore_recog.errors import OutputError, WeightsError

TENSORS = {"a": torch.linspace(-2, 2, 9), "count": torch.tensor([70000])}


def test_round_trip_keeps_integers_and_halves_floats(tmp_path):
    path = tmp_path / "w.safetensors"
    weights.save(path, "fmodr", {"widths": [8, 16]}, TENSORS)
    config, tensors = weights.load(path, "fmodr")
    assert config == {"widths": [8, 16]}
    assert tensors["a"].dtype == torch.float32
    assert torch.equal(tensors["a"], TENSORS["a"].half().float())
    assert tensors["count"].dtype == torch.int64 and tensors["count"].item() == 70000


def test_full_precision_on_request(tmp_path):
    weights.save(tmp_path / "w", "fmodr", {}, TENSORS, half=False)
    assert torch.equal(weights.load(tmp_path / "w", "fmodr")[1]["a"], TENSORS["a"])


def test_another_models_file_is_refused(tmp_path):
    weights.save(tmp_path / "w", "timm", {}, TENSORS)
    with pytest.raises(WeightsError, match="weights for 'timm', not for 'fmodr'"):
        weights.load(tmp_path / "w", "fmodr")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match="no weights file .*absent"):
        weights.load(tmp_path / "absent", "fmodr")


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"not weights", pickle.dumps({"a": 1})])
def test_a_file_that_is_no_weights_file_is_refused(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        weights.load(tmp_path / "w", "fmodr")


def test_a_truncated_file_is_refused(tmp_path):
    weights.save(tmp_path / "w", "fmodr", {}, TENSORS)
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-5])
    with pytest.raises(WeightsError, match="truncated or corrupt"):
        weights.load(tmp_path / "w", "fmodr")


def test_foreign_safetensors_are_refused(tmp_path):
    save_file(TENSORS, tmp_path / "w")
    with pytest.raises(WeightsError, match="was not written by restore-recog"):
        weights.load(tmp_path / "w", "fmodr")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "w"
    weights.save(path, "fmodr", {}, TENSORS)
    before = path.read_bytes()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(OutputError, match="No space left"):
        weights.save(path, "fmodr", {}, {"a": torch.zeros(3)})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["w"]


@pytest.mark.parametrize(
    "wrong", [{"weight": torch.zeros(2, 3)}, {"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}]
)
def test_tensors_that_do_not_fit_are_named(tmp_path, wrong):
    with pytest.raises(WeightsError, match="first '(bias|weight)'"):
        weights.load_into(nn.Linear(3, 2), wrong, tmp_path / "w")


def test_a_model_without_shipped_weights_says_so():
    with pytest.raises(WeightsError, match="No weights are shipped for 'nobody'"):
        weights.shipped("nobody")
