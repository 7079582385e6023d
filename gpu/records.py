"""What a slice brings home: weights, and curves, sample images and records in one small file."""

from __future__ import annotations

import json
import logging
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gpu.pieces import MIB, cut
from gpu.schedule import Points
from restore_recog.system.text import csv_text

WEIGHTS = ("weights", "best")
WAITING = "share waiting for data"
MOST_POINTS = 200
"""Points of a curve that travel."""

SHOWN = 5
SAMPLES = 4
LOG_BYTES = 100_000

Curves = dict[str, list[tuple[int, float, float]]]
"""Name -> (images seen, value, seconds on the clock), in order."""


def facts(folder: Path) -> dict[str, Any]:
    """Return a run's ``run.json``, or nothing where it has not begun."""
    file = folder / "run.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def curves(folder: Path) -> Curves:
    """Return what a run has logged, over all its sessions."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # a resumed run is nothing to report
    if not (folder / "logs").is_dir():
        return {}
    events = EventAccumulator(str(folder / "logs"), {"scalars": 0, "images": 1})
    events.Reload()
    return {
        tag: [(event.step, event.value, event.wall_time) for event in events.Scalars(tag)]
        for tag in sorted(events.Tags()["scalars"])
    }


def points(folder: Path) -> dict[str, Points]:
    """Return for every phase when how many images had been seen, in the order of the phases."""
    logged = curves(folder)
    return {
        name: [(seen, clock) for seen, _, clock in logged.get(f"{name}/{WAITING}", [])]
        for name, *_ in facts(folder)["phases"]
    }


def thinned(values: Sequence[Any], most: int) -> list[Any]:
    """Return at most *most* (2 or more) of the values: evenly spread, the first and the last."""
    if len(values) <= most:
        return list(values)
    return [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]


def bring_home(folder: Path, names: Sequence[str], out: Path, most_mib: float) -> None:
    """Copy what is small and worth keeping, and show the curves in a few points.

    Args:
        folder: Of the runs.
        names: Of these.
        out: Where to; files of an earlier slice are replaced.
        most_mib: Size of a file at most; a larger one is cut into pieces.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        staged = Path(work) / "records"
        staged.mkdir()
        for name in names:
            logged = curves(folder / name)
            _gather(folder / name, staged / name, logged)
            _show(name, folder / name, logged)
            log = folder / f"{name}.log"
            if log.exists():
                (staged / log.name).write_bytes(log.read_bytes()[-LOG_BYTES:])
            for kind in WEIGHTS:
                file = folder / name / f"{kind}.safetensors"
                if file.exists():
                    copy = Path(work) / f"{name}-{kind}.safetensors"
                    shutil.copyfile(file, copy)
                    _deliver(copy, out, most_mib)
        if (folder / "schedule.json").exists():
            shutil.copyfile(folder / "schedule.json", staged / "schedule.json")
        archive = Path(work) / "records.tar.gz"
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(staged, "records")
        _deliver(archive, out, most_mib)
    sizes = [file.stat().st_size for file in out.iterdir()]
    click.echo(f"{out}: {len(sizes)} files, {sum(sizes) / MIB:.1f} MiB")


def _deliver(file: Path, out: Path, most_mib: float) -> None:
    for old in (out / file.name, *out.glob(f"{file.name}.[0-9][0-9][0-9]")):
        old.unlink(missing_ok=True)
    if file.stat().st_size <= most_mib * MIB:
        shutil.move(file, out / file.name)
    else:
        cut(file, out, int(most_mib * MIB))


def _gather(run: Path, staged: Path, logged: Curves) -> None:
    from PIL import Image

    staged.mkdir()
    for name in ("run.json", "failures.csv"):
        if (run / name).exists():
            shutil.copyfile(run / name, staged / name)
    rows = [
        (name, seen, f"{value:.6g}")
        for name, curve in logged.items()
        for seen, value, _ in thinned(curve, MOST_POINTS)
    ]
    table = csv_text([("curve", "images_seen", "value"), *rows])
    (staged / "curves.csv").write_text(table, encoding="utf-8")
    for sample in sorted((run / "samples").glob("*.png"))[-SAMPLES:]:
        with Image.open(sample) as image:
            image.convert("RGB").save(staged / f"{sample.stem}.jpg", quality=90)


def _show(name: str, run: Path, logged: Curves) -> None:
    """Print how far a run is, its validations, and the losses of the phase under way."""
    known = facts(run)
    if not known:
        click.echo(f"{name}: not begun")
        return
    whole = sum(count for _, count, _ in known["phases"])
    click.echo(
        f"{name}: {'finished' if known['finished'] else 'under way'}, {known['images_seen']:,} of "
        f"{whole:,} images in {known['minutes']:g} minutes, waited for data "
        f"{known['share_waiting_for_data']:.0%}"
    )
    begun = [phase for phase, *_ in known["phases"] if f"{phase}/{WAITING}" in logged]
    for tag, curve in logged.items():
        if tag.partition("/")[0] in ("validation", *begun[-1:]):
            few = " ".join(f"{seen}:{value:.4g}" for seen, value, _ in thinned(curve, SHOWN))
            click.echo(f"  {tag}  {few}")
