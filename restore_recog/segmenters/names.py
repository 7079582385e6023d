"""What ``--segmenter`` may name, and the segmenter that it stands for.

==========================  ==================================================================
``own``                     each restorer's own detector
``true``                    the true mask
``true+3``, ``true-3``      the true mask widened or narrowed by so many pixels of the crop
``average[:KIND]``          a segmenter that is registered, here one fixed mask
``fmodr[=FILE]``            the detector of a restorer, with a weights file of one's own
``my_module:MySegmenter``   a class of one's own, segmenter or restorer
==========================  ==================================================================
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restore_recog import registry
from restore_recog.api import Restorer, Segmenter
from restore_recog.errors import (
    PluginError,
    PluginImportError,
    UnknownPluginError,
    WeightsError,
)

OWN, TRUE = "own", "true"
_TRUE = re.compile(rf"{TRUE}([+-]\d+)?")


def margin(choice: str | Segmenter) -> int | None:
    """Return by how many pixels the true mask is widened (narrowed: < 0), or None for no true mask.

    ``true`` is 0.
    """
    found = _TRUE.fullmatch(choice) if isinstance(choice, str) else None
    return None if found is None else int(found[1] or 0)


def check(choice: str) -> None:
    """Check a choice without importing what it names.

    Raises:
        UnknownPluginError: Nothing is called so; the nearest name is told.
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
    """Return the name and, of ``NAME=FILE``, the weights file."""
    name, equals, file = choice.partition("=")
    return name, Path(file) if equals else None


def described(choice: str | Segmenter) -> str:
    """Return a choice for a record: a weights file by its content, not by where it lies."""
    if isinstance(choice, Segmenter):
        return choice.name
    from restore_recog.weights import fingerprint  # here: checking a name must not import torch

    name, file = parts(choice)
    return choice if file is None else f"{name}={file.name} (SHA-256 {fingerprint(file)})"


def create(
    choice: str, restorers: Mapping[str, Restorer], device: str
) -> tuple[Segmenter, str, str]:
    """Return the segmenter, the device that it computes on, and its name.

    Args:
        choice: Neither ``own`` nor a true mask.
        restorers: Those of the run by name; one of them lends its detector, unless *choice*
            names a weights file.
        device: For a segmenter that none of them brings.

    Raises:
        PluginError: Unknown, it cannot be made, or a restorer without a detector.
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
    return made, device, made.name


def _lent(name: str, restorer: Restorer) -> tuple[Segmenter, str, str]:
    segmenter = restorer.segmenter()
    if segmenter is None:
        raise PluginError(
            f"The restorer '{name}' has no mask detector; give --segmenter the name of one that "
            "has, or 'true' for data with true masks."
        )
    return segmenter, restorer.device, name


def _group(name: str) -> registry.Registry[Any]:
    """Return the group that knows a name: segmenters, or restorers that bring one."""
    first = registry.split(name)[0]
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


DEFAULT_DETECTOR = "fmodr"
"""Name of the restorer whose detector serves where none of the run has one."""


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A segmenter, the device it computes on, and what to call it."""

    segmenter: Segmenter
    device: str
    name: str


def choose(
    choice: str | Segmenter, restorers: Mapping[str, Restorer], device: str
) -> dict[str, Detector | None]:
    """Return the detector of every restorer; None where it works without (or on true masks).

    Args:
        choice: As :mod:`~restore_recog.segmenters.names` has it, or a segmenter.
        restorers: By their names in this run.
        device: For a detector that none of the restorers brings.

    Raises:
        PluginError: It is unknown, the restorer named has no detector, or there is none at all.
    """
    if margin(choice) is not None:
        return dict.fromkeys(restorers)
    if isinstance(choice, Segmenter):
        return dict.fromkeys(restorers, Detector(choice, device, choice.name))
    if choice != OWN:
        return dict.fromkeys(restorers, _named(choice, restorers, device))
    found: dict[str, Detector | None] = {}
    for name, restorer in restorers.items():
        own = restorer.segmenter()
        found[name] = None if own is None else Detector(own, restorer.device, name)
    needy = [n for n, r in restorers.items() if found[n] is None and "masks" in r.needs]
    if needy:
        lent = next((detector for detector in found.values() if detector is not None), None)
        lent = lent or _named(DEFAULT_DETECTOR, {}, device)
        found |= dict.fromkeys(needy, lent)
    return found


def _named(name: str, restorers: Mapping[str, Restorer], device: str) -> Detector:
    return Detector(*create(name, restorers, device))
