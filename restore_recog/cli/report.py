"""``restore-recog report``: show a finished run again, in any form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from restore_recog.cli import options
from restore_recog.errors import OutputError

if TYPE_CHECKING:
    from restore_recog.evaluation.results import EvaluationReport

FORMATS = ("text", "html", "tex", "csv")
ENDINGS = {".html": "html", ".htm": "html", ".tex": "tex", ".csv": "csv", ".txt": "text"}


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@options.output("Write to this file.  [default: standard output]", metavar="FILE")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="What to write.  [default: by the ending of --output, else text]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def command(run: Path, output: Path | None, form: str | None, overwrite: bool) -> None:
    """Show a finished run again: as text, page, LaTeX or CSV.

    RUN is a results folder of 'restore-recog eval'. Only its records are read: no images, no
    data, no GPU.

    \b
    Examples:
      restore-recog report runs/monday
      restore-recog report runs/monday --output table.tex
      restore-recog report runs/monday -o runs/monday/report.html --overwrite
    """
    if form is None and output is not None and output.suffix.lower() not in ENDINGS:
        raise click.UsageError(
            f"'{output.name}' does not say in which form to write; end it in .html, .tex, .csv "
            "or .txt, or give --format."
        )
    from restore_recog.system.atomic import check_file, write_text

    if output is not None:
        if output.is_file() and not overwrite:
            raise OutputError(f"'{output}' exists; name another file, or give --overwrite.")
        check_file(output, overwrite=overwrite)
    chosen = form or ("text" if output is None else ENDINGS[output.suffix.lower()])
    content = _content(run, chosen)
    if output is None:
        click.echo(content, nl=not content.endswith("\n"))
    else:
        write_text(output, content, overwrite=overwrite)


def _content(run: Path, form: str) -> str:
    from restore_recog.reporting import several
    from restore_recog.reporting.folder import read as read_report

    reports = several.read(run)
    if not reports:
        return _rendered(read_report(run), form)
    if form == "text":
        return several.text(reports) + "\n"
    render = {"html": several.page, "csv": several.table_csv, "tex": several.table_latex}
    return render[form](reports)


def _rendered(report: EvaluationReport, form: str) -> str:
    from restore_recog.reporting.folder import caption
    from restore_recog.reporting.tables import arms_csv, arms_latex, report_text

    if form == "html":
        from restore_recog.reporting.pages.report import page

        return page(report)
    if form == "text":
        return report_text(report) + "\n"
    return arms_csv(report.arms) if form == "csv" else arms_latex(report.arms, caption(report))
