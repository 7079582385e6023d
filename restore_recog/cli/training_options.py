"""The options that the two training commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class TrainingOptions:
    """The options common to both commands; their help texts are below."""

    data: tuple[str, ...]
    output: Path
    resume: bool
    protocol: str | None
    limit: int | None
    coverings: str
    cache: Path | None
    device: str
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    compiled: bool
    ema: float
    seed: int
    settings: Mapping[str, Any]
    images_scale: float
    max_minutes: float | None
    checkpoint_every: int
    sample_every: int
    keep_every: int
    validate_every: int
    validation_share: float
    threads: int | None
    workers: int | None


def parse_settings(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> dict[str, Any]:
    """Return ``key=value`` texts as a dict: numbers, true, false, null, lists, else text."""
    settings: dict[str, Any] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"'{text}' is not of the form key=value.")
        try:
            settings[key] = json.loads(value)
        except json.JSONDecodeError:
            settings[key] = value
    return settings


_OPTIONS = (
    click.option(
        "--data", multiple=True, required=True, metavar="NAME[:PATH]", help="Data set; repeatable."
    ),
    click.option(
        "--output", type=click.Path(path_type=Path), required=True, help="Folder of the run."
    ),
    click.option("--resume", is_flag=True, help="Go on with the run in --output."),
    click.option(
        "--protocol", help="Train only on what this evaluation protocol leaves for training."
    ),
    click.option(
        "--limit", type=click.IntRange(min=1), help="At most so many images of each data set."
    ),
    click.option(
        "--coverings",
        default="random",
        show_default=True,
        metavar="KIND,...",
        help="Kinds of the synthetic coverings (restore-recog coverings names them).",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path),
        help="Folder for the aligned crops, to share between runs.  [default: OUTPUT/crops]",
    ),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
        default="auto",
        show_default=True,
        help="auto: bfloat16 on GPUs that have it. fp16 scales the losses.",
    ),
    click.option(
        "--compile",
        "compiled",
        is_flag=True,
        help="Compile the networks; what cannot be compiled runs eagerly and says so.",
    ),
    click.option(
        "--ema",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.0,
        metavar="DECAY",
        help="Write, show and validate the running average of the weights; 0.999 is usual.  "
        "[default: 0, none]",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option(
        "--set",
        "settings",
        multiple=True,
        callback=parse_settings,
        metavar="KEY=VALUE",
        help="An option of the model's training; repeatable.",
    ),
    click.option(
        "--images-scale",
        type=click.FloatRange(min=0, min_open=True),
        default=1.0,
        show_default=True,
        help="Factor on the length of every phase.",
    ),
    click.option(
        "--max-minutes",
        type=click.FloatRange(min=0, min_open=True),
        help="Save and stop after so long; --resume goes on.",
    ),
    click.option(
        "--checkpoint-every",
        type=click.IntRange(min=1),
        default=50_000,
        show_default=True,
        help="Images between checkpoints; one is saved every five minutes in any case.",
    ),
    click.option(
        "--sample-every",
        type=click.IntRange(min=1),
        default=20_000,
        show_default=True,
        help="Images between sample images.",
    ),
    click.option(
        "--keep-every",
        type=click.IntRange(min=0),
        default=0,
        help="Also keep the weights every so many images, in OUTPUT/kept.  [default: none]",
    ),
    click.option(
        "--validate-every",
        type=click.IntRange(min=1),
        default=10_000,
        show_default=True,
        help="Images between two validations; the best weights are kept in OUTPUT.",
    ),
    click.option(
        "--validation-share",
        type=click.FloatRange(0, 0.5),
        default=0.05,
        show_default=True,
        help="Share of the people who are held out for validation; 0 for no validation.",
    ),
    click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the model."),
    click.option(
        "--workers",
        type=click.IntRange(min=0),
        help="Processes that prepare batches.  [default: 1, on a GPU up to 8]",
    ),
)


def training_options(function: F) -> F:
    """Add every common option to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
