"""What a restorer costs: time and memory, measured in a process of its own."""

from __future__ import annotations

import math
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restore_recog.system import devices
from restore_recog.system.provenance import peak_memory

REPEATS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """What restoring costs on one machine.

    Attributes:
        ms_per_image: Median over three batches after one to warm up, in milliseconds; without
            search for the face and for the covering.
        peak_mib: Most memory that weights and one batch took, in MiB: on a GPU as its allocator
            counts it, on the CPU as growth of the process.
        batch: Images at a time.
    """

    ms_per_image: float
    peak_mib: float
    batch: int


def cost(spec: str, weights: Path | None, device: str, batch: int, threads: int) -> Cost:
    """Measure a restorer.

    Args:
        spec: A registered name or ``module:Class``, as on the command line.
        weights: Its weights file; None for the shipped one.
        device: ``cpu`` or ``cuda[:N]``.
        batch: Images at a time.
        threads: Of PyTorch on the CPU.

    Raises:
        RestoreRecogError: It cannot be made there.
    """
    # Not forked: what this process has allocated and loaded would count, or hide what is needed.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, spec, weights, device, batch, threads).result()


def _measured(spec: str, weights: Path | None, device: str, batch: int, threads: int) -> Cost:
    import torch

    from restore_recog import registry
    from restore_recog.alignment import TEMPLATE
    from restore_recog.restoring.restoration import run_restorer
    from restore_recog.types import FaceBatch

    torch.set_num_threads(threads)
    registry.restorers.load(spec)  # the libraries that it needs are not its memory
    torch.nn.functional.conv2d(torch.zeros(1, 3, 32, 32), torch.zeros(3, 3, 3, 3))
    before = _resident(restart=True)
    restorer = registry.restorers.create(spec, weights=weights, device=device)
    height, width = restorer.image_size
    images = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(batch, 1, height, width)
    masks[:, :, height // 2 : height * 7 // 8, width // 4 : width * 3 // 4] = 1
    points = torch.tensor(TEMPLATE * (width, height), dtype=torch.float32).expand(batch, 5, 2)
    faces = FaceBatch(images, masks, points).to(device)
    seconds = []
    with torch.inference_mode():
        for _ in range(1 + REPEATS):
            start = time.perf_counter()
            run_restorer(restorer, faces)
            devices.wait(device)
            seconds.append(time.perf_counter() - start)
    on_gpu = device.startswith("cuda")
    used = peak_memory()["cuda"] if on_gpu else _resident() - before
    return Cost(float(np.median(seconds[1:])) * 1000 / batch, float(used), batch)


def _resident(*, restart: bool = False) -> float:
    """Return the most memory that this process has held, in MiB; NaN where that is unknown.

    What the operating system tells of a process that was started by another may be the other's, so
    that Linux is asked for that of the program alone.

    Args:
        restart: Whether to count anew from here, where the system can.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return peak_memory().get("host", math.nan)
    if restart:
        with suppress(OSError):  # not everywhere allowed; then it counts from the start
            Path("/proc/self/clear_refs").write_text("5")
    (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
