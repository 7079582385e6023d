"""What ``bench restore`` and ``bench train`` share: where and how long, rates, and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import BenchError, measure
from benchmarks.timing import Setting

CASES = "benchmarks.restore_cases"

DERIVED_FROM = (
    "reason",
    "images_per_s",
    "ms_median",
    "ms_p95",
    "batches",
    "peak_mib",
    "flops_image",
)


@dataclass(frozen=True)
class Device:
    """Where cases are measured and for how long.

    Attributes:
        name: As :func:`restore_recog.system.devices.resolve` returns it.
        threads, seconds, least: As in :class:`benchmarks.timing.Setting`.
        side: Of the matrices whose product is the machine's rate.
    """

    name: str = "cpu"
    threads: int | None = None
    seconds: float = 5.0
    least: int = 5
    side: int = 2048

    def setting(
        self, size: int, batch: int, precision: str, compiled: bool = False
    ) -> dict[str, Any]:
        """Return one case's setting as its process takes it."""
        return Setting(
            size=size,
            batch=batch,
            precision=precision,
            compiled=compiled,
            device=self.name,
            threads=self.threads,
            seconds=self.seconds,
            least=self.least,
        ).plain()

    @property
    def memory(self) -> str:
        """Return what the figures of memory are, in a sentence."""
        if self.name == "cpu":
            return (
                "Memory: highest resident set of the case's own process, less what networks and "
                "images take."
            )
        return "Memory: highest allocated (and reserved) by PyTorch on the GPU, networks included."


def matmul_rates(
    device: Device, precisions: Sequence[str], note: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return the machine's matrix-multiply rate at each precision, FLOP/s."""
    rates = []
    for precision in precisions:
        note(f"matrix product, {precision}")
        given = device.setting(device.side, 1, precision)
        figures = measured(CASES, "matmul", {"side": device.side} | given)
        empty = {"reason": None, "flops_per_s": None}
        rates.append({"precision": precision, "side": device.side, **empty, **figures})
    return rates


def measured(cases: str, case: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return what a case found, with its peak memory; a reason where it failed."""
    try:
        measurement = measure(f"{cases}:{case}", options, 1)
    except BenchError as error:
        return {"reason": str(error)}
    return {"peak_mib": measurement.peak_mib, **measurement.result}


def completed(
    row: Mapping[str, Any], first: Mapping[str, Any], rate: float | None
) -> dict[str, Any]:
    """Return a row with all its columns and what is derived within this run.

    Args:
        row: As measured.
        first: The row that it is compared with.
        rate: The machine's matrix-multiply rate at this precision, where known.
    """
    result = {**dict.fromkeys(DERIVED_FROM), **row}
    speed, flops = result["images_per_s"], result["flops_image"]
    done = speed * flops if speed and flops else None
    result["flops_per_s"] = done
    result["matmul_share"] = done / rate if done and rate else None
    ours = first.get("images_per_s")
    result["restorer_times_faster"] = ours / speed if ours and speed else None
    return result
