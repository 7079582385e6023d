"""The options that the training commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from restore_recog.cli import options
from restore_recog.training.settings import TrainingSettings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(TrainingSettings):
    """The options common to the commands, beside the trainer's; their help texts are below."""

    data: tuple[str, ...]
    output: Path
    resume: bool
    protocol: str | None
    leave_out: Path | None
    limit: int | None
    coverings: str
    cache: Path | None
    settings: Mapping[str, Any]
    validation_share: float
    threads: int | None
    asked_workers: int | None


_OPTIONS = (
    options.data(required=True),
    options.output("Folder of the run.", required=True),
    click.option("--resume", is_flag=True, help="Continue the run in --output."),
    options.protocol("Train only on what this evaluation protocol leaves for training."),
    options.leave_out,
    options.images_limit,
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
    options.device,
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
    options.seed,
    options.training_settings,
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
        help="Save and stop after this long; --resume continues.",
    ),
    click.option(
        "--checkpoint-every",
        "save_every",
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
        help="Images between weights that are kept for good, in OUTPUT/kept.  [default: none]",
    ),
    click.option(
        "--log",
        "trackers",
        type=click.Choice(["tensorboard", "wandb", "mlflow"]),
        multiple=True,
        default=["tensorboard"],
        show_default=True,
        help="Where losses, validations, sample images and the options are logged; repeat for "
        "several, e.g. --log tensorboard --log wandb. --resume goes on in the same run there.",
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
        help="Share of the people held out for validation; 0 for none.",
    ),
    options.threads,
    click.option(
        "--workers",
        "asked_workers",
        type=click.IntRange(min=0),
        help="Processes that prepare batches.  [default: 1; on a GPU all cores but one]",
    ),
)


def training_options(function: F) -> F:
    """Add every common option to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
