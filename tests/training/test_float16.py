"""Training in float16: a loss scale per optimiser that survives a resume."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training_duel import Crash, crash_at, tensors
from training_judged import Careful, Judged, build, record

from restore_recog.errors import DeviceError, TrainingError
from restore_recog.nn.stepping import update
from restore_recog.system import devices
from restore_recog.training import checkpoint
from restore_recog.types import FaceBatch


class TestFloat16:
    def test_goes_on_bit_for_bit(self, tmp_path: Path) -> None:
        own: dict[str, Any] = {"precision": "fp16"}
        model, trainer = build(tmp_path / "whole", Careful, **own)
        trainer.fit()
        whole = tensors(model)
        with pytest.raises(Crash):
            build(tmp_path / "run", Careful, crash_at(6), **own)[1].fit()
        stored = checkpoint.load(tmp_path / "run" / checkpoint.LAST)["helpers"]["scaling"]
        assert stored["adam"]["scale"] > 1 and stored["adam"]["_growth_tracker"] > 0
        model, trainer = build(tmp_path / "run", Careful, **own)
        trainer.fit(resume=True)
        assert all(torch.equal(whole[name], tensor) for name, tensor in tensors(model).items())
        assert record(tmp_path / "run")["precision"] == "fp16"

    def test_may_go_on_in_float32(self, tmp_path: Path) -> None:
        with pytest.raises(Crash):
            build(tmp_path / "run", Careful, crash_at(6), precision="fp16")[1].fit()
        build(tmp_path / "run", Careful, precision="fp32")[1].fit(resume=True)
        assert record(tmp_path / "run")["precision"] == "fp32"

    def test_is_refused_to_a_model_that_does_not_scale(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="does not scale its loss"):
            build(tmp_path / "run", Judged, precision="fp16")[1].fit()

    def test_gives_up_where_no_scale_helps(self, tmp_path: Path) -> None:
        class Endless(Careful):
            def warm(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
                for _ in range(40):
                    loss = self.net(batch.images).float().mean() * float("inf")
                    update(self.adam, self.net, loss, 1.0, 1.0)
                return {"l2": 0.0}

        with pytest.raises(TrainingError, match="not finite in float16 at any scale"):
            build(tmp_path / "run", Endless, precision="fp16")[1].fit()

    def test_a_cpu_without_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any) -> Tensor:
            raise RuntimeError("not implemented for 'Half'")

        assert devices.precision("auto", "cpu") == "fp32"
        assert devices.precision("bf16", "cpu") == "bf16"
        monkeypatch.setattr(torch.nn.functional, "conv2d", refuse)
        with pytest.raises(DeviceError, match="cannot train in float16"):
            devices.precision("fp16", "cpu")
