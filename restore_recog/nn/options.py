"""Options of a model: presets, which a command line may override one by one, and weights files.

What a weights file says of its networks came from somewhere: it is checked before it is built.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restore_recog.errors import TrainingError, WeightsError
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


@dataclass(frozen=True)
class Configuration:
    """What the options of a model may be, in its presets and in its weights files.

    Attributes:
        model: What it is called in messages.
        options: Every option with some value of its type.
        needed: Those without which its networks cannot be built.
        choices: Option -> its valid values, of those that have few.
        limits: Option -> least and most, of a number or of each number in a list.
        lengths: Option -> fewest and most entries of a list.
    """

    model: str
    options: Mapping[str, Any]
    needed: tuple[str, ...]
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lengths: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of_file(self, config: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return the configuration of a weights file as it is, once it is known to be sound.

        Options that came later than the file are missing from it; the networks know what was
        meant before.

        Raises:
            WeightsError: An option is unknown or missing, or has a value that does not fit.
        """
        unknown = sorted(set(config) - set(self.options))
        if unknown:
            raise WeightsError(
                f"{path} has the option {_short(unknown[0])}, which {self.model} does not know; "
                "the file is damaged, or a newer version of this package wrote it."
            )
        missing = [name for name in self.needed if name not in config]
        if missing:
            raise WeightsError(
                f"{path} does not say the option '{missing[0]}', without which the networks of "
                f"{self.model} cannot be built; get the file again from where it came."
            )
        for name, value in config.items():
            if not _alike(value, self.options[name]):
                wanted = f"a value such as {_short(plain(self.options[name]))}"
            else:
                wanted = self.wanted(name, value)
            if wanted:
                raise WeightsError(
                    f"{path} sets the option '{name}' of {self.model} to {_short(value)}, but it "
                    f"is {wanted}; the file is damaged or was changed by hand."
                )
        return dict(config)

    def check(self, options: Mapping[str, Any]) -> None:
        """Check options of the right types, as a command line gave them.

        Raises:
            TrainingError: One has a value that weights files may not have.
        """
        for name, value in options.items():
            wanted = self.wanted(name, value)
            if wanted:
                shown = _short(plain(value))
                raise TrainingError(
                    f"{self.model}'s option '{name}' cannot be {shown}; it is {wanted}."
                )

    def wanted(self, name: str, value: Any) -> str:
        """Return what an option should be where its value does not fit, else ``""``."""
        if name in self.choices and value not in self.choices[name]:
            return f"one of {', '.join(str(choice) for choice in self.choices[name])}"
        numbers = list(value) if isinstance(value, (list, tuple)) else [value]
        fewest, most = self.lengths.get(name, (0, MOST_ENTRIES))
        if len(numbers) < fewest or len(numbers) > most:
            return f"a list of {fewest} to {most} numbers"
        least, largest = self.limits.get(name, (-math.inf, math.inf))
        if name in self.limits and not all(least <= number <= largest for number in numbers):
            return f"{'made of numbers' if isinstance(value, (list, tuple)) else 'a number'} " + (
                f"from {least:g} to {largest:g}"
            )
        return ""


MOST_ENTRIES = 1000
"""Of a list whose length has no other limit."""


def _alike(value: Any, usual: Any) -> bool:
    """Return whether a value from JSON is of an option's type; whole numbers pass for others."""
    if isinstance(usual, tuple):
        kind = usual[0] if usual else ""
        return isinstance(value, (list, tuple)) and all(_alike(part, kind) for part in value)
    if isinstance(usual, float):
        return type(value) in (int, float) and -1e300 < value < 1e300  # NaN is not
    return type(value) is type(usual)


def _short(value: Any) -> str:
    """Return a value as a message shows it, however long it is."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


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


def check_spread(model: str, options: Mapping[str, Any]) -> None:
    """Refuse a mask whose width varies by more than it is widened.

    Raises:
        TrainingError: ``dilate_spread`` is not from 0 to ``dilate``.
    """
    if not 0 <= options["dilate_spread"] <= options["dilate"]:
        raise TrainingError(
            f"{model}'s option 'dilate_spread' must lie between 0 and 'dilate' "
            f"({options['dilate']}), not at {options['dilate_spread']}."
        )


def check_multiple(model: str, size: int, multiple: int) -> None:
    """Refuse images that networks cannot halve often enough.

    Raises:
        TrainingError: *size*, the side, is no multiple of *multiple*.
    """
    if size < multiple or size % multiple:
        raise TrainingError(
            f"{model}'s option 'size' must be a multiple of {multiple}, not {size}."
        )


def check_positive(model: str, options: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse numbers that must be above 0.

    Raises:
        TrainingError: One of the options *names* is not.
    """
    for name in names:
        if options[name] <= 0:
            raise TrainingError(f"{model}'s option '{name}' must be positive, not {options[name]}.")


def check_stages(
    model: str, lengths: Mapping[str, int], init: str, idle: Sequence[str] = ()
) -> None:
    """Refuse a training of nothing, and a stage that would be left as it was drawn.

    Args:
        model: Name for the messages.
        lengths: Option -> images of a stage.
        init: What the networks start from; ``""`` for nothing.
        idle: Options that may be 0 even then.

    Raises:
        TrainingError: A length does not fit, or all are 0.
    """
    for name, images in lengths.items():
        if images < 0:
            raise TrainingError(f"{model}'s option '{name}' cannot be {images}.")
        if images == 0 and not init and name not in idle:
            raise TrainingError(
                f"{model}'s option '{name}' is 0, which leaves that stage at what it starts "
                "from: name that with --set init=FILE (or init=shipped)."
            )
    if not any(lengths.values()):
        raise TrainingError(f"{model} has nothing to train: 0 images in {', '.join(lengths)}.")


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
