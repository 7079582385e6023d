"""How a plug-in is asked for: ``name``, ``name:argument``, ``module:Class``; then ``=FILE``."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from restore_recog import hub
from restore_recog.errors import PluginError, WeightsError
from restore_recog.names import printable

SAFETENSORS = ".safetensors"
"""What the names of weights files end with."""


def split(spec: str) -> tuple[str, str | None]:
    """Return (name, argument or None) of a spec, whatever file is behind it."""
    name, colon, argument = weighted(spec)[0].partition(":")
    return name, argument if colon else None


def weighted(spec: str) -> tuple[str, Path | None]:
    """Return (spec, None), or what stands before ``=`` and the weights file behind it.

    No name has a ``=``, but an argument may be a file whose name has one (``onnx:a=b.onnx``):
    behind an argument only what ends with ``.safetensors``, or ``hf:USER/REPO``, is a weights file.
    """
    name, equals, file = spec.partition("=")
    if not equals or (":" in name and not (file.endswith(SAFETENSORS) or hub.is_address(file))):
        return spec, None
    return name, Path(file).expanduser()


def with_argument(spec: str, argument: str) -> str:
    """Return a spec that has no argument with one."""
    name, equals, file = spec.partition("=")
    return f"{name}:{argument}{equals}{file}"


def settings(argument: str) -> tuple[dict[str, str], list[str]]:
    """Return what an argument says before its subject as NAME=VALUE, and the words of the rest.

    ``size=256 seed=1 python x.py`` has two settings and two further words; words are quoted as in
    a shell.

    Raises:
        PluginError: A quotation mark is not closed.
    """
    try:
        words = shlex.split(argument)
    except ValueError as error:
        raise PluginError(
            f"'{printable(argument)}' cannot be read: {str(error).rstrip('.')}."
        ) from error
    said: dict[str, str] = {}
    while words and (match := re.fullmatch(r"([a-z_]+)=(.*)", words[0], re.DOTALL)):
        said[match[1]] = match[2]
        words = words[1:]
    return said, words


def value(text: str) -> Any:
    """Return what the text of a setting means: a number, true, false, null, a list, else text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def weights_option(kind: str, spec: str, given: Path | str | None) -> dict[str, Path]:
    """Return ``weights`` as a plug-in is made with it: the file of ``name=FILE``, or *given*.

    Args:
        kind: What the plug-in is, for the message.
        spec: As it was asked for.
        given: Weights that are given beside it, a file or ``hf:USER/REPO``; None for none.

    Returns:
        Nothing where there are none.

    Raises:
        WeightsError: There is no such file, it cannot be fetched, or there are both.
    """
    named = weighted(spec)[1]
    if named is None:
        return {} if given is None else {"weights": hub.local(given)}
    if given is not None:
        raise WeightsError(
            f"The {kind} '{spec}' names its weights file, and {given} is given beside it; leave "
            "one of them out."
        )
    file = hub.local(named)
    if not file.is_file():
        raise WeightsError(f"There is no weights file {file}, which '{spec}' names.")
    return {"weights": file}
