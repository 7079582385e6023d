"""``restore-recog reproduce``: a published table, measured here and set beside the paper's."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry
from restore_recog.cli import options
from restore_recog.cli.eval_options import evaluation_options
from restore_recog.errors import DataError, WeightsError

if TYPE_CHECKING:
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.evaluation.results import EvaluationReport
    from restore_recog.published.comparison import TableComparison
    from restore_recog.published.presets import Preset
    from restore_recog.published.tables import PaperTable
    from restore_recog.system.processes import Processes


TAKEN = (
    "recognizer",
    "recognizer_weights",
    "recognizer_input",
    "recognizer_template",
    "weights",
    "segmenter",
    "judges",
    "faces_policy",
    "limit",
    "batch_size",
    "seed",
    "output",
    "resume",
    "overwrite",
    "cache",
    "no_cache",
    "device",
    "threads",
)
"""The options of ``eval`` that this command has as well; the table fixes the others."""

FORMATS = ("text", "markdown", "csv", "json")


@click.command("reproduce")
@click.argument("name", required=False, metavar="TABLE")
@click.option("--list", "listing", is_flag=True, help="Show all tables and what each needs.")
@options.data("the paper's, or phantom for a rehearsal; without it the paper's figures are shown")
@options.restorer(
    "restorers",
    more="; repeat for several; by default those with a line in the table",
    multiple=True,
)
@click.option(
    "--crop",
    type=click.Choice(["paper", "own"]),
    default="paper",
    show_default=True,
    help="Frame the faces as the paper does, where it is known, or as this project does.",
)
@click.option(
    "--crop-size",
    type=click.IntRange(min=16),
    metavar="PIXELS",
    help="Side of the crops.  [default: the paper's]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the table is printed; the results folder has all of them.",
)
@evaluation_options(
    only=TAKEN, output="Results folder; must not exist.  [default: runs/<time>-<table>]"
)
def command(name: str | None, listing: bool, **given: Any) -> None:
    """Measure what a paper's TABLE shows, and print it beside the paper's own figures.

    An ordinary evaluation with the table's data, coverings, crops and number of images. A
    line counts as reproduced only where the paper's figure lies within the 95 % interval and
    data, size and the weights' training are the paper's; otherwise it says why not.

    \b
    Examples:
      restore-recog reproduce --list
      restore-recog reproduce ganmasker-table1
      restore-recog reproduce fmodr-table4-celeba-mask -d celeba:PATH --weights W.safetensors
      restore-recog reproduce fmodr-table5-ar -d phantom:ar --limit 20
    """
    from restore_recog.published import rendering, tables

    if listing or name is None:
        click.echo(rendering.overview(tables.tables().values()))
        return
    table = tables.table(name)
    if not given["data"]:
        click.echo(rendering.table_text(table))
        return
    _measure(table, given)


def _measure(table: PaperTable, given: dict[str, Any]) -> None:
    """Check what can be checked at once, then evaluate."""
    from restore_recog.cli.eval import check_options
    from restore_recog.published.presets import PRESETS
    from restore_recog.system.processes import processes

    if table.preset is None:
        raise DataError(f"There is no evaluation for '{table.name}': {table.why_not}.")
    preset = PRESETS[table.preset]
    check_options(given)
    _check(table, preset, given)
    output = given["output"] or options.default_output(table.name)
    with processes() as ranks:
        _reproduce(table, preset, given, output, ranks)


def _check(table: PaperTable, preset: Preset, given: dict[str, Any]) -> None:
    """Find wrong names, data that does not support the table, and data that is not the paper's.

    Raises:
        DataError: The table cannot be measured on that data.
        PluginError: Nothing of that name is installed.
    """
    from restore_recog.cli.eval import check_names

    check_names(given | {"protocol": preset.protocol}, [given["segmenter"]])
    for spec in given["data"]:
        name = registry.split(spec)[0]
        if name == preset.data and preset.unfit:
            raise DataError(f"'{table.name}' cannot be measured on '{name}': {preset.unfit}.")
        if name not in (preset.data, "phantom"):
            click.echo(
                f"Warning: {table.name} was measured on {preset.data}; '{name}' is other data, "
                "so the figures stand side by side and reproduce nothing.",
                err=True,
            )


def _reproduce(
    table: PaperTable, preset: Preset, given: dict[str, Any], output: Path, ranks: Processes
) -> None:
    """Evaluate, or take a finished run; write the comparison into its folder and print it."""
    from restore_recog.cli.eval import evaluated, write
    from restore_recog.published import rendering

    build = partial(_request, table, preset)
    request, report, known = evaluated(given, output, build, ranks)
    if not ranks.leads:
        return
    comparison = _compared(table, preset, request, report)
    if not known:
        write(_labelled(report, comparison), output)
    rendering.write(comparison, preset, output)
    click.echo(rendering.shown(comparison, preset, given["form"]).rstrip("\n"))
    click.echo(f"\nThe whole report: {output / 'report.html'}", err=given["form"] != "text")


def _request(table: PaperTable, preset: Preset, given: dict[str, Any], output: Path) -> EvalRequest:
    """Return the evaluation that the table's preset describes.

    Raises:
        WeightsError: A restorer's weights are missing; the message says how they are made.
    """
    from restore_recog.cli.eval import build_request, unasked

    restorers = given["restorers"] or table.restorers
    fixed = {
        "arms": ",".join(preset.arms),
        "restorers": restorers,
        "protocol": preset.protocol,
        "coverings": preset.coverings or "random",
        "limit": given["limit"] or preset.images,
        "data": (),
    }
    try:
        request = build_request(unasked() | given | fixed, output)
    except WeightsError as error:
        training = preset.training(restorers[0])
        raise WeightsError(f"{error} The table's own are made by: {training}") from error
    paper = given["crop"] == "paper"
    return replace(
        request,
        datasets=[preset.dataset(spec) for spec in given["data"]],
        crop_size=given["crop_size"] or preset.size,
        template=preset.template if paper else None,
    )


def _compared(
    table: PaperTable, preset: Preset, request: EvalRequest, report: EvaluationReport
) -> TableComparison:
    from restore_recog.published.comparison import compare
    from restore_recog.published.origin import MeasuredRun, origin

    restorers = request.named()
    run = MeasuredRun(
        data=tuple(dataset.name for dataset in request.datasets),
        rendered=any(dataset.rendered for dataset in request.datasets),
        origins={name: origin(name, restorer) for name, restorer in restorers.items()},
        recognizer=request.recognizer.name,
    )
    return compare(table, preset, report, run)


def _labelled(report: EvaluationReport, comparison: TableComparison) -> EvaluationReport:
    """Return the report with what a reader must know of the comparison before any number."""
    labels = (comparison.verdict().rstrip("."), *report.labels)
    return replace(report, labels=labels, notes=(*comparison.weights, *report.notes))
