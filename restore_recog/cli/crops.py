"""``restore-recog crops``: write what an evaluation gives a restorer, for a system outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog.cli import options
from restore_recog.cli.eval import unasked
from restore_recog.cli.eval_options import evaluation_options
from restore_recog.cli.eval_run import build_request, check_names

if TYPE_CHECKING:
    from restore_recog.evaluation.run.planned import Planned
    from restore_recog.restoring.crop_folder import CropWriter
    from restore_recog.system.progress import Bars

FAILURES = "failures.csv"

ASKED = (
    *("protocol", "data", "segmenter", "arms", "coverings", "colour", "pattern", "difficulty"),
    *("faces_policy", "crop_size", "limit", "batch_size", "seed", "device", "threads"),
)
"""Options of ``eval`` on which it depends what a restorer is given."""

RECORDED = ("data", "protocol", "segmenter", "arms", "faces_policy", "limit", "seed")


@click.command("crops")
@evaluation_options(
    only=ASKED, output="Folder of the crops; must not exist.  [default: runs/<time>-crops]"
)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    default=128,
    show_default=True,
    metavar="PIXELS",
    help="Side of the crops, as the system wants them.",
)
@click.option(
    "--polarity",
    type=click.Choice(["1", "0"]),
    default="1",
    show_default=True,
    help="Covered pixels in the mask files: 1 is white, 0 black.",
)
def command(**given: Any) -> None:
    """Write the crops that an evaluation gives a restorer, for any system to restore.

    OUTPUT/occluded holds the crops, OUTPUT/masks their masks, manifest.json what they are of.
    Let the system write its images into OUTPUT/restored under the same names; then measure them
    with eval --restorer precomputed:OUTPUT and the same data, protocol, segmenter, arms, coverings
    and seed.

    \b
    Examples:
      restore-recog crops -p fmor --limit 100 -o crops
      restore-recog crops -d lfw:PATH --segmenter true --size 512 --polarity 0 -o crops
      restore-recog eval -d lfw:PATH --segmenter true -r precomputed:crops
    """
    check_names({**unasked(), **given, "restorers": ()}, given["segmenter"])
    output: Path = given["output"] or options.default_output("crops")
    from restore_recog.restoring.crop_folder import RESTORED, CropWriter
    from restore_recog.system.atomic import check_output, whole_folder
    from restore_recog.system.progress import Bars
    from restore_recog.system.sole_use import sole_use

    with sole_use(output):
        check_output(output)
        with Bars() as bars, whole_folder(output) as folder:
            planned = _planned(given, output, bars)
            writer = CropWriter(folder, given["size"], int(given["polarity"]))
            failed = _fill(writer, planned, folder)
    count = len({row.image_id for row in writer.rows})
    click.echo(f"{len(writer.names)} crops of {count} images are in {output}.")
    if failed:
        click.echo(f"What failed ({failed}) is listed in {output / FAILURES}.")
    click.echo(f"Put the results into {output / RESTORED} under the names of the crops.")


def _planned(given: dict[str, Any], output: Path, bars: Bars) -> Planned:
    """Return the evaluation whose crops are asked for; no image is read."""
    from restore_recog.evaluation.evaluate import check_request
    from restore_recog.evaluation.run.given import Outside
    from restore_recog.evaluation.run.ledger import Ledger
    from restore_recog.evaluation.run.planned import Planned

    wanted = {"restorers": (Outside(given["size"]),), "no_cache": True}
    request = build_request({**unasked(), **given, **wanted}, output)
    check_request(request)
    return Planned(request, Ledger(bars.update))


def _fill(writer: CropWriter, planned: Planned, folder: Path) -> int:
    """Write everything into a folder and return how many images failed somewhere."""
    from restore_recog.errors import DataError
    from restore_recog.evaluation.run.given import given
    from restore_recog.system.text import write_csv

    for one in given(planned):
        sample = one.face.sample
        whose = (sample.image_id, sample.subject)
        writer.add(one.image, one.hole, one.arm, whose, one.matrix)
    failures = dict.fromkeys(planned.ledger.failures)
    if not writer.rows:
        raise DataError(
            "There is nothing to restore: no arm has a restorer, or no image a mask; name "
            f"--arms restored, or another --segmenter than {_segmenters(planned)}."
        )
    described = planned.request.describe()
    writer.finish(
        {
            "command": planned.request.command,
            **{name: described[name] for name in RECORDED},
            "coverings": planned.request.covered() if planned.plan.synthetic else None,
            "crop_size": planned.size,
        }
    )
    if failures:
        rows = ((f.stage, f.image_id, f.subject, f.reason) for f in failures)
        write_csv(folder / FAILURES, ("stage", "image_id", "subject", "reason"), rows)
    return len({failure.image_id for failure in failures})


def _segmenters(planned: Planned) -> str:
    from restore_recog.segmenters.names import described

    return ", ".join(map(described, planned.request.choices()))
