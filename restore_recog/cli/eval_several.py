"""``restore-recog eval`` with several recognisers: the images are made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry

if TYPE_CHECKING:
    from restore_recog.api import Recognizer
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.evaluation.results import EvaluationReport
    from restore_recog.system.processes import Processes

OF_ONE = {
    "recognizer_weights": "--recognizer-weights",
    "recognizer_input": "--recognizer-input",
    "recognizer_template": "--template",
}
"""Options that speak of one recogniser."""


def check(given: Mapping[str, Any], further: Sequence[str]) -> None:
    """Find wrong names, and options that do not say which recogniser they mean.

    Raises:
        click.UsageError: There is such an option.
        PluginError: There is no such recogniser.
    """
    for spec in further:
        registry.recognizers.check(spec)
    for name, flag in OF_ONE.items():
        if further and given[name]:
            raise click.UsageError(
                f"{flag} speaks of one recogniser, and {1 + len(further)} are named: name weights "
                "as --recognizer NAME=FILE, and put the rest into the TOML file beside the model."
            )


def evaluated_each(
    given: dict[str, Any],
    further: Sequence[str | Recognizer],
    output: Path,
    build: Callable[[dict[str, Any], Path], EvalRequest],
    ranks: Processes,
) -> tuple[EvalRequest, dict[str, EvaluationReport], bool]:
    """Run the evaluation of all recognisers, or read what ``--resume`` finds finished.

    Returns:
        What was asked for, recogniser -> its report, and whether they were finished before.
    """
    from restore_recog.evaluation.evaluate import evaluate_each
    from restore_recog.reporting import resuming, several
    from restore_recog.system.progress import Bars

    request = build(given, output)
    made = [registry.recognizers.obtain(spec, device=request.device) for spec in further]
    recognizers = [request.recognizer, *made]
    names = several.titles(recognizers)
    if given["resume"]:
        known = resuming.finished_each(request, dict(zip(names, recognizers, strict=True)), output)
        if known is not None:
            return request, known, True
    with Bars(ranks.leads) as bars:
        reports = evaluate_each(request, recognizers, bars.update)
    return request, dict(zip(names, reports, strict=True)), False
