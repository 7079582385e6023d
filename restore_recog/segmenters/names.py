"""What ``--segmenter`` may name, and the segmenter that it stands for.

==========================  ==================================================================
``own``                     each restorer's own segmenter
``true``                    the true mask
``true+3``, ``true-3``      the true mask widened or narrowed by that many pixels of the crop
``average[:KIND]``          a segmenter that is registered, here one fixed mask
``fmodr[=FILE]``            the segmenter of a restorer, with your own weights file (or ``hf:...``)
``my_module:MySegmenter``   your own class, segmenter or restorer
==========================  ==================================================================
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from restore_recog import hub, registry
from restore_recog.api import Restorer, Segmenter
from restore_recog.errors import PluginError, PluginImportError, UnknownPluginError, WeightsError
from restore_recog.names import numbered
from restore_recog.specs import split

OWN, TRUE = "own", "true"
DEFAULT_SEGMENTER = "fmodr"
"""Whose segmenter is borrowed where no restorer of the run has one."""

_TRUE = re.compile(rf"{TRUE}([+-]\d+)?")


def margin(choice: str | Segmenter) -> int | None:
    """Return by how many pixels the true mask is widened (narrowed: < 0), or None for no true mask.

    ``true`` is 0.
    """
    match = _TRUE.fullmatch(choice) if isinstance(choice, str) else None
    return None if match is None else int(match[1] or 0)


def check(choice: str) -> None:
    """Check a choice without importing what it names.

    Raises:
        UnknownPluginError: Nothing has that name; the message proposes the nearest one.
        WeightsError: Its weights file is missing.
    """
    if choice == OWN or margin(choice) is not None:
        return
    name, file = parts(choice)
    if not registry.segmenters.is_path(name):
        _group(name)
    if file is not None and not file.is_file():
        raise WeightsError(f"There is no weights file {file} for the segmenter '{name}'.")


def parts(choice: str) -> tuple[str, Path | None]:
    """Return the name and, of ``NAME=FILE``, the weights file, fetched where the hub has it."""
    name, equals, file = choice.partition("=")
    return name, hub.local(file) if equals else None


def described(choice: str | Segmenter) -> str:
    """Return a choice for a record: a weights file by its content, not by where it lies."""
    if isinstance(choice, Segmenter):
        return choice.name
    from restore_recog.weights import fingerprint  # here: checking a name must not import torch

    name, file = parts(choice)
    return choice if file is None else f"{name}={hub.title(file)} (SHA-256 {fingerprint(file)})"


def title(choice: str | Segmenter) -> str:
    """Return what a choice is called beside a restorer: of a path its last part, no file."""
    if isinstance(choice, Segmenter):
        return choice.name
    name = parts(choice)[0]
    return name.rpartition(":")[2] if registry.segmenters.is_path(name) else name


class Restoring(NamedTuple):
    """A restorer of a run, and what finds its masks.

    Attributes:
        restorer: It.
        alone: Its name where it has one segmenter.
        choice: Of its segmenter, as the table of this module has it, or a segmenter.
    """

    restorer: Restorer
    alone: str
    choice: str | Segmenter


@dataclass(frozen=True, slots=True, eq=False)
class ChosenSegmenter:
    """A segmenter, the device it computes on, and what to call it."""

    segmenter: Segmenter
    device: str
    name: str


def choose(
    choice: str | Segmenter,
    restorers: Mapping[str, Restorer],
    device: str,
    *,
    for_all: bool = False,
) -> dict[str, ChosenSegmenter | None]:
    """Return the segmenter of every restorer; None where it works without (or on true masks).

    With ``own``, a restorer that reads masks and has no segmenter borrows the first other one's,
    or :data:`DEFAULT_SEGMENTER`.

    Args:
        choice: As the table of this module has it, or a segmenter.
        restorers: By their names in this run.
        device: For a segmenter that none of the restorers brings.
        for_all: Whether restorers that read no masks borrow one as well.

    Raises:
        PluginError: It is unknown, the restorer named has no segmenter, or there is none at all.
    """
    if margin(choice) is not None:
        return dict.fromkeys(restorers)
    if isinstance(choice, Segmenter):
        return dict.fromkeys(restorers, ChosenSegmenter(choice, device, choice.name))
    if choice != OWN:
        return dict.fromkeys(restorers, create(choice, restorers, device))
    chosen: dict[str, ChosenSegmenter | None] = {}
    for name, restorer in restorers.items():
        own = own_segmenter(restorer)
        chosen[name] = None if own is None else ChosenSegmenter(own, restorer.device, name)
    needy = [
        name
        for name, restorer in restorers.items()
        if chosen[name] is None and (for_all or "masks" in restorer.needs)
    ]
    if needy:
        lent = next((segmenter for segmenter in chosen.values() if segmenter is not None), None)
        chosen |= dict.fromkeys(needy, lent or create(DEFAULT_SEGMENTER, {}, device))
    return chosen


def restorings(
    restorers: Sequence[Restorer], choices: Sequence[str | Segmenter]
) -> dict[str, Restoring]:
    """Return restorers with their segmenters, by what they are called in a run.

    That is name and argument, and a second one of a name is ``name-2``. Where there are several
    segmenters, restorers that read masks come once with each, as ``name+segmenter``.
    """
    alone = numbered(r.name if r.argument is None else f"{r.name}:{r.argument}" for r in restorers)
    titles = numbered(map(title, choices))
    many = {}
    for name, restorer in zip(alone, restorers, strict=True):
        if len(choices) == 1 or "masks" not in restorer.needs:
            many[name] = Restoring(restorer, name, choices[0])
            continue
        for called, choice in zip(titles, choices, strict=True):
            many[f"{name}+{called}"] = Restoring(restorer, name, choice)
    return many


def choose_each(
    restorings: Mapping[str, Restoring], device: str
) -> dict[str, ChosenSegmenter | None]:
    """Return the segmenter of every restorer of a run; each choice is made once.

    Args:
        restorings: By their names in this run.
        device: As for :func:`choose`, which says what each restorer gets.

    Raises:
        PluginError: As for :func:`choose`.
    """
    chosen: dict[str, ChosenSegmenter | None] = {}
    for choice in dict.fromkeys(one.choice for one in restorings.values()):
        mine = {name: one for name, one in restorings.items() if one.choice == choice}
        given = choose(choice, {one.alone: one.restorer for one in mine.values()}, device)
        chosen |= {name: given[one.alone] for name, one in mine.items()}
    return {name: chosen[name] for name in restorings}


def create(choice: str, restorers: Mapping[str, Restorer], device: str) -> ChosenSegmenter:
    """Return the segmenter that a name stands for.

    Args:
        choice: Neither ``own`` nor a true mask.
        restorers: Those of the run by name; one of them lends its segmenter, unless *choice*
            names a weights file.
        device: For a segmenter that none of them brings.

    Raises:
        PluginError: Unknown, it cannot be made, or a restorer without a segmenter.
    """
    name, file = parts(choice)
    if file is None and name in restorers:
        return _lent(name, restorers[name])
    check(choice)
    options: dict[str, Any] = {"device": device}
    if file is not None:
        options["weights"] = file
    group = _path_group(name) if registry.segmenters.is_path(name) else _group(name)
    made = group.create(name, **options)
    if isinstance(made, Restorer):
        return _lent(name, made)
    return ChosenSegmenter(made, device, made.name)


def own_segmenter(restorer: Restorer) -> Segmenter | None:
    """Return a restorer's own segmenter, or None where it has none.

    Raises:
        PluginError: It brings something else.
    """
    own = restorer.segmenter()
    if own is not None and not isinstance(own, Segmenter):
        raise PluginError(
            f"The restorer '{restorer.name}' returned a {type(own).__name__} from segmenter(), "
            "expected an object of a class that inherits from restore_recog.api.Segmenter, or None."
        )
    return own


def _lent(name: str, restorer: Restorer) -> ChosenSegmenter:
    segmenter = own_segmenter(restorer)
    if segmenter is None:
        raise PluginError(
            f"The restorer '{name}' has no segmenter; give --segmenter the name of one that has, "
            "or 'true' for data with true masks."
        )
    return ChosenSegmenter(segmenter, restorer.device, name)


def _group(name: str) -> registry.Registry[Any]:
    """Return the group that knows a name: segmenters, or restorers that bring one."""
    first = split(name)[0]
    for group in (registry.segmenters, registry.restorers):
        if first in group.names():
            return group
    names = [OWN, TRUE, *registry.segmenters.names(), *registry.restorers.names()]
    near = difflib.get_close_matches(first.lower(), names, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise UnknownPluginError(
        f"No segmenter named '{first}'. {hint}There are {', '.join(names)}, true+PIXELS, "
        "true-PIXELS and module:Class."
    )


def _path_group(path: str) -> registry.Registry[Any]:
    """Return restorers where a dotted path leads to one, else segmenters, who know the rest."""
    try:
        registry.restorers.load(path)
    except PluginImportError:
        return registry.segmenters
    return registry.restorers
