"""FMODR's identity term, and training that starts from weights or runs some legs only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import sizes

from restore_recog import weights as weights_file
from restore_recog.errors import TrainingError
from restore_recog.nn.teachers import Teachers
from restore_recog.restorers.fmodr.presets import PRESETS, SCHEDULES
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.types import FaceBatch


def batch() -> FaceBatch:
    clean = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(2, 1, 32, 32)
    masks[:, :, 16:28, 8:24] = 1
    return FaceBatch(clean * (1 - masks), masks, clean=clean)


def training(preset: str = "tiny", **options: Any) -> FMODRTraining:
    torch.manual_seed(0)
    return FMODRTraining(preset, **(sizes(PRESETS) | options))


def test_the_papers_schedule_has_no_identity_term() -> None:
    assert not any(leg.identity for leg in SCHEDULES["paper"])
    assert training("paper").identity is None


def test_identity_term_trains_the_generator_and_leaves_the_recogniser() -> None:
    model = training(legs=("R4",), identity=1.0)
    assert [leg.name for leg in model.legs] == ["R4"]
    leg = replace(model.legs[0], rec=0.0, adv=0.0, per=0.0, critic=False, identity=1.0)
    assert isinstance(model.identity, Teachers)
    before = [p.clone() for p in model.identity.parameters()]
    losses = model._step(leg, batch(), 0.0)
    assert 0 <= losses["identity"] <= 2
    assert all(p.grad is not None for p in model.nets.refine.parameters() if p.requires_grad)
    assert all(torch.equal(a, b) for a, b in zip(before, model.identity.parameters(), strict=True))


def test_training_may_start_from_weights(tmp_path: Path) -> None:
    first = training()
    path = tmp_path / "w.safetensors"
    weights_file.save(path, "fmodr", *first.weights(), half=False)
    torch.manual_seed(9)
    second = training(init=str(path))
    for name, tensor in first.nets.state_dict().items():
        assert torch.equal(tensor, second.nets.state_dict()[name]), name
    assert second.describe()["options"]["init"].startswith("sha256:")


def test_some_networks_may_begin_untrained_all_the_same(tmp_path: Path) -> None:
    """Even where the file's have another shape."""
    first = training()
    path = tmp_path / "w.safetensors"
    weights_file.save(path, "fmodr", *first.weights(), half=False)
    torch.manual_seed(9)
    second = training(init=str(path), fresh="detector", detector_widths=(4, 4, 8), legs="D")
    assert sum(p.numel() for p in second.nets.detector.parameters()) > sum(
        p.numel() for p in first.nets.detector.parameters()
    )
    coarse = first.nets.coarse.state_dict()
    for name, tensor in second.nets.coarse.state_dict().items():
        assert torch.equal(tensor, coarse[name]), name
    assert [phase.name for phase in second.phases] == ["D"]
    with pytest.raises(TrainingError, match="no network 'eye'; there are detector, coarse"):
        training(init=str(path), fresh="eye")


def test_unknown_legs_are_explained() -> None:
    with pytest.raises(TrainingError, match="no leg 'R9'; there are D, C1, C2"):
        training(legs="R1,R9")
