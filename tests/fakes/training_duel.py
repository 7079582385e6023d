"""A model in miniature for the engine's tests, and what it trains on."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Phase, Stateful
from restore_recog.training.crops import Crops
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.settings import TrainingSettings
from restore_recog.training.trainer import Trainer, seed_everything
from restore_recog.types import FaceBatch, Failure

SIZE = 32
BATCH = 4
STEPS = (4, 5)


def faces(
    people: int = 5,
    each: int = 2,
    seed: int = 0,
    labels: Mapping[str, NDArray[np.int64]] | None = None,
) -> TrainingFaces:
    count = people * each
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (count, SIZE + 4, SIZE + 4, 3), dtype=np.uint8)
    landmarks = np.broadcast_to(TEMPLATE * SIZE, (count, 5, 2)).astype(np.float32)
    ids = tuple(f"0:{number}" for number in range(count))
    failures = (Failure("read", "torn", "nobody", "The image is torn."),)
    subjects = np.repeat(np.arange(people), each)
    crops = Crops(pixels, landmarks, ids, subjects, SIZE, failures, labels=labels or {})
    return TrainingFaces(crops, seed=seed)


class Duel:
    """Two nets, two optimisers, dropout and every kind of random number; two phases."""

    image_size = SIZE
    identities_per_batch = 0
    covered = 1.0

    def __init__(self, before: Callable[[int], None] | None = None, width: int = 4) -> None:
        self.net = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.Dropout(0.5),
            nn.Conv2d(width, 3, 3, padding=1),
        )
        self.rival = nn.Conv2d(3, 1, 5)
        self.adam = torch.optim.Adam(self.net.parameters(), 1e-2)
        self.momentum = torch.optim.SGD(self.rival.parameters(), 1e-2, momentum=0.9)
        self.width = width
        self.steps = 0
        self.before = before
        self.phases = [
            Phase("warm", STEPS[0] * BATCH, BATCH, self.warm),
            Phase("duel", STEPS[1] * BATCH, BATCH, self.duel),
        ]

    def _count(self) -> None:
        self.steps += 1
        if self.before is not None:
            self.before(self.steps)

    def warm(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        self._count()
        assert batch.clean is not None
        self.net.train()
        noise = 0.1 * random.random() + 0.1 * float(np.random.rand()) + progress  # noqa: NPY002
        loss = (self.net(batch.images) * (1 + noise) - batch.clean).square().mean()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return {"l2": loss.item()}

    def duel(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        losses = dict(self.warm(batch, progress))
        loss = (self.rival(self.net(batch.images).detach()) - torch.rand(1)).square().mean()
        self.momentum.zero_grad()
        loss.backward()
        self.momentum.step()
        return {**losses, "rival": loss.item()}

    def state(self) -> Mapping[str, Stateful]:
        return {
            "net": self.net,
            "rival": self.rival,
            "adam": self.adam,
            "momentum": self.momentum,
        }

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        return {"width": self.width}, self.net.state_dict()

    def preview(self, batch: FaceBatch) -> Tensor:
        torch.rand(7), random.random()
        self.net.eval()
        return torch.cat([batch.images, self.net(batch.images)])

    def describe(self) -> Mapping[str, Any]:
        return {"model": "duel", "options": {"width": self.width}}


class Crash(Exception):
    """Stands for a power cut."""


def crash_at(step: int) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number == step:
            raise Crash

    return before


def build(
    folder: Path, before: Callable[[int], None] | None = None, **options: Any
) -> tuple[Duel, Trainer]:
    """Return a model and its trainer as a fresh process would build them."""
    seed_everything(7)
    model = Duel(before, width=options.pop("width", 4))
    options = {"save_every": BATCH, "sample_every": 8, "seed": 7, **options}
    given = options.pop("faces", None) or faces()
    further = {name: options.pop(name) for name in ("validation", "record") if name in options}
    return model, Trainer(model, given, folder, TrainingSettings(**options), **further)


def tensors(model: Duel) -> dict[str, Any]:
    """Return copies of all tensors by name."""
    flat: dict[str, Any] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, Tensor):
            flat[name] = value.clone()
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                walk(inner, f"{name}.{key}")

    for name, part in model.state().items():
        walk(part.state_dict(), name)
    return flat
