"""``restore-recog bench restore``: how fast restorers restore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchmarks.output import check_free, write
from restore_recog.cli import options

if TYPE_CHECKING:
    from benchmarks.machine_rate import Device

F = TypeVar("F", bound=Callable[..., Any])

SIDES = {"cpu": 2048, "cuda": 8192}
"""Of the matrices whose product is the machine's rate."""

QUICK_SIDE = 256

_MEASURING = (
    click.option("--preset", "presets", multiple=True, default=("compact",), show_default=True),
    click.option(
        "--precision",
        "precisions",
        type=click.Choice(["fp32", "bf16", "fp16"]),
        multiple=True,
        default=("fp32",),
        show_default=True,
    ),
    click.option(
        "--compile/--no-compile", "compiled", help="Also with torch.compile.  [default: no]"
    ),
    click.option("--quick", is_flag=True, help="Two batches a case: a check, not a measurement."),
    click.option(
        "--seconds",
        type=click.FloatRange(min=0),
        default=5.0,
        show_default=True,
        help="About how long each case is timed, at least five batches.",
    ),
    options.training_settings,
    click.option(
        "--baselines/--no-baselines", default=True, show_default=True, help="The plain ones too."
    ),
    options.device,
    options.threads,
    click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE.json",
        help="Write all figures there too; an existing file is refused.",
    ),
)


def measuring(function: F) -> F:
    """Add the options that the benchmarks of networks share."""
    for option in reversed(_MEASURING):
        function = option(function)
    return function


def where(given: dict[str, Any]) -> Device:
    """Return where to measure and for how long, and take these options out of *given*.

    Raises:
        DeviceError: There is no such device.
    """
    from benchmarks.machine_rate import Device
    from restore_recog.system import devices

    name = devices.resolve(given.pop("device"))
    threads, seconds = given.pop("threads"), given.pop("seconds")
    if given.pop("quick"):
        return Device(name, threads, seconds=0.0, least=2, side=QUICK_SIDE)
    return Device(name, threads, seconds=seconds, side=SIDES[name.partition(":")[0]])


@click.command("restore")
@options.restorer(
    "restorers", more="; repeat for several", multiple=True, default=("fmodr",), show_default=True
)
@click.option(
    "--size",
    "sizes",
    type=click.IntRange(min=1),
    multiple=True,
    help="Side of the images.  [default: the preset's]",
)
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1, 16),
    show_default=True,
)
@measuring
def restore(output: Path | None, **given: Any) -> None:
    """Time restorers, beside plain baselines in the same run.

    Every combination of the repeatable options is one row: images a second, ms an image
    (median and 95th percentile), peak memory, FLOPs an image, and which share of the machine's
    own matrix-multiply rate they reach. Beside each stand the same restorer written plainly,
    where it has such a baseline, and a plain U-Net of the same FLOPs. The exit code is 1 where
    a baseline that should restore the same does not.

    \b
    Examples:
      restore-recog bench restore --quick
      restore-recog bench restore --preset paper --precision bf16 --compile --output bench.json
      restore-recog bench restore -r my_package.my_module:MyRestorer --size 128
    """
    if output is not None:
        check_free(output)
    from benchmarks.restore import Request, run
    from benchmarks.speed_text import restore_text

    request = Request(device=where(given), options=given.pop("settings"), **given)
    results = run(request, lambda text: click.echo(f"measuring {text}", err=True))
    click.echo(restore_text(results))
    if output is not None:
        write(results, output)
    if not results["equal"]:
        raise click.exceptions.Exit(1)
