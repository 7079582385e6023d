"""Trainings by two processes, for test_distributed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from forked import finish, start
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Phase, Stateful
from restore_recog.errors import RestoreRecogError, TrainingError
from restore_recog.nn.stepping import adam, update
from restore_recog.recognizers.embedding import EmbeddingTraining
from restore_recog.recognizers.subcenter import SubCenterTraining
from restore_recog.recognizers.triplet import TripletTraining
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.restorers.ganmasker.training import GANMaskerTraining
from restore_recog.system.processes import Processes, processes
from restore_recog.training.crops import Crops
from restore_recog.training.distributed import share_model
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.settings import TrainingSettings
from restore_recog.training.trainer import Trainer, seed_everything
from restore_recog.types import FaceBatch

SIZE, BATCH, STEPS, WORLD = 32, 4, 6, 2

SLOW = {"batch_size": BATCH, "lr": 1e-5, "clip": 0.5}
"""So that one step moves the weights little, and all gradients are clipped."""

FMODR = SLOW | {"lr_detector": 1e-5}
GANMASKER = SLOW | {"lr_critic": 1e-5}


def recogniser(kind: type[EmbeddingTraining], **further: Any) -> EmbeddingTraining:
    """Return a recogniser whose every layer of normalisation sees the batch."""
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, bias=False),
        BatchNormAct2d(6),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(96, 8, bias=False),
        nn.BatchNorm1d(8),
    )
    options = {"batch_size": BATCH, "identities_per_batch": 2, "learning_rate": 1e-5}
    return kind("fake", net, {}, SIZE, "cpu", **options, **further)


def centred() -> EmbeddingTraining:
    """Return a recogniser with centres of two people."""
    training = recogniser(SubCenterTraining)
    assert isinstance(training, SubCenterTraining)
    training.expect(torch.tensor([0, 1]))
    return training


MODELS: Mapping[str, Callable[[], Any]] = {
    "fmodr": lambda: FMODRTraining("tiny", "cpu", **FMODR, coarse_norm="instance"),
    "fmodr-batch-norm": lambda: FMODRTraining("tiny", "cpu", **FMODR),
    "fmodr-gate": lambda: FMODRTraining("tiny", "cpu", **FMODR, coarse_norm="instance", gate=1),
    "ganmasker": lambda: GANMaskerTraining("tiny", "cpu", **GANMASKER),
    "triplet": lambda: recogniser(TripletTraining, miner="all"),
    "triplet-batch-hard": lambda: recogniser(TripletTraining, miner="batch-hard"),
    "subcenter-arcface": centred,
}


def batch(part: tuple[int, int] = (0, 1)) -> FaceBatch:
    """Return a part of a batch whose first half is harmless: nothing is covered there."""
    generator = torch.Generator().manual_seed(5)
    clean = torch.rand(BATCH, 3, SIZE, SIZE, generator=generator)
    masks = torch.zeros(BATCH, 1, SIZE, SIZE)
    masks[2, :, 12:28, 8:24] = 1
    masks[3, :, 16:28, 4:20] = 1
    each = BATCH // part[1]
    mine = slice(part[0] * each, (part[0] + 1) * each)
    subjects = torch.tensor([0, 1, 0, 1])
    return FaceBatch(
        (clean * (1 - masks) + 0.2 * masks)[mine],
        masks[mine],
        clean=clean[mine],
        attributes={"subject": subjects[mine]},
    )


@contextmanager
def doubled() -> Iterator[None]:
    """Let everything compute in float64, also what widens to float32 by itself.

    In float32 a gradient's last digits depend on the processor; an error of ours would not.
    """
    torch.set_default_dtype(torch.float64)
    try:
        with patch.object(Tensor, "float", Tensor.double):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


@doubled()
def steps(name: str) -> dict[str, Any]:
    """Take one step of every phase of a model; return gradients, losses and running figures."""
    here = Processes.current()
    torch.manual_seed(3)
    model = MODELS[name]()
    share_model(here, model, "cpu")
    tensors: dict[str, Any] = {}
    for phase in model.phases:
        losses = here.means(phase.step(batch(here.part), 0.5))
        for key in losses.keys() - {"dice", "balance"}:
            tensors[f"{phase.name} {key}"] = torch.tensor(losses[key])
        for key, net in model.state().items():
            if isinstance(net, nn.Module):
                for path, tensor in _tensors(net):
                    tensors[f"{phase.name} {key} {path}"] = tensor
    return tensors


def _tensors(net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for path, parameter in net.named_parameters():
        if parameter.grad is not None:
            yield f"gradient/{path}", parameter.grad.clone()
    for path, tensor in net.named_buffers():
        yield path, tensor.clone().float()


def faces() -> TrainingFaces:
    """Return six noisy people."""
    pixels = np.random.default_rng(0).integers(0, 255, (6, SIZE, SIZE, 3), dtype=np.uint8)
    landmarks = np.broadcast_to(TEMPLATE * SIZE, (6, 5, 2)).astype(np.float32)
    ids = tuple(f"0:{number}" for number in range(6))
    return TrainingFaces(Crops(pixels, landmarks, ids, np.arange(6), SIZE, ()), seed=0)


class Small:
    """A convolution with batch normalisation and, where wanted, dropout.

    Args:
        before: Called with the number of every step.
        dropout: Share.
        averages: Whether it steps as a model of several processes must.
    """

    image_size = SIZE
    identities_per_batch = 0
    covered = 1.0

    def __init__(
        self,
        before: Callable[[int], float] = lambda step: 1.0,
        dropout: float = 0.0,
        averages: bool = True,
    ) -> None:
        layers = [nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Dropout(dropout)]
        self.net = nn.Sequential(*layers, nn.Conv2d(4, 3, 3, padding=2))
        self.optimizer = adam(self.net, 1e-3)
        self.before, self.averages = before, averages
        self.steps = 0
        self.phases = [Phase("only", STEPS * BATCH, BATCH, self.step)]

    def step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        self.steps += 1
        factor = self.before(self.steps)
        assert batch.clean is not None
        self.net.train()
        loss = factor * (self.net(batch.images) - batch.clean).abs().mean()
        if self.averages:
            update(self.optimizer, self.net, loss, 1.0, 1.0)
        else:
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return {"l1": loss.item()}

    def state(self) -> Mapping[str, Stateful]:
        return {"net": self.net, "optimizer": self.optimizer}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        return {}, self.net.state_dict()

    def preview(self, batch: FaceBatch) -> Tensor:
        return batch.images

    def describe(self) -> Mapping[str, Any]:
        return {"model": "small"}


def train(folder: Path, model: Small, resume: bool = False, **options: Any) -> dict[str, Tensor]:
    """Train to the end; return the weights."""
    options = {"save_every": BATCH, "sample_every": 10 * BATCH, "seed": 7, **options}
    given = options.pop("faces", None) or faces()
    Trainer(model, given, folder, TrainingSettings(**options)).fit(resume=resume)
    return {name: tensor.clone() for name, tensor in model.net.state_dict().items()}


def built(**options: Any) -> Small:
    """Return the model as every process builds it."""
    seed_everything(7)
    return Small(**options)


class Crash(Exception):
    """Stands for a power cut."""


def at(step: int, act: Callable[[], float]) -> Callable[[int], float]:
    """Return what does something before one step; the factor on that step's loss is its result."""
    return lambda number: act() if number == step else 1.0


def crash() -> float:
    raise Crash


def crashed(folder: Path, **options: Any) -> None:
    """Train until a power cut at the fourth step."""
    try:
        train(folder, built(before=at(4, crash), **options))
    except Crash:
        return
    raise AssertionError("the crash did not come")


def sentence(work: Callable[[], object]) -> str:
    """Return what stops a training."""
    try:
        work()
    except (RestoreRecogError, KeyboardInterrupt) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def stop_from_one() -> float:
    """Send the last process what torchrun sends to end it."""
    if Processes.current().rank:
        os.kill(os.getpid(), signal.SIGTERM)
    return 1.0


def nan_from_one() -> float:
    """Spoil the last process's loss."""
    return float("nan") if Processes.current().rank else 1.0


def failing_from_one() -> float:
    """Let the last process fail for a reason of its own."""
    if Processes.current().rank:
        raise TrainingError("The model of the last process is broken.")
    return 1.0


def others() -> TrainingFaces:
    """Return people of which one is not where he should be."""
    known = faces()
    known.crops.pixels[0] = 0
    return TrainingFaces(known.crops, seed=0)


def uneven() -> Small:
    """Return a model whose batches two processes cannot share."""
    model = built()
    model.phases = [Phase("only", 9, 3, model.step)]
    return model


def ends(folder: Path) -> dict[str, Any]:
    """Return how trainings end that go through."""
    crashed(folder / "resumed", dropout=0.5)
    crashed(folder / "fewer")
    sentence(lambda: train(folder / "stopped", built(before=at(2, stop_from_one))))
    return {
        "whole": train(folder / "whole", built()),
        "dropout": train(folder / "dropout", built(dropout=0.5)),
        "resumed": train(folder / "resumed", built(dropout=0.5), resume=True),
        "more": train(folder / "more", built(), resume=True),
        "stopped": train(folder / "stopped", built(), resume=True),
    }


def sentences(folder: Path) -> dict[str, str]:
    """Return what trainings that do not go through say, on this process."""
    (folder / "file").write_text("")
    wrong: dict[str, tuple[Small, dict[str, Any]]] = {
        "nan": (built(before=at(3, nan_from_one)), {}),
        "stop": (built(before=at(2, stop_from_one)), {}),
        "own step": (built(averages=False), {}),
        "uneven": (uneven(), {}),
        "file": (built(), {}),
        "images": (built(), {"faces": others() if Processes.current().rank else faces()}),
    }
    return {
        name: sentence(partial(train, folder / name, model, **options))
        for name, (model, options) in wrong.items()
    }


def work(task: str, folder: Path) -> None:
    """Do a task and write what this process found."""
    with processes() as ranks:
        if task == "steps":
            results: dict[str, Any] = {name: steps(name) for name in MODELS}
        elif task == "train":
            results = {"ends": ends(folder), "sentences": sentences(folder)}
        else:
            failing = built(before=at(3, failing_from_one))
            sys.exit(sentence(lambda: train(folder / "run", failing)))
        torch.save(results, folder / f"{task}-{ranks.rank}.pt")


def run(folder: Path) -> None:
    """Do every task by processes of its own."""
    for task in ("steps", "train", "fail"):
        finish(folder, task, start(folder, task, partial(work, task, folder), WORLD))
