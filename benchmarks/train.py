"""``bench train``: how fast each phase of a training goes, beside a plain U-Net's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

from benchmarks.flops import COUNTED
from benchmarks.machine_rate import Device, completed, matmul_rates, measured
from benchmarks.measure import BenchError, machine
from benchmarks.subjects import fresh
from benchmarks.targets import train_targets
from benchmarks.torch_machine import torch_machine
from benchmarks.train_cases import Work
from benchmarks.unet import widths_for
from restore_recog import registry
from restore_recog.errors import NotTrainableError

CASES = "benchmarks.train_cases"

Note = Callable[[str], None]

NOTES = (
    "A step is forward, backward and the optimisers' steps of one phase, on one batch that lies on "
    "the device; with workers, on batches that are made meanwhile and brought there.",
    "Networks begin untrained, also those whose features losses compare; speed does not depend on "
    "what weights say.",
    "The U-Net is trained by L1 and Adam; it is as wide as the FLOPs of the phase's step allow.",
    COUNTED,
)


@dataclass(frozen=True)
class Request:
    """What is measured: every combination of the tuples.

    Attributes:
        restorers, recognizers: Registered names or dotted paths.
        presets: Of the restorers.
        phases: Names; empty for all.
        batches: Images a batch; empty for each preset's own.
        workers: Numbers of processes that make batches.
        precisions: As in :class:`benchmarks.timing.Setting`.
        compiled: Whether each is also measured with the networks compiled.
        device: Where, and for how long.
        data, limit: Data sets, and images taken of each.
        options: Of the trainables.
        baselines: Whether to measure the U-Net too.
    """

    device: Device
    restorers: tuple[str, ...] = ("fmodr",)
    recognizers: tuple[str, ...] = ()
    presets: tuple[str, ...] = ("compact",)
    phases: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    workers: tuple[int, ...] = (0, 1)
    precisions: tuple[str, ...] = ("fp32",)
    compiled: bool = False
    data: tuple[str, ...] = ("phantom",)
    limit: int = 256
    options: Mapping[str, Any] = field(default_factory=dict)
    baselines: bool = True


@dataclass(frozen=True)
class _Case:
    """One phase at one batch size."""

    work: Work
    preset: str | None
    phase: str
    size: int
    batch: int
    people: int

    def named(self) -> dict[str, Any]:
        """Return what tells its rows from others."""
        return {
            "model": self.work.spec,
            "preset": self.preset,
            "phase": self.phase,
            "size": self.size,
            "batch": self.batch,
        }


def run(request: Request, note: Note) -> dict[str, Any]:
    """Measure everything and return it as JSON can hold it.

    Args:
        note: Called with what is being measured.

    Raises:
        RestoreRecogError: A plug-in, preset, phase or option that there is not, or data that
            cannot be trained on.
    """
    where = request.device
    with tempfile.TemporaryDirectory(prefix="restore-recog-bench-") as folder:
        cases = _cases(request, folder)
        for case in cases:
            # Made once for all processes; what is wrong with them shows before the first one.
            case.work.faces(case.size).check(case.batch, case.people)
        about = machine() | torch_machine(where.name, where.threads)
        rates = matmul_rates(where, request.precisions, note)
        known = {rate["precision"]: rate["flops_per_s"] for rate in rates}
        rows = []
        modes = (False, True) if request.compiled else (False,)
        for case, precision, compiled in product(cases, request.precisions, modes):
            given = where.setting(case.size, case.batch, precision, compiled)
            rows += _rows(request, case, given, known[precision], note)
    about["load_1min_after"] = machine()["load_1min"]
    return {
        "bench": "train",
        "machine": about,
        "request": asdict(request),
        "notes": [*NOTES, where.memory],
        "matmul": rates,
        "rows": rows,
        "targets": train_targets(rows, where.name),
    }


def _cases(request: Request, folder: str) -> list[_Case]:
    """Return every phase that is measured; each is made once, to see that it can be."""
    cases: list[_Case] = []
    for spec, preset in product(request.restorers, request.presets):
        cases += _phases(request, ("restorers", spec, (preset,)), folder)
    for spec in request.recognizers:
        cases += _phases(
            request, ("recognizers", spec, (registry.recognizers.argument(spec),)), folder
        )
    if not cases:
        raise BenchError(
            f"There is no phase '{request.phases[0]}' in what was named; leave --phase out for all."
            if request.phases
            else "Nothing was named to train; give --restorer or --recognizer."
        )
    return cases


def _phases(
    request: Request, what: tuple[str, str, tuple[str | None, ...]], folder: str
) -> list[_Case]:
    group, spec, call = what
    plugin = registry.GROUPS[group].load(spec)
    cases = []
    for batch in request.batches or (None,):
        options = dict(request.options) | ({} if batch is None else {"batch_size": batch})
        try:
            trainable = fresh(plugin, call, options)
        except NotTrainableError as error:
            raise BenchError(f"{error} Measure it with 'bench restore'.") from error
        for phase in trainable.phases:
            if request.phases and phase.name not in request.phases:
                continue
            work = Work(group, spec, call, options, phase.name, request.data, request.limit, folder)
            preset = call[0] if group == "restorers" else None
            size, people = trainable.image_size, trainable.identities_per_batch
            cases.append(_Case(work, preset, phase.name, size, phase.batch_size, people))
    return cases


def _rows(
    request: Request, case: _Case, given: dict[str, Any], rate: float | None, note: Note
) -> list[dict[str, Any]]:
    """Return a phase's row, the U-Net's beside it, and one for each number of workers."""
    options = {"work": asdict(case.work), **given}
    shared = case.named() | {key: given[key] for key in ("precision", "compiled")}
    title = ", ".join(str(value) for value in shared.values())

    def row(label: str, name: str, **more: Any) -> dict[str, Any]:
        note(f"{title}: {label}")
        return shared | {"case": label} | more | measured(CASES, name, options | more)

    group = [row("step", "step")]
    flops = group[0].get("flops_image")
    if flops and request.baselines:
        widths = widths_for(flops, case.size, training=True)
        if widths is None:
            reason = "no U-Net has these FLOPs within 5 %"
            group.append(shared | {"case": "U-Net", "reason": reason})
        else:
            group.append(row("U-Net", "unet_step", widths=list(widths)))
    for workers in request.workers:
        group.append(row(f"{workers} worker{'s' * (workers != 1)}", "waiting", workers=workers))
    return [completed(one, group[0], rate) for one in group]
