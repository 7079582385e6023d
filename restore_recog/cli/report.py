"""``restore-recog report``: show a finished run again, in any form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from restore_recog.cli import options
from restore_recog.errors import OutputError

if TYPE_CHECKING:
    from restore_recog.evaluation.results import EvaluationReport

FORMATS = ("text", "html", "tex", "csv", "bib", "pdf", "svg")
ENDINGS = {
    **{".html": "html", ".htm": "html", ".tex": "tex", ".csv": "csv", ".txt": "text"},
    ".bib": "bib",
}


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@options.output(
    "Write to this file, or for pdf and svg into this folder.  [default: standard output; "
    "RUN/paper]",
    metavar="FILE",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="What to write; pdf and svg are all figures with their numbers beside them as CSV, bib "
    "is what a paper cites.  [default: by the ending of --output, else text]",
)
@click.option(
    "--columns",
    metavar="NAME,...",
    help="Figures of a LaTeX table in this order, e.g. rank1,rank1_gain,fnmr_frozen@fmr=0.001.  "
    "[default: those of the terminal]",
)
@click.option("--caption", help="Of a LaTeX table.  [default: what the run rests on]")
@click.option("--label", help="Of a LaTeX table.  [default: tab:restoring]")
@click.option("--overwrite", is_flag=True, help="Replace the file or folder if it exists.")
def command(
    run: Path,
    output: Path | None,
    form: str | None,
    columns: str | None,
    caption: str | None,
    label: str | None,
    overwrite: bool,
) -> None:
    """Show a finished run again: as text, page, LaTeX, CSV, or what a paper needs of it.

    RUN is a results folder of 'restore-recog eval'. Only its records are read: no images, no
    data, no GPU.

    \b
    Examples:
      restore-recog report runs/monday
      restore-recog report runs/monday --output table.tex
      restore-recog report runs/monday -o table.tex --columns rank1,rank1_gain --label tab:lfw
      restore-recog report runs/monday --format pdf --output paper/figures
      restore-recog report runs/monday -o runs/monday/report.html --overwrite
    """
    if form is None and output is not None and output.suffix.lower() not in ENDINGS:
        raise click.UsageError(
            f"'{output.name}' does not say in which form to write; end it in .html, .tex, .csv, "
            ".bib or .txt, or give --format."
        )
    chosen = form or ("text" if output is None else ENDINGS[output.suffix.lower()])
    if chosen != "tex" and (columns or caption or label):
        raise click.UsageError("--columns, --caption and --label are for LaTeX: --format tex.")
    if chosen in ("pdf", "svg"):
        _write_figures(run, output or run / "paper", chosen, overwrite)
        return
    from restore_recog.system.atomic import check_file, write_text

    if output is not None:
        if output.is_file() and not overwrite:
            raise OutputError(f"'{output}' exists; name another file, or give --overwrite.")
        check_file(output, overwrite=overwrite)
    content = _content(run, chosen, _Latex(columns, caption, label))
    if output is None:
        click.echo(content, nl=not content.endswith("\n"))
    else:
        write_text(output, content, overwrite=overwrite)


class _Latex(NamedTuple):
    """What is asked of a LaTeX table."""

    columns: str | None
    caption: str | None
    label: str | None

    def table(self, report: EvaluationReport, number: int = 0) -> str:
        """Return the table of a report; *number* tells several apart by their labels."""
        from restore_recog.reporting.folder import caption
        from restore_recog.reporting.latex import arms_latex, chosen

        names = [name.strip() for name in (self.columns or "").split(",") if name.strip()]
        try:
            columns = chosen(names, report.arms)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--columns") from error
        label = (self.label or "tab:restoring") + (f"-{number}" if number else "")
        return arms_latex(report.arms, self.caption or caption(report), columns, label)


def _reports(run: Path) -> dict[str, EvaluationReport]:
    """Return the reports of a results folder, by recogniser; one alone has no name."""
    from restore_recog.reporting import several
    from restore_recog.reporting.folder import read

    return several.read(run) or {"": read(run)}


def _write_figures(run: Path, folder: Path, form: str, overwrite: bool) -> None:
    """Write all figures of a run, of several recognisers a folder each."""
    from restore_recog.reporting import paper

    for name, report in _reports(run).items():
        place = folder / name if name else folder
        count = paper.write(report, place, form, replace=overwrite)
        click.echo(f"{count} figures as {form.upper()} with their numbers, and BibTeX: {place}")


def _content(run: Path, form: str, latex: _Latex) -> str:
    from restore_recog.reporting import paper, several
    from restore_recog.reporting.pages.report import page
    from restore_recog.reporting.tables import arms_csv, report_text

    reports = _reports(run)
    if form == "tex":
        alone = len(reports) == 1
        tables = (latex.table(one, 0 if alone else i) for i, one in enumerate(reports.values(), 1))
        return "\n".join(tables)
    if form == "bib":
        entries = "\n".join(paper.bibtex(report) for report in reports.values()).split("\n\n")
        return "\n\n".join(dict.fromkeys(entries))
    if "" not in reports:
        render = {"html": several.page, "csv": several.table_csv, "text": several.text}
        return render[form](reports) + ("\n" if form == "text" else "")
    report = reports[""]
    if form == "html":
        return page(report)
    return report_text(report) + "\n" if form == "text" else arms_csv(report.arms)
