"""Time and peak memory of one case, in a process of its own.

A case is a function ``prepare(**options)`` that makes the inputs and returns a function
without arguments, which is what is measured, and whose result can be written as JSON.

Memory is the growth of the resident set from just before the first run to the highest
point of all runs. Linux tells the highest point of a process; it is reset after the inputs
were made. Elsewhere it is ``ru_maxrss``, so that a case is credited with what making its
inputs took beyond them.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restore_recog.errors import RestoreRecogError

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_MEMINFO = Path("/proc/meminfo")


class BenchError(RestoreRecogError):
    """A case of a benchmark did not run to its end."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one case took.

    Attributes:
        seconds: Of each repeat.
        peak_mib: Highest memory above what the inputs take, MiB.
        result: What the case returned last.
    """

    seconds: tuple[float, ...]
    peak_mib: float
    result: Any

    @property
    def median(self) -> float:
        """Return the median time in seconds."""
        return statistics.median(self.seconds)


def measure(case: str, options: dict[str, Any], repeats: int) -> Measurement:
    """Run a case in a fresh process.

    Args:
        case: ``module:function`` of its ``prepare``.
        options: What ``prepare`` is called with.
        repeats: How often the prepared function runs.

    Raises:
        BenchError: The process failed; the message ends with its last line.
    """
    asked = json.dumps({"case": case, "options": options, "repeats": repeats})
    done = subprocess.run(
        [sys.executable, "-m", __name__, asked],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": _search_path()},
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}, no message"]
        raise BenchError(
            f"The case {case} failed ({lines[-1]}); try smaller sizes, for instance --quick."
        )
    answer = json.loads(done.stdout.splitlines()[-1])
    return Measurement(tuple(answer["seconds"]), answer["peak_mib"], answer["result"])


def _search_path() -> str:
    """Return where a process looks for modules, this checkout first."""
    parts = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")]
    return os.pathsep.join(part for part in parts if part)


def available_bytes() -> int:
    """Return the memory that a new process may take without swapping."""
    if _MEMINFO.is_file():
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def machine() -> dict[str, Any]:
    """Return what the times depend on: processor, cores, threads and versions."""
    import numpy
    import scipy
    import sklearn
    from threadpoolctl import threadpool_info

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        # Windows has none.
        "load_1min": os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
        "available_gib": available_bytes() / 2**30,
        "blas": [
            f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} threads"
            for pool in threadpool_info()
            if pool["user_api"] == "blas"
        ],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "sklearn": sklearn.__version__,
    }


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    if file.is_file():
        for line in file.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _resident() -> tuple[int, int]:
    """Return the memory of this process in bytes: now, and at its highest."""
    if _STATUS.is_file():
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        now, most = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return now, most
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most, most if sys.platform == "darwin" else most * 1024


def _reset_peak() -> None:
    """Forget the highest point so far, where the system can."""
    try:
        _RESET.write_text("5")
    except OSError:
        return  # the figure then holds what making the inputs took; the docstring says so


def _main(asked: str) -> None:
    """Measure one case and print what it took as JSON."""
    order = json.loads(asked)
    module, _, name = order["case"].partition(":")
    run = getattr(importlib.import_module(module), name)(**order["options"])
    _reset_peak()
    before, _ = _resident()
    seconds, result = [], None
    for _ in range(order["repeats"]):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    peak = (_resident()[1] - before) / 2**20
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "result": result}))


if __name__ == "__main__":
    _main(sys.argv[1])
