"""``restore-recog segmenters``: segmenters side by side, and what their errors cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog.cli import options
from restore_recog.cli.eval import unasked
from restore_recog.cli.eval_options import OPTIONS, evaluation_options
from restore_recog.cli.eval_run import build_request, check_names
from restore_recog.cli.plugin_names import PluginName

if TYPE_CHECKING:
    from restore_recog.evaluation.segmenters.figures import Study

OTHERS = (
    "segmenter",
    "arms",
    "cohorts",
    "min_subjects",
    "judges",
    "expression",
    "gender",
    "unsure",
    "harm",
    "classifier",
    "resume",
    "overwrite",
    "no_cache",
)
"""Options of ``eval`` that this command does not have: the study decides them."""


@click.command("segmenters")
@click.option(
    "--segmenter",
    "segmenters",
    type=PluginName("segmenters", "restorers"),
    multiple=True,
    metavar="NAME[=FILE]",
    help="Segmenter to evaluate: that of the restorer NAME, with the weights FILE, a "
    "registered one, or module:Class; repeat for several.  [default: those of the restorers]",
)
@click.option(
    "--margin",
    "margins",
    multiple=True,
    type=click.IntRange(min=1),
    default=[2, 4],
    show_default=True,
    metavar="PIXELS",
    help="Reference points: the true mask narrowed and widened by this much; repeat for several.",
)
@click.option("--no-clean", is_flag=True, help="Leave out the masks of unoccluded faces.")
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="Number of each segmenter's worst masks to show.",
)
@evaluation_options(
    only=[name for name in OPTIONS if name not in OTHERS],
    output="Results folder; must not exist.  [default: runs/<time>-segmenters]",
)
def command(**given: Any) -> None:
    """Evaluate segmenters: how good their masks are, and what their errors cost recognition.

    One evaluation per segmenter on the same probes. They are compared with the true mask, the
    true mask narrowed and widened by a few pixels, and one fixed mask for every face. Data
    without true masks shows only how far the segmenters agree, and recognition.

    \b
    Examples:
      restore-recog segmenters --segmenter fmodr --data lfw:PATH
      restore-recog segmenters --segmenter fmodr --segmenter ganmasker=W.safetensors -r telea
      restore-recog segmenters --segmenter my_module:MySegmenter --limit 100
    """
    check_names(given, given["segmenters"])
    from restore_recog.system.atomic import check_output
    from restore_recog.system.sole_use import sole_use

    output = given["output"] or options.default_output("segmenters")
    with sole_use(output):
        check_output(output)
        results = _study(given, output)
        from restore_recog.reporting import segmenter_files

        segmenter_files.write(results, output)
    click.echo(segmenter_files.text(results))
    click.echo(f"\nThe whole study: {output / 'segmenters.html'}")


def _study(given: dict[str, Any], output: Path) -> Study:
    from restore_recog.evaluation.segmenters.study import study
    from restore_recog.segmenters.names import DEFAULT_SEGMENTER
    from restore_recog.system.progress import Bars

    request = build_request({**unasked(), **given}, output)
    restorers = request.named()
    own = [name for name, restorer in restorers.items() if restorer.segmenter() is not None]
    with Bars() as bars:
        return study(
            request,
            given["segmenters"] or own or [DEFAULT_SEGMENTER],
            bars.update,
            margins=given["margins"],
            clean=not given["no_clean"],
            worst=given["worst"],
        )
