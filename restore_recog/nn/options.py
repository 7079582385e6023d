"""Presets of a model: full sets of options that a command line may override one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.errors import TrainingError
from restore_recog.system.atomic import plain as plain


def overridden(
    model: str,
    presets: Mapping[str, Mapping[str, Any]],
    preset: str,
    options: Mapping[str, Any],
    choices: Mapping[str, tuple[Any, ...]],
) -> dict[str, Any]:
    """Return a preset's options with *options* laid over them, in the preset's types.

    Values may be text, as a command line gives them: ``"true"``, ``"16,32"``, ``"1e-4"``.

    Args:
        model: Name for the messages.
        presets: Preset name -> all options.
        preset: Which one.
        options: Overrides.
        choices: Option name -> its valid values, for those that have few.

    Raises:
        TrainingError: No such preset or option, or a value that does not fit.
    """
    if preset not in presets:
        raise TrainingError(f"{model} has no preset '{preset}'; choose {' or '.join(presets)}.")
    result = dict(presets[preset])
    unknown = sorted(set(options) - set(result))
    if unknown:
        raise TrainingError(
            f"{model} has no option '{unknown[0]}'; valid options are {', '.join(sorted(result))}."
        )
    for name, value in options.items():
        result[name] = _convert(model, name, value, result[name])
        if name in choices and result[name] not in choices[name]:
            valid = ", ".join(str(choice) for choice in choices[name])
            raise TrainingError(
                f"{model}'s option '{name}' cannot be {value!r}; choose one of {valid}."
            )
    return result


IN_USE = ("feather",)
"""Options that change nothing of what is learnt, only what is made of it."""


def learnt(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return, as plain values, the options that a resumed training must have in common."""
    shared: dict[str, Any] = plain({n: value for n, value in options.items() if n not in IN_USE})
    return shared


def check_widths(model: str, options: Mapping[str, Any]) -> None:
    """Refuse masks that are widened or faded by less than nothing.

    Raises:
        TrainingError: ``dilate`` or ``feather`` is below 0.
    """
    for name in ("dilate", "feather"):
        if options[name] < 0:
            raise TrainingError(
                f"{model}'s option '{name}' is a number of pixels from 0 on, not {options[name]}."
            )


def _convert(model: str, name: str, value: Any, default: Any) -> Any:
    """Return *value* in the default's type; an empty tuple is one of texts."""
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        if isinstance(default, tuple):
            parts = value.split(",") if isinstance(value, str) else value
            kind = type(default[0]) if default else str
            return tuple(kind(part) for part in parts)
        return type(default)(value)
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{model}'s option '{name}' cannot be {value!r}; its default is {default!r}."
        ) from error
