"""The computations that ``bench train`` measures, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile

from benchmarks.flops import count
from benchmarks.subjects import fresh
from benchmarks.timing import (
    WARM_UP,
    Setting,
    device_memory,
    outcome,
    ready,
    spread,
    timed,
)
from benchmarks.unet import PlainUNet
from restore_recog import registry
from restore_recog.api import Phase, Trainable
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.loader import BatchPlan, TimedBatches, batches
from restore_recog.training.stepper import Stepper
from restore_recog.types import FaceBatch

Run = Callable[[], dict[str, Any]]

HALFWAY = 0.5
"""Progress of the phase at which its step is timed."""

OPERATORS = 12
"""Rows of the profile."""

PROFILED = 3
"""Steps that are profiled."""


@dataclass(frozen=True)
class Work:
    """A phase of a training, and the faces it is trained on.

    Attributes:
        group: ``restorers`` or ``recognizers``.
        spec: Registered name or dotted path.
        call: Positional arguments of its ``trainable``.
        options: Its keyword arguments besides the device.
        phase: Name; ``""`` for the first.
        data: Data sets.
        limit: Images taken of each.
        cache: Folder with their aligned crops.
    """

    group: str
    spec: str
    call: tuple[str | None, ...]
    options: Mapping[str, Any]
    phase: str
    data: tuple[str, ...]
    limit: int
    cache: str

    def trainable(self, device: str) -> Trainable:
        """Return a fresh training."""
        plugin = registry.GROUPS[self.group].load(self.spec)
        return fresh(plugin, tuple(self.call), {"device": device, **self.options})

    def chosen(self, trainable: Trainable) -> Phase:
        """Return the phase."""
        return next(p for p in trainable.phases if self.phase in ("", p.name))

    def faces(self, size: int) -> TrainingFaces:
        """Return the faces."""
        sets = [registry.datasets.create(spec) for spec in self.data]
        return TrainingFaces.from_datasets(
            sets, size, cache=Path(self.cache), limit=self.limit, progress=False
        )


def step(work: Mapping[str, Any], **given: Any) -> Run:
    """Time the steps of a phase on one batch, count their FLOPs and profile them."""
    setting, order = Setting(**given), Work(**work)
    ready(setting)
    trainable = order.trainable(setting.device)
    phase = order.chosen(trainable)
    batch = _batch(order, trainable, phase, setting.device)
    stepper = _stepper(trainable, setting)

    def one() -> None:
        with stepper.precision.step():
            phase.step(batch, HALFWAY)

    def run() -> dict[str, Any]:
        figures = spread(timed(one, setting), setting.batch) | device_memory(setting)
        if stepper.compiled is None:
            return figures | _looked_into(one, setting)
        figures["compile_notes"] = stepper.compiled.sentences
        with stepper.compiled.paused():
            return figures | {"flops_image": count(one) / setting.batch}

    return lambda: outcome(run)


def unet_step(work: Mapping[str, Any], widths: list[int], **given: Any) -> Run:
    """Time the steps of the plain U-Net: L1 to the clean images, Adam."""
    setting, order = Setting(**given), Work(**work)
    ready(setting)
    trainable = order.trainable("cpu")
    batch = _batch(order, trainable, order.chosen(trainable), setting.device)
    del trainable
    assert batch.clean is not None
    images, clean = (
        images.contiguous(memory_format=torch.channels_last)
        for images in (batch.images, batch.clean)
    )
    net = PlainUNet(widths)
    net.to(setting.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    call = torch.compile(net) if setting.compiled else net

    def one(call: Callable[..., Any] = call) -> None:
        with setting.autocast():
            loss = F.l1_loss(call(images, batch.masks).float(), clean)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def run() -> dict[str, Any]:
        figures = spread(timed(one, setting), setting.batch) | device_memory(setting)
        return figures | {"flops_image": count(lambda: one(net)) / setting.batch}

    return lambda: outcome(run)


def waiting(work: Mapping[str, Any], workers: int, **given: Any) -> Run:
    """Time a phase as it is trained, with batches that are made meanwhile."""
    setting, order = Setting(**given), Work(**work)
    ready(setting)
    trainable = order.trainable(setting.device)
    phase = order.chosen(trainable)
    faces = order.faces(trainable.image_size)
    stepper = _stepper(trainable, setting)

    def run() -> dict[str, Any]:
        plan = _plan(trainable, phase, setting.most + 2 * WARM_UP)
        made = TimedBatches(batches(faces, plan, workers, pin=setting.kind == "cuda"))
        source = iter(made)

        def one() -> None:
            with stepper.precision.step():
                phase.step(next(source).unpack(setting.device), HALFWAY)

        speed = spread(timed(one, setting), phase.batch_size)
        return speed | {"workers": workers, "waiting": made.waiting}

    return lambda: outcome(run)


def _stepper(trainable: Trainable, setting: Setting) -> Stepper:
    """Return the training engine's way of taking steps: its precision, its compiling."""
    stepper = Stepper(trainable, setting.device, setting.precision, ema=0.0)
    stepper.begin(setting.compiled, lambda sentence: None)
    return stepper


def _looked_into(one: Callable[[], None], setting: Setting) -> dict[str, Any]:
    """Return the FLOPs and the operators of a step."""
    return {
        "flops_image": count(one) / setting.batch,
        "operators": _profile(one, setting),
    }


def _batch(order: Work, trainable: Trainable, phase: Phase, device: str) -> FaceBatch:
    faces = order.faces(trainable.image_size)
    faces.check(phase.batch_size, trainable.identities_per_batch)
    plan = _plan(trainable, phase, 1)
    return next(iter(batches(faces, plan, 0))).unpack(device)


def _plan(trainable: Trainable, phase: Phase, steps: int) -> BatchPlan:
    return BatchPlan(
        phase.name,
        phase.batch_size,
        start=0,
        stop=steps,
        identities_per_batch=trainable.identities_per_batch,
        covered=trainable.covered,
    )


def _profile(one: Callable[[], None], setting: Setting) -> list[dict[str, Any]]:
    """Return the operators that take most of the device's time, themselves alone."""
    cuda = setting.kind == "cuda"
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if cuda else [])
    with profile(activities=activities) as record:
        for _ in range(PROFILED):
            one()
        if cuda:
            torch.cuda.synchronize()
    field = "self_device_time_total" if cuda else "self_cpu_time_total"
    events = sorted(record.key_averages(), key=lambda event: -getattr(event, field))
    total = sum(getattr(event, field) for event in events) or 1.0
    return [
        {
            "operator": event.key[:80],
            "share": getattr(event, field) / total,
            "calls": event.count / PROFILED,
        }
        for event in events[:OPERATORS]
    ]
