"""``restore-recog eval``: measure whether restoring helps a recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry
from restore_recog.cli import eval_board, eval_several, options
from restore_recog.cli.eval_options import evaluation_options
from restore_recog.cli.eval_run import (
    build_request,
    check_names,
    check_options,
    check_place,
    check_values,
    evaluated,
    restorer_weights,
)
from restore_recog.specs import split

if TYPE_CHECKING:
    from restore_recog.system.processes import Processes


@click.command("eval")
@evaluation_options(several=True)
def command(**given: Any) -> None:
    """Measure whether restoring a masked face first helps a recogniser.

    Every probe goes through several arms (clean, occluded, restored, ...) against the same
    references; the table shows what each does to recognition. Tables go to standard output,
    progress to standard error, and the results folder keeps every number. A repeated run does
    no work twice: the output of the networks is kept in a cache.

    With --restorer all or several protocols one page, the leaderboard, sets every restorer,
    segmenter, recogniser and protocol side by side; data that is called as a protocol (ar:PATH)
    belongs to that one.

    \b
    Examples:
      restore-recog eval --restorer fmodr --protocol fmor
      restore-recog eval -r fmodr -r telea -d lfw:/data/lfw --coverings surgical
      restore-recog eval -r my_package.my_module:MyRestorer --limit 100
      restore-recog eval --recognizer dlib --recognizer onnx:net.onnx -d lfw:/data/lfw
      restore-recog eval -p expression -d ferplus:/data/ferplus -r ecgan -r deepgan
      restore-recog eval -r all -p ar,lfw -d ar:/data/ar -d lfw:/data/lfw
      torchrun --nproc-per-node 2 -m restore_recog eval -d lfw:/data/lfw
    """
    given["recognizer"], *further = given.pop("recognizers")
    given["protocol"], *others = eval_board.protocols(given.pop("protocols"))
    check_options(given)
    every, given["restorers"], left_out = eval_board.restorers(given)
    for protocol in (given["protocol"], *others):
        check_names(given | {"protocol": protocol}, given["segmenter"])
    if not every:
        restorer_weights(given["restorers"], given["weights"])
    given["restorers"] = options.told(
        given["restorers"], given["expression"], given["gender"], given["unsure"]
    )
    if given["harm"]:
        given["restorers"], given["arms"] = options.with_harm(given["restorers"], given["arms"])
    eval_several.check(given, further)
    check_values(given)
    board = [given["protocol"], *others] if every or others else []
    output = given["output"] or (
        options.default_output("leaderboard") if board else _default_output(given)
    )
    from restore_recog.system.processes import processes
    from restore_recog.system.sole_use import sole_use

    with processes() as ranks, sole_use(output, ranks):
        if board:
            eval_board.run(eval_board.Asked(given, further, board, left_out), output, ranks)
            return
        show = _several if further else _one
        text, known = show(given, further, output, ranks)
        if not ranks.leads:
            return
        click.echo(text)
        ending = " (finished before; nothing was done)" if known else ""
        click.echo(f"\nThe whole report: {output / 'report.html'}{ending}")


def _one(
    given: dict[str, Any], further: Sequence[str], output: Path, ranks: Processes
) -> tuple[str, bool]:
    """Evaluate for one recogniser; return what to print, and whether it was finished before."""
    from restore_recog.reporting import folder
    from restore_recog.reporting.tables import report_text

    _, report, known = evaluated(given, output, build_request, ranks)
    if ranks.leads and not known:
        folder.write(report, output, replace=given["overwrite"])
    return report_text(report), known


def _several(
    given: dict[str, Any], further: Sequence[str], output: Path, ranks: Processes
) -> tuple[str, bool]:
    """Evaluate for several recognisers, as :func:`_one` does for one."""
    from restore_recog.reporting import several

    check_place(given, output)
    _, reports, known = eval_several.evaluated_each(given, further, output, build_request, ranks)
    if ranks.leads and not known:
        several.write(reports, output, replace=given["overwrite"])
    return several.text(reports), known


def _default_output(given: dict[str, Any]) -> Path:
    """Return ``runs/<time>-<restorer>-<protocol>-<data>`` with plain file-name characters."""
    return options.default_output(
        "+".join(_plain(registry.restorers, spec) for spec in given["restorers"]),
        _plain(registry.protocols, given["protocol"]),
        "+".join(_plain(registry.datasets, spec) for spec in given["data"]),
    )


def _plain(plugins: registry.Registry[Any], spec: str) -> str:
    """Return the short form of a spec: its name, or the class of a path."""
    name, argument = split(spec)
    return str(argument).partition(":")[0] if plugins.is_path(spec) else name


def unasked() -> dict[str, Any]:
    """Return the default of every option of ``eval``."""
    # A separate command: click keeps the help option of a command that was run once.
    params = click.Command("eval", params=command.params).make_context("eval", []).params
    for name in ("recognizer", "protocol"):
        (params[name],) = params.pop(f"{name}s")
    return params
