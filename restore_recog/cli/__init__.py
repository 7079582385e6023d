"""The command line: each command is a module of its own, imported only when used."""

from __future__ import annotations

import difflib
import errno
import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from restore_recog import __version__
from restore_recog.errors import RestoreRecogError
from restore_recog.names import printable

COMMANDS = {
    "eval": ("restore_recog.cli.eval", "Measure whether restoring faces helps a recogniser."),
    "report": ("restore_recog.cli.report", "Show a finished run again, in any form."),
    "compare": ("restore_recog.cli.compare", "Show finished runs side by side."),
    "leaderboard": (
        "restore_recog.cli.leaderboard",
        "Rank restorers over finished runs on one page.",
    ),
    "reproduce": (
        "restore_recog.cli.reproduce",
        "Compare a published table with your results.",
    ),
    "segmenters": (
        "restore_recog.cli.segmenters",
        "Measure segmenters and what their errors cost recognition.",
    ),
    "landmarks": ("restore_recog.cli.landmarks", "Measure landmarkers on bare and covered faces."),
    "crops": (
        "restore_recog.cli.crops",
        "Write what an evaluation restores, for a system outside.",
    ),
    "restore": ("restore_recog.cli.restore", "Restore masked faces in images."),
    "train-restorer": ("restore_recog.cli.train_restorer", "Train a restorer on your faces."),
    "train-recognizer": ("restore_recog.cli.train_recognizer", "Train a recogniser on your faces."),
    "train-segmenter": ("restore_recog.cli.train_segmenter", "Train a segmenter on your faces."),
    "train-classifier": (
        "restore_recog.cli.train_classifier",
        "Train a classifier of expressions on your faces.",
    ),
    "train-landmarker": ("restore_recog.cli.train_landmarker", "Train a landmarker on your faces."),
    "pack": ("restore_recog.cli.pack", "Pack the training faces of data sets into one file."),
    "validate": ("restore_recog.cli.validate", "Check data sets for problems."),
    "export": ("restore_recog.cli.export", "Export a restorer as ONNX or torch.export."),
    "publish": ("restore_recog.cli.publish", "Put weights on the Hugging Face hub."),
    "bench": ("restore_recog.cli.bench", "Measure speed and memory (checkout only)."),
    "coverings": ("restore_recog.cli.coverings", "List and draw the synthetic coverings."),
    "list": ("restore_recog.cli.list", "List the installed plug-ins."),
}
"""Command name -> (module that defines ``command``, one line for the overview)."""

SYSTEM = {
    errno.ENOSPC: "The disk is full{}; free some space and run the command again.",
    errno.EDQUOT: "Your disk quota is used up{}; free some space and run the command again.",
    errno.EACCES: "Permission denied{}; choose a folder that you may read and write.",
    errno.ENAMETOOLONG: "A name is too long for the file system{}; shorten it.",
    errno.ELOOP: "A chain of links leads nowhere{}; name what it should lead to.",
    errno.EROFS: "The file system is read-only{}; choose another --output.",
}
"""Failures of the operating system that a user can fix, and what to say."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does: nothing half written stays.

    Not where torchrun has started several processes: one that waits for the others would go on
    waiting, since Python hears of a signal only when the wait is over.
    """
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    if not alone or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer meets them."""
        return [*COMMANDS]  # list: once it is imported, the module of that command

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported now, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; a misspelt one is answered with a suggestion."""
        name = args[0]
        near = [c for c in COMMANDS if name.startswith(c)]  # "evaluate" before what looks like it
        near = near or difflib.get_close_matches(name, COMMANDS, n=1)
        if name not in COMMANDS and near:
            ctx.fail(f"No such command '{name}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview from the table, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected failure becomes one sentence and exit code 1."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name that it cannot print is escaped
                stream.reconfigure(errors="backslashreplace")
        try:
            with terminable():
                return super().invoke(ctx)
        except RestoreRecogError as error:
            raise click.ClickException(printable(error)) from error
        except OSError as error:
            if error.errno not in SYSTEM:
                raise
            where = printable(f" ({error.filename})") if error.filename else ""
            raise click.ClickException(SYSTEM[error.errno].format(where)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="restore-recog")
def main() -> None:
    """Measure whether restoring a masked face first helps a face recogniser.

    Start with the main job; it needs no data and no downloads:

    \b
      restore-recog eval --restorer fmodr --protocol fmor
    """
