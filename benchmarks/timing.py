"""Times and memory of one case on its device, and what kept it from being measured.

Nothing here is timed by the clock of a single call: on a GPU work is only queued by then. A
mark is put after every batch (an event of the device, or the clock on a CPU), the queue is
left to run on, and times are the distances between marks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from benchmarks.measure import BenchError
from restore_recog.errors import first_line
from restore_recog.training.compile import from_compiler
from restore_recog.training.stepper import is_out_of_memory

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """How a case is run.

    Attributes:
        size: Side of the images, pixels.
        batch: Images a batch.
        precision: ``fp32``, ``bf16`` or ``fp16``; the latter two by autocast.
        compiled: Whether torch.compile goes before.
        device: As :func:`restore_recog.system.devices.resolve` returns it.
        threads: CPU threads of PyTorch; None for its own choice.
        seconds: About how long the timed batches take together; at least ``least`` are timed.
        least, most: Bounds of the number of timed batches.
    """

    size: int
    batch: int
    precision: str = "fp32"
    compiled: bool = False
    device: str = "cpu"
    threads: int | None = None
    seconds: float = 5.0
    least: int = 5
    most: int = 200

    @property
    def kind(self) -> str:
        """Return ``cpu`` or ``cuda``."""
        return self.device.partition(":")[0]

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which the case computes."""
        dtype = DTYPES[self.precision]
        return torch.autocast(
            self.kind,
            dtype=torch.bfloat16 if dtype is torch.float32 else dtype,
            enabled=dtype is not torch.float32,
        )

    def plain(self) -> dict[str, Any]:
        """Return the setting as JSON holds it."""
        return asdict(self)


def ready(setting: Setting) -> None:
    """Set the number of threads, load libraries, and forget the GPU's highest memory so far."""
    if setting.threads:
        torch.set_num_threads(setting.threads)
    # Libraries are loaded by their first use, and are not what a case takes.
    layer = torch.nn.Conv2d(4, 8, 3).to(setting.device)
    layer(torch.rand(1, 4, 8, 8, device=setting.device)).sum().backward()
    if setting.kind == "cuda":
        torch.cuda.set_device(setting.device)
        torch.cuda.reset_peak_memory_stats()


def timed(run: Callable[[], Any], setting: Setting) -> list[float]:
    """Return the seconds of each batch after a warm-up.

    Args:
        run: Computes one batch; what it returns is dropped.
        setting: Says where and for how long.
    """
    for _ in range(WARM_UP):
        run()
    _wait(setting)
    begun = time.perf_counter()
    run()
    _wait(setting)
    one = max(time.perf_counter() - begun, 1e-6)
    count = max(setting.least, min(setting.most, int(setting.seconds / one)))
    marks = [mark(setting)]
    for _ in range(count):
        run()
        marks.append(mark(setting))
    _wait(setting)
    return [between(a, b) for a, b in zip(marks[:-1], marks[1:], strict=True)]


def mark(setting: Setting) -> Any:
    """Return a point in the device's time."""
    if setting.kind != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def between(first: Any, second: Any) -> float:
    """Return the seconds between two marks; the device must have passed both."""
    if isinstance(first, float):
        return float(second - first)
    return float(first.elapsed_time(second)) / 1e3


def spread(seconds: list[float], images: int) -> dict[str, Any]:
    """Return images a second, and the median and 95th percentile of ms an image.

    Args:
        seconds: Of each batch.
        images: In a batch.
    """
    ordered = sorted(1e3 * value / images for value in seconds)
    return {
        "images_per_s": images * len(seconds) / sum(seconds),
        "ms_median": statistics.median(ordered),
        "ms_p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "batches": len(seconds),
    }


def device_memory(setting: Setting) -> dict[str, float]:
    """Return the GPU's highest memory since :func:`ready`, MiB; nothing on a CPU."""
    if setting.kind != "cuda":
        return {}
    return {
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20,
        "reserved_mib": torch.cuda.max_memory_reserved() / 2**20,
    }


def outcome(work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was measured, or ``{"reason": one sentence}`` where it cannot be."""
    try:
        return dict(work())
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if is_out_of_memory(error):
            return {"reason": "out of memory; use a smaller --batch or --size"}
        if from_compiler(error):
            return {"reason": f"torch.compile failed: {first_line(error).rstrip('.')}"}
        raise BenchError(f"{type(error).__name__}: {first_line(error).rstrip('.')}") from error


def _wait(setting: Setting) -> None:
    if setting.kind == "cuda":
        torch.cuda.synchronize()
