"""``restore-recog eval`` with all restorers or several protocols: a leaderboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from restore_recog import registry
from restore_recog.cli import eval_several
from restore_recog.cli.reproduce_parts import kind_of
from restore_recog.errors import OutputError, RestoreRecogError
from restore_recog.evaluation.cache import CACHE
from restore_recog.names import numbered
from restore_recog.specs import split, weighted

if TYPE_CHECKING:
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.reporting.leaderboard.rows import Run
    from restore_recog.restoring.cost import Cost
    from restore_recog.system.processes import Processes

ALL = "all"
"""Stands for every restorer that can be made."""

CONTROL = "none"
"""The restorer that restores nothing, which a leaderboard does without."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a leaderboard is made of.

    Attributes:
        given: The options of ``eval``.
        further: Recognisers besides ``given["recognizer"]``.
        protocols: One or more.
        left_out: A sentence for each restorer that cannot take part.
    """

    given: Mapping[str, Any]
    further: Sequence[str]
    protocols: Sequence[str]
    left_out: Sequence[str]


def protocols(entries: Sequence[str]) -> list[str]:
    """Return the protocols that entries name; commas join several of them.

    An entry with an argument is taken apart only where every part has the name of a protocol, since
    the argument (a path) may hold commas.
    """
    known, every = set(registry.protocols.names()), []
    for entry in entries:
        parts = entry.split(",")
        apart = ":" not in entry or all(split(part)[0] in known for part in parts)
        every += parts if apart else [entry]
    return list(dict.fromkeys(every))


def restorers(given: Mapping[str, Any]) -> tuple[bool, tuple[str, ...], list[str]]:
    """Return whether all restorers were asked for, which they are, and who cannot take part.

    Raises:
        UsageError, WeightsError: As :func:`restore_recog.cli.eval_run.restorer_weights`.
    """
    asked = tuple(given["restorers"])
    if ALL not in asked:
        return False, asked, []
    from restore_recog.cli.eval_run import restorer_weights

    names = [name for name in registry.restorers.names() if name != CONTROL]
    files = restorer_weights((*names, *asked), given["weights"])
    chosen, left_out = [], []
    for name in names:
        try:
            registry.restorers.create(name, weights=files.get(name))
        except RestoreRecogError as error:
            left_out.append(f"The restorer '{name}' is left out: {error}")
        else:
            chosen.append(name)
    for sentence in left_out:
        click.echo(sentence, err=True)
    own = [spec for spec in asked if spec != ALL]
    return True, tuple(dict.fromkeys([*chosen, *own])), left_out


def run(asked: Asked, output: Path, ranks: Processes) -> None:
    """Run every protocol, or take finished runs, and write and print the leaderboard."""
    from restore_recog.reporting.leaderboard import files
    from restore_recog.reporting.leaderboard.rows import leaderboard

    _check_place(asked.given, output)
    parts = _shared_out(asked, output)
    request, *_ = [_planned(part) for part in parts]
    runs = [one for part in parts for one in _evaluated(asked, part, output, ranks)]
    if not ranks.leads:
        return
    costs = _costs(asked.given["restorers"], request)
    board = leaderboard([replace(one, costs=costs) for one in runs], asked.left_out)
    files.write(board, output)
    click.echo(files.text(board))
    click.echo(f"\nThe whole leaderboard: {output / f'{files.NAME}.html'}")


def _check_place(given: Mapping[str, Any], output: Path) -> None:
    from restore_recog.reporting.leaderboard.files import NAME
    from restore_recog.system.atomic import check_output

    if not (given["resume"] or given["overwrite"]):
        check_output(output)
    if given["overwrite"] and output.exists() and not (output / f"{NAME}.json").is_file():
        raise OutputError(
            f"'{output}' is no folder of a leaderboard (it has no {NAME}.json), so --overwrite "
            "leaves it alone; name another folder with --output, or go on with --resume."
        )


def _shared_out(asked: Asked, output: Path) -> list[dict[str, Any]]:
    """Return the options of the evaluation of each protocol, with the data that is its own.

    Raises:
        UsageError: There is no data for one of them.
    """
    given = asked.given
    names = [split(spec)[0] for spec in asked.protocols]
    kinds = {spec: kind_of(spec) for spec in given["data"]}
    rest = tuple(spec for spec, kind in kinds.items() if kind not in names)
    cache = None if given["no_cache"] else given["cache"] or output.parent / CACHE
    parts = []
    titles = numbered(map(_title, asked.protocols, (names.count(name) > 1 for name in names)))
    for title, name, spec in zip(titles, names, asked.protocols, strict=True):
        mine = tuple(one for one, kind in kinds.items() if kind == name) or rest
        if not mine:
            raise click.UsageError(
                f"There is no --data for the protocol '{name}': name {name}:PATH, or data that "
                "is called as none of the protocols."
            )
        own = {"protocol": spec, "data": mine, "cache": cache, "output": output / title}
        parts.append({**given, **own})
    return parts


def _title(spec: str, again: bool) -> str:
    """Return what a protocol is called: its name, with a plain argument if others share it."""
    name, argument = split(spec)
    plain = again and argument is not None and re.fullmatch(r"\w[\w.-]*", argument)
    return f"{name}-{argument}" if plain else name


def _planned(part: Mapping[str, Any]) -> EvalRequest:
    """Return the request of one protocol, whose data supports it; no image is read.

    Raises:
        DataError: The data does not.
    """
    from restore_recog.cli.eval_run import build_request
    from restore_recog.evaluation.run.ledger import Ledger
    from restore_recog.evaluation.run.session import Session

    request = build_request(dict(part), part["output"])
    Session(request, Ledger())
    return request


def _evaluated(asked: Asked, part: dict[str, Any], output: Path, ranks: Processes) -> list[Run]:
    """Evaluate one protocol, write its folder, and return its runs."""
    from restore_recog.cli.eval_run import build_request, check_place, evaluated
    from restore_recog.reporting import folder, several
    from restore_recog.reporting.leaderboard.rows import Run

    place: Path = part["output"]
    check_place(part, place)
    if asked.further:
        _, reports, known = eval_several.evaluated_each(
            part, asked.further, place, build_request, ranks
        )
        if ranks.leads and not known:
            several.write(reports, place, replace=part["overwrite"])
        pages = {name: several.place(place, name) for name in reports}
    else:
        request, report, known = evaluated(part, place, build_request, ranks)
        if ranks.leads and not known:
            folder.write(report, place, replace=part["overwrite"])
        (name,) = several.titles([request.recognizer])
        reports, pages = {name: report}, {name: place}
    return [
        Run(place.name, name, report, quote(str((pages[name] / "report.html").relative_to(output))))
        for name, report in reports.items()
    ]


def _costs(specs: Sequence[str], request: EvalRequest) -> dict[str, Cost]:
    """Return what each restorer costs, by what it is called with one segmenter.

    One that a process of its own cannot make (a class that is registered in this one) has none.
    """
    import torch

    from restore_recog.restoring.cost import cost
    from restore_recog.system.progress import bar

    alone = dict.fromkeys(one.alone for one in request.restorings().values())
    costs = {}
    with bar(len(specs), "measuring costs", unit="restorer") as shown:
        for name, spec, restorer in zip(alone, specs, request.restorers, strict=True):
            shown.update()
            threads = torch.get_num_threads()
            weights = restorer.weights if weighted(spec)[1] is None else None
            sides = weights, restorer.device, request.batch_size, threads
            try:
                costs[name] = cost(spec, *sides)
            except RestoreRecogError as error:
                click.echo(f"The costs of '{name}' were not measured: {error}", err=True)
    return costs
