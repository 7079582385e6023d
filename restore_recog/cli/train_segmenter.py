"""``restore-recog train-segmenter``: train a segmenter."""

from __future__ import annotations

from typing import Any

import click

from restore_recog.cli.plugin_names import PluginName
from restore_recog.cli.training_options import TrainingOptions, training_options
from restore_recog.cli.training_run import train


@click.command("train-segmenter")
@click.option(
    "--segmenter",
    type=PluginName("segmenters"),
    required=True,
    metavar="NAME",
    help="Segmenter, e.g. maskrcnn: a registered name or module:Class.",
)
@click.option("--preset", help="Sizes and schedule, where it has several.")
@training_options
def command(segmenter: str, preset: str | None, **given: Any) -> None:
    """Train a segmenter on clean faces with synthetic coverings.

    Images that a data set marks for testing are left out. The run can be stopped by
    Ctrl-C, a kill or --max-minutes at any point, and continues exactly there with --resume.
    The segmenter of a restorer is trained with that restorer, by train-restorer.

    \b
    Example:
      restore-recog train-segmenter --segmenter maskrcnn --preset compact --coverings all \\
          --data phantom --data lfw:PATH --output runs/maskrcnn
    """
    from restore_recog import registry

    plugin = registry.segmenters.load(segmenter)
    own = {} if preset is None else {"preset": preset}
    train(TrainingOptions(**given), plugin, (registry.segmenters.argument(segmenter),), **own)
