"""``restore-recog leaderboard``: the restorers of finished runs in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from restore_recog.cli import options
from restore_recog.names import label

if TYPE_CHECKING:
    from restore_recog.reporting.leaderboard.rows import Run


@click.command("leaderboard")
@click.argument("runs", type=click.Path(path_type=Path), metavar="RUN ...", nargs=-1, required=True)
@options.output(
    "Also write leaderboard.html, .csv, .tex and .json into this folder; must not exist.",
    metavar="FOLDER",
)
def command(runs: tuple[Path, ...], output: Path | None) -> None:
    """Rank the restorers of finished runs in one table: who is helped, and at what cost.

    RUN is a results folder of 'restore-recog eval', of one recogniser or of several. The tests of
    all rows are corrected together. What a restorer costs is measured only where 'eval' itself
    makes a leaderboard (--restorer all, or several protocols).

    \b
    Examples:
      restore-recog leaderboard runs/lfw runs/rmfrd
      restore-recog leaderboard runs/* -o leaderboard
    """
    from restore_recog.reporting.leaderboard import files
    from restore_recog.reporting.leaderboard.rows import leaderboard
    from restore_recog.system.atomic import check_output, whole_folder

    if output is not None:
        check_output(output)
    board = leaderboard([one for run in runs for one in _read(run)])
    if output is not None:
        with whole_folder(output) as staging:
            files.write(board, staging)
    click.echo(files.text(board))
    if output is not None:
        click.echo(f"\nThe whole leaderboard: {output / f'{files.NAME}.html'}")


def _read(folder: Path) -> list[Run]:
    """Return the runs in a results folder, called by the folder's name.

    Raises:
        DataError: It is no results folder.
    """
    from restore_recog.reporting import several
    from restore_recog.reporting.folder import read
    from restore_recog.reporting.leaderboard.rows import Run

    called, reports = label(folder.resolve().name), several.read(folder)
    if reports:
        return [Run(called, name, report) for name, report in reports.items()]
    report = read(folder)
    recognizer = report.setup.get("recognizer", {})
    return [Run(called, str(recognizer.get("name", "")), report)]
