"""``restore-recog reproduce``: tables of several parts, and rows with a recogniser of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry
from restore_recog.cli import options
from restore_recog.evaluation.cache import CACHE
from restore_recog.specs import split

if TYPE_CHECKING:
    from restore_recog.api import Recognizer
    from restore_recog.published.presets import Preset
    from restore_recog.published.tables import PaperTable

Wanted = tuple["PaperTable", dict[str, Any], Path]
"""A part, its options, and its results folder."""


@dataclass(frozen=True, slots=True)
class RowOptions:
    """What rows' recognisers are: key -> name, and key -> weights file."""

    specs: Mapping[str, str]
    weights: Mapping[str, Path]

    def made(self, table: PaperTable, device: str) -> dict[str, Recognizer]:
        """Return the recognisers that rows of a table have of their own and that can be had."""
        from restore_recog.published.row_recognizers import chosen
        from restore_recog.system.devices import resolve
        from restore_recog.system.processes import own_device

        return chosen(table.recognizers, self.specs, self.weights, resolve(own_device(device)))


def row_options(parts: Sequence[PaperTable], given: Mapping[str, Any]) -> RowOptions:
    """Return what ``--row-recognizer`` and ``--row-weights`` say.

    Raises:
        click.UsageError: An entry is no ROW=VALUE, or the table has no such rows.
        PluginError: There is no such recogniser.
        WeightsError: There is no such file.
    """
    known = list(dict.fromkeys(key for part in parts for key in part.recognizers))
    specs = _pairs("--row-recognizer", given["row_recognizers"], known)
    files = _pairs("--row-weights", given["row_weights"], known)
    for spec in specs.values():
        registry.recognizers.check(spec)
    weights = {key: options.existing(Path(file).expanduser()) for key, file in files.items()}
    return RowOptions(specs, weights)


def _pairs(flag: str, entries: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in entries:
        key, _, value = text.partition("=")
        if key not in known or not value:
            rows = f"one of {', '.join(known)}" if known else "none, in this table"
            raise click.UsageError(f"{flag} takes ROW=VALUE, where ROW is {rows}; not '{text}'.")
        pairs[key] = value
    return pairs


def shared_out(
    parts: Sequence[PaperTable],
    presets: Mapping[str, Preset],
    given: dict[str, Any],
    output: Path,
) -> list[Wanted]:
    """Return the parts that have data, each with its own.

    Data belongs to the parts that were measured on its kind (``ar:PATH``, ``phantom:ar``), and
    where there is none of its kind, to all of them.

    Raises:
        OutputError: The folder of all parts exists, and nothing allows that.
    """
    from restore_recog.system.atomic import check_output

    if len(parts) == 1:
        return [(parts[0], given, output)]
    if not (given["resume"] or given["overwrite"]):
        check_output(output)
    kinds = {preset.data for preset in presets.values()}
    cache = None if given["no_cache"] else given["cache"] or output.parent / CACHE
    wanted = []
    for part in parts:
        mine = tuple(
            spec
            for spec in given["data"]
            if (kind := kind_of(spec)) == presets[part.name].data or kind not in kinds
        )
        if mine:
            wanted.append((part, given | {"data": mine, "cache": cache}, output / part.name))
    return wanted


def kind_of(spec: str) -> str:
    """Return the kind of data that a spec names, of rendered data the kind that it rehearses."""
    name, argument = split(spec)
    return (argument or "").partition("-")[0] if name == "phantom" else name


def joined(texts: Sequence[str], form: str) -> str:
    """Return the parts of a table as one text of the same form."""
    if form == "json" and len(texts) > 1:
        return f"[{','.join(text.strip() for text in texts)}]\n"
    if form == "csv":
        first, *rest = texts
        return first + "".join(text.partition("\n")[2] for text in rest)
    return "\n\n".join(texts)
