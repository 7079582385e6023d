"""``python -m gpu check``: tests on the GPU, speed, and the acceptance table."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gpu.carry import lent
from gpu.jobs import Job, alone, run
from gpu.table import acceptance
from gpu.train import STOPPED, end
from restore_recog.cli import options
from restore_recog.errors import RestoreRecogError
from restore_recog.system.atomic import write_text
from restore_recog.system.workers import cores

PROGRAM = (sys.executable, "-m", "restore_recog")
ARMS = "clean,occluded,restored,fused,fill"
STEPS = "steps.json"


@click.command("check")
@options.restorer("restorers", more="; repeatable", multiple=True, default=["fmodr", "ganmasker"])
@click.option(
    "--weights", multiple=True, metavar="NAME=FILE", help="Of a restorer.  [default: shipped]"
)
@click.option(
    "--recognizer",
    "recognizers",
    multiple=True,
    metavar="NAME[=FILE]",
    help="Judge of the acceptance table, e.g. timm, onnx:net.onnx or dlib=net.dat; repeatable.",
)
@options.data(more="that the acceptance table is about; repeat to pool several")
@click.option("--limit", type=click.IntRange(min=1), help="Probes of the acceptance table at most.")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--quick", is_flag=True, help="Benchmarks that check and do not measure.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=9.0,
    show_default=True,
    help="Length of this slice; called again, it goes on with the steps that are left.",
)
@click.option("--out", type=options.PATH, required=True, help="Folder of what to bring home.")
@options.device
@lent
def check(minutes: float, out: Path, lent: Path, **given: Any) -> None:
    """Run the tests marked gpu, bench restore, bench train, and an eval for each recogniser.

    \b
    Example:
      PYTHONPATH=/tmp/lent/site python -m gpu check -d lfw:/tmp/lent/lfw --recognizer timm \\
          --recognizer dlib=/tmp/lent/net.dat --weights ganmasker=weights.safetensors --out out
    """
    ends = time.monotonic() + 60 * minutes
    folder = lent / "check"
    signal.signal(signal.SIGTERM, end)
    steps = {**_speed(folder, given), **_acceptance(folder, given)}
    file = folder / STEPS
    with alone(folder) as lock:
        done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        try:
            marks = {name: _mark(command) for name, command in steps.items()}
            for name in [name for name, mark in marks.items() if done.get(name) != [0, mark]]:
                _forget(folder, name, whole=done.pop(name, ["", ""])[1] != marks[name])
            for name, command in steps.items():
                if name in done or time.monotonic() >= ends:
                    continue
                code = run([Job(name, command, folder / f"{name}.txt")], ends, 5.0, lock)[name]
                done[name] = [code, marks[name]]
                write_text(file, json.dumps(done, indent=1) + "\n")
        finally:
            _bring_home(folder, out, [name for name in steps if name.startswith("eval")])
    codes = {name: done[name][0] if name in done else STOPPED[0] for name in steps}
    left = [name for name, code in codes.items() if code in STOPPED]
    failed = [name for name, code in codes.items() if code not in (0, *STOPPED)]
    if left:
        click.echo(f"Time is up; still to do: {', '.join(left)}. Repeat the command.")
    if failed:
        raise RestoreRecogError(f"{', '.join(failed)} failed (see above).")


def _mark(command: Sequence[str]) -> str:
    """Return what tells a step from another: its command, and the files that this names."""
    digest = hashlib.sha256("\0".join(command).encode())
    for word in command[1:]:
        file = Path(re.split("[=:]", word)[-1])
        if file.is_file() and file.suffix != ".json":  # what it reads, not what it writes
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _forget(folder: Path, name: str, whole: bool) -> None:
    """Remove what an unfinished step left; its results too, where they are another one's."""
    for ending in ("txt", "json"):  # no benchmark writes over a file
        (folder / f"{name}.{ending}").unlink(missing_ok=True)
    if whole:
        shutil.rmtree(folder / name, ignore_errors=True)


def _speed(folder: Path, given: dict[str, Any]) -> dict[str, list[str]]:
    """Return the commands of the tests and benchmarks by name."""
    steps = {
        # The project's own options ask for pytest-xdist and for its libraries to give no warning.
        "tests": [
            *(sys.executable, "-m", "pytest", "tests/gpu", "-m", "gpu", "-rs", "-v"),
            *("-o", "addopts=--import-mode=importlib", "-o", "filterwarnings=default"),
            *("-p", "no:cacheprovider"),
        ],
    }
    common = ["--device", given["device"], "--batch", str(given["batch"])]
    common += ["--quick"] if given["quick"] else []
    own = {"restore": [], "train": ["--workers", str(max(1, cores() - 1))]}
    for kind in own:
        for restorer in given["restorers"]:  # a step each, so that it fits into a slice
            name = f"{kind}-{restorer.replace(':', '-')}"
            output = ["--output", str(folder / f"{name}.json")]
            words = ["bench", kind, "--restorer", restorer, *own[kind], *common, *output]
            steps[name] = [*PROGRAM, *words]
    return steps


def _acceptance(folder: Path, given: dict[str, Any]) -> dict[str, list[str]]:
    """Return the command of one evaluation for each recogniser."""
    common = ["--protocol", "fmor", "--arms", ARMS, "--device", given["device"], "--resume"]
    for option, name in (("--restorer", "restorers"), ("--weights", "weights"), ("--data", "data")):
        common += [word for value in given[name] for word in (option, value)]
    if given["limit"]:
        common += ["--limit", str(given["limit"])]
    steps = {}
    for number, text in enumerate(given["recognizers"], 1):
        name, _, file = text.partition("=")
        own = ["--recognizer", name, *(["--recognizer-weights", file] if file else [])]
        output = ["--output", str(folder / f"eval-{number}")]
        steps[f"eval-{number}"] = [*PROGRAM, "eval", *common, *own, *output]
    return steps


def _bring_home(folder: Path, out: Path, evaluations: Sequence[str]) -> None:
    """Print the acceptance table, and put it with all texts and figures into one archive."""
    out.mkdir(parents=True, exist_ok=True)
    finished = [folder / name for name in evaluations if (folder / name / "report.json").exists()]
    if finished:
        table = acceptance(finished)
        click.echo(table)
        write_text(folder / "acceptance.md", table + "\n")
    with tarfile.open(out / "check.tar.gz", "w:gz") as archive:
        for file in sorted([*folder.glob("*.txt"), *folder.glob("*.json"), *folder.glob("*.md")]):
            archive.add(file, f"check/{file.name}")
        for run_folder in finished:
            for name in ("report.json", "report.html"):
                archive.add(run_folder / name, f"check/{run_folder.name}/{name}")
