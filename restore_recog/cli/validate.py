"""``restore-recog validate``: check data sets for problems before anything is measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from restore_recog import registry
from restore_recog.cli import options
from restore_recog.names import printable

if TYPE_CHECKING:
    from restore_recog.data_checks.lists import Count, Finding

EXAMPLES = 5
"""Images or people that a finding names on the screen; --output lists all."""

_STYLE = {"fatal": {"fg": "red", "bold": True}, "warning": {"fg": "yellow"}, "note": {}}


@click.command("validate")
@options.data(required=True)
@options.protocol("Try this protocol's plan, too.")
@click.option("--quick", is_flag=True, help="Neither decode images nor look for equal ones.")
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@options.output("CSV file with every image and person concerned; must not exist.")
def command(
    data: tuple[str, ...], protocol: str | None, quick: bool, strict: bool, output: Path | None
) -> None:
    """Check data sets for problems: what is there, what is missing, what is there twice.

    Fatal findings make measurements wrong (files that cannot be read, people in two splits, one
    image under two people) and give exit code 1; warnings want a look; notes tell.

    \b
    Examples:
      restore-recog validate --data rmfrd:/data/rmfrd
      restore-recog validate -d lfw:/data/lfw -p lfw --output findings.csv
      restore-recog validate -d celeba:/data/celeba --quick
    """
    for spec in data:
        registry.datasets.check(spec)
    if protocol is not None:
        registry.protocols.check(protocol)
    from restore_recog.data_checks.lists import validate
    from restore_recog.system.atomic import check_file, check_place, write_text
    from restore_recog.system.progress import Bars
    from restore_recog.system.text import csv_text

    if output is not None:
        check_file(output)
        check_place(output.parent)
    with Bars() as bars:
        results = validate(
            [registry.datasets.create(spec) for spec in data],
            protocol=None if protocol is None else registry.protocols.create(protocol),
            quick=quick,
            progress=bars.update,
        )
    if output is not None:
        write_text(output, csv_text(results.rows()), overwrite=False)
    click.echo(_counts(results.counts))
    for finding in results.findings:
        _show(finding)
    fatal, warnings = results.number("fatal"), results.number("warning")
    click.echo(f"\nFound: {_plural(fatal, 'fatal finding')}, {_plural(warnings, 'warning')}.")
    if fatal or (strict and warnings):
        raise SystemExit(1)


def _plural(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _counts(counts: Sequence[Count]) -> str:
    """Return a table with one row per data set and a column for every condition and split."""
    from restore_recog.reporting.tables import text_table

    conditions = sorted({name for count in counts for name in count.conditions})
    splits = sorted({name for count in counts for name in count.splits if name})
    head = ["data", "images", "people", *conditions, *splits]
    rows = []
    for count in counts:
        shown = [count.images, count.people, *(count.conditions.get(c, 0) for c in conditions)]
        shown += [count.splits.get(split, 0) for split in splits]
        rows.append([count.data, *(f"{number:,}" for number in shown)])
    return text_table(head, rows) + "\n"


def _show(finding: Finding) -> None:
    mark = click.style(f"{finding.severity:<9}", **_STYLE[finding.severity])  # type: ignore[arg-type]
    click.echo(f"{mark}{finding.data}: {printable(finding.sentence)}")
    for issue in finding.issues[:EXAMPLES]:
        click.echo(f"          {printable(': '.join(filter(None, (issue.where, issue.detail))))}")
    if len(finding.issues) > EXAMPLES:
        click.echo(f"          and {len(finding.issues) - EXAMPLES} more")
