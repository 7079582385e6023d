"""``restore-recog bench``: the benchmarks of a checkout, which are not installed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

import restore_recog

CHECKOUT = Path(restore_recog.__file__).resolve().parents[1]
"""Where ``benchmarks/`` lies if this package is a checkout's own."""


@click.command("bench", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def _absent(arguments: tuple[str, ...]) -> None:
    """Measure speed and memory; in a checkout of the source only."""
    raise click.ClickException(
        "The benchmarks come with a checkout of the source, not with the installed package; "
        "run this command from a checkout."
    )


def _command() -> click.Command:
    """Return the command of the checkout's ``benchmarks``, or one that says there is none."""
    if not (CHECKOUT / "benchmarks" / "cli.py").is_file():
        return _absent
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    group: click.Command = importlib.import_module("benchmarks.cli").command
    return group


command = _command()
