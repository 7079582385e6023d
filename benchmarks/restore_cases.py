"""The computations that ``bench restore`` measures, each in a process of its own."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.flops import count
from benchmarks.subjects import images
from benchmarks.timing import (
    DTYPES,
    Setting,
    between,
    device_memory,
    mark,
    outcome,
    ready,
    spread,
    timed,
)
from benchmarks.unet import PlainUNet
from restore_recog import registry
from restore_recog.api import Restorer
from restore_recog.restoring.restoration import run_restorer
from restore_recog.types import FaceBatch

Run = Callable[[], dict[str, Any]]

DEPTH = 2
"""Parts of a network are timed down to its children's children."""

TOLERANCE = 1e-3
FLIPPED = 0.01
"""Two ways of restoring agree where at most one value in 100 differs by more than 0.001 of the
largest one; a tie between two patches may fall either way."""


def matmul(side: int, **given: Any) -> Run:
    """Time a product of two square matrices at a precision, in FLOP/s."""
    setting = Setting(**given)
    ready(setting)
    if setting.kind == "cuda":  # as convolutions have it by default
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    factors = [
        torch.rand(side, side, device=setting.device).to(DTYPES[setting.precision])
        for _ in range(2)
    ]

    def run() -> dict[str, Any]:
        seconds = timed(lambda: factors[0] @ factors[1], setting)
        median = statistics.median(seconds)
        return {"flops_per_s": 2 * side**3 / median, "batches": len(seconds)}

    return lambda: outcome(run)


def restore(spec: str, weights: str | None, **given: Any) -> Run:
    """Time a restorer, count its FLOPs and, run eagerly, where its time goes."""
    setting = Setting(**given)
    ready(setting)
    restorer = _restorer(spec, weights, setting.device)
    batch = images(setting.batch, setting.size, setting.device)
    one = images(1, setting.size, setting.device)

    def restored(batch: FaceBatch) -> Tensor:
        return run_restorer(restorer, batch)

    def run() -> dict[str, Any]:
        call = torch.compile(restored) if setting.compiled else restored
        with torch.inference_mode(), setting.autocast():
            figures = spread(timed(lambda: call(batch), setting), setting.batch)
            figures |= device_memory(setting)
            figures["flops_image"] = count(lambda: restored(one))
            if not setting.compiled:
                figures["parts"] = _parts(restorer, lambda: restored(batch), setting)
        return figures

    return lambda: outcome(run)


def unet(widths: list[int], **given: Any) -> Run:
    """Time the plain U-Net, pasted as a restorer pastes."""
    setting = Setting(**given)
    ready(setting)
    net = PlainUNet(widths).eval().requires_grad_(False)
    net.to(setting.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = images(setting.batch, setting.size, setting.device)
    one = images(1, setting.size, setting.device)

    def restored(images: Tensor, masks: Tensor) -> Tensor:
        occluded = images.contiguous(memory_format=torch.channels_last)
        return torch.where(masks > 0.5, net(occluded, masks), images)

    def run() -> dict[str, Any]:
        call = torch.compile(restored) if setting.compiled else restored
        with torch.inference_mode(), setting.autocast():
            figures = spread(timed(lambda: call(batch.images, batch.masks), setting), setting.batch)
            figures |= device_memory(setting)
            figures["flops_image"] = count(lambda: restored(one.images, one.masks))
        return figures

    return lambda: outcome(run)


def agree(spec: str, other: str, weights: str | None, **given: Any) -> Run:
    """Compare what two restorers make of the same images with the same weights.

    Compared are the images and what every part that both have returns, since a part's doing
    may hardly show in the images of untrained networks. Differences are in units of each
    one's largest value.
    """
    setting = Setting(**given)
    ready(setting)
    torch.backends.cudnn.allow_tf32 = False
    batch = images(setting.batch, setting.size, setting.device)
    restorers = [_restorer(name, weights, setting.device) for name in (spec, other)]

    def run() -> dict[str, Any]:
        ours, theirs = (_returned(restorer, batch) for restorer in restorers)
        shared = [name for name in ours if name in theirs]
        largest, beyond = {}, {}
        for name in shared:
            scale = ours[name].abs().max().clamp_min(1e-20)
            difference = (ours[name] - theirs[name]).abs() / scale
            largest[name] = float(difference.max())
            beyond[name] = float((difference > TOLERANCE).float().mean())
        worst = max(shared, key=lambda name: (beyond[name], largest[name]))
        return {
            "compared": shared,
            "worst": worst,
            "largest": largest[worst],
            "beyond": beyond[worst],
            "equal": beyond[worst] <= FLIPPED,
        }

    return lambda: outcome(run)


def _returned(restorer: Restorer, batch: FaceBatch) -> dict[str, Tensor]:
    """Return the restored images, and what every part of the networks returns."""
    outputs: dict[str, Tensor] = {}

    def note(name: str, result: Any) -> None:
        if isinstance(result, Tensor):
            outputs[name] = result.float()

    handles = [
        module.register_forward_hook(lambda _, __, result, n=name: note(n, result))
        for name, module in _modules(restorer)
    ]
    try:
        with torch.inference_mode():
            outputs["images"] = restorer.restore(batch)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def _restorer(spec: str, weights: str | None, device: str) -> Restorer:
    file = None if weights is None else Path(weights)
    return registry.restorers.create(spec, weights=file, device=device)


def _parts(restorer: Restorer, call: Callable[[], Any], setting: Setting) -> list[dict[str, Any]]:
    """Return the ms that each part of the restorer's networks takes of a batch, medians.

    A network's parts are timed by marks before and after them; what runs between them, such as
    pasting, is in none.
    """
    marks: dict[str, list[Any]] = {}
    handles = []
    for name, module in _modules(restorer):
        marks[name] = []
        into = marks[name]
        handles.append(module.register_forward_pre_hook(lambda *_, m=into: m.append(mark(setting))))
        handles.append(module.register_forward_hook(lambda *_, m=into: m.append(mark(setting))))
    try:
        whole = timed(call, setting)
    finally:
        for handle in handles:
            handle.remove()
    total = 1e3 * statistics.median(whole)
    parts = []
    for name, points in marks.items():
        pairs = list(zip(points[::2], points[1::2], strict=True))[-len(whole) :]
        if pairs:
            taken = 1e3 * statistics.median(between(a, b) for a, b in pairs)
            parts.append({"part": name, "ms": taken, "share": taken / total})
    return parts


def _modules(restorer: Restorer) -> list[tuple[str, nn.Module]]:
    """Return the networks that a restorer holds and their parts, outer ones first."""
    modules = []
    for name, value in sorted(vars(restorer).items()):
        if isinstance(value, nn.Module):
            for path, module in value.named_modules(prefix=name):
                if path.count(".") <= DEPTH:
                    modules.append((path, module))
    return modules
