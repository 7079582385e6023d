"""``restore-recog bench train``: how fast trainings go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchmarks.cli_restore import measuring, where
from benchmarks.output import check_free, write
from restore_recog.cli import options

QUICK_IMAGES = 16


@click.command("train")
@options.restorer(
    "restorers", more="; repeat for several; fmodr unless --recognizer is given", multiple=True
)
@click.option(
    "--recognizer",
    "recognizers",
    multiple=True,
    metavar="NAME[:MODEL]",
    help="E.g. timm:regnetx_002; repeatable.",
)
@click.option(
    "--phase", "phases", multiple=True, metavar="NAME", help="E.g. R4.  [default: every phase]"
)
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(min=1),
    multiple=True,
    help="Images a batch.  [default: the preset's]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    multiple=True,
    default=(0, 1),
    show_default=True,
    help="Processes that make batches; repeatable.",
)
@options.data(default=("phantom",), show_default=True)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="At most this many images of each data set.  [default: 256, quick: 16]",
)
@measuring
def train(output: Path | None, limit: int | None, **given: Any) -> None:
    """Time a training step of each phase, beside a plain U-Net of the same FLOPs.

    Tells images a second, ms an image, peak memory, FLOPs an image (forward and backward),
    the share of the machine's own matrix-multiply rate, how long the step waits for data with
    each number of workers, and which operators take the time.

    \b
    Examples:
      restore-recog bench train --quick --phase R4
      restore-recog bench train --preset paper --precision bf16 --workers 8 --output bench.json
      restore-recog bench train --restorer ganmasker --recognizer timm:regnetx_002
    """
    if output is not None:
        check_free(output)
    from benchmarks.speed_text import train_text
    from benchmarks.train import Request, run

    given["limit"] = limit or (QUICK_IMAGES if given["quick"] else 256)
    if not given["restorers"] and not given["recognizers"]:
        given["restorers"] = ("fmodr",)
    request = Request(device=where(given), options=given.pop("settings"), **given)
    results = run(request, lambda text: click.echo(f"measuring {text}", err=True))
    click.echo(train_text(results))
    if output is not None:
        write(results, output)
