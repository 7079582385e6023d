"""Which device is computed on; GPUs of other machines are played."""

from __future__ import annotations

import pytest
import torch

from restore_recog.errors import DeviceError
from restore_recog.system import devices


def test_an_apple_computers_gpu_is_used_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    assert devices.resolve("mps") == devices.title("mps") == "mps"
    assert devices.resolve("auto") == devices.title("cpu") == "cpu"
    devices.wait("mps")
    devices.wait("cpu")
    assert waited == ["mps"]


def test_a_computer_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"'mps' was asked for.*use --device cpu"):
        devices.resolve("mps")


@pytest.mark.parametrize("asked", ["bf16", "fp16"])
def test_it_trains_in_float32_only(asked: str) -> None:
    assert devices.precision("auto", "mps") == devices.precision("fp32", "mps") == "fp32"
    with pytest.raises(DeviceError, match=f"float32 only, not in {asked}"):
        devices.precision(asked, "mps")
