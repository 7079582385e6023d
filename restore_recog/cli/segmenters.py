"""``restore-recog segmenters``: segmenters side by side, and what their errors cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from restore_recog import registry
from restore_recog.cli.reproduce import eval_options
from restore_recog.segmenters import names

if TYPE_CHECKING:
    from restore_recog.evaluation.segmenters.results import Study

Function = TypeVar("Function", bound=Callable[..., Any])

OTHERS = (
    "segmenter",
    "arms",
    "cohorts",
    "min_subjects",
    "judges",
    "resume",
    "overwrite",
    "no_cache",
)
"""Options of ``eval`` that this command has not: the study settles what they would."""


def _evaluation_options(function: Function) -> Function:
    """Give a command the options of ``eval`` but :data:`OTHERS`."""
    chosen = [option for option in eval_options() if option.name not in OTHERS]
    for option in chosen:
        if option.name == "output":
            option.help = "Results folder; must not exist.  [default: runs/<time>-segmenters]"
    own = getattr(function, "__click_params__", [])
    function.__click_params__ = [*chosen, *own]  # type: ignore[attr-defined]
    return function


@click.command("segmenters")
@click.option(
    "--segmenter",
    "segmenters",
    multiple=True,
    metavar="NAME[=FILE]",
    help="Segmenter to judge: the detector of the restorer NAME, with the weights FILE, a "
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
    help="Reference points: the true mask narrowed and widened by so much; repeat for several.",
)
@click.option(
    "--no-clean", is_flag=True, help="Leave out what is found on faces that nothing covers."
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="So many of each segmenter's worst masks are shown.",
)
@_evaluation_options
def command(**given: Any) -> None:
    """Judge segmenters: how good their masks are, and what their errors cost recognition.

    One evaluation a segmenter on the same probes. Beside them stand the true mask, the true mask
    narrowed and widened by a few pixels, and one fixed mask for every face. Data without true
    masks shows only how far the segmenters agree, and recognition.

    \b
    Examples:
      restore-recog segmenters --segmenter fmodr --data lfw:PATH
      restore-recog segmenters --segmenter fmodr --segmenter ganmasker=W.safetensors -r telea
      restore-recog segmenters --segmenter my_module:MySegmenter --limit 100
    """
    _check_names(given)
    from restore_recog.system.atomic import check_output

    output = given["output"] or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-segmenters"
    check_output(output)
    found = _study(given, output)
    from restore_recog.reporting import segmenter_files, segmenter_text

    segmenter_files.write(found, output)
    click.echo(segmenter_text.text(found))
    click.echo(f"\nThe whole study: {output / 'segmenters.html'}")


def _check_names(given: dict[str, Any]) -> None:
    """Find every wrong name before anything heavy is imported."""
    for spec in given["restorers"]:
        registry.restorers.check(spec)
    registry.protocols.check(given["protocol"])
    registry.recognizers.check(given["recognizer"])
    for spec in given["data"]:
        registry.datasets.check(spec)
    for choice in given["segmenters"]:
        names.check(choice)


def _study(given: dict[str, Any], output: Path) -> Study:
    from restore_recog.cli.eval import build_request
    from restore_recog.evaluation.run.session import named
    from restore_recog.evaluation.segmenters.study import study
    from restore_recog.segmenters.names import DEFAULT_SEGMENTER
    from restore_recog.system.progress import Bars

    defaults = click.Command("eval", params=list(eval_options())).make_context("eval", []).params
    request = build_request({**defaults, **given}, output)
    found = named(request.restorers)
    own = [name for name, restorer in found.items() if restorer.segmenter() is not None]
    with Bars() as bars:
        return study(
            request,
            given["segmenters"] or own or [DEFAULT_SEGMENTER],
            bars.update,
            margins=given["margins"],
            clean=not given["no_clean"],
            worst=given["worst"],
        )
