"""``restore-recog reproduce``: a published table, measured here and set beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog.cli import eval_several, options, reproduce_parts
from restore_recog.cli.eval_options import evaluation_options
from restore_recog.errors import DataError, WeightsError
from restore_recog.specs import split

if TYPE_CHECKING:
    from restore_recog.api import Recognizer
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.evaluation.results import EvaluationReport
    from restore_recog.published.compared import TableComparison
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
    "classifier",
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
@click.option(
    "--row-recognizer",
    "row_recognizers",
    multiple=True,
    metavar="ROW=NAME",
    help="Recogniser of rows that have one of their own, e.g. sca=onnx:FILE; repeat for several.",
)
@click.option(
    "--row-weights",
    multiple=True,
    metavar="ROW=FILE",
    help="Weights file of such a recogniser, e.g. vggface=FILE.",
)
@evaluation_options(
    only=TAKEN, output="Results folder; must not exist.  [default: runs/<time>-<table>]"
)
def command(name: str | None, listing: bool, **given: Any) -> None:
    """Measure what a paper's TABLE shows, and print it beside the paper's own figures.

    A table of several parts (fmodr-table5) is measured part by part, each on its own data. An
    ordinary evaluation with the table's data, coverings, crops and number of images. A line counts
    as reproduced only where the paper's figure lies within the 95 % interval and data, size and the
    weights' training are the paper's; otherwise it says why not.

    \b
    Examples:
      restore-recog reproduce --list
      restore-recog reproduce ganmasker-table1
      restore-recog reproduce fmodr-table4-celeba-mask -d celeba:PATH --weights W.safetensors
      restore-recog reproduce fmodr-table5-ar -d phantom:ar --limit 20
      restore-recog reproduce fmodr-table5 -d ar:PATH -d fmor:PATH --row-weights sca=W.safetensors
      restore-recog reproduce ecgan-figure7 -d rafdb:PATH --classifier resnet18=C.safetensors
    """
    from restore_recog.published import rendering, tables

    if listing or name is None:
        click.echo(rendering.overview(tables.tables().values()))
        return
    parts = tables.parts(name)
    if not given["data"]:
        click.echo("\n\n\n".join(map(rendering.table_text, parts)))
        return
    _measure(parts, name, given)


def _measure(parts: Sequence[PaperTable], name: str, given: dict[str, Any]) -> None:
    """Check what can be checked at once, then evaluate and print every part that has data."""
    from restore_recog.cli.eval_run import check_options
    from restore_recog.published.presets import PRESETS
    from restore_recog.system.processes import processes
    from restore_recog.system.sole_use import sole_use

    for table in parts:
        if table.preset is None:
            raise DataError(f"There is no evaluation for '{table.name}': {table.why_not}.")
    check_options(given)
    presets = {table.name: PRESETS[table.preset or ""] for table in parts}
    rows = reproduce_parts.row_options(parts, given)
    place = given["output"] or options.default_output(name)
    wanted = reproduce_parts.shared_out(parts, presets, given, place)
    for table, mine, _ in wanted:
        _check(table, presets[table.name], mine)
    with processes() as ranks, sole_use(place, ranks):
        texts = [
            _reproduce(_Part(table, presets[table.name], rows), mine, output, ranks)
            for table, mine, output in wanted
        ]
    if ranks.leads:
        click.echo(reproduce_parts.joined(texts, given["form"]).rstrip("\n"))
        for _, _, output in wanted:
            report = output / "report.html"
            click.echo(f"\nThe whole report: {report}", err=given["form"] != "text")


def _check(table: PaperTable, preset: Preset, given: dict[str, Any]) -> None:
    """Find wrong names, data that does not support the table, and data that is not the paper's.

    Raises:
        DataError: The table cannot be measured on that data.
        PluginError: Nothing of that name is installed.
    """
    from restore_recog.cli.eval_run import check_names

    check_names(given | {"protocol": preset.protocol}, given["segmenter"])
    for spec in given["data"]:
        name = split(spec)[0]
        if name == preset.data and preset.unfit:
            raise DataError(f"'{table.name}' cannot be measured on '{name}': {preset.unfit}.")
        if name not in (preset.data, "phantom"):
            click.echo(
                f"Warning: {table.name} was measured on {preset.data}; '{name}' is other data, "
                "so the figures stand side by side and reproduce nothing.",
                err=True,
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """A table, how it is measured, and what its rows' recognisers are."""

    table: PaperTable
    preset: Preset
    rows: reproduce_parts.RowOptions


def _reproduce(part: _Part, given: dict[str, Any], output: Path, ranks: Processes) -> str:
    """Evaluate, or take finished runs; write the comparison into the folder and return its text."""
    from restore_recog.cli.eval_run import evaluated
    from restore_recog.published import rendering
    from restore_recog.reporting import folder

    table, preset = part.table, part.preset
    build = partial(_request, table, preset)
    own = part.rows.made(table, given["device"])
    if own:
        comparison = _each(part, own, given, output, ranks)
    else:
        request, report, known = evaluated(given, output, build, ranks)
        comparison = _compared(table, preset, request, report) if ranks.leads else None
        if comparison and not known:
            folder.write(_labelled(report, comparison), output, replace=given["overwrite"])
    if comparison is None:
        return ""
    rendering.write(comparison, preset, output)
    return rendering.shown(comparison, preset, given["form"])


def _each(
    part: _Part,
    own: Mapping[str, Recognizer],
    given: dict[str, Any],
    output: Path,
    ranks: Processes,
) -> TableComparison | None:
    """Evaluate with the run's recogniser and with those of the rows; the images are made once."""
    from restore_recog.cli.eval_run import check_place
    from restore_recog.reporting import several

    check_place(given, output)
    build = partial(_request, part.table, part.preset)
    request, reports, known = eval_several.evaluated_each(
        given, list(own.values()), output, build, ranks
    )
    if not ranks.leads:
        return None
    first, *others = reports.values()
    rows = dict(zip(own, others, strict=True))
    comparison = _compared(part.table, part.preset, request, first, rows)
    if not known:
        labelled = {name: _labelled(one, comparison) for name, one in reports.items()}
        several.write(labelled, output, replace=given["overwrite"])
    return comparison


def _request(table: PaperTable, preset: Preset, given: dict[str, Any], output: Path) -> EvalRequest:
    """Return the evaluation that the table's preset describes.

    Raises:
        WeightsError: A restorer's weights are missing; the message says how they are made.
    """
    from restore_recog.cli.eval import unasked
    from restore_recog.cli.eval_run import build_request
    from restore_recog.evaluation.arms.oracle import OracleLabel

    restorers = given["restorers"] or table.restorers
    fixed = {
        "arms": ",".join(preset.arms),
        "restorers": restorers,
        "protocol": preset.protocol,
        "coverings": preset.coverings or "random",
        "limit": given["limit"] or preset.images,
        "data": (),
        **preset.groups,
    }
    try:
        request = build_request(unasked() | given | fixed, output)
    except WeightsError as error:
        training = preset.training(restorers[0])
        raise WeightsError(f"{error} The table's own are made by: {training}") from error
    paper = given["crop"] == "paper"
    tellable = any(OracleLabel.kind in restorer.needs for restorer in request.restorers)
    return replace(
        request,
        arms=tuple(arm for arm in preset.arms if tellable or arm != OracleLabel.name),
        datasets=[preset.dataset(spec) for spec in given["data"]],
        crop_size=given["crop_size"] or preset.size,
        template=preset.template if paper else None,
    )


def _compared(
    table: PaperTable,
    preset: Preset,
    request: EvalRequest,
    report: EvaluationReport,
    others: Mapping[str, EvaluationReport] | None = None,
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
    return compare(table, preset, report, run, others)


def _labelled(report: EvaluationReport, comparison: TableComparison) -> EvaluationReport:
    """Return the report with what a reader must know of the comparison before any number."""
    labels = (comparison.verdict().rstrip("."), *report.labels)
    return replace(report, labels=labels, notes=(*comparison.weights, *report.notes))
