"""``restore-recog train-restorer``: train a restorer."""

from __future__ import annotations

from typing import Any

import click

from restore_recog.cli import options
from restore_recog.cli.training_options import TrainingOptions, training_options
from restore_recog.cli.training_run import train


@click.command("train-restorer")
@options.restorer(required=True)
@click.option("--preset", default="compact", show_default=True, help="Sizes and schedule.")
@training_options
def command(restorer: str, preset: str, **given: Any) -> None:
    """Train a restorer on clean faces with synthetic coverings.

    Images that a data set marks for testing are left out. The run can be stopped by
    Ctrl-C, a kill or --max-minutes at any point, and continues exactly there with --resume.

    \b
    Example:
      restore-recog train-restorer --restorer fmodr --preset compact \\
          --data phantom --data lfw:PATH --output runs/fmodr
    """
    from restore_recog import registry

    plugin = registry.restorers.load(restorer)
    train(TrainingOptions(**given), plugin, (), preset=preset)
