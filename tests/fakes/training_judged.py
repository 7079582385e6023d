"""Duels that are judged on people held out, for the tests of the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from training_duel import BATCH, Duel, faces

from restore_recog.nn.stepping import adam, update
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.settings import TrainingSettings
from restore_recog.training.trainer import Trainer, seed_everything
from restore_recog.types import FaceBatch


class Judged(Duel):
    """A duel that is judged: the mean square of what is left, turned upside down."""

    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        assert batch.clean is not None
        torch.rand(3)
        self.net.eval()
        left = (self.net(batch.images) - batch.clean).square().mean()
        return {"closeness": -float(left), "images": float(len(batch.images))}

    def networks(self) -> Mapping[str, nn.Module]:
        return {"net": self.net, "rival": self.rival}


class Careful(Judged):
    """A judged duel whose steps go through the engine's own."""

    def __init__(self, before: Callable[[int], None] | None = None, width: int = 4) -> None:
        super().__init__(before, width)
        self.adam = adam(self.net, 1e-3)

    def warm(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        self._count()
        assert batch.clean is not None
        self.net.train()
        loss = (self.net(batch.images).float() - batch.clean).square().mean()
        update(self.adam, self.net, loss, 1.0, 1.0)
        return {"l2": loss.item()}

    def duel(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        return self.warm(batch, progress)


def build(
    folder: Path, kind: type[Duel] = Judged, before: Callable[[int], None] | None = None, **own: Any
) -> tuple[Duel, Trainer]:
    seed_everything(7)
    model = kind(before)
    own = {"save_every": BATCH, "sample_every": 8, "seed": 7, **own}
    given: TrainingFaces = own.pop("faces", None) or faces(8)
    if own.pop("judged", True):
        given, own["validation"] = given.hold_out(0.25, 20)
    further = {name: own.pop(name) for name in ("validation", "record") if name in own}
    return model, Trainer(model, given, folder, TrainingSettings(**own), **further)


def record(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return loaded
