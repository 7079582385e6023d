"""On a GPU: the same faces and templates as on the CPU, finite losses, going on after a stop."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dlib_files import dlib_file
from torch import Tensor

from restore_recog import registry
from restore_recog.alignment import TEMPLATE
from restore_recog.nn.teachers import Teachers
from restore_recog.recognizers.dlib import DlibRecognizer
from restore_recog.restoring.restoration import run_restorer
from restore_recog.testing import face_batch
from restore_recog.training.crops import Crops
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.settings import TrainingSettings
from restore_recog.training.trainer import Trainer, seed_everything

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"
RESTORERS = ("fmodr", "ganmasker")
SIZE = 32


@pytest.fixture(autouse=True)
def _whole_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute convolutions in float32, not in TF32, whose ten bits hide small faults."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def faces(people: int = 6, each: int = 2) -> TrainingFaces:
    """Return smooth made-up crops."""
    coarse = face_batch(people * each, (SIZE + 4, SIZE + 4)).clean
    assert coarse is not None
    pixels = (coarse * 255).byte().permute(0, 2, 3, 1).contiguous().numpy()  # (N, H, W, 3)
    landmarks = np.broadcast_to(TEMPLATE * SIZE, (len(pixels), 5, 2)).astype(np.float32)
    ids = tuple(f"0:{number}" for number in range(len(pixels)))
    crops = Crops(pixels, landmarks, ids, np.repeat(np.arange(people), each), SIZE, ())
    return TrainingFaces(crops, seed=0)


def train(folder: Path, name: str, *, resume: bool = False, **settings: Any) -> Mapping[str, Any]:
    """Train a tiny model for at least one step of every phase; return its run.json."""
    seed_everything(0)
    plugin: Any = registry.restorers.load(name)
    model = plugin.trainable(preset="tiny", device=DEVICE)
    given = TrainingSettings(**{"device": DEVICE, "images_scale": 0.01, **settings})
    Trainer(model, faces(), folder, given).fit(resume=resume)
    record: Mapping[str, Any] = json.loads((folder / "run.json").read_text())
    return record


@pytest.mark.parametrize("name", RESTORERS)
def test_a_restorer_gives_the_same_faces(name: str) -> None:
    restored = []
    for device in ("cpu", DEVICE):
        restorer = registry.restorers.create(name, device=device)
        with torch.inference_mode():
            result = run_restorer(restorer, face_batch(3, restorer.image_size))
        assert result.device.type == torch.device(device).type
        restored.append(result.cpu())
    given = face_batch(3, tuple(restored[0].shape[-2:])).images
    assert float((restored[0] - given).abs().max()) > 0.02  # something was restored
    # FMODR pastes patches, and on a tie of two another one may win: few pixels, not the picture.
    apart = (restored[0] - restored[1]).abs()
    assert float(apart.mean()) < 1e-4
    assert float((apart > 1 / 255).float().mean()) < 1e-3


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", RESTORERS)
def test_every_phase_trains_in_every_precision(name: str, precision: str, tmp_path: Path) -> None:
    record = train(tmp_path / "run", name, precision=precision)
    assert record["finished"] and record["precision"] == precision
    assert set(record["losses"]) == {phase for phase, *_ in record["phases"]}
    values = [value for losses in record["losses"].values() for value in losses.values()]
    assert values and all(map(math.isfinite, values))


@pytest.mark.parametrize("name", RESTORERS)
def test_a_stopped_training_goes_on(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun = train(folder, name, max_minutes=1e-9, ema=0.9, precision="fp16")
    assert not begun["finished"] and begun["images_seen"] > 0
    ended = train(folder, name, resume=True, ema=0.9, precision="fp16")
    whole = train(tmp_path / "whole", name, ema=0.9, precision="fp16")
    assert ended["finished"] and ended["images_seen"] == whole["images_seen"]
    assert ended["losses"].keys() == whole["losses"].keys()


def test_a_training_goes_from_the_gpu_to_the_cpu(tmp_path: Path) -> None:
    begun = train(tmp_path / "run", "ganmasker", max_minutes=1e-9, precision="fp32")
    assert begun["device"] == torch.cuda.get_device_name(0)
    seed_everything(0)
    plugin: Any = registry.restorers.load("ganmasker")
    settings = TrainingSettings(images_scale=0.01)
    model = plugin.trainable(preset="tiny", device="cpu")
    trainer = Trainer(model, faces(), tmp_path / "run", settings)
    trainer.fit(resume=True)
    assert trainer.finished


def pulled(device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two identity losses of restored faces, and the gradient that reaches these."""
    batch = face_batch(4, (128, 128)).to(device)
    assert batch.clean is not None
    restored = batch.images.clone().requires_grad_()
    apart, excess = Teachers(["timm"], device=device, augment=False)(restored, batch.clean)
    (apart.sum() + excess.sum()).backward()
    assert restored.grad is not None
    return apart.detach().cpu(), excess.detach().cpu(), restored.grad.cpu()


def test_teachers_pull_the_same_way() -> None:
    one, other = pulled("cpu"), pulled(DEVICE)
    assert float(one[0].min()) > 0.01  # the covering is seen
    torch.testing.assert_close(other[0], one[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(other[1], one[1], atol=1e-3, rtol=0)
    alike = torch.cosine_similarity(one[2].flatten(), other[2].flatten(), dim=0)
    assert float(alike) > 0.99


def test_teachers_augment_on_the_gpu() -> None:
    batch = face_batch(4, (128, 128)).to(DEVICE)
    assert batch.clean is not None
    restored = batch.images.clone().requires_grad_()
    apart, _ = Teachers(["timm"], device=DEVICE)(restored, batch.clean)
    apart.sum().backward()
    assert restored.grad is not None and restored.grad.device.type == torch.device(DEVICE).type
    assert bool(restored.grad.isfinite().all()) and bool((restored.grad != 0).any())


def test_dlibs_recogniser_gives_the_same_templates(tmp_path: Path) -> None:
    file = dlib_file(tmp_path / "net.dat")
    templates = []
    for device in ("cpu", DEVICE):
        recognizer = DlibRecognizer(weights=file, device=device)
        images = face_batch(3, recognizer.image_size).images
        templates.append(recognizer.embed(images.to(device)).cpu())
    torch.testing.assert_close(templates[1], templates[0], atol=1e-4, rtol=0)
    assert float((templates[0][0] - templates[0][1]).abs().max()) > 1e-3  # not all the same
