"""``restore-recog eval``: measure whether restoring helps a recogniser."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry
from restore_recog.cli import options

if TYPE_CHECKING:
    from restore_recog.api import Restorer
    from restore_recog.request import EvalRequest


@click.command("eval")
@click.option(
    "-r",
    "--restorer",
    "restorers",
    multiple=True,
    default=["fmodr"],
    show_default=True,
    metavar="NAME",
    help="Restorer to judge; repeat to compare several on the same probes.",
)
@click.option("-p", "--protocol", default="fmor", show_default=True, metavar="NAME")
@click.option(
    "-d",
    "--data",
    multiple=True,
    default=["phantom"],
    show_default=True,
    metavar="NAME[:WHERE]",
    help="Data set, e.g. lfw:/data/lfw; repeat to pool several.",
)
@click.option("--recognizer", default="timm", show_default=True, metavar="NAME[:MODEL]")
@click.option(
    "--recognizer-weights",
    type=click.Path(path_type=Path),
    help="Weights file of the recogniser.  [default: shipped]",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Weights file of the restorer; NAME= says whose, where there are several.  "
    "[default: shipped]",
)
@click.option(
    "--segmenter",
    default="own",
    show_default=True,
    metavar="own|true|NAME",
    help="Who finds the covering: each restorer's own detector, nobody (the true map is given), "
    "or the detector of the restorer NAME.",
)
@click.option("--arms", metavar="A,B,...", help="Arms to run, by name.  [default: the usual ones]")
@click.option(
    "--coverings",
    default="random",
    show_default=True,
    metavar="KIND",
    help="Kind of the synthetic coverings, where the data has no occluded pictures.",
)
@click.option("--colour", help="Colour of the coverings.  [default: one drawn for each picture]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Results folder; must not exist.  [default: runs/<time>-<restorer>-<protocol>-<data>]",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many probes.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--faces",
    type=click.Choice(["one", "largest"]),
    default="largest",
    show_default=True,
    help="A picture with several faces: count it as failed, or take the largest.",
)
@options.device
@options.threads
def command(**given: Any) -> None:
    """Measure whether restoring a masked face first helps a recogniser.

    Every probe goes through several arms (clean, occluded, restored, ...) against the same
    references; the table shows what each does to recognition. Tables go to standard output,
    progress to standard error, and the results folder keeps every number.

    \b
    Examples:
      restore-recog eval --restorer fmodr --protocol fmor
      restore-recog eval -r fmodr -r telea -d lfw:/data/lfw --coverings surgical
      restore-recog eval -r my_package.my_module:MyRestorer --limit 100
    """
    _check_names(given)
    output = given["output"] or _default_output(given)
    from restore_recog.record import check_output

    check_output(output)
    request = _request(given, output)
    from restore_recog.cli.progress import Bars
    from restore_recog.cli.table import render
    from restore_recog.evaluate import evaluate

    with Bars() as bars:
        report = evaluate(request, bars.update)
    report.save(output)
    click.echo(render(report))
    click.echo(f"\nThe whole report: {output / 'report.html'}")


def _check_names(given: dict[str, Any]) -> None:
    """Find every wrong name before anything heavy is imported."""
    for spec in given["restorers"]:
        registry.restorers.check(spec)
    registry.protocols.check(given["protocol"])
    registry.recognizers.check(given["recognizer"])
    for spec in given["data"]:
        registry.datasets.check(spec)
    if given["segmenter"] not in ("own", "true"):
        registry.restorers.check(given["segmenter"])


def _default_output(given: dict[str, Any]) -> Path:
    """Return ``runs/<time>-<restorer>-<protocol>-<data>`` with plain file-name characters."""
    parts = [
        time.strftime("%Y%m%d-%H%M%S"),
        "+".join(_plain(registry.restorers, spec) for spec in given["restorers"]),
        _plain(registry.protocols, given["protocol"]),
        "+".join(_plain(registry.datasets, spec) for spec in given["data"]),
    ]
    return Path("runs") / "-".join(parts)


def _plain(plugins: registry.Registry[Any], spec: str) -> str:
    """Return the telling part of a spec: its name, or the class of a path."""
    name, argument = registry.split(spec)
    return str(argument).partition(":")[0] if plugins.is_path(spec) else name


def _request(given: dict[str, Any], output: Path) -> EvalRequest:
    """Build every part that the names stand for."""
    from restore_recog import devices
    from restore_recog.request import EvalRequest

    options.use_threads(given["threads"])
    device = devices.resolve(given["device"])
    arms = given["arms"]
    return EvalRequest(
        datasets=[registry.datasets.create(spec) for spec in given["data"]],
        protocol=registry.protocols.create(given["protocol"]),
        restorers=_restorers(given["restorers"], given["weights"], device),
        recognizer=registry.recognizers.create(
            given["recognizer"],
            weights=options.existing_weights(given["recognizer_weights"]),
            device=device,
        ),
        segmenter=given["segmenter"],
        arms=None if arms is None else tuple(arm.strip() for arm in arms.split(",")),
        coverings=given["coverings"],
        colour=given["colour"],
        seed=given["seed"],
        limit=given["limit"],
        batch_size=given["batch_size"],
        device=device,
        faces_policy=given["faces"],
        output=output,
        command=shlex.join(["restore-recog", *sys.argv[1:]]),
    )


def _restorers(specs: tuple[str, ...], files: tuple[str, ...], device: str) -> list[Restorer]:
    """Return the restorers, each with its weights file if one is given.

    Raises:
        click.UsageError: It is unclear to which of several a weights file belongs.
    """
    chosen: dict[str, Path] = {}
    for text in files:
        name, equals, file = text.partition("=")
        if equals and name in specs:
            chosen[name] = Path(file)
        elif len(specs) == 1:
            chosen[specs[0]] = Path(text)
        else:
            raise click.UsageError(
                f"Say to which of the restorers {', '.join(specs)} the weights '{text}' belong, "
                f"e.g. --weights {specs[0]}=FILE."
            )
    return [
        registry.restorers.create(
            spec, weights=options.existing_weights(chosen.get(spec)), device=device
        )
        for spec in specs
    ]
