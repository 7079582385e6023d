"""``bench restore``: how fast restorers restore, beside plain baselines in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.flops import COUNTED
from benchmarks.machine_rate import Device, completed, matmul_rates, measured
from benchmarks.measure import machine
from benchmarks.subjects import UNTRAINED, Subject, subject
from benchmarks.targets import restore_targets
from benchmarks.torch_machine import torch_machine
from benchmarks.unet import widths_for
from restore_recog import registry

CASES = "benchmarks.restore_cases"

BASELINES = {"fmodr": {"naive attention loop": "benchmarks.naive_fmodr:NaiveFMODR"}}
"""Restorer -> label -> dotted path of a class that takes its weights and restores the same."""

Note = Callable[[str], None]

NOTES = (
    "Images are on the device before the clock starts; nothing is read, found or aligned.",
    UNTRAINED,
    COUNTED,
)


@dataclass(frozen=True)
class Request:
    """What is measured: every combination of the tuples.

    Attributes:
        device: Where, and for how long.
        restorers: Registered names or dotted paths.
        presets: Of their trainables.
        sizes: Sides of the images; empty for each preset's own.
        batches, precisions: As in :class:`benchmarks.timing.Setting`.
        compiled: Whether each is also measured compiled by torch.compile.
        options: Of the trainables.
        baselines: Whether to measure the plain ones too.
    """

    device: Device
    restorers: tuple[str, ...] = ("fmodr",)
    presets: tuple[str, ...] = ("compact",)
    sizes: tuple[int, ...] = ()
    batches: tuple[int, ...] = (1, 16)
    precisions: tuple[str, ...] = ("fp32",)
    compiled: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    baselines: bool = True


def run(request: Request, note: Note) -> dict[str, Any]:
    """Measure everything and return it as JSON can hold it.

    Args:
        note: Called with what is being measured.

    Raises:
        RestoreRecogError: A restorer, preset, option or size that there is not.
    """
    where = request.device
    with tempfile.TemporaryDirectory(prefix="restore-recog-bench-") as folder:
        subjects = _subjects(request, Path(folder))
        about = machine() | torch_machine(where.name, where.threads)
        rates = matmul_rates(where, request.precisions, note)
        known = {rate["precision"]: rate["flops_per_s"] for rate in rates}
        rows: list[dict[str, Any]] = []
        for tested in subjects:
            rows += _rows(request, tested, known, note)
        checks = [check for tested in subjects for check in _checks(request, tested, note)]
    about["load_1min_after"] = machine()["load_1min"]
    return {
        "bench": "restore",
        "machine": about,
        "request": asdict(request),
        "notes": [*NOTES, where.memory],
        "matmul": rates,
        "rows": rows,
        "checks": checks,
        "equal": all(check["equal"] is not False for check in checks),
        "targets": restore_targets(rows, where.name),
    }


def _subjects(request: Request, folder: Path) -> list[Subject]:
    """Return every restorer at every preset and size; one without presets comes once."""
    subjects: list[Subject] = []
    for spec, preset, size in product(request.restorers, request.presets, request.sizes or (None,)):
        one = subject(spec, preset, size, request.options, folder)
        if one not in subjects:
            subjects.append(one)
    return subjects


def _rows(
    request: Request, tested: Subject, rates: Mapping[str, float | None], note: Note
) -> list[dict[str, Any]]:
    """Return the rows of one subject, each restorer followed by its baselines."""
    cases = {"restorer": ("restore", {"spec": tested.spec, "weights": tested.weights})}
    others = _baselines(tested.spec) if request.baselines else {}
    for label, path in others.items():
        cases[label] = ("restore", {"spec": path, "weights": tested.weights})
    rows: list[dict[str, Any]] = []
    widths: tuple[int, ...] | None = None
    modes = (False, True) if request.compiled else (False,)
    for batch, precision, compiled in product(request.batches, request.precisions, modes):
        given = request.device.setting(tested.size, batch, precision, compiled)
        shared = {
            "restorer": tested.spec,
            "preset": tested.preset,
            **{key: given[key] for key in ("size", "batch", "precision", "compiled")},
        }
        group = []
        for label, (case, options) in cases.items():
            note(f"{_named(shared)}: {label}")
            group.append(shared | {"case": label} | measured(CASES, case, options | given))
        flops = group[0].get("flops_image")
        if flops and request.baselines:
            widths = widths or widths_for(flops, tested.size)
            note(f"{_named(shared)}: U-Net of the same FLOPs")
            group.append(shared | {"case": "U-Net"} | _unet(widths, given))
        rows += [completed(row, group[0], rates[precision]) for row in group]
    return rows


def _baselines(spec: str) -> Mapping[str, str]:
    """Return label -> dotted path of what should restore the same: ours, and a plug-in's own."""
    return {**BASELINES.get(spec, {}), **registry.restorers.load(spec).baselines}


def _unet(widths: tuple[int, ...] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    if widths is None:
        return {"reason": "no U-Net has these FLOPs within 5 %"}
    return {"widths": list(widths)} | measured(CASES, "unet", {"widths": list(widths), **given})


def _checks(request: Request, tested: Subject, note: Note) -> list[dict[str, Any]]:
    """Compare the images of the baselines that should be equal."""
    if not request.baselines:
        return []
    checks = []
    for label, path in _baselines(tested.spec).items():
        note(f"{tested.spec} {tested.preset}: does the {label} agree?")
        given = request.device.setting(tested.size, min(2, max(request.batches)), "fp32", False)
        options = {"spec": tested.spec, "other": path, "weights": tested.weights}
        result = {"equal": None, **measured(CASES, "agree", options | given)}
        checks.append({"restorer": tested.spec, "preset": tested.preset, "case": label, **result})
    return checks


def _named(row: Mapping[str, Any]) -> str:
    mode = "compiled" if row["compiled"] else "eager"
    return (
        f"{row['restorer']} {row['preset'] or ''} {row['size']}, batch {row['batch']}, "
        f"{row['precision']}, {mode}"
    )
