"""Plug-ins that train in a moment, reached by dotted path as a user's own would be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restore_recog.alignment import TEMPLATE
from restore_recog.api import (
    Dataset,
    EvaluationProtocol,
    Phase,
    Plan,
    Recognizer,
    Restorer,
    Stateful,
)
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.nn.stepping import descend
from restore_recog.types import FaceBatch, FaceImage, FaceSample

SIZE = 32


class Booth(Dataset):
    """Four people with four grey images each, and one for testing."""

    name = "booth"

    def samples(self) -> Sequence[FaceSample]:
        samples = [FaceSample(f"{p}-{n}", str(p)) for p in range(4) for n in range(4)]
        return [*samples, FaceSample("9-0", "9", attributes={"split": "test"})]

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        points = (TEMPLATE * 40).astype(np.float32)
        return [
            FaceImage(np.full((40, 40, 3), 40 + 10 * int(sample.image_id[-1]), np.uint8), points)
            for sample in samples
        ]


class Blur:
    """One small convolution."""

    image_size = SIZE
    identities_per_batch = 0
    covered = 1.0

    def __init__(self, name: str, options: Mapping[str, Any], steps: int, pause: float) -> None:
        self.name, self.options, self.pause = name, dict(options), pause
        self.covered = float(options.get("covered", 1.0))
        self.net = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.3))
        self.optimizer = torch.optim.Adam(self.net.parameters(), 1e-2)
        self.phases = [Phase("blur", 4 * steps, 4, self.step)]

    def step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        time.sleep(self.pause)
        assert batch.clean is not None
        loss = (self.net(batch.images) - batch.clean).abs().mean()
        descend(self.optimizer, self.net, loss, 0.0)
        return {"l1": loss.item()}

    def state(self) -> Mapping[str, Stateful]:
        return {"net": self.net, "optimizer": self.optimizer}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        return {}, self.net.state_dict()

    def preview(self, batch: FaceBatch) -> Tensor:
        return batch.images

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.name, "options": self.options}


class Smoother(Restorer):
    name = "smoother"

    def restore(self, batch: FaceBatch) -> Tensor:
        return batch.images

    @classmethod
    def trainable(
        cls,
        preset: str = "compact",
        device: str = "cpu",
        *,
        steps: int = 3,
        pause: float = 0.0,
        word: str = "",
    ) -> Blur:
        return Blur(cls.name, {"preset": preset, "word": word}, steps, pause)


class Fixed(Restorer):
    name = "fixed"

    def restore(self, batch: FaceBatch) -> Tensor:
        return batch.images


class Looker(Recognizer):
    name = "looker"

    def embed(self, images: Tensor) -> Tensor:
        return nn.functional.normalize(images.flatten(1))

    @classmethod
    def trainable(cls, argument: str | None, device: str = "cpu", **options: Any) -> Blur:
        return Blur(cls.name, {"argument": argument, **options}, 2, 0.0)


class Third(EvaluationProtocol):
    """Tests persons 0 and 1, leaves 2 and 3 for training."""

    name = "third"

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        tested = tuple(s.image_id for s in samples if s.subject in "01")
        left = tuple(s.image_id for s in samples if s.subject not in "01")
        return Plan(tested, tested, (), {}, True, left)


class ListedBooth(Booth):
    """The same people, with a list of pairs beside their images."""

    name = "listed-booth"

    def samples(self) -> Sequence[FaceSample]:
        self.pair_list = Path("pairs.txt")
        return super().samples()


class NeedsPairs(Third):
    """As Third, but refuses to plan without the list of pairs of the data."""

    name = "needs-pairs"

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        if self.pair_list != Path("pairs.txt"):
            raise DataError("The list of pairs is missing.")
        return super().plan(samples, seed=seed, limit=limit)
