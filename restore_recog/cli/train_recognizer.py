"""``restore-recog train-recognizer``: train a face recogniser."""

from __future__ import annotations

from typing import Any

import click

from restore_recog.cli.plugin_names import PluginName
from restore_recog.cli.training_options import TrainingOptions, training_options
from restore_recog.cli.training_run import train


@click.command("train-recognizer")
@click.option(
    "--recognizer",
    type=PluginName("recognizers"),
    required=True,
    metavar="NAME[:MODEL]",
    help="Recogniser, e.g. timm:regnetx_002: a registered name or module:Class.",
)
@click.option(
    "--covered",
    type=click.FloatRange(0, 1),
    help="Share of the images that get a synthetic covering: a mask-aware recogniser.",
)
@training_options
def command(recognizer: str, covered: float | None, **given: Any) -> None:
    """Train a face recogniser on batches with the same number of images per person.

    Images that a data set marks for testing are left out. The run can be stopped by
    Ctrl-C, a kill or --max-minutes at any point, and continues exactly there with --resume.

    \b
    Examples:
      restore-recog train-recognizer --recognizer timm --covered 0.3 \\
          --data phantom --data lfw:PATH --output runs/timm
      restore-recog train-recognizer --recognizer timm \\
          --set loss=subcenter-arcface --data lfw:PATH --output runs/sca
    """
    from restore_recog import registry

    plugin = registry.recognizers.load(recognizer)
    own = {} if covered is None else {"covered": covered}
    train(TrainingOptions(**given), plugin, (registry.recognizers.argument(recognizer),), **own)
