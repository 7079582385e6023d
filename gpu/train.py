"""``python -m gpu train``: trainings side by side, in slices that end by themselves."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from gpu import records, schedule
from gpu.carry import lent
from gpu.jobs import Job, alone, run
from restore_recog.cli import options
from restore_recog.errors import DataError, TrainingError
from restore_recog.system.atomic import write_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN = ("--output", "--resume", "--images-scale", "--max-minutes", "--device")
ENDING = 0.8
"""Share of the reserve in which the trainings must have saved; the rest is for copying."""

STOPPED = (130, -signal.SIGTERM)
"""Exit codes of a training that was told to stop: after a step, or before its first."""


@dataclass(frozen=True)
class Run:
    """One training of the plan.

    Attributes:
        name: Of the run and its folder.
        restorer: As ``train-restorer`` takes it.
        options: Of ``train-restorer``.
    """

    name: str
    restorer: str
    options: tuple[str, ...]

    def command(self, folder: Path, device: str, scale: float) -> list[str]:
        """Return the command that begins the run in *folder* or goes on with it."""
        return [
            *(sys.executable, "-m", "restore_recog", "train-restorer", "--restorer", self.restorer),
            *("--threads", "1"),  # those of trainings side by side would fight for the cores
            *self.options,
            *("--device", device, "--images-scale", f"{scale:g}"),
            *("--output", str(folder), "--resume"),
        ]


def read_plan(path: Path, lent: Path) -> list[Run]:
    """Return the runs of a TOML file; ``{lent}`` in an option is the machine's folder.

    Raises:
        DataError: It cannot be read, names no run, or sets what slices decide.
    """
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8"))
        common, tables = plan.get("options", []), plan["runs"]
        runs = [
            Run(name, table.get("restorer", name), (*common, *table.get("options", [])))
            for name, table in tables.items()
        ]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f"The plan {path} cannot be used ({error}); it holds options = [...] and, for each "
            "training, [runs.NAME] with restorer and options."
        ) from error
    for one in runs:
        taken = [option for option in one.options if option.partition("=")[0] in OWN]
        if taken:
            raise DataError(f"{path}: {taken[0]} of '{one.name}' is set by the slices; remove it.")
    fill = str(lent)
    return [
        Run(one.name, one.restorer, tuple(o.replace("{lent}", fill) for o in one.options))
        for one in runs
    ]


@click.command("train")
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=9.0,
    show_default=True,
    help="Length of this slice, with starting and ending.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    required=True,
    help="All that is left for the training, this slice included. Read by the first slice only.",
)
@click.option(
    "--trial-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    help="Factor on every phase in the trial that measures the rates.",
)
@click.option("--reserve", default=25.0, show_default=True, help="Seconds for ending a slice.")
@click.option(
    "--out", type=options.PATH, required=True, help="Folder of small files to bring home."
)
@click.option(
    "--out-mib", default=16.0, show_default=True, help="Size of such a file; larger ones are cut."
)
@options.device
@lent
def train(plan: Path, out: Path, out_mib: float, lent: Path, **given: Any) -> None:
    """Train what PLAN names, side by side, for one slice; called again it goes on.

    \b
    Example:
      PYTHONPATH=/tmp/lent/site python -m gpu train plan.toml --minutes 9 --seconds 1500 --out out
    """
    now = Slice(lent / "runs", begun=time.monotonic(), **given)
    runs = read_plan(plan, lent)
    signal.signal(signal.SIGTERM, end)
    with alone(now.folder) as lock:
        try:
            scales = now.scales(runs, lock)
            going_on = [
                one for one in runs if not records.facts(now.folder / one.name).get("finished")
            ]
            codes = now.run(going_on, now.folder, scales, lock)
        finally:
            records.bring_home(now.folder, [one.name for one in runs], out, out_mib)
    click.echo(f"The slice took {time.monotonic() - now.begun:.0f} s.")
    failed = [name for name, code in codes.items() if code not in (0, *STOPPED)]
    if failed:
        raise TrainingError(
            f"{', '.join(failed)} failed (see above); what was saved is unharmed, and the same "
            "command goes on from it."
        )


def end(number: int, frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exit that stops the jobs and brings home what there is."""
    raise SystemExit(128 + number)


@dataclass(frozen=True)
class Slice:
    """One call of ``train``.

    Attributes:
        folder: Of the runs.
        begun: By ``time.monotonic()``.
        minutes, seconds, reserve, trial_scale, device: As the options.
    """

    folder: Path
    begun: float
    minutes: float
    seconds: float
    reserve: float
    trial_scale: float
    device: str

    def run(
        self, runs: Sequence[Run], folder: Path, scales: Mapping[str, float], lock: int
    ) -> dict[str, int]:
        """Train side by side until the slice ends; return the exit codes."""
        jobs = []
        for one in runs:
            (folder / one.name).mkdir(parents=True, exist_ok=True)
            command = one.command(folder / one.name, self.device, scales[one.name])
            jobs.append(Job(one.name, command, folder / f"{one.name}.log"))
        stop = self.begun + 60 * self.minutes - self.reserve
        return run(jobs, stop, ENDING * self.reserve, lock)

    def scales(self, runs: Sequence[Run], lock: int) -> dict[str, float]:
        """Return the factor on every run's schedule: as decided before, or by a trial now.

        Raises:
            DataError: A run is not among those that were decided on.
            TrainingError: The trial failed, or was too long or too short.
        """
        file = self.folder / "schedule.json"
        if file.exists():
            scales: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
            missing = [one.name for one in runs if one.name not in scales]
            if missing:
                raise DataError(
                    f"{file} has no schedule for '{missing[0]}': trainings that share a machine "
                    "begin together; name another --lent for new ones."
                )
            return scales
        trial = self.folder / "trial"
        shutil.rmtree(trial, ignore_errors=True)  # of a slice that was killed
        started = time.time()
        self.run(runs, trial, dict.fromkeys((r.name for r in runs), self.trial_scale), lock)
        if not all(records.facts(trial / one.name).get("finished") for one in runs):
            raise TrainingError("The trial did not end; see above, or lower --trial-scale.")
        left = self.seconds - (time.monotonic() - self.begun)
        scales = {one.name: self._fitting(trial / one.name, started, left) for one in runs}
        write_text(file, json.dumps(scales, indent=1) + "\n")
        shutil.rmtree(trial)
        return scales

    def _fitting(self, folder: Path, started: float, left: float) -> float:
        """Return the factor with which a run takes what is left, and say how it came about."""
        points = records.points(folder)
        rates = schedule.rates(points)
        phases = records.facts(folder)["phases"]
        images = {name: count / self.trial_scale for name, count, _ in phases}
        first, at = next(iter(points.values()))[0]
        start = max(0.0, at - started - first / rates[phases[0][0]])
        seconds = schedule.useful(left, 60 * self.minutes, start + self.reserve)
        factor = schedule.scale(images, rates, seconds)
        shown = ", ".join(f"{name} {rate:.4g}" for name, rate in rates.items())
        click.echo(
            f"{folder.name}: images a second {shown}; starts in {start:.0f} s; {seconds:.0f} s of "
            f"training are left: --images-scale {factor:g}, "
            f"{factor * sum(images.values()):,.0f} images"
        )
        return factor
