"""From the options of ``restore-recog eval`` to a request, and from that to a report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry
from restore_recog.cli import options
from restore_recog.cli.eval_options import FIELDS
from restore_recog.evaluation.cache import CACHE
from restore_recog.segmenters import names
from restore_recog.specs import split

if TYPE_CHECKING:
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.evaluation.results import EvaluationReport
    from restore_recog.system.processes import Processes


def check_place(given: dict[str, Any], output: Path) -> None:
    """Refuse a results folder that may be neither made, replaced nor gone on with.

    Raises:
        OutputError: It is such a folder.
    """
    from restore_recog.reporting import resuming
    from restore_recog.system.atomic import check_output

    if given["overwrite"]:
        resuming.check_replaceable(output)
    elif not given["resume"]:
        check_output(output)


def evaluated(
    given: dict[str, Any],
    output: Path,
    build: Callable[[dict[str, Any], Path], EvalRequest],
    ranks: Processes,
) -> tuple[EvalRequest, EvaluationReport, bool]:
    """Run one evaluation, or read what ``--resume`` finds finished; the first process has bars.

    Returns:
        What was asked for, the report, and whether it was finished before.
    """
    from restore_recog.evaluation.evaluate import evaluate
    from restore_recog.reporting import resuming
    from restore_recog.system.progress import Bars

    check_place(given, output)
    request = build(given, output)
    report = resuming.finished(request, output) if given["resume"] else None
    if report is not None:
        return request, report, True
    with Bars(ranks.leads) as bars:
        return request, evaluate(request, bars.update), False


def check_options(given: dict[str, Any]) -> None:
    """Refuse options that contradict each other.

    Raises:
        click.UsageError: They do.
    """
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("--resume keeps finished results and --overwrite replaces them.")
    if given["resume"] and not given["output"]:
        raise click.UsageError("--resume needs --output: which run is to go on?")
    if given["no_cache"] and (given["cache"] or given["resume"]):
        other = "--resume goes on through the cache" if given["resume"] else "--cache names one"
        raise click.UsageError(f"{other}, and --no-cache forbids it.")


def check_values(given: dict[str, Any]) -> None:
    """Find what is missing or in the way before anything heavy is imported.

    Raises:
        OutputError: The results folder exists, or cannot be made.
        RestoreRecogError: A file or a folder of data is missing, or an arm or a covering unknown.
    """
    from restore_recog.coverings import choose
    from restore_recog.evaluation.arms import check_arms
    from restore_recog.system.atomic import check_output

    if given["output"] is not None and not (given["resume"] or given["overwrite"]):
        check_output(
            given["output"], "go on with its run with --resume, replace it with --overwrite"
        )
    check_arms([name.strip() for name in (given["arms"] or "").split(",") if name.strip()])
    choose(given["coverings"], given["colour"], given["pattern"], given["difficulty"])
    options.existing_weights(given["recognizer_weights"])
    judge_weights(given["judges"])
    for spec in given["data"]:
        place = split(spec)[1]
        if place and not Path(place).exists():  # a folder that is there is looked into later
            dataset = registry.datasets.create(spec)
            if dataset.location and not Path(dataset.location).exists():
                dataset.samples()  # says what should be there


def check_names(given: dict[str, Any], segmenters: Sequence[str]) -> None:
    """Find every wrong name before anything heavy is imported."""
    for spec in given["restorers"]:
        registry.restorers.check(spec)
    registry.protocols.check(given["protocol"])
    registry.recognizers.check(given["recognizer"])
    for spec in given["data"]:
        registry.datasets.check(spec)
    for choice in segmenters:
        names.check(choice)


def build_request(given: dict[str, Any], output: Path) -> EvalRequest:
    """Return the request that the options describe."""
    from restore_recog.evaluation.request import from_names

    options.use_threads(given["threads"])
    chosen = {name: given[name] for name in FIELDS}
    for name, declared in FIELDS.items():
        if declared.metadata.get("multiple"):
            chosen[name] = chosen[name] or None
        if declared.metadata.get("names") and chosen[name] is not None:
            chosen[name] = tuple(part.strip() for part in chosen[name].split(","))
    if len(given["segmenter"]) == 1:
        (chosen["segmenter"],) = given["segmenter"]
    return from_names(
        data=given["data"],
        protocol=given["protocol"],
        restorers=given["restorers"],
        recognizer=given["recognizer"],
        weights=restorer_weights(given["restorers"], given["weights"]),
        recognizer_weights=options.existing_weights(given["recognizer_weights"]),
        recognizer_settings=recognizer_settings(
            given["recognizer_input"], given["recognizer_template"]
        ),
        device=given["device"],
        judge_weights=judge_weights(given["judges"]),
        cache=None if given["no_cache"] else given["cache"] or output.parent / CACHE,
        output=None if given["overwrite"] else output,
        command=shlex.join(["restore-recog", *sys.argv[1:]]),
        **chosen,
    )


def recognizer_settings(entries: Sequence[str], template: str | None) -> dict[str, Any]:
    """Return the recogniser's settings of entries ``rgb``, ``bgr`` or KEY=VALUE.

    Raises:
        click.UsageError: An entry is neither.
    """
    pairs = [f"input={text}" if text in ("rgb", "bgr") else text for text in entries]
    try:
        settings = options.parse_settings(None, None, pairs)
    except click.BadParameter as error:
        raise click.UsageError(
            f"--recognizer-input is rgb, bgr or KEY=VALUE: {error.message}"
        ) from error
    return settings if template is None else {**settings, "template": template}


def judge_weights(entries: tuple[str, ...]) -> dict[str, Path]:
    """Return image-quality metric -> weights file of entries NAME=FILE.

    Raises:
        click.UsageError: An entry has no name or no file, or a metric has two.
        WeightsError: There is no such file.
    """
    files: dict[str, Path] = {}
    for text in entries:
        name, _, file = text.partition("=")
        if not (name and file) or name in files:
            raise click.UsageError(
                f"--judge takes one NAME=FILE for each metric, such as fid=inception.pth, not "
                f"'{text}'."
            )
        files[name] = options.existing(Path(file).expanduser())
    return files


def restorer_weights(specs: tuple[str, ...], files: tuple[str, ...]) -> dict[str, Path]:
    """Return restorer -> weights file of entries [NAME=]FILE.

    Raises:
        click.UsageError: It is unclear to which of several restorers a weights file belongs.
        WeightsError: There is no such file.
    """
    chosen: dict[str, Path] = {}
    for text in files:
        name, equals, file = text.partition("=")
        owners = [spec for spec in specs if name in (spec, split(spec)[0])]
        if equals and owners:
            chosen |= dict.fromkeys(owners, Path(file))
        elif len(specs) == 1:
            chosen[specs[0]] = Path(text)
        else:
            raise click.UsageError(
                f"Say to which of the restorers {', '.join(specs)} the weights '{text}' belong, "
                f"e.g. --weights {specs[0]}=FILE."
            )
    return {spec: options.existing(path) for spec, path in chosen.items()}
