"""``restore-recog train-classifier``: train a classifier of expressions or of another label."""

from __future__ import annotations

from typing import Any

import click

from restore_recog.cli.plugin_names import PluginName
from restore_recog.cli.training_options import TrainingOptions, training_options
from restore_recog.cli.training_run import train


@click.command("train-classifier")
@click.option(
    "--classifier",
    type=PluginName("classifiers"),
    default="resnet18",
    show_default=True,
    metavar="NAME[:LABEL]",
    help="Classifier, and what it is to tell (expression, gender): a registered name or "
    "module:Class.",
)
@click.option("--preset", help="Sizes and schedule, where it has several, as 'gender' has.")
@training_options
def command(classifier: str, preset: str | None, **given: Any) -> None:
    """Train a classifier of faces, on images whose label is known, each class equally often.

    The protocols 'expression' and 'gender' ask one what it sees in restored faces; a restorer
    may ask one what it sees in covered faces. Images that a data set marks for testing are left
    out. The run can be stopped at any point and continues exactly there with --resume.

    \b
    Examples:
      restore-recog train-classifier --data phantom --data ferplus:PATH --output runs/expression
      restore-recog train-classifier --data rafdb:PATH --set width=64 --output runs/rafdb
      restore-recog train-classifier --classifier gender --preset compact --coverings all \\
          --data utkface:PATH --data lfw:PATH --output runs/gender
    """
    from restore_recog import registry

    plugin = registry.classifiers.load(classifier)
    own = {} if preset is None else {"preset": preset}
    train(TrainingOptions(**given), plugin, (registry.classifiers.argument(classifier),), **own)
