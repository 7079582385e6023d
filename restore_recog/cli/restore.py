"""``restore-recog restore``: restore masked faces in images."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from restore_recog import registry
from restore_recog.cli import options
from restore_recog.cli.plugin_names import PluginName
from restore_recog.errors import OutputError
from restore_recog.labels import EXPRESSION, GENDER
from restore_recog.names import printable
from restore_recog.segmenters import names
from restore_recog.types import Failure

if TYPE_CHECKING:
    from restore_recog.restoring.image_files import Faces, ImageRestorer, RestoredFace
    from restore_recog.restoring.jobs import Job


@click.command("restore")
@click.argument(
    "inputs",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="IMAGE_OR_FOLDER...",
)
@options.output("Folder for the results.", required=True)
@options.restorer(default="fmodr", show_default=True)
@options.expression
@options.gender
@options.unsure
@options.weights
@click.option(
    "--segmenter",
    type=PluginName("segmenters", "restorers"),
    default="own",
    show_default=True,
    metavar="own|NAME[=FILE]",
    help="Finds the covering: the restorer's own segmenter (fmodr's if it has none), that of the "
    "restorer NAME with the weights FILE, or module:Class.",
)
@click.option(
    "--mask",
    "masks",
    type=click.Path(path_type=Path),
    help="Mask of the covering (white = covered): one file, or a folder of files with the "
    "images' names. Then no segmenter is used.",
)
@click.option(
    "--faces",
    type=click.Choice(["one", "largest", "all"]),
    default="one",
    show_default=True,
    help="What to do with several faces: report the image, take the largest, or all.",
)
@click.option("--aligned", is_flag=True, help="Each image is one aligned face crop already.")
@click.option("--crops", is_flag=True, help="Write the restored aligned crops, not the images.")
@click.option("--sheet", is_flag=True, help="Also write sheet.png: before, mask, after.")
@click.option(
    "--same-format",
    is_flag=True,
    help="Write JPEG and GIF as such, too; pixels outside the covering then change a little.",
)
@options.overwrite
@options.device
@options.threads
def command(inputs: tuple[Path, ...], **given: Any) -> None:
    """Restore masked faces in images and whole folders.

    Finds the face and its covering, restores what lies under it and writes an image of the
    same size into the output folder; outside the covering no pixel changes. It has its name,
    and PNG's ending where its own format (JPEG, GIF) would change pixels. An image in which
    nothing changes is copied. What appears is a plausible face, not the person's true one.

    An image that fails is reported and listed in failures.csv, the others are still
    restored, and the exit code is 1.

    \b
    Examples:
      restore-recog restore photo.jpg -o restored
      restore-recog restore album/ -o restored --faces all --sheet
      restore-recog restore crop.png --aligned --mask crop-mask.png -o restored
      restore-recog restore photo.jpg -r ecgan --expression happiness -o happy
    """
    registry.restorers.check(given["restorer"])
    names.check(given["segmenter"])
    for kind in (EXPRESSION, GENDER):
        if given[kind] == "each":
            raise click.UsageError(
                f"One image is written for each photograph; name one {kind}, not each."
            )
    (given["restorer"],) = options.told(
        [given["restorer"]], given["expression"], given["gender"], given["unsure"]
    )
    from restore_recog.restoring.jobs import Wanted, plan_jobs, write_failures

    output: Path = given["output"]
    wanted = Wanted(
        output,
        given["masks"],
        overwrite=given["overwrite"],
        same_format=given["same_format"],
        several=given["crops"] and given["faces"] == "all",
        sheet=given["sheet"],
    )
    planned = plan_jobs(inputs, wanted)
    for note in planned.notes:
        click.echo(printable(note), err=True)
    failures: list[Failure] = []
    try:
        _run(planned.jobs, _worker(given), given, failures)
    except BaseException:
        if failures:
            with suppress(OutputError):
                write_failures(failures, output)
        raise
    record = write_failures(failures, output)
    done, count = len(planned.jobs) - len(failures), len(planned.jobs)
    click.echo(printable(f"{done} of {count} images restored into {output}."))
    if record:
        click.echo(printable(f"The others are listed in {record}."))
        raise click.exceptions.Exit(1)


def _worker(given: dict[str, Any]) -> ImageRestorer:
    """Return the machine that restores one image after the other."""
    from restore_recog.restoring.image_files import ImageRestorer, segmenter_for
    from restore_recog.system import devices

    options.use_threads(given["threads"])
    device = devices.resolve(given["device"])
    restorer = registry.restorers.create(
        given["restorer"], weights=options.existing_weights(given["weights"]), device=device
    )
    segmenter = None if given["masks"] else segmenter_for(restorer, given["segmenter"])
    faces: Faces = "aligned" if given["aligned"] else given["faces"]
    return ImageRestorer(restorer, segmenter, faces=faces)


def _run(
    jobs: Sequence[Job], worker: ImageRestorer, given: dict[str, Any], failures: list[Failure]
) -> None:
    """Restore and write every image; those that cannot be done are added to the failures."""
    from tqdm import tqdm

    from restore_recog import images
    from restore_recog.restoring.image_files import SHEET_FACES, contact_sheet, restore_file
    from restore_recog.restoring.jobs import SHEET
    from restore_recog.system.progress import bar

    shown: list[RestoredFace] = []
    for job in bar(len(jobs), "restoring", iterable=jobs, unit="image"):
        result = restore_file(job, worker, crops=given["crops"], overwrite=given["overwrite"])
        for note in (result.reason,) if isinstance(result, Failure) else result.notes:
            tqdm.write(
                f"{printable(job.source, keep='')}: {printable(note).rstrip('.')}.", file=sys.stderr
            )
        if isinstance(result, Failure):
            failures.append(result)
        elif given["sheet"]:
            shown += result.faces[: SHEET_FACES - len(shown)]
    if shown:
        images.write(given["output"] / SHEET, contact_sheet(shown))
