"""``restore-recog compare``: set finished runs side by side."""

from __future__ import annotations

from pathlib import Path

import click

from restore_recog.cli import options


@click.command("compare")
@click.argument(
    "runs", type=click.Path(path_type=Path), metavar="RUN RUN ...", nargs=-1, required=True
)
@options.output(
    "Also write compare.html, compare.json and tables into this folder; must not exist.",
    metavar="FOLDER",
)
def command(runs: tuple[Path, ...], output: Path | None) -> None:
    """Set finished runs side by side, and pair them where their probes are the same.

    Every later RUN is paired with the first: what became better or worse for the same probes,
    with an interval over people. Runs of other probes, data, galleries or versions
    of the protocol are shown beside each other, and it is said why they cannot be paired.

    \b
    Examples:
      restore-recog compare runs/telea runs/fmodr
      restore-recog compare runs/monday runs/tuesday runs/friday -o comparison
    """
    if len(runs) < 2:
        raise click.UsageError("Name at least two results folders.")
    from restore_recog.reporting import comparison_text
    from restore_recog.reporting.compare import compare, load
    from restore_recog.reporting.comparison_files import write
    from restore_recog.system.atomic import check_output

    if output is not None:
        check_output(output)
    comparison = compare(load(runs))
    if output is not None:
        write(comparison, output)
    click.echo(comparison_text.text(comparison))
    if output is not None:
        click.echo(f"\nThe whole comparison: {output / 'compare.html'}")
