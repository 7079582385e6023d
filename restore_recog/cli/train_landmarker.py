"""``restore-recog train-landmarker``: train a landmarker."""

from __future__ import annotations

from typing import Any

import click

from restore_recog.cli.plugin_names import PluginName
from restore_recog.cli.training_options import TrainingOptions, training_options
from restore_recog.cli.training_run import train


@click.command("train-landmarker")
@click.option(
    "--landmarker",
    type=PluginName("landmarkers"),
    default="hourglass",
    show_default=True,
    metavar="NAME",
    help="Landmarker: a registered name or module:Class.",
)
@click.option("--preset", help="Sizes and schedule, where it has several.")
@training_options
def command(landmarker: str, preset: str | None, **given: Any) -> None:
    """Train a landmarker: 98 points of a face, half of the faces with a synthetic covering.

    It learns from images of which some of the 98 points are known: phantoms and WFLW have all
    of them, YTF68 has 68. Images that a data set marks for testing are left out. The run can be
    stopped at any point and continues exactly there with --resume.

    \b
    Examples:
      restore-recog train-landmarker --data phantom --data ytf68:PATH --output runs/landmarks
      restore-recog train-landmarker --preset paper --data wflw:PATH --coverings all \\
          --output runs/wflw
    """
    from restore_recog import registry

    plugin = registry.landmarkers.load(landmarker)
    own = {} if preset is None else {"preset": preset}
    call = (registry.landmarkers.argument(landmarker),)
    train(TrainingOptions(**given), plugin, call, **own)
