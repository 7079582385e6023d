"""The options that several commands share: one spelling and one help text for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from restore_recog import hub
from restore_recog.cli.plugin_names import PluginName
from restore_recog.errors import WeightsError
from restore_recog.labels import EXPRESSION, EXPRESSIONS, GENDER
from restore_recog.specs import value, with_argument

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]

PATH = click.Path(path_type=Path)
RESTORER, PROTOCOL = PluginName("restorers"), PluginName("protocols")
DATASET, RECOGNIZER = PluginName("datasets"), PluginName("recognizers")

device = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:N]",
    help="Where to compute; auto takes a GPU if there is one.",
)
threads = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads of PyTorch.  [default: one per core]",
)
seed = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of every random choice.",
)
images_limit = click.option(
    "--limit", type=click.IntRange(min=1), help="At most this many images of each data set."
)
leave_out = click.option(
    "--leave-out",
    type=PATH,
    metavar="FILE",
    help="Text or CSV file whose first column names images that must not be trained on, "
    "e.g. celeba/7213/193500.jpg: from the data set's folder or its parent.",
)
weights = click.option(
    "--weights",
    type=PATH,
    metavar="FILE",
    help="Weights file of the restorer, or hf:USER/REPO[@REVISION] on the Hugging Face hub.  "
    "[default: shipped]",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace results that exist.")


def restorer(*names: str, more: str = "", **settings: Any) -> Decorator[Any]:
    """Return ``-r/--restorer``.

    Args:
        names: The parameter's name where it is another one.
        more: What the help says besides, e.g. what repeating does.
        settings: For :func:`click.option`.
    """
    text = f"Restorer: a registered name or module:Class{more}."
    return click.option(
        "-r", "--restorer", *names, metavar="NAME", type=RESTORER, help=text, **settings
    )


expression = click.option(
    "--expression",
    type=click.Choice(["predicted", *EXPRESSIONS, "each"]),
    help="What a restorer that can be told an expression (ecgan) is told: one that it predicts "
    "from the visible part, one of the seven, or each in turn.  [default: predicted]",
)

GENERATORS = ("predicted", "male", "female", "pooled")
"""What a restorer with a generator for each gender may go by."""

gender = click.option(
    "--gender",
    type=click.Choice([*GENERATORS, "each"]),
    help="Which generator a restorer that has one for each gender (landmark_gender) uses: that of "
    "the gender that it predicts from the occluded face, one of the two, the one that was trained "
    "on all faces, or each in turn.  [default: predicted]",
)


def _below_half(
    _context: click.Context, _parameter: click.Parameter, value: float | None
) -> float | None:
    if value is not None and not 0 <= value < 0.5:  # NaN is not
        raise click.BadParameter(
            f"{value:g} is no band around 1/2; it is a number from 0 to below 0.5, e.g. 0.1."
        )
    return value


unsure = click.option(
    "--unsure",
    type=float,
    callback=_below_half,
    metavar="U",
    help="A predicted gender is unsure where its probability is within U of 1/2; the generator "
    "that was trained on all faces is used then.  [default: as the restorer has it, 0.1]",
)


def told(
    restorers: Sequence[str],
    expression: str | None = None,
    gender: str | None = None,
    unsure: float | None = None,
) -> tuple[str, ...]:
    """Return restorers, those that can be told a label with it behind their name.

    Args:
        restorers: As they were asked for; one with an argument of its own keeps that.
        expression: Of :data:`expression`; ``each`` takes a restorer seven times.
        gender: Of :data:`gender`; ``each`` takes a restorer four times.
        unsure: Of :data:`unsure`; None leaves it to the restorer.

    Raises:
        click.UsageError: None of them can be told one, or nothing is predicted.
    """
    chosen = tuple(restorers)
    words: tuple[str, ...]
    if expression is not None:
        words = EXPRESSIONS if expression == "each" else (expression,)
        chosen = _with_label(chosen, EXPRESSION, words, "leave --expression out, or name one "
                             "that can: ecgan")  # fmt: skip
    if gender is not None or unsure is not None:
        words = GENERATORS if gender == "each" else (gender or GENERATORS[0],)
        if unsure is not None and GENERATORS[0] not in words:
            raise click.UsageError(
                f"--unsure is about a gender that is predicted, and --gender {gender} predicts "
                "none; leave one of the two out."
            )
        band = "" if unsure is None else f"@{unsure:g}"
        words = tuple(word + band if word == GENERATORS[0] else word for word in words)
        chosen = _with_label(chosen, GENDER, words, "leave --gender and --unsure out, or name one "
                             "that can: landmark_gender")  # fmt: skip
    return chosen


harm = click.option(
    "--harm",
    is_flag=True,
    help="Measure what wrong decisions do, of restorers with a generator for each gender: told the "
    "true gender, told the other one, and one generator for everybody, by group.",
)


def with_harm(restorers: Sequence[str], arms: str | None) -> tuple[tuple[str, ...], str]:
    """Return restorers and arms that :data:`harm` asks for.

    Args:
        restorers: As they were asked for; each that predicts a gender brings its pooled sibling.
        arms: As they were asked for, joined by commas; None for the usual ones, besides which
            those that it takes then run.

    Raises:
        click.UsageError: None of the restorers predicts a gender.
    """
    from restore_recog import registry
    from restore_recog.evaluation.arms import BESIDES
    from restore_recog.evaluation.arms.oracle import OracleGender, WrongGender

    pooled = []
    for spec in restorers:
        argument = registry.restorers.argument(spec)
        predicts = argument is None or argument.startswith(GENERATORS[0])
        if GENDER in registry.restorers.load(spec).needs and predicts:
            name, equals, file = spec.partition("=")
            bare = name.removesuffix(f":{argument}")
            pooled.append(with_argument(f"{bare}{equals}{file}", "pooled"))
    if not pooled:
        raise click.UsageError(
            "--harm is about restorers that decide on a gender, and none of "
            f"{', '.join(restorers)} does; leave it out, or name one that does: landmark_gender."
        )
    needed = ["restored", OracleGender.name, WrongGender.name]
    if arms is None:
        wanted = [BESIDES + name for name in needed]
    else:
        wanted = list(dict.fromkeys([part.strip() for part in arms.split(",")] + needed))
    return tuple(dict.fromkeys([*restorers, *pooled])), ",".join(wanted)


def _with_label(
    restorers: Sequence[str], kind: str, words: Sequence[str], advice: str
) -> tuple[str, ...]:
    """Return restorers, those that can be told a kind of label once with each of the words."""
    from restore_recog import registry

    chosen: list[str] = []
    for spec in restorers:
        takes = kind in registry.restorers.load(spec).needs
        free = takes and registry.restorers.argument(spec) is None
        chosen += [with_argument(spec, word) for word in words] if free else [spec]
    if chosen == list(restorers):
        article = "an" if kind[0] in "aeiou" else "a"
        raise click.UsageError(
            f"None of the restorers {', '.join(restorers)} can be told {article} {kind} beside "
            f"what its name says; {advice}."
        )
    return tuple(chosen)


def data(more: str = "repeat for several", **settings: Any) -> Decorator[Any]:
    """Return ``-d/--data``, which may be repeated."""
    text = f"Data set, e.g. lfw:/data/lfw; {more}."
    metavar = "NAME[:WHERE]"
    return click.option(
        "-d", "--data", multiple=True, metavar=metavar, type=DATASET, help=text, **settings
    )


def protocol(text: str, **settings: Any) -> Decorator[Any]:
    """Return ``-p/--protocol``."""
    metavar = "NAME[:ARGUMENT]"
    return click.option("-p", "--protocol", metavar=metavar, type=PROTOCOL, help=text, **settings)


def output(text: str, **settings: Any) -> Decorator[Any]:
    """Return ``-o/--output``."""
    return click.option("-o", "--output", type=PATH, help=text, **settings)


def parse_settings(
    _context: click.Context | None, _parameter: click.Parameter | None, values: Sequence[str]
) -> dict[str, Any]:
    """Return ``key=value`` texts as a dict: numbers, true, false, null, lists, else text."""
    settings: dict[str, Any] = {}
    for text in values:
        key, equals, said = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"'{text}' is not of the form key=value.")
        settings[key] = value(said)
    return settings


training_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    callback=parse_settings,
    metavar="KEY=VALUE",
    help="An option of the model's training; repeat for several.",
)


def default_output(*parts: str) -> Path:
    """Return ``runs/<time>-<parts>``, where a command writes unless told otherwise."""
    return Path("runs") / "-".join([time.strftime("%Y%m%d-%H%M%S"), *parts])


def use_threads(count: int | None) -> None:
    """Set PyTorch's number of CPU threads, or leave it."""
    if count is not None:
        import torch

        torch.set_num_threads(count)


def existing(file: Path) -> Path:
    """Return a weights file that was asked for, fetched where it is ``hf:USER/REPO``.

    Raises:
        WeightsError: It is missing, or cannot be fetched.
    """
    place = hub.local(file)
    if not place.is_file():
        raise WeightsError(f"There is no weights file {place}.")
    return place


def existing_weights(file: Path | None) -> Path | None:
    """Return :func:`existing`, whether or not the model will read it; None for none."""
    return None if file is None else existing(file)
